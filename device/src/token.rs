//! What one shows to be let in: a random token there, its hash here.

use sha2::{Digest, Sha256};
use std::fmt;
use std::str::FromStr;

/// What one shows to be let in: 256 random bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Token([u8; 32]);

impl Token {
    /// A new one.
    ///
    /// # Errors
    /// The system gives no random bytes.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// What is kept of it for one purpose. The token cannot be told from it, nor what is kept of it for another.
    #[must_use]
    pub fn hash(&self, purpose: &str) -> [u8; 32] {
        Sha256::new().chain_update(purpose).chain_update([0]).chain_update(self.0).finalize().into()
    }

    /// What each form of the session carries: another web site cannot know it.
    #[must_use]
    pub fn form_token(&self) -> String {
        hex(&self.hash("form"))
    }
}

/// As a cookie has it.
impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

/// Never its bits.
impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

impl FromStr for Token {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if text.len() != 64 || !text.bytes().all(|letter| matches!(letter, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(());
        }
        let mut token = [0; 32];
        for (byte, at) in token.iter_mut().zip((0..64).step_by(2)) {
            *byte = text.get(at..at + 2).and_then(|two| u8::from_str_radix(two, 16).ok()).ok_or(())?;
        }
        Ok(Self(token))
    }
}

/// Bytes as small hexadecimal digits.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_read_as_it_is_written_and_nothing_else_is_one() {
        let token = Token::random().unwrap();
        assert_eq!(token.to_string().parse(), Ok(token));
        assert!(token.to_string() != token.form_token() && token.form_token().len() == 64);
        for text in ["", "0", &"g".repeat(64), &"A".repeat(64), &"0".repeat(63), &"é".repeat(32)] {
            assert_eq!(text.parse::<Token>(), Err(()), "{text}");
        }
        assert_eq!(format!("{token:?}"), "Token(…)");
    }
}
