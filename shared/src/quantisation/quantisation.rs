//! How bytes stand for real numbers.

/// Levels above zero of a `uint8`.
const LEVELS: f32 = 255.0;

/// How the values of one activation stand for real numbers: `(q - zero_point) · scale`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quantisation {
    /// Size of one step.
    pub scale: f32,
    /// The byte that stands for zero.
    pub zero_point: u8,
}

impl Quantisation {
    /// `saturate(round(x / scale) + zero_point)`, ties to even. **Source**: ONNX QuantizeLinear, opset 13.
    #[must_use]
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to a byte first; NaN becomes 0"
    )]
    pub fn quantise(self, value: f32) -> u8 {
        ((value / self.scale).round_ties_even() + f32::from(self.zero_point)).clamp(0.0, LEVELS) as u8
    }

    /// `(q - zero_point) · scale`. **Source**: ONNX DequantizeLinear, opset 13.
    #[must_use]
    pub fn dequantise(self, quantised: u8) -> f32 {
        f32::from(i16::from(quantised) - i16::from(self.zero_point)) * self.scale
    }

    /// The real numbers that can be told apart, first and last.
    #[must_use]
    pub fn range(self) -> (f32, f32) {
        (self.dequantise(0), self.dequantise(u8::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::Quantisation;
    use proptest::prelude::*;

    #[test]
    fn no_number_is_zero() {
        assert_eq!(Quantisation { scale: 1.0, zero_point: 3 }.quantise(f32::NAN), 0);
        assert_eq!(Quantisation { scale: 0.5, zero_point: 128 }.range(), (-64.0, 63.5));
    }

    proptest! {
        #[test]
        fn integers_survive(scale in 1e-5f32..10.0, zero_point: u8, byte: u8) {
            let q = Quantisation { scale, zero_point };
            prop_assert_eq!(q.quantise(q.dequantise(byte)), byte);
        }
    }
}
