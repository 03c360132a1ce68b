//! An offer to be paired: it stands for five minutes, is taken up once, and there is one at a time.
//!
//! It is a file of the state folder that only its owner may read, so that the command line makes one for the appliance that runs.

use crate::token::Token;
use clothingid_shared::files::{self, FileError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// How long one stands.
pub const STANDS: Duration = Duration::from_secs(5 * 60);

/// The file has less.
const MOST_BYTES: u64 = 256;

/// Where offers are made and taken up.
#[derive(Debug)]
pub struct Offers {
    path: PathBuf,
    /// Held while one is taken up.
    taking: Mutex<()>,
}

impl Offers {
    /// In this folder.
    #[must_use]
    pub fn kept_in(folder: &Path) -> Self {
        Self { path: folder.join("offer"), taking: Mutex::default() }
    }

    /// Makes one, in place of the one before.
    ///
    /// # Errors
    /// The file cannot be written, or the system gives no random bytes.
    pub fn make(&self, now: SystemTime) -> Result<Token, FileError> {
        let failed = |error| FileError::Write { path: self.path.clone(), source: error };
        let code = Token::random().map_err(|error| failed(std::io::Error::other(error.to_string())))?;
        files::write_private(&self.path, format!("{code} {}\n", seconds(now)).as_bytes())?;
        Ok(code)
    }

    /// The one that stands. A clock that was set meanwhile ends it.
    #[must_use]
    pub fn standing(&self, now: SystemTime) -> Option<Token> {
        let text = files::read_text_at_most(&self.path, MOST_BYTES).ok()?;
        let (code, made) = text.trim_end().split_once(' ')?;
        let age = seconds(now).checked_sub(made.parse().ok()?)?;
        if age < STANDS.as_secs() { code.parse().ok() } else { None }
    }

    /// Takes it up: true once, for the one that stands.
    ///
    /// # Errors
    /// The file cannot be removed: nobody is paired by an offer that could be taken up again.
    pub fn take(&self, code: Token, now: SystemTime) -> Result<bool, FileError> {
        let _one_at_a_time = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = self.standing(now).is_some_and(|standing| standing.hash("offer") == code.hash("offer"));
        if is_it {
            self.end()?;
        }
        Ok(is_it)
    }

    /// Ends it.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn end(&self) -> Result<(), FileError> {
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(FileError::Write { path: self.path.clone(), source: error })
            }
            _ => Ok(()),
        }
    }
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn an_offer_is_taken_up_once_in_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let (offers, now) = (Offers::kept_in(folder.path()), SystemTime::now());
        assert_eq!(offers.standing(now), None);
        let code = offers.make(now).unwrap();
        let mode = std::fs::metadata(folder.path().join("offer")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // The command line made it, the appliance reads it.
        let offers = Offers::kept_in(folder.path());
        assert_eq!(offers.standing(now + STANDS - Duration::from_secs(1)), Some(code));
        assert!(!offers.take(Token::random().unwrap(), now).unwrap(), "of another");
        assert!(!offers.take(code, now + STANDS).unwrap(), "too late");
        assert!(!offers.take(code, now - Duration::from_secs(60)).unwrap(), "the clock was set back");
        assert!(offers.take(code, now).unwrap());
        assert!(!offers.take(code, now).unwrap(), "once");
        let (first, second) = (offers.make(now).unwrap(), offers.make(now).unwrap());
        assert_eq!((offers.take(first, now).unwrap(), offers.standing(now)), (false, Some(second)));
        offers.end().unwrap();
        offers.end().unwrap();
        assert_eq!(offers.standing(now), None);
        files::write_atomic(&folder.path().join("offer"), b"nothing").unwrap();
        assert_eq!(offers.standing(now), None);
    }
}
