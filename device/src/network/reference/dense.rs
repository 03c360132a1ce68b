//! `y[p, o] = requantise(bias[o] + Σ_t Σ_i (x[source(p, t), i] - x_zero) · w[o, i, t])`, and a residual sum where one is fused.

use crate::network::plan::{Convolution, Shape, Value};
use clothingid_shared::quantisation::{Quantisation, requantise, residual};

/// The sums, bias included, `[pixels, O]`.
pub(in crate::network) fn dense_sums(x: &[u8], from: &Value, c: &Convolution, to: Shape) -> Vec<i32> {
    let (inputs, taps) = (from.shape.channels, c.geometry.taps());
    let zero = i32::from(from.form.zero_point());
    let mut sums = Vec::with_capacity(to.len());
    for pixel in 0..to.pixels() {
        for o in 0..to.channels {
            let mut sum = c.bias[o];
            for tap in 0..taps {
                // The border is zero: the byte of the zero point.
                let Some(source) = c.geometry.source(from.shape, to, pixel, tap) else { continue };
                for i in 0..inputs {
                    let w = c.weights_oihw[(o * inputs + i) * taps + tap];
                    sum += (i32::from(x[source * inputs + i]) - zero) * i32::from(w);
                }
            }
            sums.push(sum);
        }
    }
    sums
}

/// The bytes of [`dense_sums`].
pub(in crate::network) fn dense(
    sums: &[i32],
    c: &Convolution,
    to: Quantisation,
    other: Option<(&[u8], Quantisation)>,
) -> Vec<u8> {
    let outputs = c.bias.len();
    let byte = |(place, sum): (usize, &i32)| {
        let multiplier = c.multipliers[place % outputs];
        match (c.residual, other) {
            (Some(fused), Some((other, from))) => {
                let own = requantise(*sum, multiplier, fused.own.zero_point);
                residual(
                    (own, fused.own.zero_point, fused.own.scale / to.scale),
                    (other[place], from.zero_point, from.scale / to.scale),
                    to.zero_point,
                )
            }
            _ => requantise(*sum, multiplier, to.zero_point),
        }
    };
    sums.iter().enumerate().map(byte).collect()
}

/// The real numbers of the sums of a layer whose result leaves the integers.
#[expect(clippy::cast_precision_loss, reason = "the same conversion as in ONNX Runtime")]
pub(in crate::network) fn floats(sums: &[i32], c: &Convolution) -> Vec<f32> {
    sums.iter().zip(c.multipliers.iter().cycle()).map(|(sum, multiplier)| *sum as f32 * multiplier).collect()
}
