//! What the shop sets itself, and the first start: until a PIN is set, whoever stands before the appliance sets it up.

use crate::config::{Chosen, Config, Fixed};
use crate::state::CATALOGUE;
use clothingid_shared::files::{self, FileError};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// The file of the state folder of an appliance that waits for being set up.
const WAITS: &str = "first-start";

/// Whether whoever stands before the appliance may set it up: it began without anything that a used one has, and has no PIN yet. What is used already
/// and has no PIN is nobody's to take.
///
/// `has_pin` is whether there is one. A first start is remembered, since a catalogue may come before the PIN.
///
/// # Errors
/// The state folder cannot be written: nobody sets it up.
pub fn waits(state: &Path, has_pin: bool) -> Result<bool, FileError> {
    let mark = state.join(WAITS);
    if has_pin {
        return match std::fs::remove_file(&mark) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(FileError::Write { path: mark, source: error })
            }
            _ => Ok(false),
        };
    }
    let is_used = || Chosen::place(state).exists() || state.join(CATALOGUE).exists();
    if mark.exists() {
        return Ok(true);
    }
    if is_used() {
        return Ok(false);
    }
    files::create_folder(state)?;
    files::write_private(&mark, b"waits for being set up\n")?;
    Ok(true)
}

/// The settings of an appliance that reads a configuration.
#[derive(Debug)]
pub struct Settings {
    state: PathBuf,
    /// What holds now.
    pub present: Chosen,
    /// What of it the files of the configuration decide.
    pub fixed: Fixed,
    /// Whether an appliance without a PIN is set up by whoever stands before it.
    pub may_be_first: bool,
    have_changed: AtomicBool,
}

impl Settings {
    /// Of a configuration, and the part of it that the files make. `may_be_first` is whether an appliance without a PIN is set up by whoever stands
    /// before it.
    #[must_use]
    pub fn new(state: &Path, config: &Config, fixed: Fixed, may_be_first: bool) -> Self {
        let have_changed = AtomicBool::new(false);
        Self { state: state.to_owned(), present: Chosen::of(config), fixed, may_be_first, have_changed }
    }

    /// Keeps what is wished, but for what is fixed, and has the appliance opened again with it where that makes a difference.
    ///
    /// # Errors
    /// The file cannot be written: nothing changes.
    pub fn change(&self, wished: Chosen) -> Result<(), FileError> {
        // What is fixed stays as it was chosen before, for the day on which it is no longer.
        let kept = Chosen::kept_in(&self.state).unwrap_or_default();
        let Fixed { language, shop, camera, network } = self.fixed;
        let wished = Chosen {
            language: if language { kept.language } else { wished.language },
            shop: if shop { kept.shop.clone() } else { wished.shop },
            camera: if camera { kept.camera.clone() } else { wished.camera },
            network: if network { kept.network } else { wished.network },
        };
        if wished != kept {
            wished.keep_in(&self.state)?;
            self.have_changed.store(true, Ordering::Release);
        }
        Ok(())
    }

    /// Whether the appliance is to be opened again.
    #[must_use]
    pub fn have_changed(&self) -> bool {
        self.have_changed.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Language;

    #[test]
    fn what_is_fixed_stays_and_what_is_wished_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let fixed = Fixed { shop: true, ..Fixed::default() };
        let settings = Settings::new(folder.path(), &Config::default(), fixed, true);
        settings.change(Chosen::default()).unwrap();
        assert!(!settings.have_changed() && !Chosen::place(folder.path()).exists(), "nothing is written for nothing");
        let wished = Chosen { language: Some(Language::German), shop: Some("Other".to_owned()), ..Chosen::default() };
        settings.change(wished.clone()).unwrap();
        assert_eq!(Chosen::kept_in(folder.path()).unwrap(), Chosen { shop: None, ..wished });
        assert!(settings.have_changed());
    }

    #[test]
    fn only_what_was_never_used_waits_for_being_set_up() {
        let folder = tempfile::tempdir().unwrap();
        let new = folder.path().join("new");
        assert!(waits(&new, false).unwrap());
        files::write_private(&new.join(CATALOGUE), b"came as an update").unwrap();
        assert!(waits(&new, false).unwrap(), "it is remembered");
        assert!(!waits(&new, true).unwrap());
        assert!(!waits(&new, false).unwrap(), "a PIN that is gone makes nothing new");
        for name in [CATALOGUE, "settings.toml"] {
            let used = folder.path().join(format!("used-{name}"));
            files::create_folder(&used).unwrap();
            files::write_private(&used.join(name), b"").unwrap();
            assert!(!waits(&used, false).unwrap(), "{name}");
        }
    }

    #[test]
    fn what_cannot_be_kept_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(Chosen::place(folder.path())).unwrap();
        let settings = Settings::new(folder.path(), &Config::default(), Fixed::default(), true);
        assert!(settings.change(Chosen { network: true, ..Chosen::default() }).is_err());
        assert!(!settings.have_changed());
    }
}
