//! In which numbers the kernels work; each belongs to one of the two arithmetic classes.

use super::GpuError;
use crate::network::engine::FLOAT_BOUND;
use clothingid_shared::embedding::ArithmeticClass;
use serde::{Deserialize, Serialize};

/// What activations and weights are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(in crate::network) enum Arithmetic {
    /// Bytes, with sums that are exact.
    Int8,
    /// float32.
    Float32,
    /// float16 in memory, float32 in sums: half the bytes to move, on every adapter, since packing and unpacking are part of WGSL; products in
    /// float16 where the adapter has them and is faster with them.
    Float16,
}

/// The variable that asks for another arithmetic than int8.
const VARIABLE: &str = "CLOTHINGID_GPU_ARITHMETIC";

impl Arithmetic {
    /// What `CLOTHINGID_GPU_ARITHMETIC` asks for; without it int8, whose answers are those of the engine `cpu`.
    ///
    /// # Errors
    /// [`GpuError::NoArithmetic`] for any other word.
    pub(in crate::network) fn from_environment() -> Result<Self, GpuError> {
        Self::from_word(&std::env::var_os(VARIABLE).unwrap_or_default().to_string_lossy())
    }

    fn from_word(word: &str) -> Result<Self, GpuError> {
        match word.trim() {
            "" => Ok(Self::Int8),
            word => ALL
                .into_iter()
                .find(|arithmetic| arithmetic.name() == word)
                .ok_or_else(|| GpuError::NoArithmetic { asked: word.to_string() }),
        }
    }

    /// Which of the bundle's answers hold.
    pub(super) fn class(self) -> ArithmeticClass {
        match self {
            Self::Int8 => ArithmeticClass::Int8,
            Self::Float32 | Self::Float16 => ArithmeticClass::Float,
        }
    }

    /// As in the engine string.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Int8 => "int8",
            Self::Float32 => "float32",
            Self::Float16 => "float16",
        }
    }

    /// How far a layer's real numbers may be from those of the definition, relative to the largest of them: sums in another order and the
    /// last steps of float arithmetic; float32 and float16 round every layer's result, 50 layers one after the other (float16: 0.03 was seen).
    pub(super) fn float_bound(self) -> f32 {
        match self {
            Self::Int8 => FLOAT_BOUND,
            Self::Float32 => 1e-4,
            Self::Float16 => 1e-1,
        }
    }

    /// Bytes of an element of an activation.
    pub(super) fn byte_len(self) -> usize {
        match self {
            Self::Int8 => 1,
            Self::Float16 => 2,
            Self::Float32 => 4,
        }
    }
}

/// All of them.
pub(super) const ALL: [Arithmetic; 3] = [Arithmetic::Int8, Arithmetic::Float32, Arithmetic::Float16];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_those_of_the_engine_string() {
        for arithmetic in ALL {
            assert_eq!(Arithmetic::from_word(arithmetic.name()).unwrap(), arithmetic);
        }
        assert_eq!(Arithmetic::from_word("").unwrap(), Arithmetic::Int8);
        let error = Arithmetic::from_word("bfloat16").unwrap_err();
        assert_eq!(error.to_string(), "no arithmetic `bfloat16` on a graphics processor");
    }
}
