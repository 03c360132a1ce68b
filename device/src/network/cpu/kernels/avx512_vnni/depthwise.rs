//! Depthwise convolutions: four taps of a channel side by side, which `vpdpbusd` adds at once.
//!
//! Blocks of 64 channels in 512-bit vectors, a last one of up to 32 in 256-bit vectors; both by the same code ([`kernels`]).
//!
//! Any window takes its taps four by four. A 3×3 window in steps of one, as most of MobileNetV2's, computes two rows of results together:
//! each column of four input pixels is interleaved once, serves three columns of both rows, and is then left behind. That is a third of the
//! loads and a sixth of the interleaving.

use super::ends::{store32, store64};
use super::{VECTOR, packing_order};
use crate::network::cpu::buffer::Buffer;
use crate::network::cpu::kernels::{Kernel, LayerForm, Output};
use crate::network::cpu::rows::Rows;
use std::arch::x86_64::*;
use std::ops::Range;

/// The channels of a block, and where its parameters begin.
#[derive(Debug, Clone, Copy)]
struct Channels {
    /// First channel.
    first: usize,
    /// Channels that exist.
    count: usize,
    /// 512-bit vectors, or 256-bit ones.
    is_wide: bool,
    /// Where the weights for any window and those for two rows begin, in bytes.
    weights: [usize; 2],
    /// Where biases and multipliers begin.
    parameters: usize,
}

impl Channels {
    fn lanes(self) -> usize {
        if self.is_wide { 16 } else { 8 }
    }

    /// All elements' channels: vector by vector.
    fn order(self) -> impl Iterator<Item = usize> {
        let of_vector = move |vector| (0..self.lanes()).map(move |element| self.first + packing_order(vector, element));
        (0..4).flat_map(of_vector)
    }
}

/// A depthwise convolution.
pub(in crate::network::cpu::kernels) struct Depthwise {
    rows: Rows,
    blocks: Vec<Channels>,
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

impl Depthwise {
    pub(in crate::network::cpu::kernels) fn new(layer: LayerForm<'_>) -> Self {
        let (taps, c) = (layer.rows.taps(), layer.convolution);
        let (channels, folded) = (c.bias.len(), layer.folded_bias());
        let is_paired = c.geometry.kernel == 3 && c.geometry.stride == 1;
        // Four bytes for each channel of a block: the weights of four taps.
        let fours = |block: Channels, tap: &dyn Fn(usize) -> Option<usize>| -> Vec<u8> {
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
            let is_wide = channels - first > 32;
            let count = (channels - first).min(if is_wide { 64 } else { 32 });
            let block = Channels { first, count, is_wide, weights: [any.len(), pair.len()], parameters: bias.len() };
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
            reads: layer.rows.furthest(layer.to.shape.pixels()) + channels.next_multiple_of(VECTOR),
            blocks,
            rows: layer.rows,
        }
    }

    /// What a kernel needs of a block.
    ///
    /// # Safety
    /// `block` is one of ours; `form` is 0, or 1 where two rows are computed together.
    unsafe fn part(&self, block: &Channels, form: usize) -> Part<'_> {
        let weights = if form == 0 { &self.any } else { &self.pair };
        // SAFETY: where `new` put them.
        unsafe {
            Part {
                rows: &self.rows,
                first: block.first,
                count: block.count,
                weights: weights.bytes().as_ptr().add(block.weights[form]),
                bias: self.bias.as_ptr().add(block.parameters),
                multipliers: self.multipliers.as_ptr().add(block.parameters),
                zero_point: self.zero_point,
                channels: self.channels,
            }
        }
    }
}

/// A block and its parameters.
struct Part<'a> {
    rows: &'a Rows,
    first: usize,
    count: usize,
    weights: *const u8,
    bias: *const i32,
    multipliers: *const f32,
    zero_point: u8,
    channels: usize,
}

/// The same two functions for a width of vectors.
macro_rules! kernels {
    (
        $width:ident, $vector:ty, $lanes:literal, $load:ident, $zero:ident, $low8:ident, $high8:ident, $low16:ident, $high16:ident,
        $dot:ident, $float:ident, $times:ident, $load_floats:ident, $round:ident, $store:ident
    ) => {
        mod $width {
            use super::*;

            /// Byte `c` of four vectors behind each other, for all channels of the block.
            #[inline]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
            fn interleave([a, b, c, d]: [$vector; 4]) -> [$vector; 4] {
                let (low_ab, high_ab, low_cd, high_cd) = ($low8(a, b), $high8(a, b), $low8(c, d), $high8(c, d));
                [$low16(low_ab, low_cd), $high16(low_ab, low_cd), $low16(high_ab, high_cd), $high16(high_ab, high_cd)]
            }

            /// Rounds and stores one pixel's sums.
            ///
            /// # Safety
            /// `y` is writable for the block's channels.
            #[inline]
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
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
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
            pub(super) unsafe fn pixel(part: &Part<'_>, x: *const u8, pixel: usize, y: *mut u8) {
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
            #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
            pub(super) unsafe fn pair(part: &Part<'_>, x: *const u8, pixel: usize, width: usize, y: *mut u8) {
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

kernels!(
    wide,
    __m512i,
    16,
    _mm512_loadu_si512,
    _mm512_setzero_si512,
    _mm512_unpacklo_epi8,
    _mm512_unpackhi_epi8,
    _mm512_unpacklo_epi16,
    _mm512_unpackhi_epi16,
    _mm512_dpbusd_epi32,
    _mm512_cvtepi32_ps,
    _mm512_mul_ps,
    _mm512_loadu_ps,
    _mm512_cvtps_epi32,
    store64
);
kernels!(
    half,
    __m256i,
    8,
    _mm256_loadu_si256,
    _mm256_setzero_si256,
    _mm256_unpacklo_epi8,
    _mm256_unpackhi_epi8,
    _mm256_unpacklo_epi16,
    _mm256_unpackhi_epi16,
    _mm256_dpbusd_epi32,
    _mm256_cvtepi32_ps,
    _mm256_mul_ps,
    _mm256_loadu_ps,
    _mm256_cvtps_epi32,
    store32
);

impl Kernel for Depthwise {
    fn run(&self, x: &[u8], _other: &[u8], y: Output<'_>, pixels: Range<usize>) {
        let Output::Bytes(y) = y else { return };
        assert!(x.len() >= self.reads, "the input's buffer is the plan's");
        assert!(y.len() >= pixels.len() * self.channels, "the result's buffer is the plan's");
        let (x, mut next) = (x.as_ptr(), pixels.start);
        while next < pixels.end {
            // SAFETY: kernels are only made where `is_there`; `x` is as long as any tap reads, and `y` as all pixels of the range.
            next += unsafe {
                let y = y.as_mut_ptr().add((next - pixels.start) * self.channels);
                match self.width {
                    Some(width) if next.is_multiple_of(width) && next + 2 * width <= pixels.end => {
                        for block in &self.blocks {
                            let (part, y) = (self.part(block, 1), y.add(block.first));
                            let run = if block.is_wide { wide::pair } else { half::pair };
                            run(&part, x, next, width, y);
                        }
                        2 * width
                    }
                    _ => {
                        for block in &self.blocks {
                            let (part, y) = (self.part(block, 0), y.add(block.first));
                            let run = if block.is_wide { wide::pixel } else { half::pixel };
                            run(&part, x, next, y);
                        }
                        1
                    }
                }
            };
        }
    }
}
