//! The staff's PIN: what it may be, and the hash that is kept of it.
//!
//! **Source** Argon2id, RFC 9106, with the memory and passes that OWASP asks of it (19 MiB, 2); the text is a PHC string. A PIN has few
//! values whatever the hash: what guards it is the [lock](super::lock) and that nobody but its owner may read the file.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// How many digits a PIN has, at least and at most.
pub const DIGITS: (usize, usize) = (4, 12);

/// Digits of a PIN that the program thinks of.
const OF_OURS: usize = 6;

/// A PIN that may be set.
#[derive(Clone, PartialEq, Eq)]
pub struct Pin(String);

/// Why a PIN may not be set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PinError {
    /// Too short, too long, or something else than digits.
    #[error("a PIN has {} to {} digits and nothing else", DIGITS.0, DIGITS.1)]
    Form,
    /// What is tried first.
    #[error("this PIN is guessed at once: one digit, a run as 1234 or a repeated part as 1212")]
    TooSimple,
}

impl FromStr for Pin {
    type Err = PinError;

    fn from_str(text: &str) -> Result<Self, PinError> {
        let is_long_enough = (DIGITS.0..=DIGITS.1).contains(&text.len());
        if !is_long_enough || !text.bytes().all(|letter| letter.is_ascii_digit()) {
            return Err(PinError::Form);
        }
        if is_simple(text.as_bytes()) { Err(PinError::TooSimple) } else { Ok(Self(text.to_owned())) }
    }
}

/// One part that is repeated (`0000`, `1212`), or digits that go up or down one by one (`1234`, `8901`, `4321`).
fn is_simple(digits: &[u8]) -> bool {
    let is_repeated = |len: usize| digits.iter().zip(digits.iter().skip(len)).all(|(a, b)| a == b);
    let is_run = |step: u8| digits.iter().zip(digits.iter().skip(1)).all(|(a, b)| (a - b'0' + step) % 10 == b - b'0');
    (1..=digits.len() / 2).any(is_repeated) || is_run(1) || is_run(9)
}

impl Pin {
    /// A random one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        loop {
            // Of ten values each: bytes from 250 on would make some digits likelier.
            let mut text = String::new();
            while text.len() < OF_OURS {
                let mut bytes = [0; 16];
                getrandom::fill(&mut bytes)?;
                let digits = bytes.into_iter().filter(|byte| *byte < 250).map(|byte| char::from(b'0' + byte % 10));
                text.extend(digits.take(OF_OURS - text.len()));
            }
            if let Ok(pin) = text.parse() {
                return Ok(pin);
            }
        }
    }

    /// Its digits, to be shown to whom it belongs.
    #[must_use]
    pub fn digits(&self) -> &str {
        &self.0
    }
}

/// Never its digits.
impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

/// What is kept of a PIN.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashedPin {
    phc: String,
}

/// The hash cannot be made, or is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no hash of a PIN: {0}")]
pub struct HashError(String);

impl HashedPin {
    /// With a salt of its own.
    ///
    /// # Errors
    /// The system gives no random bytes or no memory.
    pub fn of(pin: &Pin) -> Result<Self, HashError> {
        let hashed: PasswordHash =
            Argon2::default().hash_password(pin.0.as_bytes()).map_err(|error| HashError(error.to_string()))?;
        Ok(Self { phc: hashed.to_string() })
    }

    /// As it was kept.
    ///
    /// # Errors
    /// The text is no hash of this kind.
    pub fn read(text: &str) -> Result<Self, HashError> {
        let phc = text.trim_end().to_owned();
        let parsed = PasswordHash::new(&phc).map_err(|error| HashError(error.to_string()))?;
        if parsed.algorithm.as_str() == "argon2id" && parsed.hash.is_some() {
            Ok(Self { phc })
        } else {
            Err(HashError("not argon2id".to_owned()))
        }
    }

    /// As it is kept.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.phc
    }

    /// Whether this is the PIN. Takes tens of milliseconds and 19 MiB.
    #[must_use]
    pub fn is(&self, typed: &str) -> bool {
        let parsed = PasswordHash::new(&self.phc);
        parsed.is_ok_and(|hash| Argon2::default().verify_password(typed.as_bytes(), &hash).is_ok())
    }

    /// Tells one setting of a PIN from another, even of the same digits.
    #[must_use]
    pub fn mark(&self) -> PinMark {
        PinMark(Sha256::digest(self.phc.as_bytes()).into())
    }
}

/// Which setting of the PIN something belongs to: a session and a count of wrong ones end with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PinMark([u8; 32]);

impl fmt::Display for PinMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_tried_first_may_not_be_set() {
        for (text, expected) in [
            ("2580", Ok(())),
            ("7291", Ok(())),
            ("102938475610", Ok(())),
            ("1223", Ok(())),
            ("", Err(PinError::Form)),
            ("123", Err(PinError::Form)),
            ("1029384756102", Err(PinError::Form)),
            ("12a4", Err(PinError::Form)),
            (" 2580", Err(PinError::Form)),
            ("２５８０", Err(PinError::Form)),
            ("0000", Err(PinError::TooSimple)),
            ("9999999", Err(PinError::TooSimple)),
            ("1234", Err(PinError::TooSimple)),
            ("7890", Err(PinError::TooSimple)),
            ("4321", Err(PinError::TooSimple)),
            ("1098", Err(PinError::TooSimple)),
            ("1212", Err(PinError::TooSimple)),
            ("123123", Err(PinError::TooSimple)),
            ("12121", Err(PinError::TooSimple)),
        ] {
            assert_eq!(text.parse::<Pin>().map(drop), expected, "{text}");
        }
    }

    #[test]
    fn a_hash_knows_its_pin_and_no_other_and_is_never_the_same_twice() {
        let pin: Pin = "2580".parse().unwrap();
        let (hashed, again) = (HashedPin::of(&pin).unwrap(), HashedPin::of(&pin).unwrap());
        assert!(hashed.text().starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hashed.text());
        assert!(!hashed.text().contains("2580"));
        assert!(hashed.is("2580") && !hashed.is("2581") && !hashed.is("") && !hashed.is("25800"));
        assert_ne!(hashed.mark(), again.mark());
        let read = HashedPin::read(&format!("{}\n", hashed.text())).unwrap();
        assert!(read == hashed && read.is("2580"));
    }

    #[test]
    fn what_is_no_hash_is_not_taken_for_one() {
        for text in ["", "2580", "$argon2id$", "$argon2i$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2hoYXNo"] {
            assert!(HashedPin::read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_random_pin_may_be_set_and_is_not_printed_by_chance() {
        let pin = Pin::random().unwrap();
        assert!(pin.digits().len() == OF_OURS && pin.digits().parse::<Pin>().is_ok());
        assert_eq!(format!("{pin:?}"), "Pin(…)");
    }
}
