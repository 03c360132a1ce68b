//! Depthwise convolutions by instructions that add four products of bytes: four taps of a channel lie side by side.
//!
//! Channels come in blocks of four vectors, of 512 or 256 bits; both by the same code ([`kernels`]), and so for every set of instructions.
//!
//! Any window takes its taps four by four. A 3×3 window in steps of one, as most of MobileNetV2's, computes two rows of results together:
//! each column of four input pixels is interleaved once, serves three columns of both rows, and is then left behind. That is a third of the
//! loads and a sixth of the interleaving.

#![expect(
    unsafe_code,
    reason = "hands out pointers into what it packed, and calls loops for instructions that callers have checked for"
)]

use super::{LayerForm, Output};
use crate::network::cpu::buffer::Buffer;
use crate::network::cpu::rows::Rows;
use std::ops::Range;

/// The channel of an element of four vectors, from their first one on. `vpackssdw` and `vpackuswb` work in 128-bit lanes, and so do the
/// interleaves: in this order, packing leaves the bytes in order and nothing is ever permuted.
pub(super) fn packing_order(vector: usize, element: usize) -> usize {
    16 * (element / 4) + 4 * vector + element % 4
}

/// The channels of a block, and where its parameters begin.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// First channel.
    first: usize,
    /// Channels that exist.
    count: usize,
    /// Sums of each of the four vectors.
    lanes: usize,
    /// Where the weights for any window begin, in bytes.
    any: usize,
    /// Where those for two rows begin, in bytes.
    pair: usize,
    /// Where biases and multipliers begin.
    parameters: usize,
}

impl Block {
    /// All elements' channels: vector by vector.
    fn order(self) -> impl Iterator<Item = usize> {
        let of_vector = move |vector| (0..self.lanes).map(move |element| self.first + packing_order(vector, element));
        (0..4).flat_map(of_vector)
    }
}

/// A packed depthwise convolution.
pub(super) struct FourTaps {
    rows: Rows,
    blocks: Vec<Block>,
    /// `[block][taps / 4][4 vectors][lanes][4]`, zeros where there is no tap or channel.
    any: Buffer,
    /// `[block][2 rows][3 columns][4 vectors][lanes][4]`: the window's rows 0 to 2, then 1 to 3, of four.
    pair: Buffer,
    bias: Vec<i32>,
    multipliers: Vec<f32>,
    zero_point: u8,
    channels: usize,
    /// Pixels of a row of results where two rows are computed together.
    width: Option<usize>,
    reads: usize,
}

/// The loops of an instruction set for a width of vectors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Loops {
    /// One pixel, any window.
    pub(super) pixel: unsafe fn(&Part<'_>, *const u8, usize, *mut u8),
    /// Two rows of pixels of a width; a 3×3 window in steps of one.
    pub(super) pair: unsafe fn(&Part<'_>, *const u8, usize, usize, *mut u8),
}

impl FourTaps {
    /// Packs a layer in blocks of vectors of `widest` sums, and of eight sums where few channels are left.
    pub(super) fn new(layer: LayerForm<'_>, widest: usize) -> Self {
        let (taps, c) = (layer.rows.taps(), layer.convolution);
        let (channels, folded) = (c.bias.len(), layer.folded_bias());
        let is_paired = c.geometry.kernel == 3 && c.geometry.stride == 1;
        // Four bytes for each channel of a block: the weights of four taps.
        let fours = |block: Block, tap: &dyn Fn(usize) -> Option<usize>| -> Vec<u8> {
            let weight = |channel, k| tap(k).map_or(0, |tap| c.weight(channel, 0, tap).cast_unsigned());
            block
                .order()
                .flat_map(|channel| (0..4).map(move |k| (channel, k)))
                .map(|(channel, k)| weight(channel, k))
                .collect()
        };
        let (mut any, mut pair, mut blocks) = (Vec::new(), Vec::new(), Vec::new());
        let (mut bias, mut multipliers, mut first) = (Vec::new(), Vec::new(), 0);
        while first < channels {
            let left = channels - first;
            let lanes = if left > 32 { widest } else { 8 };
            let count = left.min(4 * lanes);
            let block = Block { first, count, lanes, any: any.len(), pair: pair.len(), parameters: bias.len() };
            for group in 0..taps.div_ceil(4) {
                any.extend(fours(block, &|k| Some(4 * group + k)));
            }
            for row in (0..2).take_while(|_| is_paired) {
                for column in 0..3 {
                    let tap = |k: usize| k.checked_sub(row).filter(|tap| *tap < 3).map(|tap| tap * 3 + column);
                    pair.extend(fours(block, &tap));
                }
            }
            bias.extend(block.order().map(|channel| folded.get(channel).copied().unwrap_or_default()));
            multipliers.extend(block.order().map(|channel| c.multipliers.get(channel).copied().unwrap_or_default()));
            blocks.push(block);
            first += count;
        }
        Self {
            any: Buffer::of(any.into_iter()),
            pair: Buffer::of(pair.into_iter()),
            bias,
            multipliers,
            zero_point: layer.to.form.zero_point(),
            channels,
            width: is_paired.then_some(layer.to.shape.width),
            reads: layer.rows.furthest(layer.to.shape.pixels()) + channels.next_multiple_of(4 * widest),
            blocks,
            rows: layer.rows,
        }
    }

    /// What a loop needs of a block.
    ///
    /// # Safety
    /// `block` is one of ours, and `weights` those of it.
    unsafe fn part(&self, block: &Block, weights: *const u8) -> Part<'_> {
        // SAFETY: where `new` put them.
        unsafe {
            Part {
                rows: &self.rows,
                first: block.first,
                count: block.count,
                weights,
                bias: self.bias.as_ptr().add(block.parameters),
                multipliers: self.multipliers.as_ptr().add(block.parameters),
                zero_point: self.zero_point,
                channels: self.channels,
            }
        }
    }

    /// Computes some output pixels; `loops` gives those for vectors of so many sums.
    ///
    /// # Safety
    /// The processor has the instructions of `loops`.
    ///
    /// # Panics
    /// Never for the buffers of the plan.
    pub(super) unsafe fn run(&self, x: &[u8], y: Output<'_>, pixels: Range<usize>, loops: impl Fn(usize) -> Loops) {
        let Output::Bytes(y) = y else { return };
        assert!(x.len() >= self.reads, "the input's buffer is the plan's");
        assert!(y.len() >= pixels.len() * self.channels, "the result's buffer is the plan's");
        let (x, mut next) = (x.as_ptr(), pixels.start);
        while next < pixels.end {
            // SAFETY: instructions are there by the caller; `x` is as long as any tap reads, and `y` as all pixels of the range; weights lie
            // where `new` put them.
            next += unsafe {
                let y = y.as_mut_ptr().add((next - pixels.start) * self.channels);
                match self.width {
                    Some(width) if next.is_multiple_of(width) && next + 2 * width <= pixels.end => {
                        for block in &self.blocks {
                            let part = self.part(block, self.pair.bytes().as_ptr().add(block.pair));
                            (loops(block.lanes).pair)(&part, x, next, width, y.add(block.first));
                        }
                        2 * width
                    }
                    _ => {
                        for block in &self.blocks {
                            let part = self.part(block, self.any.bytes().as_ptr().add(block.any));
                            (loops(block.lanes).pixel)(&part, x, next, y.add(block.first));
                        }
                        1
                    }
                }
            };
        }
    }
}

/// A block and its parameters.
pub(super) struct Part<'a> {
    pub(super) rows: &'a Rows,
    pub(super) first: usize,
    pub(super) count: usize,
    pub(super) weights: *const u8,
    pub(super) bias: *const i32,
    pub(super) multipliers: *const f32,
    pub(super) zero_point: u8,
    pub(super) channels: usize,
}

/// [`Loops`] for an instruction set and a width of vectors, in a module of their own.
macro_rules! kernels {
    (
        $name:ident, $features:literal, $vector:ty, $lanes:literal, $load:ident, $zero:ident, $low8:ident, $high8:ident, $low16:ident, $high16:ident,
        $dot:ident, $float:ident, $times:ident, $load_floats:ident, $round:ident, $store:ident
    ) => {
        mod $name {
            use super::$store;
            use crate::network::cpu::kernels::four_taps::{Loops, Part};
            use std::arch::x86_64::*;

            pub(super) const LOOPS: Loops = Loops { pixel, pair };

            /// Byte `c` of four vectors behind each other, for all channels of the block.
            #[inline]
            #[target_feature(enable = $features)]
            fn interleave([a, b, c, d]: [$vector; 4]) -> [$vector; 4] {
                let (low_ab, high_ab, low_cd, high_cd) = ($low8(a, b), $high8(a, b), $low8(c, d), $high8(c, d));
                [$low16(low_ab, low_cd), $high16(low_ab, low_cd), $low16(high_ab, high_cd), $high16(high_ab, high_cd)]
            }

            /// Rounds and stores one pixel's sums.
            ///
            /// # Safety
            /// `y` is writable for the block's channels.
            #[inline]
            #[target_feature(enable = $features)]
            unsafe fn finish(part: &Part<'_>, sums: [$vector; 4], y: *mut u8) {
                // SAFETY: a block has four vectors of multipliers; `store` keeps to the channels.
                unsafe {
                    let steps = std::array::from_fn(|v| {
                        $round($times($float(sums[v]), $load_floats(part.multipliers.add(v * $lanes))))
                    });
                    $store(y, steps, part.zero_point, part.count);
                }
            }

            /// One pixel, any window.
            ///
            /// # Safety
            /// The processor has the instructions; `x` is readable where the taps lie, `y` writable for the block's channels.
            #[target_feature(enable = $features)]
            unsafe fn pixel(part: &Part<'_>, x: *const u8, pixel: usize, y: *mut u8) {
                // SAFETY: by the caller; weights and biases lie where they were packed.
                unsafe {
                    let (x, taps) = (x.add(part.first), part.rows.taps());
                    let tap = |tap: usize| {
                        if tap < taps { $load(x.add(part.rows.offset(pixel, tap)).cast()) } else { $zero() }
                    };
                    let mut sums: [$vector; 4] = std::array::from_fn(|v| $load(part.bias.add(v * $lanes).cast()));
                    let mut weights = part.weights;
                    for first in (0..taps).step_by(4) {
                        let four = interleave([tap(first), tap(first + 1), tap(first + 2), tap(first + 3)]);
                        for v in 0..4 {
                            sums[v] = $dot(sums[v], four[v], $load(weights.add(v * 4 * $lanes).cast()));
                        }
                        weights = weights.add(16 * $lanes);
                    }
                    finish(part, sums, y);
                }
            }

            /// Two rows of `width` pixels, of which `pixel` is the first; a 3×3 window in steps of one.
            ///
            /// # Safety
            /// As [`pixel`], for all of them; `y` is the first pixel's results.
            #[target_feature(enable = $features)]
            unsafe fn pair(part: &Part<'_>, x: *const u8, pixel: usize, width: usize, y: *mut u8) {
                // SAFETY: by the caller; weights and biases lie where they were packed.
                unsafe {
                    let x = x.add(part.first);
                    let column = |pixel: usize, column: usize| {
                        let tap =
                            |pixel: usize, row: usize| $load(x.add(part.rows.offset(pixel, 3 * row + column)).cast());
                        interleave([tap(pixel, 0), tap(pixel, 1), tap(pixel, 2), tap(pixel + width, 2)])
                    };
                    let bias: [$vector; 4] = std::array::from_fn(|v| $load(part.bias.add(v * $lanes).cast()));
                    let (mut left, mut middle) = (column(pixel, 0), column(pixel, 1));
                    for place in 0..width {
                        let right = column(pixel + place, 2);
                        for row in 0..2 {
                            let weights = part.weights.add(row * 48 * $lanes);
                            let mut sums = bias;
                            for v in 0..4 {
                                let weight = |column: usize| $load(weights.add((column * 4 + v) * 4 * $lanes).cast());
                                sums[v] = $dot(sums[v], left[v], weight(0));
                                sums[v] = $dot(sums[v], middle[v], weight(1));
                                sums[v] = $dot(sums[v], right[v], weight(2));
                            }
                            finish(part, sums, y.add((row * width + place) * part.channels));
                        }
                        (left, middle) = (middle, right);
                    }
                }
            }
        }
    };
}

/// The same for vectors of 256 bits, whose product instruction and store differ from set to set.
macro_rules! kernels256 {
    ($name:ident, $features:literal, $dot:ident, $store:ident) => {
        $crate::network::cpu::kernels::four_taps::kernels!(
            $name,
            $features,
            __m256i,
            8,
            _mm256_loadu_si256,
            _mm256_setzero_si256,
            _mm256_unpacklo_epi8,
            _mm256_unpackhi_epi8,
            _mm256_unpacklo_epi16,
            _mm256_unpackhi_epi16,
            $dot,
            _mm256_cvtepi32_ps,
            _mm256_mul_ps,
            _mm256_loadu_ps,
            _mm256_cvtps_epi32,
            $store
        );
    };
}

pub(super) use {kernels, kernels256};
