//! From a sum to a byte.

use super::Quantisation;

/// Adding and taking away `1.5 · 2²³` rounds a float of magnitude below `2²²` to the nearest integer, ties to even, and leaves that
/// integer in the low bits: it is `round_ties_even` without the call into the mathematics library that baseline x86-64 needs.
const ROUNDING: f32 = 12_582_912.0;

/// `saturate(round(value) + zero_point)`, ties to even; NaN becomes 0.
#[must_use]
#[inline]
#[expect(clippy::cast_possible_truncation, reason = "clamped to a byte")]
pub fn round_to_byte(value: f32, zero_point: u8) -> u8 {
    let zero = f32::from(zero_point);
    let clamped = value.max(-zero).min(255.0 - zero);
    let integer = (clamped + ROUNDING).to_bits().wrapping_sub(ROUNDING.to_bits());
    integer.wrapping_add(u32::from(zero_point)) as u8
}

/// One sum to a byte: float multiplier, clamp, ties to even. **Source**: MLAS `MlasRequantizeOutput`.
#[must_use]
#[inline]
#[expect(clippy::cast_precision_loss, reason = "the same conversion as in ONNX Runtime")]
pub fn requantise(sum: i32, multiplier: f32, zero_point: u8) -> u8 {
    round_to_byte(sum as f32 * multiplier, zero_point)
}

/// The byte of a residual sum. The ratios are those of the summands' scales to the result's: `a_scale / y_scale`, `b_scale / y_scale`; two
/// products and one sum, each rounded to float32 (no fused multiply-add). **Source**: MLAS `MlasQLinearAdd`.
#[must_use]
#[inline]
pub fn residual((a, a_zero, a_ratio): (u8, u8, f32), (b, b_zero, b_ratio): (u8, u8, f32), zero_point: u8) -> u8 {
    let centred = |byte: u8, zero: u8| f32::from(i16::from(byte) - i16::from(zero));
    round_to_byte(centred(a, a_zero) * a_ratio + centred(b, b_zero) * b_ratio, zero_point)
}

/// Bytes of one quantisation in another's steps, for every byte. **Source**: MLAS `QLinearConcat`, which has it in a table.
#[must_use]
pub fn table(from: Quantisation, to: Quantisation) -> [u8; 256] {
    let mut table = [0; 256];
    for (byte, into) in (0..=u8::MAX).zip(table.iter_mut()) {
        *into = to.quantise(from.dequantise(byte));
    }
    table
}

/// The multiplier of the sum of `pixels` bytes (less their zero points) whose mean is wanted.
/// **Source**: MLAS `MlasQLinearGlobalAveragePoolNhwc`: an integer sum, one multiplier.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "at most a few thousand pixels")]
pub fn mean_multiplier(from: Quantisation, to: Quantisation, pixels: usize) -> f32 {
    from.scale / (to.scale * pixels as f32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn rounding_is_to_even() {
        for (value, expected) in
            [(0.5, 10), (1.5, 12), (2.5, 12), (-0.5, 10), (-1.5, 8), (1e9, 255), (-1e9, 0), (f32::NAN, 0)]
        {
            assert_eq!(round_to_byte(value, 10), expected, "{value}");
        }
    }

    proptest! {
        #[test]
        fn it_is_round_ties_even(value in -600f32..600.0, zero_point: u8) {
            let zero = f32::from(zero_point);
            let expected = (value.round_ties_even() + zero).clamp(0.0, 255.0);
            prop_assert_eq!(f32::from(round_to_byte(value, zero_point)), expected);
        }

        #[test]
        fn the_same_steps_leave_bytes_alone(scale in 1e-5f32..10.0, zero_point: u8) {
            let q = Quantisation { scale, zero_point };
            prop_assert!(table(q, q).iter().zip(0..=u8::MAX).all(|(to, from)| *to == from));
            for byte in 0..=u8::MAX {
                prop_assert_eq!(residual((byte, zero_point, 1.0), (zero_point, zero_point, 1.0), zero_point), byte);
            }
        }
    }
}
