//! What a shop has chosen on its own page `Settings`: a file of the state folder, in the form of a configuration and with four of its keys.
//!
//! It is read before all files of the configuration, whose keys win: what a head office has fixed in them no shop changes.

use super::defaults;
use super::error::ConfigError;
use super::language::Language;
use super::read::{MOST_BYTES, parse};
use super::schema::{CameraConfig, Config, LanConfig};
use crate::camera::Which;
use clothingid_shared::files::{self, FileError};
use std::path::{Path, PathBuf};
use toml::Spanned;

/// Letters of a shop's name, at most.
pub const MOST_LETTERS: usize = 60;

/// What a shop chooses itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chosen {
    /// The language of page and screen.
    pub language: Option<Language>,
    /// The shop's name.
    pub shop: Option<String>,
    /// The camera, as `camera.device` names it.
    pub camera: Option<String>,
    /// Whether phones and PCs of the staff come in over the shop's network.
    pub network: bool,
}

/// A choice that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChoiceError {
    /// A name that does not fit, or has something else than letters in it.
    #[error("a shop's name has {MOST_LETTERS} letters at most, on one line")]
    Shop,
    /// It names no camera.
    #[error("this names no camera")]
    Camera,
}

impl Chosen {
    /// Where it is kept.
    #[must_use]
    pub fn place(state: &Path) -> PathBuf {
        state.join("settings.toml")
    }

    /// What was chosen; nothing where that was never done.
    ///
    /// # Errors
    /// [`ConfigError`]: the file cannot be read, or has an error in it.
    pub fn kept_in(state: &Path) -> Result<Self, ConfigError> {
        let path = Self::place(state);
        if !path.exists() {
            return Ok(Self::default());
        }
        Ok(Self::of(&parse(&path, &files::read_text_at_most(&path, MOST_BYTES)?)?))
    }

    /// What a configuration says of it.
    #[must_use]
    pub fn of(config: &Config) -> Self {
        Self {
            language: config.language.as_ref().and_then(|tag| Language::of_tag(tag.get_ref())),
            shop: config.shop.clone(),
            camera: config.camera.device.as_ref().map(|device| device.get_ref().clone()),
            network: config.lan.listen.is_some(),
        }
    }

    /// Whether it can be kept and read again.
    ///
    /// # Errors
    /// [`ChoiceError`].
    pub fn check(&self) -> Result<(), ChoiceError> {
        let fits = |name: &String| name.chars().count() <= MOST_LETTERS && !name.chars().any(char::is_control);
        if !self.shop.as_ref().is_none_or(fits) {
            return Err(ChoiceError::Shop);
        }
        match &self.camera {
            Some(name) if Which::parse(name).is_err() || name.chars().any(char::is_control) => Err(ChoiceError::Camera),
            _ => Ok(()),
        }
    }

    /// Keeps it in place of what was chosen before.
    ///
    /// # Errors
    /// The file cannot be written: what was chosen before holds.
    pub fn keep_in(&self, state: &Path) -> Result<(), FileError> {
        files::create_folder(state)?;
        files::write_private(&Self::place(state), self.text().as_bytes())
    }

    fn text(&self) -> String {
        let mut table = toml::Table::new();
        let tag = self.language.map(|language| language.tag().to_owned());
        for (key, value) in [("language", tag), ("shop", self.shop.clone())] {
            table.extend(value.map(|value| (key.to_owned(), toml::Value::String(value))));
        }
        let mut inner = |name: &str, key: &str, value: Option<String>| {
            let one = value.map(|value| toml::Table::from_iter([(key.to_owned(), toml::Value::String(value))]));
            table.extend(one.map(|one| (name.to_owned(), toml::Value::Table(one))));
        };
        inner("camera", "device", self.camera.clone());
        inner("lan", "listen", self.network.then(|| defaults::LAN_LISTEN.to_owned()));
        format!("# What was chosen on the staff's page Settings. The files of the configuration go before it.\n{table}")
    }

    /// As a configuration that others go before.
    #[must_use]
    pub fn config(self) -> Config {
        let here = |text: String| Spanned::new(0..0, text);
        Config {
            language: self.language.map(|language| here(language.tag().to_owned())),
            shop: self.shop,
            camera: CameraConfig { device: self.camera.map(here), ..CameraConfig::default() },
            lan: LanConfig {
                listen: self.network.then(|| here(defaults::LAN_LISTEN.to_owned())),
                ..LanConfig::default()
            },
            ..Config::default()
        }
    }
}

/// Which choices the files of the configuration have made already.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Fixed {
    /// The language.
    pub language: bool,
    /// The shop's name.
    pub shop: bool,
    /// Where frames come from.
    pub camera: bool,
    /// Whether the shop's network is served.
    pub network: bool,
}

impl Fixed {
    /// Those that these files make.
    #[must_use]
    pub fn by(files: &Config) -> Self {
        Self {
            language: files.language.is_some(),
            shop: files.shop.is_some(),
            camera: files.camera.names_a_source(),
            network: files.lan.listen.is_some(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all() -> Chosen {
        Chosen {
            language: Some(Language::German),
            shop: Some("Ecke \"7\" # \\ 角落".to_owned()),
            camera: Some("serial:5F\"2A".to_owned()),
            network: true,
        }
    }

    #[test]
    fn what_was_chosen_is_kept_and_the_files_go_before_it() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        assert_eq!(Chosen::kept_in(&state).unwrap(), Chosen::default());
        for chosen in [all(), Chosen::default(), Chosen { network: false, ..all() }] {
            chosen.keep_in(&state).unwrap();
            assert_eq!(Chosen::kept_in(&state).unwrap(), chosen);
            assert_eq!(Chosen::of(&chosen.clone().config()), chosen);
        }
        let files =
            parse(Path::new("/c.toml"), "language = 'en'\n[camera]\nfolder = '/photos'\n[lan]\nname = 'kiosk'\n")
                .unwrap();
        assert_eq!(Fixed::by(&files), Fixed { language: true, shop: false, camera: true, network: false });
        let config = all().config().overridden_by(files);
        assert_eq!(Chosen::of(&config), Chosen { language: Some(Language::English), camera: None, ..all() });
        assert_eq!(config.lan.name.map(Spanned::into_inner).as_deref(), Some("kiosk"));
    }

    #[test]
    fn a_damaged_file_is_said_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        files::write_private(&Chosen::place(folder.path()), b"language = \"de\"\nshop = \n").unwrap();
        let error = Chosen::kept_in(folder.path()).unwrap_err().to_string();
        assert!(error.contains("settings.toml:2: "), "{error}");
    }

    #[test]
    fn what_cannot_be_read_again_is_not_kept() {
        let with_shop = |name: &str| Chosen { shop: Some(name.to_owned()), ..Chosen::default() }.check();
        assert_eq!(with_shop(&"衣".repeat(MOST_LETTERS)), Ok(()));
        assert_eq!(with_shop(&"x".repeat(MOST_LETTERS + 1)), Err(ChoiceError::Shop));
        assert_eq!(with_shop("a\nb"), Err(ChoiceError::Shop));
        let with_camera = |name: &str| Chosen { camera: Some(name.to_owned()), ..Chosen::default() }.check();
        assert_eq!(with_camera("port:1-1.2"), Ok(()));
        assert_eq!(
            (with_camera("video0"), with_camera("port:a\n")),
            (Err(ChoiceError::Camera), Err(ChoiceError::Camera))
        );
    }

    proptest! {
        #[test]
        fn any_choice_that_passes_comes_back(shop in proptest::option::of("\\PC{0,30}"), camera in proptest::option::of("port:\\PC{1,20}")) {
            let chosen = Chosen { shop, camera, ..Chosen::default() };
            prop_assume!(chosen.check().is_ok());
            let read = parse(Path::new("/settings.toml"), &chosen.text()).unwrap();
            prop_assert_eq!(Chosen::of(&read), chosen);
        }
    }
}
