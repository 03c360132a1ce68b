//! Kernels of 256-bit vectors with AVX2: `vpmaddwd` adds two products of 16-bit numbers to each of 8 sums.
//!
//! The instruction that multiplies bytes, `vpmaddubsw`, saturates sums of two products at 16 bits; it would be wrong for large weights. So
//! bytes are widened: those of a tile of pixels once for all output channels, weights when they are packed.
//!
//! **Dense**: blocks of 16 output channels, six pixels at a time; weights `[block][inputs of all taps / 2][2 vectors][8][2]`.
//! **Depthwise**: 16 channels, two taps interleaved; weights `[block][taps / 2][2 vectors][8][2]`.
//!
//! **Order of channels** and ends of sums: [`ends256`](super::ends256).
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

use super::ends256::{BLOCK, Epilogue, VECTOR, order};
use super::results::{Pixel, Results};
use super::{Kernel, LayerForm, Output};
use crate::network::cpu::buffer::Buffer;
use crate::network::cpu::rows::Rows;
use std::arch::x86_64::*;
use std::cell::RefCell;
use std::ops::Range;

/// Pixels whose sums stay in registers.
const TILE: usize = 6;
/// Tiles that are widened together.
const TILES: usize = 2;

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
                for channel in order(block) {
                    packed.extend((0..2).flat_map(|k| weight(channel, 2 * pair + k).to_le_bytes()));
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
                // SAFETY: kernels are only made where the instructions are there; lengths are checked above.
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
                for channel in order(block) {
                    packed.extend((0..2).flat_map(|k| i16::from(c.weight(channel, 0, 2 * pair + k)).to_le_bytes()));
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
            // SAFETY: kernels are only made where the instructions are there; lengths are checked above.
            unsafe { self.pixel(x.as_ptr(), results.pixel(pixel - pixels.start), pixel) };
        }
    }
}
