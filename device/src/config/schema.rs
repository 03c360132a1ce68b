//! The keys of the configuration.
//!
//! ```toml
#![doc = include_str!("example.toml")]
//! ```
//! Paths are taken from the folder of the file that names them.

use crate::network::EngineChoice;
use serde::Deserialize;
use std::path::PathBuf;
use toml::Spanned;

/// An example with every key, as `clothingid run --help` shows it.
pub const EXAMPLE: &str = include_str!("example.toml");

/// The keys at the top, in the order of the page above.
pub const KEYS: [&str; 9] =
    ["listen", "language", "shop", "bundle", "previous_bundle", "catalogue", "engine", "threads", "camera"];
/// The keys of `[camera]`.
pub const CAMERA_KEYS: [&str; 3] = ["folder", "frames_per_second", "hold_seconds"];

/// One configuration; a key that is not there is `None`.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Address and port of the page.
    pub listen: Option<Spanned<String>>,
    /// Language of the page.
    pub language: Option<Spanned<String>>,
    /// The shop's name, shown on the page.
    pub shop: Option<String>,
    /// The bundle to use instead of the embedded one.
    pub bundle: Option<PathBuf>,
    /// The bundle before this one, which answers until the catalogue is embedded with this one.
    pub previous_bundle: Option<PathBuf>,
    /// The catalogue to use instead of the one in the state folder.
    pub catalogue: Option<PathBuf>,
    /// Which engine runs the network.
    pub engine: Option<EngineChoice>,
    /// Threads of the network.
    pub threads: Option<Spanned<u16>>,
    /// The camera.
    #[serde(default)]
    pub camera: CameraConfig,
}

/// The camera's part of the configuration.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CameraConfig {
    /// Photographs that are replayed.
    pub folder: Option<PathBuf>,
    /// Frames a second.
    pub frames_per_second: Option<Spanned<f64>>,
    /// Seconds that each photograph is held.
    pub hold_seconds: Option<Spanned<f64>>,
}

impl Config {
    /// This configuration with the keys of `other` in front.
    #[must_use]
    pub fn overridden_by(self, other: Self) -> Self {
        Self {
            listen: other.listen.or(self.listen),
            language: other.language.or(self.language),
            shop: other.shop.or(self.shop),
            bundle: other.bundle.or(self.bundle),
            previous_bundle: other.previous_bundle.or(self.previous_bundle),
            catalogue: other.catalogue.or(self.catalogue),
            engine: other.engine.or(self.engine),
            threads: other.threads.or(self.threads),
            camera: CameraConfig {
                folder: other.camera.folder.or(self.camera.folder),
                frames_per_second: other.camera.frames_per_second.or(self.camera.frames_per_second),
                hold_seconds: other.camera.hold_seconds.or(self.camera.hold_seconds),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    #[test]
    fn the_example_has_every_key_and_is_read() {
        let table: toml::Table = EXAMPLE.parse().unwrap();
        let camera = table["camera"].as_table().unwrap();
        assert!(KEYS.iter().all(|key| table.contains_key(*key)) && table.len() == KEYS.len(), "{table:?}");
        assert!(
            CAMERA_KEYS.iter().all(|key| camera.contains_key(*key)) && camera.len() == CAMERA_KEYS.len(),
            "{camera:?}"
        );
        let config = crate::config::parse(Path::new("/etc/clothingid/config.toml"), EXAMPLE).unwrap();
        assert_eq!(config.catalogue, Some("/etc/clothingid/catalogue.db".into()));
    }
}
