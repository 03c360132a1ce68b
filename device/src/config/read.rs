//! A configuration file to a [`Config`].
//!
//! Promise: no text makes this panic; each error names file and line.

use super::check::check_values;
use super::chosen::Chosen;
use super::error::ConfigError;
use super::near::{line_of, nearest};
use super::schema::{CAMERA_KEYS, Config, KEYS, LAN_KEYS, LOOK_KEYS, SCREEN_KEYS, STAFF_KEYS, UPDATE_KEYS};
use crate::camera::v4l2::Control;
use crate::state;
use clothingid_shared::files;
use std::ffi::OsString;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A configuration is a page of text.
pub(super) const MOST_BYTES: u64 = 1 << 20;

/// The configuration: what the shop has chosen on its page, with the files of [`load_files`] in front.
///
/// **Errors** as [`load_files`]. What was chosen and cannot be read is as not chosen: who starts the appliance says so.
pub fn load(file: Option<&Path>) -> Result<Config, ConfigError> {
    Ok(chosen().overridden_by(load_files(file)?))
}

/// What the shop has chosen, as far as that can be read.
pub(super) fn chosen() -> Config {
    let chosen = state::folder().ok().and_then(|state| Chosen::kept_in(&state).ok());
    chosen.unwrap_or_default().config()
}

/// The files of the configuration: `file` when one is named, else those of the system and the user, as far as they have one.
///
/// **Errors** [`ConfigError`] for a file that is named and missing, or that has an error in it.
pub fn load_files(file: Option<&Path>) -> Result<Config, ConfigError> {
    if let Some(path) = file {
        return parse(path, &files::read_text_at_most(path, MOST_BYTES)?);
    }
    let mut config = Config::default();
    for path in places(|name| std::env::var_os(name)) {
        if path.exists() {
            config = config.overridden_by(parse(&path, &files::read_text_at_most(&path, MOST_BYTES)?)?);
        }
    }
    Ok(config)
}

/// Where configurations are looked for, later ones in front of earlier ones.
#[must_use]
pub fn places(variable: impl Fn(&str) -> Option<OsString>) -> Vec<PathBuf> {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let users = absolute("XDG_CONFIG_HOME").or_else(|| absolute("HOME").map(|home| home.join(".config")));
    let mut places = vec![PathBuf::from("/etc/clothingid/config.toml")];
    places.extend(users.map(|folder| folder.join("clothingid/config.toml")));
    places
}

/// Reads `text`, the content of `path`.
///
/// **Errors** [`ConfigError`] with the line of the first thing that is wrong.
pub fn parse(path: &Path, text: &str) -> Result<Config, ConfigError> {
    let syntax = |error: &toml::de::Error| ConfigError::Syntax {
        path: path.to_owned(),
        line: line_of(text, error.span()),
        problem: error.message().to_owned(),
    };
    let table = DeTable::parse(text).map_err(|error| syntax(&error))?;
    check_keys(path, text, table.get_ref())?;
    let mut config: Config = toml::from_str(text).map_err(|error| syntax(&error))?;
    check_values(path, text, &config)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let Config { bundle, previous_bundle, catalogue, camera, screen, staff, lan, look, update, .. } = &mut config;
    let one =
        [bundle, previous_bundle, catalogue, &mut camera.folder, &mut camera.film, &mut screen.file, &mut look.logo];
    for place in one.into_iter().flatten().chain(staff.media.iter_mut().flatten()) {
        *place = folder.join(&*place);
    }
    for place in [&mut lan.certificate, &mut lan.key].into_iter().flatten() {
        *place.get_mut() = folder.join(place.get_ref());
    }
    if let Some(source) = &mut update.source
        && !source.get_ref().contains("://")
    {
        *source.get_mut() = folder.join(source.get_ref()).display().to_string();
    }
    Ok(config)
}

/// Finds the first key that nobody reads.
fn check_keys(path: &Path, text: &str, table: &DeTable<'_>) -> Result<(), ConfigError> {
    let unknown = |key: &str, span: Range<usize>, above: &str, known: &[&str]| ConfigError::UnknownKey {
        path: path.to_owned(),
        line: line_of(text, Some(span)),
        key: format!("{above}{key}"),
        nearest: nearest(key, known).map(|key| format!("{above}{key}")),
        known: known.iter().map(|key| format!("{above}{key}")).collect(),
    };
    for (key, value) in table {
        let name: &str = key.get_ref();
        if !KEYS.contains(&name) {
            return Err(unknown(name, key.span(), "", &KEYS));
        }
        let known: &[&str] = match name {
            "camera" => &CAMERA_KEYS,
            "screen" => &SCREEN_KEYS,
            "staff" => &STAFF_KEYS,
            "lan" => &LAN_KEYS,
            "look" => &LOOK_KEYS,
            "update" => &UPDATE_KEYS,
            _ => continue,
        };
        if let DeValue::Table(inner) = value.get_ref()
            && let Some(key) = inner.keys().find(|key| !known.contains(&&**key.get_ref()))
        {
            return Err(unknown(key.get_ref(), key.span(), &format!("{name}."), known));
        }
        if let (DeValue::Table(camera), "camera") = (value.get_ref(), name)
            && let Some(DeValue::Table(controls)) = camera.get("controls").map(Spanned::get_ref)
            && let Some(key) = controls.keys().find(|key| Control::of_key(key.get_ref()).is_none())
        {
            return Err(unknown(key.get_ref(), key.span(), "camera.controls.", &Control::ALL.map(Control::key)));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::ScreenOutput;
    use proptest::prelude::*;
    use toml::Spanned;

    fn of(text: &str) -> Result<Config, ConfigError> {
        parse(Path::new("/etc/clothingid/config.toml"), text)
    }

    #[test]
    fn every_key_is_read() {
        let text = "listen = \"127.0.0.1:9\"\nlanguage = \"de\"\nshop = \"Ü\"\nbundle = \"b\"\ncatalogue = \"/c\"\nengine = \"tract\"\n\
                    threads = 2\n[camera]\nfolder = \"f\"\nframes_per_second = 3\nhold_seconds = 0.5\n\
                    [screen]\noutput = \"png\"\nfile = \"s.png\"\nrotation = 90\n";
        let config = of(text).unwrap();
        assert_eq!(config.bundle, Some("/etc/clothingid/b".into()));
        assert_eq!(config.catalogue, Some("/c".into()));
        assert_eq!(config.camera.folder, Some("/etc/clothingid/f".into()));
        assert_eq!(config.camera.frames_per_second.map(Spanned::into_inner), Some(3.0));
        assert_eq!(config.screen.output.map(Spanned::into_inner), Some(ScreenOutput::Png));
        assert_eq!(config.screen.file, Some("/etc/clothingid/s.png".into()));
        assert_eq!(of("").unwrap(), Config::default());
    }

    #[test]
    fn the_users_keys_win() {
        let (system, user) = (of("shop = \"a\"\nthreads = 1").unwrap(), of("shop = \"b\"").unwrap());
        let both = system.overridden_by(user);
        assert_eq!((both.shop.as_deref(), both.threads.map(Spanned::into_inner)), (Some("b"), Some(1)));
    }

    #[test]
    fn errors_name_the_line() {
        for (text, error, hint) in [
            ("shop = \"x\"\nlistn = \"y\"", "2: unknown key `listn`", "did you mean `listen`?"),
            (
                "\n[camera]\n\nframe_per_second = 2",
                "4: unknown key `camera.frame_per_second`",
                "did you mean `camera.frames_per_second`?",
            ),
            ("xyzzy = 1", "1: unknown key `xyzzy`", "the keys here are `listen`, "),
            ("shop = ", "1: ", ""),
            ("\nthreads = \"two\"", "2: ", ""),
            ("camera = 3", "1: ", ""),
            ("[staff]\nmedi = []", "2: unknown key `staff.medi`", "did you mean `staff.media`?"),
            ("[staff]\nmedia = \"/media\"", "2: ", ""),
            ("threads = 0", "1: `threads` is not from 1 to 256", ""),
            ("language = \"fr\"", "1: `language` is not one of `en`, `zh-Hant`, `de`", ""),
            ("listen = \"8080\"", "1: `listen` is not an address and a port as in `127.0.0.1:8080`", ""),
            ("[camera]\nframes_per_second = nan", "2: `camera.frames_per_second` is not from 1 to 120", ""),
            ("[screen]\noutput = \"png\"", "2: `screen.output` needs the key `screen.file` beside it", ""),
            (
                "[screen]\noutput = \"spi\"\nspi = \"/dev/spidev0.0\"",
                "2: `screen.output` needs the key `screen.dc`",
                "",
            ),
            ("[screen]\n\noutput = \"hdmi\"", "3: unknown variant `hdmi`, expected one of `none`, `drm`", ""),
            ("listen = \"0.0.0.0:8080\"", "1: `listen` is for this machine alone; the shop's network", ""),
            ("[lan]\nlisten = \"8443\"", "2: `lan.listen` is not an address and a port", ""),
            ("[lan]\nname = \"a/b\"", "2: `lan.name` is not a name", ""),
            ("[lan]\nkey = \"k\"", "2: `lan.key` needs the key `lan.certificate` beside it", ""),
            ("[lan]\nlissten = \"\"", "2: unknown key `lan.lissten`", "did you mean `lan.listen`?"),
            ("[look]\naccent = \"green\"", "2: `look.accent` is not a colour as in `#0b5a50`", ""),
            (
                "[look]\naccent = \"#ffcc00\"",
                "2: `look.accent` cannot be read on the page's background and cards: a contrast of 1.",
                "",
            ),
            (
                "[look]\npaper = \"#222222\"",
                "2: `look.paper` cannot be read on by the page's dark text: a contrast of",
                "",
            ),
            ("[look]\nlogos = \"x\"", "2: unknown key `look.logos`", "did you mean `look.logo`?"),
            (
                "[update]\nsource = 'http://a.example/u'",
                "2: `update.source` is neither a folder nor an address that begins with `https://`",
                "",
            ),
            ("[update]\nallow = ['firmware']", "2: unknown variant `firmware`, expected one of `catalogue`", ""),
            ("[update]\nquiet_minutes = 1441", "2: `update.quiet_minutes` is not from 0 to 1440", ""),
            ("[update]\nsources = ''", "2: unknown key `update.sources`", "did you mean `update.source`?"),
            ("[screen]\nrotation = 45", "2: `screen.rotation` is not 0, 90, 180 or 270", ""),
            ("[screen]\nwidth = 240\nheight = 0", "3: `screen.height` is not from 1 to 8192", ""),
            ("[screen]\nouput = \"drm\"", "2: unknown key `screen.ouput`", "did you mean `screen.output`?"),
            ("[camera]\nhold_seconds = -1", "2: `camera.hold_seconds` is not from 0 to 3600", ""),
            ("[camera]\ndevice = 'video0'", "2: `camera.device` is not `auto`, `/dev/video…`,", ""),
            ("[camera]\nfolder = 'a'\ndevice = 'auto'", "3: `camera.device` stands beside `folder` or `film`", ""),
            ("[camera]\nwidth = 1", "2: `camera.width` is not from 16 to 8192", ""),
            ("[camera]\nformat = 'h264'", "2: `camera.format` is not one of `mjpeg`,", ""),
            ("[camera.controls]\nexposure = 'fast'", "2: ", ""),
            (
                "[camera.controls]\nwhitebalance = 1",
                "2: unknown key `camera.controls.whitebalance`",
                "did you mean `camera.controls.white_balance`?",
            ),
        ] {
            let found = of(text).unwrap_err();
            assert!(found.to_string().starts_with(&format!("/etc/clothingid/config.toml:{error}")), "{text}: {found}");
            assert!(found.hint().unwrap_or_default().starts_with(hint), "{text}: {:?}", found.hint());
        }
    }

    #[test]
    fn the_users_place_comes_after_the_systems() {
        let of = |variables: &'static [(&str, &str)]| {
            places(move |name| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into()))
        };
        let system = PathBuf::from("/etc/clothingid/config.toml");
        assert_eq!(of(&[]), std::slice::from_ref(&system));
        assert_eq!(of(&[("HOME", "/h")]), [system.clone(), "/h/.config/clothingid/config.toml".into()]);
        assert_eq!(of(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/x")]), [system, "/x/clothingid/config.toml".into()]);
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}(\n\\PC{0,40}){0,3}") {
            let _ = of(&text);
        }
    }
}
