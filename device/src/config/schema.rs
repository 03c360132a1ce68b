//! The keys of the configuration.
//!
//! ```toml
#![doc = include_str!("example.toml")]
//! ```
//! Paths are taken from the folder of the file that names them.

use crate::camera::ControlWishes;
use crate::network::EngineChoice;
use crate::update::Kind;
use serde::Deserialize;
use std::path::PathBuf;
use toml::Spanned;

/// An example with every key, as `clothingid run --help` shows it.
pub const EXAMPLE: &str = include_str!("example.toml");

/// The keys at the top, in the order of the page above.
pub const KEYS: [&str; 16] = [
    "listen",
    "language",
    "shop",
    "bundle",
    "previous_bundle",
    "catalogue",
    "engine",
    "threads",
    "second_look",
    "uploads_per_second",
    "camera",
    "screen",
    "staff",
    "lan",
    "look",
    "update",
];
/// The keys of `[camera]`.
pub const CAMERA_KEYS: [&str; 9] =
    ["device", "folder", "film", "width", "height", "frames_per_second", "format", "hold_seconds", "controls"];
/// The keys of `[screen]`.
pub const SCREEN_KEYS: [&str; 12] = [
    "output",
    "device",
    "rotation",
    "width",
    "height",
    "file",
    "controller",
    "spi",
    "gpio",
    "dc",
    "reset",
    "backlight",
];

/// The keys of `[staff]`.
pub const STAFF_KEYS: [&str; 1] = ["media"];

/// The keys of `[lan]`.
pub const LAN_KEYS: [&str; 4] = ["listen", "name", "certificate", "key"];

/// The keys of `[look]`.
pub const LOOK_KEYS: [&str; 3] = ["logo", "accent", "paper"];

/// The keys of `[update]`.
pub const UPDATE_KEYS: [&str; 3] = ["source", "allow", "quiet_minutes"];

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
    /// Whether frames are looked at twice, the second time where the garment is.
    pub second_look: Option<bool>,
    /// Photographs that the API answers, a second at most.
    pub uploads_per_second: Option<Spanned<f64>>,
    /// The camera.
    #[serde(default)]
    pub camera: CameraConfig,
    /// The screen of the appliance itself.
    #[serde(default)]
    pub screen: ScreenConfig,
    /// The staff's pages.
    #[serde(default)]
    pub staff: StaffConfig,
    /// The shop's network.
    #[serde(default)]
    pub lan: LanConfig,
    /// The shop's logo and colours.
    #[serde(default)]
    pub look: LookConfig,
    /// Updates that a head office signs.
    #[serde(default)]
    pub update: UpdateConfig,
}

/// The part of the configuration for updates. Without `source` none are looked for.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct UpdateConfig {
    /// Where they come from: a folder, or an address that begins with `https://`.
    pub source: Option<Spanned<String>>,
    /// What is updated; all kinds where it is not said.
    pub allow: Option<Vec<Kind>>,
    /// For how long no customer may have been there.
    pub quiet_minutes: Option<Spanned<u16>>,
}

impl UpdateConfig {
    /// This table with the keys of `other` in front.
    fn overridden_by(self, other: Self) -> Self {
        Self {
            source: other.source.or(self.source),
            allow: other.allow.or(self.allow),
            quiet_minutes: other.quiet_minutes.or(self.quiet_minutes),
        }
    }
}

/// What the customers' page looks like.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct LookConfig {
    /// A picture beside the shop's name.
    pub logo: Option<PathBuf>,
    /// The colour of what stands out, as `#rrggbb`.
    pub accent: Option<Spanned<String>>,
    /// The colour of the background.
    pub paper: Option<Spanned<String>>,
}

impl LookConfig {
    /// This table with the keys of `other` in front.
    fn overridden_by(self, other: Self) -> Self {
        Self { logo: other.logo.or(self.logo), accent: other.accent.or(self.accent), paper: other.paper.or(self.paper) }
    }
}

/// The part of the configuration for phones and PCs of the staff. Without `listen` nobody comes in over the network.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct LanConfig {
    /// Address and port that are served by TLS.
    pub listen: Option<Spanned<String>>,
    /// The name that others have for this machine.
    pub name: Option<Spanned<String>>,
    /// The shop's own certificate in PEM.
    pub certificate: Option<Spanned<PathBuf>>,
    /// Its key in PEM.
    pub key: Option<Spanned<PathBuf>>,
}

impl LanConfig {
    /// This table with the keys of `other` in front.
    fn overridden_by(self, other: Self) -> Self {
        Self {
            listen: other.listen.or(self.listen),
            name: other.name.or(self.name),
            certificate: other.certificate.or(self.certificate),
            key: other.key.or(self.key),
        }
    }
}

/// The part of the configuration for the staff's pages.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct StaffConfig {
    /// Folders where USB sticks are mounted.
    pub media: Option<Vec<PathBuf>>,
}

/// The camera's part of the configuration. One of `device`, `folder` and `film` says where frames come from; without any, it is the first camera
/// that gives pictures.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct CameraConfig {
    /// A camera: `auto`, `/dev/videoN`, `port:…` or `serial:…`.
    pub device: Option<Spanned<String>>,
    /// Photographs that are replayed.
    pub folder: Option<PathBuf>,
    /// A film of JPEG pictures that is played.
    pub film: Option<PathBuf>,
    /// Width in pixels that a camera is asked for.
    pub width: Option<Spanned<u32>>,
    /// Height in pixels that a camera is asked for.
    pub height: Option<Spanned<u32>>,
    /// Frames a second.
    pub frames_per_second: Option<Spanned<f64>>,
    /// The one format that a camera is asked for.
    pub format: Option<Spanned<String>>,
    /// Seconds that each photograph is held.
    pub hold_seconds: Option<Spanned<f64>>,
    /// Exposure and the like.
    pub controls: Option<ControlWishes>,
}

impl CameraConfig {
    /// Whether it says where frames come from.
    #[must_use]
    pub fn names_a_source(&self) -> bool {
        self.device.is_some() || self.folder.is_some() || self.film.is_some()
    }

    /// These keys with those of `other` in front. A source replaces a source of another kind.
    fn overridden_by(self, other: Self) -> Self {
        let source = if other.names_a_source() { Self::default() } else { self.clone() };
        let mut controls = self.controls.unwrap_or_default();
        controls.extend(other.controls.unwrap_or_default());
        Self {
            device: other.device.or(source.device),
            folder: other.folder.or(source.folder),
            film: other.film.or(source.film),
            width: other.width.or(self.width),
            height: other.height.or(self.height),
            frames_per_second: other.frames_per_second.or(self.frames_per_second),
            format: other.format.or(self.format),
            hold_seconds: other.hold_seconds.or(self.hold_seconds),
            controls: (!controls.is_empty()).then_some(controls),
        }
    }
}

/// What the screen is shown on.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum ScreenOutput {
    /// Nothing: there is no screen.
    #[default]
    None,
    /// An output of a graphics card.
    Drm,
    /// A framebuffer device.
    Fbdev,
    /// A small panel on SPI.
    Spi,
    /// A PNG file.
    Png,
}

/// The driver of a panel on SPI.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Controller {
    /// ST7789, of most square panels.
    #[default]
    St7789,
    /// ILI9341, of most panels of 320×240.
    Ili9341,
}

/// The screen's part of the configuration.
#[derive(Debug, Clone, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct ScreenConfig {
    /// What it is shown on.
    pub output: Option<Spanned<ScreenOutput>>,
    /// The device, of a graphics card or a framebuffer.
    pub device: Option<PathBuf>,
    /// Degrees that the picture is turned clockwise.
    pub rotation: Option<Spanned<u16>>,
    /// Pixels across, of a panel on SPI or a PNG.
    pub width: Option<Spanned<u32>>,
    /// Pixels down, of a panel on SPI or a PNG.
    pub height: Option<Spanned<u32>>,
    /// The PNG.
    pub file: Option<PathBuf>,
    /// The driver of a panel on SPI.
    pub controller: Option<Controller>,
    /// The bus of a panel on SPI.
    pub spi: Option<PathBuf>,
    /// The chip that its pins are lines of.
    pub gpio: Option<PathBuf>,
    /// Line of its pin *data or command*.
    pub dc: Option<u32>,
    /// Line of its reset pin.
    pub reset: Option<u32>,
    /// Line that switches its light on.
    pub backlight: Option<u32>,
}

impl ScreenConfig {
    /// This table with the keys of `other` in front.
    #[must_use]
    fn overridden_by(self, other: Self) -> Self {
        Self {
            output: other.output.or(self.output),
            device: other.device.or(self.device),
            rotation: other.rotation.or(self.rotation),
            width: other.width.or(self.width),
            height: other.height.or(self.height),
            file: other.file.or(self.file),
            controller: other.controller.or(self.controller),
            spi: other.spi.or(self.spi),
            gpio: other.gpio.or(self.gpio),
            dc: other.dc.or(self.dc),
            reset: other.reset.or(self.reset),
            backlight: other.backlight.or(self.backlight),
        }
    }
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
            second_look: other.second_look.or(self.second_look),
            uploads_per_second: other.uploads_per_second.or(self.uploads_per_second),
            camera: self.camera.overridden_by(other.camera),
            screen: self.screen.overridden_by(other.screen),
            staff: StaffConfig { media: other.staff.media.or(self.staff.media) },
            lan: self.lan.overridden_by(other.lan),
            look: self.look.overridden_by(other.look),
            update: self.update.overridden_by(other.update),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::camera::v4l2::{Control, Wish};
    use std::path::Path;

    #[test]
    fn a_source_replaces_one_of_another_kind_and_controls_are_joined() {
        let of = |text: &str| crate::config::parse(Path::new("/c.toml"), text).unwrap().camera;
        let system = of("[camera]\nfolder = 'a'\nwidth = 640\n[camera.controls]\ngain = 1\nfocus = 'auto'");
        let user = of("[camera]\ndevice = 'auto'\n[camera.controls]\ngain = 2");
        let both = system.overridden_by(user);
        assert_eq!((both.folder, both.device.map(Spanned::into_inner)), (None, Some("auto".to_owned())));
        assert_eq!(both.width.map(Spanned::into_inner), Some(640));
        assert_eq!(both.controls, Some([(Control::Gain, Wish::Value(2)), (Control::Focus, Wish::Automatic)].into()));
    }

    #[test]
    fn the_example_has_every_key_and_is_read() {
        let table: toml::Table = EXAMPLE.parse().unwrap();
        let camera = table["camera"].as_table().unwrap();
        assert!(KEYS.iter().all(|key| table.contains_key(*key)) && table.len() == KEYS.len(), "{table:?}");
        let screen = table["screen"].as_table().unwrap();
        assert!(
            SCREEN_KEYS.iter().all(|key| screen.contains_key(*key)) && screen.len() == SCREEN_KEYS.len(),
            "{screen:?}"
        );
        // The other sources are in comments: there is one at a time.
        let comments: Vec<_> = EXAMPLE.lines().filter_map(|line| line.strip_prefix("# ")?.split(" =").next()).collect();
        for key in CAMERA_KEYS {
            assert!(camera.contains_key(key) || comments.contains(&key), "{key}");
        }
        let controls = camera["controls"].as_table().unwrap();
        for control in Control::ALL {
            assert!(controls.contains_key(control.key()), "{control}");
        }
        let staff = table["staff"].as_table().unwrap();
        assert!(STAFF_KEYS.iter().all(|key| staff.contains_key(*key)) && staff.len() == STAFF_KEYS.len(), "{staff:?}");
        let look = table["look"].as_table().unwrap();
        assert!(LOOK_KEYS.iter().all(|key| look.contains_key(*key)) && look.len() == LOOK_KEYS.len(), "{look:?}");
        let update = table["update"].as_table().unwrap();
        assert!(UPDATE_KEYS.iter().all(|key| update.contains_key(*key)) && update.len() == UPDATE_KEYS.len());
        let lan = table["lan"].as_table().unwrap();
        for key in LAN_KEYS {
            assert!(lan.contains_key(key) || comments.contains(&key), "{key}");
        }
        let config = crate::config::parse(Path::new("/etc/clothingid/config.toml"), EXAMPLE).unwrap();
        assert_eq!(config.catalogue, Some("/etc/clothingid/catalogue.db".into()));
        let screen = config.screen.clone();
        assert!(screen.output.is_some() && screen.backlight == Some(18), "{screen:?}");
        assert_eq!(Config::default().overridden_by(config.clone()), config, "no key is lost");
    }
}
