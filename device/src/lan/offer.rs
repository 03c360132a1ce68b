//! An offer to be paired: it stands for five minutes, is taken up once, and there is one at a time.
//!
//! It is a file of the state folder that only its owner may read, so that the command line makes one for the appliance that runs. Its age is told by
//! the clock that counts from the start of the machine: one that is set, or that stands still without power, makes no old offer new.

use crate::token::Token;
use clothingid_shared::files::{self, FileError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// How long one stands.
pub const STANDS: Duration = Duration::from_secs(5 * 60);

/// The file has less.
const MOST_BYTES: u64 = 256;

/// Where offers are made and taken up.
#[derive(Debug)]
pub struct Offers {
    path: PathBuf,
    /// Which start of the machine this is.
    start: String,
    /// Held while one is taken up.
    taking: Mutex<()>,
}

impl Offers {
    /// In this folder.
    ///
    /// # Errors
    /// The system does not tell its starts apart.
    pub fn kept_in(folder: &Path) -> Result<Self, FileError> {
        let start = files::read_text_at_most(Path::new("/proc/sys/kernel/random/boot_id"), MOST_BYTES)?;
        Ok(Self { path: folder.join("offer"), start: start.trim().to_owned(), taking: Mutex::default() })
    }

    /// Makes one, in place of the one before.
    ///
    /// # Errors
    /// The file cannot be written, or the system gives no random bytes.
    pub fn make(&self) -> Result<Token, FileError> {
        let failed = |error| FileError::Write { path: self.path.clone(), source: error };
        let code = Token::random().map_err(|error| failed(std::io::Error::other(error.to_string())))?;
        files::write_private(&self.path, format!("{code} {} {}\n", self.start, now()).as_bytes())?;
        Ok(code)
    }

    /// The one that stands.
    #[must_use]
    pub fn standing(&self) -> Option<Token> {
        self.standing_at(now())
    }

    /// Whether this is the one that stands.
    #[must_use]
    pub fn is(&self, code: Token) -> bool {
        self.is_at(code, now())
    }

    /// Takes it up: true once, for the one that stands, whichever process asks.
    ///
    /// # Errors
    /// The file cannot be removed: nobody is paired by an offer that could be taken up again.
    pub fn take(&self, code: Token) -> Result<bool, FileError> {
        let _one_at_a_time = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is(code) { self.remove() } else { Ok(false) }
    }

    fn standing_at(&self, seconds: u64) -> Option<Token> {
        let text = files::read_text_at_most(&self.path, MOST_BYTES).ok()?;
        let mut words = text.split_ascii_whitespace();
        let (code, start, made) = (words.next()?, words.next()?, words.next()?);
        let age = seconds.checked_sub(made.parse().ok()?)?;
        if start == self.start && age < STANDS.as_secs() { code.parse().ok() } else { None }
    }

    fn is_at(&self, code: Token, seconds: u64) -> bool {
        self.standing_at(seconds).is_some_and(|standing| standing.hash("offer") == code.hash("offer"))
    }

    /// Ends it.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub fn end(&self) -> Result<(), FileError> {
        self.remove().map(drop)
    }

    /// Whether there was one.
    fn remove(&self) -> Result<bool, FileError> {
        match std::fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(source) => Err(FileError::Write { path: self.path.clone(), source }),
        }
    }
}

/// Seconds since the machine was started, as all its processes tell them, asleep or not.
fn now() -> u64 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    u64::try_from(time.tv_sec).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn an_offer_is_taken_up_once_in_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let offers = Offers::kept_in(folder.path()).unwrap();
        assert_eq!(offers.standing(), None);
        let before = now();
        let code = offers.make().unwrap();
        let after = now();
        let mode = std::fs::metadata(folder.path().join("offer")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // The command line made it, the appliance reads it.
        let offers = Offers::kept_in(folder.path()).unwrap();
        assert_eq!(offers.standing_at(before + STANDS.as_secs() - 1), Some(code));
        assert!(!offers.is_at(code, after + STANDS.as_secs()), "too late");
        assert!(!offers.take(Token::random().unwrap()).unwrap(), "of another");
        let another = Offers { start: "another".into(), ..Offers::kept_in(folder.path()).unwrap() };
        assert!(!another.take(code).unwrap(), "the machine was started again");
        assert!(offers.take(code).unwrap());
        assert!(!offers.take(code).unwrap(), "once");
        let (first, second) = (offers.make().unwrap(), offers.make().unwrap());
        assert_eq!((offers.take(first).unwrap(), offers.standing()), (false, Some(second)));
        offers.end().unwrap();
        offers.end().unwrap();
        assert_eq!(offers.standing(), None);
        files::write_atomic(&folder.path().join("offer"), b"nothing").unwrap();
        assert_eq!(offers.standing(), None);
    }
}
