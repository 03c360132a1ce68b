//! Where the PIN's hash and the count of wrong ones are kept: two files of the state folder that only their owner may read.
//!
//! Setting a PIN is one write. The count names the setting that it belongs to, so that a new one begins without wrong PINs.

use super::pin::{HashError, HashedPin, Pin};
use clothingid_shared::files::{self, FileError};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// The names of the files in the state folder.
const PIN: &str = "staff.pin";
const WRONG: &str = "staff.wrong";

/// Either file has less.
const MOST_BYTES: u64 = 4096;

/// Where the PIN is kept.
#[derive(Debug)]
pub enum Vault {
    /// In this folder.
    Folder(PathBuf),
    /// In memory, for as long as the program runs: the demo's.
    Memory(HashedPin, Mutex<u32>),
}

/// The PIN cannot be read or kept.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Others may read the file, and a PIN's hash is guessed quickly.
    #[error("`{}` can be read by others", path.display())]
    Open {
        /// The file.
        path: PathBuf,
    },
    /// The file is none of ours.
    #[error("`{}` is damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        source: HashError,
    },
    /// A PIN in memory is for one run.
    #[error("this PIN is for one run and cannot be changed")]
    Fixed,
}

impl VaultError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Open { .. } | Self::Damaged { .. } => Some("set the PIN anew: `clothingid staff set-pin`"),
            Self::File(_) | Self::Fixed => None,
        }
    }
}

impl Vault {
    /// A PIN for one run.
    ///
    /// # Errors
    /// The system gives no random bytes or no memory.
    pub fn of_one_run(pin: &Pin) -> Result<Self, HashError> {
        Ok(Self::Memory(HashedPin::of(pin)?, Mutex::new(0)))
    }

    /// The PIN's hash; nothing where none is set.
    ///
    /// # Errors
    /// [`VaultError`]: who may come in cannot be told, so nobody may.
    pub fn pin(&self) -> Result<Option<HashedPin>, VaultError> {
        let folder = match self {
            Self::Memory(pin, _) => return Ok(Some(pin.clone())),
            Self::Folder(folder) => folder,
        };
        let path = folder.join(PIN);
        let facts = match std::fs::metadata(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            facts => facts.map_err(|source| FileError::Read { path: path.clone(), source })?,
        };
        if facts.permissions().mode() & 0o077 != 0 {
            return Err(VaultError::Open { path });
        }
        let text = files::read_text_at_most(&path, MOST_BYTES)?;
        HashedPin::read(&text).map(Some).map_err(|source| VaultError::Damaged { path, source })
    }

    /// Sets the PIN. All that belonged to the one before ends: its sessions, and its count of wrong ones.
    ///
    /// # Errors
    /// The file cannot be written; the PIN is the one before then.
    pub fn set_pin(&self, pin: &HashedPin) -> Result<(), VaultError> {
        let Self::Folder(folder) = self else { return Err(VaultError::Fixed) };
        files::create_folder(folder)?;
        Ok(files::write_private(&folder.join(PIN), format!("{}\n", pin.text()).as_bytes())?)
    }

    /// How many wrong PINs in a row were tried in place of this one. A count that cannot be read is none: it would lock out the staff.
    #[must_use]
    pub fn wrong(&self, pin: &HashedPin) -> u32 {
        match self {
            Self::Memory(_, wrong) => *wrong.lock().unwrap_or_else(PoisonError::into_inner),
            Self::Folder(folder) => count_of(&folder.join(WRONG), pin).unwrap_or(0),
        }
    }

    /// Keeps how many there were.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_wrong(&self, pin: &HashedPin, count: u32) -> Result<(), VaultError> {
        match self {
            Self::Memory(_, wrong) => *wrong.lock().unwrap_or_else(PoisonError::into_inner) = count,
            Self::Folder(folder) => {
                files::write_private(&folder.join(WRONG), format!("{} {count}\n", pin.mark()).as_bytes())?;
            }
        }
        Ok(())
    }
}

fn count_of(path: &Path, pin: &HashedPin) -> Option<u32> {
    let text = files::read_text_at_most(path, MOST_BYTES).ok()?;
    let (mark, count) = text.trim_end().split_once(' ')?;
    (mark == pin.mark().to_string()).then(|| count.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashed(pin: &str) -> HashedPin {
        HashedPin::of(&pin.parse().unwrap()).unwrap()
    }

    #[test]
    fn a_pin_is_kept_where_only_its_owner_reads_it() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::Folder(folder.path().join("state"));
        assert_eq!(vault.pin().unwrap(), None);
        let pin = hashed("2580");
        vault.set_pin(&pin).unwrap();
        vault.set_wrong(&pin, 3).unwrap();
        assert_eq!(vault.pin().unwrap(), Some(pin.clone()));
        for name in [PIN, WRONG] {
            let mode = std::fs::metadata(folder.path().join("state").join(name)).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{name}");
        }
        assert_eq!(vault.wrong(&pin), 3);
        let again = hashed("2580");
        vault.set_pin(&again).unwrap();
        assert_eq!(vault.wrong(&again), 0, "a PIN that is set anew has no wrong ones");
    }

    #[test]
    fn a_file_that_others_read_or_that_is_damaged_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let vault = Vault::Folder(folder.path().to_owned());
        vault.set_pin(&hashed("2580")).unwrap();
        let path = folder.path().join(PIN);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = vault.pin().unwrap_err();
        assert!(matches!(error, VaultError::Open { .. }) && error.hint().is_some(), "{error}");
        for text in ["", "2580\n", "$argon2id$v=19"] {
            files::write_private(&path, text.as_bytes()).unwrap();
            assert!(matches!(vault.pin(), Err(VaultError::Damaged { .. })), "{text}");
        }
        files::write_private(&path, &[0xff; 9]).unwrap();
        assert!(matches!(vault.pin(), Err(VaultError::File(FileError::NotText { .. }))));
    }

    #[test]
    fn a_pin_of_one_run_is_in_memory() {
        let vault = Vault::of_one_run(&"2580".parse().unwrap()).unwrap();
        let pin = vault.pin().unwrap().unwrap();
        vault.set_wrong(&pin, 7).unwrap();
        assert!(pin.is("2580") && vault.wrong(&pin) == 7);
        assert!(matches!(vault.set_pin(&pin), Err(VaultError::Fixed)));
    }
}
