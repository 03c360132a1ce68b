//! The integer layers as plain loops over channel-last bytes, rounded as ONNX Runtime rounds them.
//!
//! `x - zero_point` and the weights are widened to `i16`: their products fit `i32` in pairs, which is the form that compilers
//! turn into multiply-add instructions on every x86-64 and aarch64. Sums are exact; the only rounding is the one of
//! [`clothingid_shared::quantisation`].

use clothingid_shared::quantisation::{Quantisation, mean_multiplier, requantise, residual};

use crate::export::fused::{Geometry, Shape};
use crate::network::graph::Pooling;

/// Pixels that share one pass over the weights.
const TILE: usize = 4;
/// Rows of weights are padded with zeros to this multiple.
const ROW: usize = 16;

/// Weights of one layer, laid out for these loops.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    /// Dense: `[O][kH][kW][I/groups]`, each row padded with zeros to `row`; depthwise: `[kH][kW][C]`.
    weights: Vec<i16>,
    row: usize,
    /// One for each output channel.
    pub(super) bias: Vec<i32>,
}

impl Kernel {
    /// From OIHW.
    pub(super) fn new(weights_oihw: &[i8], bias: &[i32], geometry: &Geometry) -> Self {
        let area = geometry.kernel * geometry.kernel;
        let inputs = geometry.inputs / geometry.groups;
        if geometry.is_depthwise() {
            let at = |tap: usize, c: usize| i16::from(weights_oihw[c * area + tap]);
            let weights = (0..area).flat_map(|tap| (0..geometry.outputs).map(move |c| at(tap, c))).collect();
            return Self { weights, row: geometry.outputs, bias: bias.to_vec() };
        }
        let row = (area * inputs).next_multiple_of(ROW);
        let mut weights = vec![0; row * geometry.outputs];
        for (o, from) in weights_oihw.chunks_exact(area * inputs).enumerate() {
            for tap in 0..area {
                for i in 0..inputs {
                    weights[o * row + tap * inputs + i] = i16::from(from[i * area + tap]);
                }
            }
        }
        Self { weights, row, bias: bias.to_vec() }
    }
}

/// Where the results of one convolution go.
pub(super) struct Epilogue<'a> {
    /// `x_scale · w_scale[c] / y_scale`.
    pub(super) multipliers: &'a [f32],
    /// Of the result.
    pub(super) zero_point: u8,
}

/// Sums of products of one row of weights with four pixels.
#[inline]
fn dot(weights: &[i16], pixels: &[i16]) -> [i32; TILE] {
    let row = weights.len();
    let (a, rest) = pixels.split_at(row);
    let (b, rest) = rest.split_at(row);
    let (c, d) = rest.split_at(row);
    let d = &d[..row];
    let mut sums = [0; TILE];
    for i in 0..row {
        let w = i32::from(weights[i]);
        sums[0] += w * i32::from(a[i]);
        sums[1] += w * i32::from(b[i]);
        sums[2] += w * i32::from(c[i]);
        sums[3] += w * i32::from(d[i]);
    }
    sums
}

/// Any convolution that is not depthwise. **Shapes**: channel-last in and out.
pub(super) fn dense(
    x: &[u8],
    from: Shape,
    x_zero: u8,
    g: &Geometry,
    kernel: &Kernel,
    to: Shape,
    end: &Epilogue<'_>,
) -> Vec<u8> {
    let mut y = vec![0; to.len()];
    sums_of_dense(x, from, x_zero, g, kernel, to, |pixel, channel, sum| {
        y[pixel * to.channels + channel] = requantise(sum, end.multipliers[channel], end.zero_point);
    });
    y
}

/// The sums, bias included, that [`dense`] requantises: called with pixel, channel and sum.
pub(super) fn sums_of_dense(
    x: &[u8],
    from: Shape,
    x_zero: u8,
    g: &Geometry,
    kernel: &Kernel,
    to: Shape,
    mut put: impl FnMut(usize, usize, i32),
) {
    let (inputs, outputs) = (g.inputs / g.groups, g.outputs / g.groups);
    let zero = i16::from(x_zero);
    let pixels = to.height * to.width;
    let mut patches = vec![0i16; kernel.row * TILE];
    for group in 0..g.groups {
        for first in (0..pixels).step_by(TILE) {
            let count = TILE.min(pixels - first);
            for (t, patch) in patches.chunks_exact_mut(kernel.row).take(count).enumerate() {
                let (row, column) = ((first + t) / to.width * g.stride, (first + t) % to.width * g.stride);
                for tap in 0..g.kernel * g.kernel {
                    let (i, j) = (row + tap / g.kernel, column + tap % g.kernel);
                    let into = &mut patch[tap * inputs..(tap + 1) * inputs];
                    let inside = (g.before..g.before + from.height).contains(&i)
                        && (g.before..g.before + from.width).contains(&j);
                    if inside {
                        let at = ((i - g.before) * from.width + j - g.before) * from.channels + group * inputs;
                        for (to, &byte) in into.iter_mut().zip(&x[at..at + inputs]) {
                            *to = i16::from(byte) - zero;
                        }
                    } else {
                        into.fill(0);
                    }
                }
            }
            for o in group * outputs..(group + 1) * outputs {
                let sums = dot(&kernel.weights[o * kernel.row..(o + 1) * kernel.row], &patches);
                for (t, sum) in sums.iter().take(count).enumerate() {
                    put(first + t, o, sum + kernel.bias[o]);
                }
            }
        }
    }
}

/// Depthwise convolution. **Shapes**: channel-last in and out.
pub(super) fn depthwise(
    x: &[u8],
    from: Shape,
    x_zero: u8,
    g: &Geometry,
    kernel: &Kernel,
    to: Shape,
    end: &Epilogue<'_>,
) -> Vec<u8> {
    let mut y = vec![0; to.len()];
    sums_of_depthwise(x, from, x_zero, g, kernel, to, |pixel, sums| {
        let into = &mut y[pixel * to.channels..(pixel + 1) * to.channels];
        for ((byte, &sum), &multiplier) in into.iter_mut().zip(sums).zip(end.multipliers) {
            *byte = requantise(sum, multiplier, end.zero_point);
        }
    });
    y
}

/// The sums, bias included, that [`depthwise`] requantises: called with pixel and the sums of all channels.
pub(super) fn sums_of_depthwise(
    x: &[u8],
    from: Shape,
    x_zero: u8,
    g: &Geometry,
    kernel: &Kernel,
    to: Shape,
    mut put: impl FnMut(usize, &[i32]),
) {
    let channels = from.channels;
    let zero = i16::from(x_zero);
    let mut sums = vec![0i32; channels];
    for pixel in 0..to.height * to.width {
        let (row, column) = (pixel / to.width * g.stride, pixel % to.width * g.stride);
        sums.copy_from_slice(&kernel.bias);
        for tap in 0..g.kernel * g.kernel {
            let (i, j) = (row + tap / g.kernel, column + tap % g.kernel);
            if i < g.before || j < g.before || i >= g.before + from.height || j >= g.before + from.width {
                continue;
            }
            let at = ((i - g.before) * from.width + j - g.before) * channels;
            let weights = &kernel.weights[tap * channels..(tap + 1) * channels];
            for ((sum, &byte), &w) in sums.iter_mut().zip(&x[at..at + channels]).zip(weights) {
                *sum += i32::from(i16::from(byte) - zero) * i32::from(w);
            }
        }
        put(pixel, &sums);
    }
}

/// Residual sum in float, with the ratios of the scales.
pub(super) fn add(a: &[u8], qa: Quantisation, b: &[u8], qb: Quantisation, to: Quantisation) -> Vec<u8> {
    let (ratio_a, ratio_b) = (qa.scale / to.scale, qb.scale / to.scale);
    let (zero_a, zero_b) = (qa.zero_point, qb.zero_point);
    let value = |(&a, &b): (&u8, &u8)| residual((a, zero_a, ratio_a), (b, zero_b, ratio_b), to.zero_point);
    a.iter().zip(b).map(value).collect()
}

/// Max pooling whose windows may reach over the border. **Shapes**: channel-last in and out.
pub(super) fn max_pool(x: &[u8], from: Shape, pooling: Pooling, to: Shape) -> Vec<u8> {
    let Pooling { kernel, stride, border, .. } = pooling;
    // Rows or columns of the input in the window at `place` of the output.
    let window = |place: usize, length: usize| {
        let start = place * stride;
        start.saturating_sub(border)..(start + kernel).saturating_sub(border).min(length)
    };
    let mut y = vec![0; to.len()];
    for (pixel, into) in y.chunks_exact_mut(to.channels).enumerate() {
        for i in window(pixel / to.width, from.height) {
            for j in window(pixel % to.width, from.width) {
                let at = (i * from.width + j) * from.channels;
                for (max, &byte) in into.iter_mut().zip(&x[at..at + from.channels]) {
                    *max = byte.max(*max);
                }
            }
        }
    }
    y
}

/// Mean over height and width.
#[expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "at most a few thousand pixels")]
pub(super) fn global_average_pool(x: &[u8], from: Shape, qx: Quantisation, to: Quantisation) -> Vec<u8> {
    let pixels = from.height * from.width;
    let mut sums = vec![-i32::from(qx.zero_point) * pixels as i32; from.channels];
    for pixel in x.chunks_exact(from.channels) {
        for (sum, &byte) in sums.iter_mut().zip(pixel) {
            *sum += i32::from(byte);
        }
    }
    let multiplier = mean_multiplier(qx, to, pixels);
    sums.iter().map(|&sum| requantise(sum, multiplier, to.zero_point)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn slow(x: &[u8], from: Shape, x_zero: u8, g: &Geometry, weights_oihw: &[i8], bias: &[i32], to: Shape) -> Vec<i32> {
        let inputs = g.inputs / g.groups;
        let mut sums = Vec::new();
        for row in 0..to.height {
            for column in 0..to.width {
                for o in 0..g.outputs {
                    let group = o / (g.outputs / g.groups);
                    let mut sum = bias[o];
                    for i in 0..inputs {
                        for a in 0..g.kernel {
                            for b in 0..g.kernel {
                                let (Some(r), Some(c)) = (
                                    (row * g.stride + a).checked_sub(g.before),
                                    (column * g.stride + b).checked_sub(g.before),
                                ) else {
                                    continue;
                                };
                                if r < from.height && c < from.width {
                                    let byte = x[(r * from.width + c) * from.channels + group * inputs + i];
                                    let w = weights_oihw[((o * inputs + i) * g.kernel + a) * g.kernel + b];
                                    sum += (i32::from(byte) - i32::from(x_zero)) * i32::from(w);
                                }
                            }
                        }
                    }
                    sums.push(sum);
                }
            }
        }
        sums
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn sums_are_those_of_the_definition(
            side in 1usize..9, kernel in 1usize..4, stride in 1usize..3, before in 0usize..2, after in 0usize..2,
            form in 0usize..3, channels in 1usize..6, outputs in 1usize..7, x_zero: u8, seed: u64,
        ) {
            let (inputs, outputs, groups) = match form { 0 => (channels, outputs, 1), 1 => (channels + 1, channels + 1, channels + 1), _ => (channels * 2, outputs * 2, 2) };
            let g = Geometry { inputs, outputs, kernel, stride, groups, before, after };
            prop_assume!(g.along(side).is_some());
            let out = g.along(side).unwrap();
            let from = Shape { height: side, width: side, channels: inputs };
            let to = Shape { height: out, width: out, channels: outputs };
            let mut state = seed;
            let mut next = || { state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407); state.to_be_bytes()[0] };
            let x: Vec<u8> = (0..from.len()).map(|_| next()).collect();
            let w: Vec<i8> = (0..outputs * g.weights_per_output()).map(|_| next().cast_signed().max(-127)).collect();
            let bias: Vec<i32> = (0..outputs).map(|_| i32::from(next()) * 100 - 12_800).collect();
            let made = Kernel::new(&w, &bias, &g);
            let mut found = vec![0; to.len()];
            if g.is_depthwise() {
                sums_of_depthwise(&x, from, x_zero, &g, &made, to, |pixel, sums| found[pixel * outputs..(pixel + 1) * outputs].copy_from_slice(sums));
            } else {
                sums_of_dense(&x, from, x_zero, &g, &made, to, |pixel, channel, sum| found[pixel * outputs + channel] = sum);
            }
            prop_assert_eq!(found, slow(&x, from, x_zero, &g, &w, &bias, to));
        }
    }
}
