//! Kernels of 256-bit vectors with AVX2: `vpmaddwd` adds two products of 16-bit numbers to each of 8 sums.
//!
//! The instruction that multiplies bytes, `vpmaddubsw`, saturates sums of two products at 16 bits; it would be wrong for large weights. So
//! bytes are widened: those of a tile of pixels once for all output channels, weights when they are packed.
//!
//! **Dense**: blocks of 16 output channels, six pixels at a time; weights `[block][inputs of all taps / 2][2 vectors][8][2]`.
//! **Depthwise**: 16 channels, two taps interleaved; weights `[block][taps / 2][2 vectors][8][2]`.
//!
//! **Order of channels**: as in the 512-bit kernels, element `e` of vector `v` is channel `8 · (e / 4) + 4 · v + e % 4` of its block, so that
//! `vpackssdw` leaves them in order.
//!
//! **Source** Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, PMADDWD.

#![expect(
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    reason = "arrays of registers: constant lengths, and loops over them that the compiler unrolls"
)]
#![expect(
    unsafe_code,
    reason = "vector loads and stores take pointers, and the instructions are checked for at run time"
)]

use super::results::{Pixel, Results};
use super::{End, Kernel, LayerForm, Output, Sum};
use crate::network::cpu::buffer::Buffer;
use crate::network::cpu::rows::Rows;
use std::arch::x86_64::*;
use std::cell::RefCell;
use std::ops::Range;

/// Channels of a block.
const BLOCK: usize = 16;
/// Bytes and sums of a vector.
const VECTOR: usize = 32;
const LANES: usize = 8;
/// Pixels whose sums stay in registers.
const TILE: usize = 6;
/// Tiles that are widened together.
const TILES: usize = 2;

/// Whether this processor has the instructions.
pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx2")
}

/// The channel of an element of a block's vectors.
fn channel(block: usize, vector: usize, element: usize) -> usize {
    block * BLOCK + 8 * (element / 4) + 4 * vector + element % 4
}

/// Biases or multipliers in the order of the blocks' elements, zeros where there is no channel.
fn in_order<T: Copy + Default>(blocks: usize, values: &[T]) -> Vec<T> {
    let place = |i: usize| channel(i / BLOCK, i % BLOCK / LANES, i % LANES);
    (0..blocks * BLOCK).map(|i| values.get(place(i)).copied().unwrap_or_default()).collect()
}

/// What both kinds share: parameters of all channels, and where results go.
struct Epilogue {
    bias: Vec<i32>,
    multipliers: Vec<f32>,
    end: End,
    outputs: usize,
}

impl Epilogue {
    fn new(layer: &LayerForm<'_>) -> Self {
        let outputs = layer.convolution.bias.len();
        let blocks = outputs.div_ceil(BLOCK);
        Self {
            bias: in_order(blocks, &layer.folded_bias()),
            multipliers: in_order(blocks, &layer.convolution.multipliers),
            end: layer.end(),
            outputs,
        }
    }

    fn blocks(&self) -> usize {
        self.outputs.div_ceil(BLOCK)
    }

    /// The sums of a block before any product.
    ///
    /// # Safety
    /// The processor has the instructions; `block` is one of ours.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn begin(&self, block: usize) -> [__m256i; 2] {
        // SAFETY: `new` made two vectors for each block.
        unsafe {
            let bias = self.bias.as_ptr().add(block * BLOCK);
            [_mm256_loadu_si256(bias.cast()), _mm256_loadu_si256(bias.add(LANES).cast())]
        }
    }

    /// Rounds and stores the sums of one pixel and block; `other` is the summand's channel of the block's first, if there is one.
    ///
    /// # Safety
    /// The processor has the instructions; `y` holds the pixel's results; `other` is readable for 16 bytes.
    #[inline]
    #[target_feature(enable = "avx2")]
    unsafe fn write(&self, sums: [__m256i; 2], block: usize, y: Pixel, other: *const u8) {
        let channels = (self.outputs - block * BLOCK).min(BLOCK);
        // SAFETY: no more than the block's channels are written.
        unsafe {
            let multipliers = self.multipliers.as_ptr().add(block * BLOCK);
            let real =
                |v: usize| _mm256_mul_ps(_mm256_cvtepi32_ps(sums[v]), _mm256_loadu_ps(multipliers.add(v * LANES)));
            let reals = [real(0), real(1)];
            match (&self.end, y) {
                (End::Bytes { zero_point }, Pixel::Bytes(y)) => {
                    let steps = [_mm256_cvtps_epi32(reals[0]), _mm256_cvtps_epi32(reals[1])];
                    store16(y.add(block * BLOCK), steps, *zero_point, channels);
                }
                (End::Residual(sum), Pixel::Bytes(y)) => {
                    let bytes = _mm256_cvtepu8_epi16(_mm_loadu_si128(other.cast()));
                    let zero = _mm256_setzero_si256();
                    let others = [_mm256_unpacklo_epi16(bytes, zero), _mm256_unpackhi_epi16(bytes, zero)];
                    let steps = [add_residual(reals[0], others[0], sum), add_residual(reals[1], others[1], sum)];
                    store16(y.add(block * BLOCK), steps, sum.zero_point, channels);
                }
                (_, Pixel::Floats(y)) => {
                    let mut plain = [0_f32; BLOCK];
                    // Back to plain order: lanes of both vectors alternate.
                    _mm256_storeu_ps(plain.as_mut_ptr(), _mm256_permute2f128_ps(reals[0], reals[1], 0x20));
                    _mm256_storeu_ps(plain.as_mut_ptr().add(LANES), _mm256_permute2f128_ps(reals[0], reals[1], 0x31));
                    y.add(block * BLOCK).copy_from_nonoverlapping(plain.as_ptr(), channels);
                }
                (End::Floats, Pixel::Bytes(_)) => {}
            }
        }
    }
}

/// Steps of two vectors to bytes in plain order.
///
/// # Safety
/// The processor has the instructions; `into` is writable for `channels` bytes, at most 16.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store16(into: *mut u8, steps: [__m256i; 2], zero_point: u8, channels: usize) {
    let zero = _mm256_set1_epi16(i16::from(zero_point));
    let words = _mm256_adds_epi16(_mm256_packs_epi32(steps[0], steps[1]), zero);
    let bytes = _mm_packus_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    // SAFETY: no more than `channels` bytes are written.
    unsafe {
        if channels == BLOCK {
            _mm_storeu_si128(into.cast(), bytes);
        } else {
            let mut all = [0_u8; BLOCK];
            _mm_storeu_si128(all.as_mut_ptr().cast(), bytes);
            into.copy_from_nonoverlapping(all.as_ptr(), channels);
        }
    }
}

/// The residual sum in steps of the result, without its zero point; products and addition are rounded one by one.
#[inline]
#[target_feature(enable = "avx2")]
fn add_residual(real: __m256, other: __m256i, sum: &Sum) -> __m256i {
    let zero = i32::from(sum.own_zero);
    let own = _mm256_cvtps_epi32(real);
    let own = _mm256_min_epi32(_mm256_max_epi32(own, _mm256_set1_epi32(-zero)), _mm256_set1_epi32(255 - zero));
    let other = _mm256_sub_epi32(other, _mm256_set1_epi32(i32::from(sum.other_zero)));
    let own = _mm256_mul_ps(_mm256_cvtepi32_ps(own), _mm256_set1_ps(sum.own_ratio));
    let other = _mm256_mul_ps(_mm256_cvtepi32_ps(other), _mm256_set1_ps(sum.other_ratio));
    _mm256_cvtps_epi32(_mm256_add_ps(own, other))
}

thread_local! {
    /// Widened inputs of some tiles, kept between frames.
    static WIDENED: RefCell<Vec<i16>> = const { RefCell::new(Vec::new()) };
}

/// A dense convolution.
pub(super) struct Dense {
    rows: Rows,
    weights: Buffer,
    epilogue: Epilogue,
    inputs: usize,
    /// Widened numbers of a pixel: the inputs of all taps, and one more where their number is odd.
    row: usize,
    reads: usize,
}

impl Dense {
    pub(super) fn new(layer: LayerForm<'_>) -> Self {
        let (taps, inputs, c) = (layer.rows.taps(), layer.from.shape.channels, layer.convolution);
        let (outputs, row) = (c.bias.len(), (taps * inputs).next_multiple_of(2));
        let weight = |channel: usize, place: usize| i16::from(c.weight(channel, place % inputs, place / inputs));
        let mut packed = Vec::with_capacity(outputs.next_multiple_of(BLOCK) * row * 2);
        for block in 0..outputs.div_ceil(BLOCK) {
            for pair in 0..row / 2 {
                for vector in 0..2 {
                    for element in 0..LANES {
                        let channel = channel(block, vector, element);
                        packed.extend((0..2).flat_map(|k| weight(channel, 2 * pair + k).to_le_bytes()));
                    }
                }
            }
        }
        Self {
            weights: Buffer::of(packed.into_iter()),
            epilogue: Epilogue::new(&layer),
            inputs,
            row,
            reads: layer.rows.furthest(layer.to.shape.pixels()) + inputs,
            rows: layer.rows,
        }
    }

    /// Widens what some pixels read.
    fn widen(&self, x: &[u8], first: usize, into: &mut [i16]) {
        for (place, row) in into.chunks_exact_mut(self.row).enumerate() {
            for (tap, into) in row.chunks_exact_mut(self.inputs).take(self.rows.taps()).enumerate() {
                let at = self.rows.offset(first + place, tap);
                for (into, byte) in into.iter_mut().zip(x.get(at..at + self.inputs).unwrap_or_default()) {
                    *into = i16::from(*byte);
                }
            }
        }
    }

    /// The sums of `P` widened pixels and one block, written.
    ///
    /// # Safety
    /// The processor has the instructions; `widened` holds `P` rows, `results` and `other` the pixels from `place` on.
    #[target_feature(enable = "avx2")]
    unsafe fn tile<const P: usize>(&self, widened: *const i16, block: usize, results: &Results<'_>, place: usize) {
        // SAFETY: `new` packed `row / 2` pairs of vectors for each block.
        unsafe {
            let begin = self.epilogue.begin(block);
            let mut sums: [[__m256i; 2]; P] = std::array::from_fn(|_| begin);
            let mut weights = self.weights.bytes().as_ptr().add(block * self.row * VECTOR);
            for pair in 0..self.row / 2 {
                let w = [_mm256_load_si256(weights.cast()), _mm256_load_si256(weights.add(VECTOR).cast())];
                weights = weights.add(2 * VECTOR);
                for p in 0..P {
                    let two = widened.add(p * self.row + 2 * pair).cast::<i32>().read_unaligned();
                    let two = _mm256_set1_epi32(two);
                    for v in 0..2 {
                        sums[p][v] = _mm256_add_epi32(sums[p][v], _mm256_madd_epi16(two, w[v]));
                    }
                }
            }
            // A copy to loop over, as in the 512-bit kernel.
            let finished: [[__m256i; 2]; P] = std::array::from_fn(|p| sums[p]);
            for (p, sums) in finished.into_iter().enumerate() {
                let other = results.other(place + p).wrapping_add(block * BLOCK);
                self.epilogue.write(sums, block, results.pixel(place + p), other);
            }
        }
    }

    /// All blocks of some widened pixels.
    ///
    /// # Safety
    /// As [`Dense::tile`], for `count` pixels.
    #[target_feature(enable = "avx2")]
    unsafe fn tiles(&self, widened: &[i16], results: &Results<'_>, place: usize, count: usize) {
        for block in 0..self.epilogue.blocks() {
            let mut done = 0;
            while done < count {
                // SAFETY: passed on; no tile passes `count`.
                unsafe {
                    let (rows, place) = (widened.as_ptr().add(done * self.row), place + done);
                    done += match count - done {
                        TILE.. => {
                            self.tile::<TILE>(rows, block, results, place);
                            TILE
                        }
                        3.. => {
                            self.tile::<3>(rows, block, results, place);
                            3
                        }
                        _ => {
                            self.tile::<1>(rows, block, results, place);
                            1
                        }
                    }
                }
            }
        }
    }
}

impl Kernel for Dense {
    fn run(&self, x: &[u8], other: &[u8], y: Output<'_>, pixels: Range<usize>) {
        assert!(x.len() >= self.reads, "the input's buffer is the plan's");
        let results = Results::new(y, other, self.epilogue.outputs, &pixels, &self.epilogue.end);
        WIDENED.with_borrow_mut(|widened| {
            widened.resize(self.row * TILE * TILES, 0);
            for first in pixels.clone().step_by(TILE * TILES) {
                let count = (pixels.end - first).min(TILE * TILES);
                let Some(rows) = widened.get_mut(..count * self.row) else { return };
                // The odd place behind the last input may hold another layer's number; its weight is zero.
                self.widen(x, first, rows);
                // SAFETY: kernels are only made where `is_there`; lengths are checked above.
                unsafe { self.tiles(rows, &results, first - pixels.start, count) };
            }
        });
    }
}

/// A depthwise convolution.
pub(super) struct Depthwise {
    rows: Rows,
    weights: Buffer,
    epilogue: Epilogue,
    reads: usize,
}

impl Depthwise {
    pub(super) fn new(layer: LayerForm<'_>) -> Self {
        let (taps, c) = (layer.rows.taps(), layer.convolution);
        let channels = c.bias.len();
        let mut packed = Vec::new();
        for block in 0..channels.div_ceil(BLOCK) {
            for pair in 0..taps.div_ceil(2) {
                for vector in 0..2 {
                    for element in 0..LANES {
                        let channel = channel(block, vector, element);
                        packed.extend((0..2).flat_map(|k| i16::from(c.weight(channel, 0, 2 * pair + k)).to_le_bytes()));
                    }
                }
            }
        }
        Self {
            weights: Buffer::of(packed.into_iter()),
            epilogue: Epilogue::new(&layer),
            reads: layer.rows.furthest(layer.to.shape.pixels()) + channels.next_multiple_of(BLOCK),
            rows: layer.rows,
        }
    }

    /// One pixel, all channels.
    ///
    /// # Safety
    /// The processor has the instructions; `x` is readable for `self.reads` bytes, `y` holds one pixel.
    #[target_feature(enable = "avx2")]
    unsafe fn pixel(&self, x: *const u8, y: Pixel, pixel: usize) {
        let taps = self.rows.taps();
        let mut weights = self.weights.bytes().as_ptr();
        // SAFETY: offsets lie inside `x` with 16 bytes for each block; weights lie where `new` put them.
        unsafe {
            for block in 0..self.epilogue.blocks() {
                let tap = |tap: usize| {
                    if tap < taps {
                        _mm256_cvtepu8_epi16(_mm_loadu_si128(
                            x.add(self.rows.offset(pixel, tap) + block * BLOCK).cast(),
                        ))
                    } else {
                        _mm256_setzero_si256()
                    }
                };
                let mut sums = self.epilogue.begin(block);
                for first in (0..taps).step_by(2) {
                    let (a, b) = (tap(first), tap(first + 1));
                    let pairs = [_mm256_unpacklo_epi16(a, b), _mm256_unpackhi_epi16(a, b)];
                    for v in 0..2 {
                        let w = _mm256_load_si256(weights.add(v * VECTOR).cast());
                        sums[v] = _mm256_add_epi32(sums[v], _mm256_madd_epi16(pairs[v], w));
                    }
                    weights = weights.add(2 * VECTOR);
                }
                self.epilogue.write(sums, block, y, std::ptr::null());
            }
        }
    }
}

impl Kernel for Depthwise {
    fn run(&self, x: &[u8], _other: &[u8], y: Output<'_>, pixels: Range<usize>) {
        assert!(x.len() >= self.reads, "the input's buffer is the plan's");
        let results = Results::new(y, &[], self.epilogue.outputs, &pixels, &self.epilogue.end);
        for pixel in pixels.clone() {
            // SAFETY: kernels are only made where `is_there`; lengths are checked above.
            unsafe { self.pixel(x.as_ptr(), results.pixel(pixel - pixels.start), pixel) };
        }
    }
}
