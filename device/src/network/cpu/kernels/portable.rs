//! Kernels for every processor: bytes and weights widened to 16 bits, whose products compilers add in pairs (`pmaddwd`, `smlal`).

use super::{End, Kernel, LayerForm, Output};
use crate::network::cpu::rows::Rows;
use clothingid_shared::quantisation::{requantise, residual};
use std::ops::Range;

/// Pixels that share one pass over the weights.
const TILE: usize = 4;
/// Rows of weights are padded with zeros to this multiple.
const ROW: usize = 16;

/// What both kinds share: where sums go.
struct Epilogue {
    multipliers: Vec<f32>,
    end: End,
}

impl Epilogue {
    /// Writes the sums of one pixel, `place` of those asked for.
    fn write(&self, sums: &[i32], other: &[u8], y: &mut Output<'_>, place: usize) {
        let (channels, each) = (sums.len(), sums.iter().zip(&self.multipliers));
        let range = place * channels..(place + 1) * channels;
        match (self.end, y) {
            (End::Bytes { zero_point }, Output::Bytes(y)) => {
                for (y, (sum, multiplier)) in y.get_mut(range).unwrap_or_default().iter_mut().zip(each) {
                    *y = requantise(*sum, *multiplier, zero_point);
                }
            }
            (End::Residual(s), Output::Bytes(y)) => {
                let pairs = y.get_mut(range).unwrap_or_default().iter_mut().zip(other);
                for ((y, other), (sum, multiplier)) in pairs.zip(each) {
                    let own = requantise(*sum, *multiplier, s.own_zero);
                    *y = residual((own, s.own_zero, s.own_ratio), (*other, s.other_zero, s.other_ratio), s.zero_point);
                }
            }
            (_, Output::Floats(y)) => {
                for (y, (sum, multiplier)) in y.get_mut(range).unwrap_or_default().iter_mut().zip(each) {
                    #[expect(clippy::cast_precision_loss, reason = "the same conversion as in ONNX Runtime")]
                    let float = *sum as f32;
                    *y = float * multiplier;
                }
            }
            (End::Floats, Output::Bytes(_)) => {}
        }
    }
}

/// A dense convolution.
pub(super) struct Dense {
    rows: Rows,
    inputs: usize,
    /// `[O][taps · I, padded]`.
    weights: Vec<i16>,
    row: usize,
    bias: Vec<i32>,
    epilogue: Epilogue,
}

impl Dense {
    pub(super) fn new(layer: LayerForm<'_>) -> Self {
        let (taps, inputs, c) = (layer.rows.taps(), layer.from.shape.channels, layer.convolution);
        let row = (taps * inputs).next_multiple_of(ROW);
        let mut weights = vec![0; row * c.bias.len()];
        for (into, from) in weights.chunks_exact_mut(row).zip(c.rows()) {
            for (input, taps_of_input) in from.chunks_exact(taps).enumerate() {
                for (into, w) in into.iter_mut().skip(input).step_by(inputs).zip(taps_of_input) {
                    *into = i16::from(*w);
                }
            }
        }
        let epilogue = Epilogue { multipliers: c.multipliers.clone(), end: layer.end() };
        Self { weights, row, inputs, bias: layer.folded_bias(), epilogue, rows: layer.rows }
    }

    /// Widens what one output pixel reads.
    fn patch(&self, x: &[u8], pixel: usize, into: &mut [i16]) {
        for (tap, into) in into.chunks_exact_mut(self.inputs).take(self.rows.taps()).enumerate() {
            let at = self.rows.offset(pixel, tap);
            for (into, byte) in into.iter_mut().zip(x.get(at..at + self.inputs).unwrap_or_default()) {
                *into = i16::from(*byte);
            }
        }
    }
}

/// Sums of products of one row of weights with four patches.
fn dot(weights: &[i16], [a, b, c, d]: [&[i16]; TILE]) -> [i32; TILE] {
    let mut sums = [0_i32; TILE];
    for ((((w, a), b), c), d) in weights.iter().zip(a).zip(b).zip(c).zip(d) {
        let w = i32::from(*w);
        sums = [
            sums[0] + w * i32::from(*a),
            sums[1] + w * i32::from(*b),
            sums[2] + w * i32::from(*c),
            sums[3] + w * i32::from(*d),
        ];
    }
    sums
}

thread_local! {
    /// Patches and sums of a tile, kept between frames.
    static SCRATCH: std::cell::RefCell<(Vec<i16>, Vec<i32>)> = const { std::cell::RefCell::new((Vec::new(), Vec::new())) };
}

impl Kernel for Dense {
    fn run(&self, x: &[u8], other: &[u8], mut y: Output<'_>, pixels: Range<usize>) {
        let channels = self.bias.len();
        SCRATCH.with_borrow_mut(|(patches, sums)| {
            patches.clear();
            patches.resize(self.row * TILE, 0);
            sums.clear();
            sums.resize(channels * TILE, 0);
            for first in pixels.clone().step_by(TILE) {
                let count = TILE.min(pixels.end - first);
                for (t, patch) in patches.chunks_exact_mut(self.row).take(count).enumerate() {
                    self.patch(x, first + t, patch);
                }
                let mut each = patches.chunks_exact(self.row);
                let tile: [&[i16]; TILE] = std::array::from_fn(|_| each.next().unwrap_or_default());
                for (o, (weights, bias)) in self.weights.chunks_exact(self.row).zip(&self.bias).enumerate() {
                    for (into, sum) in sums.iter_mut().skip(o).step_by(channels).zip(dot(weights, tile)) {
                        *into = bias.wrapping_add(sum);
                    }
                }
                for (t, sums) in sums.chunks_exact(channels).take(count).enumerate() {
                    let other = other.get((first + t) * channels..).unwrap_or_default();
                    self.epilogue.write(sums, other, &mut y, first + t - pixels.start);
                }
            }
        });
    }
}

/// A depthwise convolution.
pub(super) struct Depthwise {
    rows: Rows,
    /// `[taps][C]`.
    weights: Vec<i16>,
    bias: Vec<i32>,
    epilogue: Epilogue,
}

impl Depthwise {
    pub(super) fn new(layer: LayerForm<'_>) -> Self {
        let (taps, c) = (layer.rows.taps(), layer.convolution);
        let weights =
            (0..taps).flat_map(|tap| c.weights_oihw.iter().skip(tap).step_by(taps).map(|w| i16::from(*w))).collect();
        let epilogue = Epilogue { multipliers: c.multipliers.clone(), end: layer.end() };
        Self { weights, bias: layer.folded_bias(), epilogue, rows: layer.rows }
    }
}

impl Kernel for Depthwise {
    fn run(&self, x: &[u8], _other: &[u8], mut y: Output<'_>, pixels: Range<usize>) {
        let channels = self.bias.len();
        SCRATCH.with_borrow_mut(|(_, sums)| {
            sums.clear();
            sums.resize(channels, 0);
            for pixel in pixels.clone() {
                sums.copy_from_slice(&self.bias);
                for (tap, weights) in self.weights.chunks_exact(channels).enumerate() {
                    let at = self.rows.offset(pixel, tap);
                    let bytes = x.get(at..at + channels).unwrap_or_default();
                    for ((sum, byte), w) in sums.iter_mut().zip(bytes).zip(weights) {
                        *sum += i32::from(i16::from(*byte)) * i32::from(*w);
                    }
                }
                self.epilogue.write(sums, &[], &mut y, pixel - pixels.start);
            }
        });
    }
}
