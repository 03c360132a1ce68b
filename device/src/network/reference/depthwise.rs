//! `y[p, c] = requantise(bias[c] + Σ_t (x[source(p, t), c] - x_zero) · w[c, t])`.

use crate::network::plan::{Convolution, Shape, Value};
use clothingid_shared::quantisation::{Quantisation, requantise};

/// The sums, bias included, `[pixels, C]`.
pub(in crate::network) fn depthwise_sums(x: &[u8], from: &Value, c: &Convolution, to: Shape) -> Vec<i32> {
    let (channels, taps) = (to.channels, c.geometry.taps());
    let zero = i32::from(from.form.zero_point());
    let mut sums = Vec::with_capacity(to.len());
    for pixel in 0..to.pixels() {
        for channel in 0..channels {
            let mut sum = c.bias[channel];
            for tap in 0..taps {
                let Some(source) = c.geometry.source(from.shape, to, pixel, tap) else { continue };
                let w = c.weights_oihw[channel * taps + tap];
                sum += (i32::from(x[source * channels + channel]) - zero) * i32::from(w);
            }
            sums.push(sum);
        }
    }
    sums
}

/// The bytes of [`depthwise_sums`].
pub(in crate::network) fn depthwise(sums: &[i32], c: &Convolution, to: Quantisation) -> Vec<u8> {
    let byte = |(place, sum): (usize, &i32)| requantise(*sum, c.multipliers[place % c.bias.len()], to.zero_point);
    sums.iter().enumerate().map(byte).collect()
}
