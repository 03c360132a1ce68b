//! The keys of the configuration.
//!
//! ```toml
//! listen = "127.0.0.1:8080"       # where the page is served
//! language = "zh-Hant"            # en, zh-Hant or de
//! shop = "Corner Boutique"        # shown on the page
//! bundle = "spring.bundle"        # instead of the one inside the program
//! catalogue = "catalogue.sqlite"  # instead of the one in the state folder
//! engine = "auto"                 # auto, gpu, cpu or tract
//! threads = 2                     # of the network
//!
//! [camera]
//! folder = "photos/"              # replayed as a camera
//! frames_per_second = 5
//! hold_seconds = 5
//! ```
//! Paths are taken from the folder of the file that names them.

use crate::network::EngineChoice;
use serde::Deserialize;
use std::path::PathBuf;
use toml::Spanned;

/// The keys at the top, in the order of the page above.
pub const KEYS: [&str; 8] = ["listen", "language", "shop", "bundle", "catalogue", "engine", "threads", "camera"];
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
