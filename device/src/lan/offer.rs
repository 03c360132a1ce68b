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

/// A moment in the run of this machine, as all its processes tell it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moment {
    /// Which start of the machine.
    start: String,
    /// Seconds since then.
    seconds: u64,
}

impl Moment {
    /// This one. Nothing where the system does not tell its starts apart.
    #[must_use]
    pub fn now() -> Option<Self> {
        let start = files::read_text_at_most(Path::new("/proc/sys/kernel/random/boot_id"), MOST_BYTES).ok()?;
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Some(Self { start: start.trim().to_owned(), seconds: u64::try_from(time.tv_sec).ok()? })
    }
}

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
    pub fn make(&self, now: &Moment) -> Result<Token, FileError> {
        let failed = |error| FileError::Write { path: self.path.clone(), source: error };
        let code = Token::random().map_err(|error| failed(std::io::Error::other(error.to_string())))?;
        files::write_private(&self.path, format!("{code} {} {}\n", now.start, now.seconds).as_bytes())?;
        Ok(code)
    }

    /// The one that stands.
    #[must_use]
    pub fn standing(&self, now: &Moment) -> Option<Token> {
        let text = files::read_text_at_most(&self.path, MOST_BYTES).ok()?;
        let mut words = text.split_ascii_whitespace();
        let (code, start, made) = (words.next()?, words.next()?, words.next()?);
        let age = now.seconds.checked_sub(made.parse().ok()?)?;
        if start == now.start && age < STANDS.as_secs() { code.parse().ok() } else { None }
    }

    /// Whether this is the one that stands.
    #[must_use]
    pub fn is(&self, code: Token, now: &Moment) -> bool {
        self.standing(now).is_some_and(|standing| standing.hash("offer") == code.hash("offer"))
    }

    /// Takes it up: true once, for the one that stands, whichever process asks.
    ///
    /// # Errors
    /// The file cannot be removed: nobody is paired by an offer that could be taken up again.
    pub fn take(&self, code: Token, now: &Moment) -> Result<bool, FileError> {
        let _one_at_a_time = self.taking.lock().unwrap_or_else(PoisonError::into_inner);
        if self.is(code, now) { self.remove() } else { Ok(false) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn an_offer_is_taken_up_once_in_its_time() {
        let folder = tempfile::tempdir().unwrap();
        let (offers, now) = (Offers::kept_in(folder.path()), Moment::now().unwrap());
        let later = |seconds: u64| Moment { seconds: now.seconds + seconds, ..now.clone() };
        assert_eq!(offers.standing(&now), None);
        let code = offers.make(&now).unwrap();
        let mode = std::fs::metadata(folder.path().join("offer")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        // The command line made it, the appliance reads it.
        let offers = Offers::kept_in(folder.path());
        assert_eq!(offers.standing(&later(STANDS.as_secs() - 1)), Some(code));
        assert!(!offers.take(Token::random().unwrap(), &now).unwrap(), "of another");
        assert!(!offers.take(code, &later(STANDS.as_secs())).unwrap(), "too late");
        let another_start = Moment { start: "another".into(), ..now.clone() };
        assert!(!offers.take(code, &another_start).unwrap(), "the machine was started again");
        assert!(offers.take(code, &now).unwrap());
        assert!(!offers.take(code, &now).unwrap(), "once");
        let (first, second) = (offers.make(&now).unwrap(), offers.make(&now).unwrap());
        assert_eq!((offers.take(first, &now).unwrap(), offers.standing(&now)), (false, Some(second)));
        offers.end().unwrap();
        offers.end().unwrap();
        assert_eq!(offers.standing(&now), None);
        files::write_atomic(&folder.path().join("offer"), b"nothing").unwrap();
        assert_eq!(offers.standing(&now), None);
    }
}
