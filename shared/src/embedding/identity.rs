//! Which embeddings may be compared: those of one network, one picture contract and one arithmetic class.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::files::sha256_hex;
use crate::picture::PictureContract;

/// How a network's numbers come about, named in every answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArithmeticClass {
    /// Integers rounded per layer, exactly as the reference does it.
    Int8,
    /// Float32 or float16 on the bundle's own int8 weights.
    Float,
}

impl fmt::Display for ArithmeticClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Int8 => "int8",
            Self::Float => "float",
        })
    }
}

/// Hash of network, picture contract and arithmetic class: a catalogue embedded under one identity is never searched under another.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EmbeddingIdentity(String);

impl EmbeddingIdentity {
    /// The identity, 64 hexadecimal digits.
    #[must_use]
    pub fn new(network_sha256: &str, contract: &PictureContract, arithmetic: ArithmeticClass) -> Self {
        // Debug of plain data: no float, no map, the same on each machine. The leading word versions the rule itself.
        Self(sha256_hex(format!("embedding-1\n{network_sha256}\n{contract:?}\n{arithmetic}\n").as_bytes()))
    }

    /// The identity as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Takes an identity that was stored as text.
    #[must_use]
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    /// The first twelve digits, for people.
    #[must_use]
    pub fn short(&self) -> &str {
        self.0.get(..12).unwrap_or(&self.0)
    }
}

impl fmt::Display for EmbeddingIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::{ArithmeticClass, EmbeddingIdentity};
    use crate::picture::PictureContract;

    #[test]
    fn each_part_counts() {
        let contract = PictureContract::default();
        let one = EmbeddingIdentity::new("aa", &contract, ArithmeticClass::Float);
        assert_eq!(one, EmbeddingIdentity::new("aa", &contract, ArithmeticClass::Float));
        assert_ne!(one, EmbeddingIdentity::new("ab", &contract, ArithmeticClass::Float));
        assert_ne!(one, EmbeddingIdentity::new("aa", &contract, ArithmeticClass::Int8));
        assert_ne!(one, EmbeddingIdentity::new("aa", &PictureContract::with_side(96), ArithmeticClass::Float));
        assert_eq!(one.short().len(), 12);
    }
}
