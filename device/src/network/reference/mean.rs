//! `y[c] = requantise(Σ_p (x[p, c] - x_zero))` with the multiplier of a mean.

use crate::network::plan::Value;
use clothingid_shared::quantisation::{Quantisation, mean_multiplier, requantise};

/// The mean over all pixels.
pub(in crate::network) fn mean(x: &[u8], from: &Value, to: Quantisation) -> Vec<u8> {
    let (shape, zero) = (from.shape, i32::from(from.form.zero_point()));
    let multiplier = mean_multiplier(from.form.quantisation(), to, shape.pixels());
    let sum = |channel: usize| (0..shape.pixels()).map(|p| i32::from(x[p * shape.channels + channel]) - zero).sum();
    (0..shape.channels).map(|channel| requantise(sum(channel), multiplier, to.zero_point)).collect()
}
