//! Devices that were paired: their names, and the hash of the token that each of them holds.

use crate::token::{Token, hex};
use clothingid_shared::day;
use clothingid_shared::files::{self, FileError};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

/// So many may be paired; a shop has fewer.
pub const MOST: usize = 32;
/// Letters of a name, at most.
pub const MOST_LETTERS: usize = 40;
/// The file has less.
const MOST_BYTES: u64 = 64 << 10;

/// What tokens of devices are hashed for.
const PURPOSE: &str = "device";

/// One that was paired.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// What the staff call it.
    pub name: String,
    /// The day, as in `2026-03-01`.
    pub paired: String,
    /// Of its token, in hexadecimal digits: enough to remove it by, and not to be let in with.
    pub hash: String,
}

/// All of them.
#[derive(Debug)]
pub struct Devices {
    path: PathBuf,
    all: Mutex<Vec<Device>>,
}

/// A device cannot be paired or removed.
#[derive(Debug, thiserror::Error)]
pub enum PairError {
    /// The list cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The list is none.
    #[error("`{}` is no list of paired devices", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// There are too many.
    #[error("{MOST} devices are paired, and more may not be")]
    Full,
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random(#[from] getrandom::Error),
}

impl PairError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Damaged { path, .. } => {
                Some(format!("remove `{}` and pair the phones and PCs of the staff again", path.display()))
            }
            Self::Full => Some("remove one that is no longer used".into()),
            Self::File(_) | Self::Random(_) => None,
        }
    }
}

impl Devices {
    /// Those of this folder.
    ///
    /// # Errors
    /// The list is damaged: nobody is let in by half of it.
    pub fn kept_in(folder: &Path) -> Result<Self, PairError> {
        let path = folder.join("devices.json");
        let all = match files::read_text_at_most(&path, MOST_BYTES) {
            Ok(text) => {
                serde_json::from_str(&text).map_err(|source| PairError::Damaged { path: path.clone(), source })?
            }
            Err(FileError::Read { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(error.into()),
        };
        Ok(Self { path, all: Mutex::new(all) })
    }

    /// Pairs one, and gives what it shows from now on.
    ///
    /// # Errors
    /// [`PairError`]; it is not paired then.
    pub fn pair(&self, name: &str, now: SystemTime) -> Result<Token, PairError> {
        let mut all = self.lock();
        if all.len() >= MOST {
            return Err(PairError::Full);
        }
        let token = Token::random()?;
        let device = Device { name: shown(name), paired: day::day_of(now), hash: hex(&token.hash(PURPOSE)) };
        let mut more = all.clone();
        more.push(device);
        self.write(&more)?;
        *all = more;
        Ok(token)
    }

    /// The name of the device that holds this token.
    #[must_use]
    pub fn name_of(&self, token: Token) -> Option<String> {
        let hash = hex(&token.hash(PURPOSE));
        self.lock().iter().find(|device| device.hash == hash).map(|device| device.name.clone())
    }

    /// Whether one more may be paired.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.lock().len() < MOST
    }

    /// All, in the order in which they were paired.
    #[must_use]
    pub fn all(&self) -> Vec<Device> {
        self.lock().clone()
    }

    /// Removes the one with this hash, which is let in no more. False where there is none.
    ///
    /// # Errors
    /// The list cannot be written: it is let in no more until the appliance is started again, and then it is.
    pub fn remove(&self, hash: &str) -> Result<bool, PairError> {
        let mut all = self.lock();
        let left: Vec<Device> = all.iter().filter(|device| device.hash != hash).cloned().collect();
        let is_one = left.len() < all.len();
        if is_one {
            // Whoever takes a lost phone out on a full disk has it taken out.
            *all = left;
            self.write(&all)?;
        }
        Ok(is_one)
    }

    /// Removes all but the one that holds this token.
    ///
    /// # Errors
    /// As [`Self::remove`].
    pub fn keep_only(&self, token: Option<Token>) -> Result<(), PairError> {
        let hash = token.map(|token| hex(&token.hash(PURPOSE)));
        let mut all = self.lock();
        let before = all.len();
        all.retain(|device| Some(&device.hash) == hash.as_ref());
        if all.len() < before { self.write(&all) } else { Ok(()) }
    }

    fn write(&self, all: &[Device]) -> Result<(), PairError> {
        let text = serde_json::to_string_pretty(all)
            .map_err(|source| PairError::Damaged { path: self.path.clone(), source })?;
        Ok(files::write_private(&self.path, text.as_bytes())?)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Device>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A name as it is kept: on one line, and not too long.
fn shown(name: &str) -> String {
    let name: String = name.chars().filter(|letter| !letter.is_control()).take(MOST_LETTERS).collect();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_paired_device_is_known_until_it_is_removed() {
        let folder = tempfile::tempdir().unwrap();
        let devices = Devices::kept_in(folder.path()).unwrap();
        let now = UNIX_EPOCH + Duration::from_secs(1_772_323_200);
        let (anna, till) = (devices.pair(" Anna\n ", now).unwrap(), devices.pair("Till", now).unwrap());
        assert_eq!(devices.name_of(anna).as_deref(), Some("Anna"));
        assert_eq!(devices.name_of(Token::random().unwrap()), None);
        // After a restart too.
        let devices = Devices::kept_in(folder.path()).unwrap();
        assert_eq!(devices.name_of(till).as_deref(), Some("Till"));
        let all = devices.all();
        assert_eq!((all.len(), all[0].paired.as_str()), (2, "2026-03-01"));
        let text = files::read_text(&folder.path().join("devices.json")).unwrap();
        assert!(!text.contains(&anna.to_string()), "no token is kept");
        assert!(devices.remove(&all[0].hash).unwrap());
        assert!(!devices.remove(&all[0].hash).unwrap());
        assert_eq!((devices.name_of(anna), Devices::kept_in(folder.path()).unwrap().all().len()), (None, 1));
    }

    #[test]
    fn only_one_stays_where_only_one_is_to_stay() {
        let folder = tempfile::tempdir().unwrap();
        let devices = Devices::kept_in(folder.path()).unwrap();
        let [anna, ben] = ["Anna", "Ben"].map(|name| devices.pair(name, SystemTime::now()).unwrap());
        devices.keep_only(Some(ben)).unwrap();
        assert_eq!((devices.name_of(anna), devices.name_of(ben).as_deref()), (None, Some("Ben")));
        assert_eq!(Devices::kept_in(folder.path()).unwrap().all().len(), 1);
        devices.keep_only(None).unwrap();
        assert!(Devices::kept_in(folder.path()).unwrap().all().is_empty());
    }

    #[test]
    fn there_is_an_end_to_them_and_a_damaged_list_lets_nobody_in() {
        let folder = tempfile::tempdir().unwrap();
        let devices = Devices::kept_in(folder.path()).unwrap();
        for number in 0..MOST {
            let _ = devices.pair(&number.to_string(), SystemTime::now()).unwrap();
        }
        assert!(matches!(devices.pair("one more", SystemTime::now()), Err(PairError::Full)));
        files::write_atomic(&folder.path().join("devices.json"), b"[{]").unwrap();
        let error = Devices::kept_in(folder.path()).unwrap_err();
        assert!(error.hint().is_some_and(|hint| hint.contains("pair the phones")), "{error}");
        assert_eq!(shown(&"ä".repeat(100)).chars().count(), MOST_LETTERS);
    }
}
