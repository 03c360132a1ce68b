//! Letting the staff in, and nobody else.

use super::lock::Lock;
use super::pin::{HashError, HashedPin, Pin, PinMark};
use super::session::{Session, Sessions};
use super::vault::{Vault, VaultError};
use crate::config::Language;
use crate::token::Token;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The door of the staff's pages.
#[derive(Debug)]
pub struct Access {
    vault: Vault,
    /// Held while a PIN is tried: one at a time.
    trying: Mutex<()>,
    /// What is known of wrong PINs, and of which setting of the PIN.
    lock: Mutex<Option<(PinMark, Lock)>>,
    sessions: Mutex<Sessions>,
}

/// What comes of trying a PIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tried {
    /// It is the one.
    Right(Token),
    /// It is not; so many more may be tried before the next wait.
    Wrong {
        /// At least one.
        tries: u32,
    },
    /// Nobody may try for so long.
    Wait(Duration),
    /// None is set.
    NoPin,
}

/// Nobody can be let in.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// The PIN cannot be read.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// The system gives no random bytes.
    #[error("the system gives no random bytes")]
    Random(#[from] getrandom::Error),
    /// A PIN cannot be hashed.
    #[error(transparent)]
    Hash(#[from] HashError),
}

impl Access {
    /// With the PIN that is kept there.
    #[must_use]
    pub fn new(vault: Vault) -> Self {
        Self { vault, trying: Mutex::default(), lock: Mutex::default(), sessions: Mutex::default() }
    }

    /// Whether a PIN is set.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn has_pin(&self) -> Result<bool, VaultError> {
        Ok(self.vault.pin()?.is_some())
    }

    /// For how long nobody may try a PIN; zero when one may be tried.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn wait(&self, now: Instant) -> Result<Duration, VaultError> {
        let Some(pin) = self.vault.pin()? else { return Ok(Duration::ZERO) };
        Ok(self.lock_of(&pin, now).left(now))
    }

    /// Tries a PIN; the right one begins a session. Takes as long as the hash does, and waits for whoever tries at the same time.
    ///
    /// A try is kept as a wrong one before it is looked at: a plug that is pulled meanwhile does not take it back. On a full disk it is kept in
    /// memory alone: the staff come in to make room.
    ///
    /// # Errors
    /// [`AccessError`]; nobody is let in then.
    pub fn log_in(&self, typed: &str, language: Language, now: Instant) -> Result<Tried, AccessError> {
        let _one_at_a_time = self.trying.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pin) = self.vault.pin()? else { return Ok(Tried::NoPin) };
        let lock = self.lock_of(&pin, now);
        let left = lock.left(now);
        if left > Duration::ZERO {
            return Ok(Tried::Wait(left));
        }
        let lock = Lock { wrong: lock.wrong.saturating_add(1), since: now };
        self.keep(&pin, lock);
        if !pin.is(typed) {
            let left = lock.left(now);
            return Ok(if left > Duration::ZERO { Tried::Wait(left) } else { Tried::Wrong { tries: lock.tries() } });
        }
        self.keep(&pin, Lock { wrong: 0, since: now });
        let token = Token::random()?;
        self.sessions().begin(&token, pin.mark(), language, now);
        Ok(Tried::Right(token))
    }

    /// Sets the PIN where none is set, and begins a session. Nothing where another was faster.
    ///
    /// # Errors
    /// [`AccessError`]; no PIN is set then.
    pub fn set_first(&self, pin: &Pin, language: Language, now: Instant) -> Result<Option<Token>, AccessError> {
        let _one_at_a_time = self.trying.lock().unwrap_or_else(PoisonError::into_inner);
        if self.vault.pin()?.is_some() {
            return Ok(None);
        }
        self.set(pin, language, now).map(Some)
    }

    /// Sets another PIN, for one who knows the present one, and begins a session: all others end. A wrong one counts as in [`Self::log_in`].
    ///
    /// # Errors
    /// [`AccessError`]; the PIN is the present one then.
    pub fn change(&self, present: &str, pin: &Pin, language: Language, now: Instant) -> Result<Tried, AccessError> {
        match self.log_in(present, language, now)? {
            Tried::Right(token) => {
                self.log_out(&token);
                self.set(pin, language, now).map(Tried::Right)
            }
            other => Ok(other),
        }
    }

    fn set(&self, pin: &Pin, language: Language, now: Instant) -> Result<Token, AccessError> {
        let hashed = HashedPin::of(pin)?;
        let token = Token::random()?;
        self.vault.set_pin(&hashed)?;
        self.sessions().begin(&token, hashed.mark(), language, now);
        Ok(token)
    }

    /// The session of a token, which is used by that; nothing where it has ended or never was.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn session(
        &self,
        token: &Token,
        language: Option<Language>,
        now: Instant,
    ) -> Result<Option<Session>, VaultError> {
        let Some(pin) = self.vault.pin()? else { return Ok(None) };
        Ok(self.sessions().of(token, pin.mark(), language, now))
    }

    /// The session of a token, without using it.
    ///
    /// # Errors
    /// [`VaultError`].
    pub fn seen(&self, token: &Token, now: Instant) -> Result<Option<Session>, VaultError> {
        let Some(pin) = self.vault.pin()? else { return Ok(None) };
        Ok(self.sessions().seen(token, pin.mark(), now))
    }

    /// Ends a session.
    pub fn log_out(&self, token: &Token) {
        self.sessions().end(token);
    }

    /// Forgets sessions that have ended, with the pictures that belong to them.
    pub fn sweep(&self, now: Instant) {
        self.sessions().sweep(now);
    }

    fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is known of wrong PINs. Of a setting that is seen for the first time: what was kept, and its wait begins now.
    fn lock_of(&self, pin: &HashedPin, now: Instant) -> Lock {
        let mut known = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        match *known {
            Some((mark, lock)) if mark == pin.mark() => lock,
            _ => {
                let lock = Lock { wrong: self.vault.wrong(pin), since: now };
                *known = Some((pin.mark(), lock));
                lock
            }
        }
    }

    fn keep(&self, pin: &HashedPin, lock: Lock) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some((pin.mark(), lock));
        // What cannot be written is known in memory for as long as the program runs.
        let _ = self.vault.set_wrong(pin, lock.wrong);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staff::lock::FREE;
    use std::path::Path;

    const EN: Language = Language::English;

    fn set(folder: &Path, pin: &str) {
        let pin: Pin = pin.parse().unwrap();
        Vault::Folder(folder.to_owned()).set_pin(&HashedPin::of(&pin).unwrap()).unwrap();
    }

    fn at(folder: &Path) -> Access {
        Access::new(Vault::Folder(folder.to_owned()))
    }

    #[test]
    fn nobody_comes_in_without_a_pin() {
        let folder = tempfile::tempdir().unwrap();
        let (access, now) = (at(folder.path()), Instant::now());
        assert!(!access.has_pin().unwrap());
        assert_eq!(access.log_in("", EN, now).unwrap(), Tried::NoPin);
        assert_eq!(access.wait(now).unwrap(), Duration::ZERO);
        assert!(access.session(&Token::random().unwrap(), None, now).unwrap().is_none());
    }

    #[test]
    fn wrong_pins_lock_everyone_out_and_a_restart_does_not_help() {
        let folder = tempfile::tempdir().unwrap();
        set(folder.path(), "2580");
        let (access, mut now) = (at(folder.path()), Instant::now());
        for tries in (1..FREE).rev() {
            assert_eq!(access.log_in("2581", EN, now).unwrap(), Tried::Wrong { tries });
        }
        let wait = |seconds| Tried::Wait(Duration::from_secs(seconds));
        assert_eq!(access.log_in("2581", EN, now).unwrap(), wait(30));
        assert_eq!(access.log_in("2580", EN, now).unwrap(), wait(30), "not even the right one");
        now += Duration::from_secs(20);
        assert_eq!(access.log_in("2580", EN, now).unwrap(), wait(10), "trying does not make it longer");

        let access = at(folder.path());
        assert_eq!(access.log_in("2580", EN, now).unwrap(), wait(30), "started again, it waits once more");
        now += Duration::from_secs(30);
        assert_eq!(access.log_in("2581", EN, now).unwrap(), wait(60));
        now += Duration::from_secs(60);
        assert!(matches!(access.log_in("2580", EN, now).unwrap(), Tried::Right(_)));
        assert_eq!(access.log_in("2581", EN, now).unwrap(), Tried::Wrong { tries: 4 }, "the count began anew");
    }

    #[test]
    fn a_pin_that_is_set_anew_lifts_the_lock_and_ends_the_sessions() {
        let folder = tempfile::tempdir().unwrap();
        set(folder.path(), "2580");
        let (access, now) = (at(folder.path()), Instant::now());
        let Tried::Right(token) = access.log_in("2580", EN, now).unwrap() else { panic!("the right PIN") };
        assert!(access.session(&token, None, now).unwrap().is_some());
        for _ in 0..FREE {
            access.log_in("1", EN, now).unwrap();
        }
        assert!(access.wait(now).unwrap() > Duration::ZERO);
        assert!(access.session(&token, None, now).unwrap().is_some(), "who is in stays in");
        // Another program does it, while this one runs.
        set(folder.path(), "7291");
        assert_eq!(access.wait(now).unwrap(), Duration::ZERO);
        assert!(access.session(&token, None, now).unwrap().is_none());
        assert_eq!(access.log_in("2580", EN, now).unwrap(), Tried::Wrong { tries: 4 });
        assert!(matches!(access.log_in("7291", EN, now).unwrap(), Tried::Right(_)));
    }

    #[test]
    fn the_first_pin_is_set_once_and_changed_by_who_knows_it() {
        let folder = tempfile::tempdir().unwrap();
        let (access, now) = (at(folder.path()), Instant::now());
        let pin = |text: &str| text.parse::<Pin>().unwrap();
        let first = access.set_first(&pin("2580"), EN, now).unwrap().unwrap();
        assert!(access.session(&first, None, now).unwrap().is_some());
        assert_eq!(access.set_first(&pin("7291"), EN, now).unwrap(), None, "another was faster");
        assert_eq!(access.change("2581", &pin("7291"), EN, now).unwrap(), Tried::Wrong { tries: FREE - 1 });
        assert!(access.session(&first, None, now).unwrap().is_some());
        let Tried::Right(second) = access.change("2580", &pin("7291"), EN, now).unwrap() else { panic!("the PIN") };
        assert!(access.session(&first, None, now).unwrap().is_none(), "all others end");
        assert!(access.session(&second, None, now).unwrap().is_some());
        assert!(matches!(access.log_in("7291", EN, now).unwrap(), Tried::Right(_)));
        let demo = Access::new(Vault::of_one_run(&pin("2580")).unwrap());
        assert!(demo.change("2580", &pin("7291"), EN, now).is_err());
        assert!(matches!(demo.log_in("2580", EN, now).unwrap(), Tried::Right(_)));
    }

    #[test]
    fn a_count_that_cannot_be_written_counts_in_memory() {
        let folder = tempfile::tempdir().unwrap();
        set(folder.path(), "2580");
        std::fs::create_dir(folder.path().join("staff.wrong")).unwrap();
        let (access, now) = (at(folder.path()), Instant::now());
        for _ in 0..FREE {
            access.log_in("2581", EN, now).unwrap();
        }
        assert!(matches!(access.log_in("2580", EN, now).unwrap(), Tried::Wait(_)));
        assert!(matches!(access.log_in("2580", EN, now + Duration::from_secs(30)).unwrap(), Tried::Right(_)));
    }
}
