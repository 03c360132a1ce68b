//! What the shop sets itself, and the first start: until a PIN is set, whoever stands before the appliance sets it up.

use crate::config::{Chosen, Config, Fixed};
use clothingid_shared::files::FileError;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

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
            self.open_again();
        }
        Ok(())
    }

    /// Has the appliance opened again.
    pub fn open_again(&self) {
        self.have_changed.store(true, Ordering::Release);
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
    fn what_cannot_be_kept_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(Chosen::place(folder.path())).unwrap();
        let settings = Settings::new(folder.path(), &Config::default(), Fixed::default(), true);
        assert!(settings.change(Chosen { network: true, ..Chosen::default() }).is_err());
        assert!(!settings.have_changed());
    }
}
