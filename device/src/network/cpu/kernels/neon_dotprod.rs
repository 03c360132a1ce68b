//! Kernels of 128-bit NEON vectors with the dot product extension: `sdot` adds four products of signed bytes to each of four sums.
//!
//! Activations are unsigned and `usdot` is younger than the boards: their bytes are shifted by 128 (the highest bit turned), which
//! `128 · Σ w` in the bias takes back.
//!
//! **Dense**: blocks of 16 output channels, four pixels at a time; four bytes of a pixel, as a lane or broadcast, against four rows of
//! weights. Weights `[block][tap][I / 4][4 vectors][4][4]`; inputs beyond the last are multiplied by zeros.
//! **Depthwise**: four taps of 16 channels are interleaved byte by byte (`zip`), so that `sdot` adds the four taps of a channel.
//!
//! **Rounding**: `fcvtns` (ties to even), then saturating narrowing, as the definition.
//!
//! **Source** Arm Architecture Reference Manual for A-profile, SDOT (vector) and SDOT (by element). The intrinsic is not stable in Rust 1.95,
//! so that the instruction is written out.

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
use std::arch::aarch64::*;
use std::arch::asm;
use std::ops::Range;

/// Channels of a block.
const BLOCK: usize = 16;
/// Sums of a vector, and the vectors of a block.
const LANES: usize = 4;
/// Bytes of a vector.
const VECTOR: usize = 16;
/// Bytes of weights for four inputs (or taps) of a block.
const STEP: usize = 4 * VECTOR;
/// Pixels whose sums stay in registers.
const TILE: usize = 4;
/// What turns a byte's highest bit.
const SHIFT: u8 = 0x80;

/// Whether this processor has the instructions.
pub(super) fn is_there() -> bool {
    std::arch::is_aarch64_feature_detected!("neon") && std::arch::is_aarch64_feature_detected!("dotprod")
}

/// Four products of signed bytes added to each of four sums.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot(mut sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: an instruction on registers alone, which the callers' target features promise.
    unsafe {
        asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.16b", inout(vreg) sums, in(vreg) a, in(vreg) b,
            options(pure, nomem, nostack, preserves_flags));
    }
    sums
}

/// The same with four bytes of `b`, its lane `LANE`, against each four of `a`.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot_lane<const LANE: usize>(mut sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: as above.
    unsafe {
        asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.4b[{3}]", inout(vreg) sums, in(vreg) a, in(vreg) b, const LANE,
            options(pure, nomem, nostack, preserves_flags));
    }
    sums
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
        let c = layer.convolution;
        let outputs = c.bias.len();
        let per_output = c.weights_oihw.len() / outputs.max(1);
        let sum = |row: &[i8]| row.iter().map(|w| i32::from(*w)).sum::<i32>();
        let sums = c.weights_oihw.chunks(per_output.max(1)).map(sum);
        let mut bias: Vec<i32> =
            layer.folded_bias().iter().zip(sums).map(|(bias, sum)| bias + i32::from(SHIFT) * sum).collect();
        let mut multipliers = c.multipliers.clone();
        let padded = outputs.next_multiple_of(BLOCK);
        bias.resize(padded, 0);
        multipliers.resize(padded, 0.0);
        Self { bias, multipliers, end: layer.end(), outputs }
    }

    fn blocks(&self) -> usize {
        self.outputs.div_ceil(BLOCK)
    }

    /// The sums of a block before any product.
    ///
    /// # Safety
    /// `block` is one of ours.
    #[inline]
    #[target_feature(enable = "neon,dotprod")]
    unsafe fn begin(&self, block: usize) -> [int32x4_t; 4] {
        // SAFETY: `new` padded to whole blocks.
        unsafe {
            let bias = self.bias.as_ptr().add(block * BLOCK);
            std::array::from_fn(|v| vld1q_s32(bias.add(v * LANES)))
        }
    }

    /// Rounds and stores the sums of one pixel and block; `other` is the summand's byte of the block's first channel, if there is one.
    ///
    /// # Safety
    /// `y` holds the pixel's results; `other` is readable for 16 bytes.
    #[inline]
    #[target_feature(enable = "neon,dotprod")]
    unsafe fn write(&self, sums: [int32x4_t; 4], block: usize, y: Pixel, other: *const u8) {
        let channels = (self.outputs - block * BLOCK).min(BLOCK);
        // SAFETY: no more than the block's channels are written.
        unsafe {
            let multipliers = self.multipliers.as_ptr().add(block * BLOCK);
            let reals: [float32x4_t; 4] =
                std::array::from_fn(|v| vmulq_f32(vcvtq_f32_s32(sums[v]), vld1q_f32(multipliers.add(v * LANES))));
            match (&self.end, y) {
                (End::Bytes { zero_point }, Pixel::Bytes(y)) => {
                    let steps = std::array::from_fn(|v| vcvtnq_s32_f32(reals[v]));
                    store16(y.add(block * BLOCK), steps, *zero_point, channels);
                }
                (End::Residual(sum), Pixel::Bytes(y)) => {
                    let bytes = vld1q_u8(other);
                    let (low, high) = (vmovl_u8(vget_low_u8(bytes)), vmovl_u8(vget_high_u8(bytes)));
                    let others = [
                        vmovl_u16(vget_low_u16(low)),
                        vmovl_u16(vget_high_u16(low)),
                        vmovl_u16(vget_low_u16(high)),
                        vmovl_u16(vget_high_u16(high)),
                    ];
                    let steps = std::array::from_fn(|v| add_residual(reals[v], vreinterpretq_s32_u32(others[v]), sum));
                    store16(y.add(block * BLOCK), steps, sum.zero_point, channels);
                }
                (_, Pixel::Floats(y)) => {
                    let mut all = [0_f32; BLOCK];
                    for v in 0..4 {
                        vst1q_f32(all.as_mut_ptr().add(v * LANES), reals[v]);
                    }
                    y.add(block * BLOCK).copy_from_nonoverlapping(all.as_ptr(), channels);
                }
                (End::Floats, Pixel::Bytes(_)) => {}
            }
        }
    }
}

/// Steps of four vectors to bytes.
///
/// # Safety
/// `into` is writable for `channels` bytes, at most 16.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn store16(into: *mut u8, steps: [int32x4_t; 4], zero_point: u8, channels: usize) {
    let zero = vdupq_n_s16(i16::from(zero_point));
    let low = vqaddq_s16(vcombine_s16(vqmovn_s32(steps[0]), vqmovn_s32(steps[1])), zero);
    let high = vqaddq_s16(vcombine_s16(vqmovn_s32(steps[2]), vqmovn_s32(steps[3])), zero);
    let bytes = vcombine_u8(vqmovun_s16(low), vqmovun_s16(high));
    // SAFETY: no more than `channels` bytes are written.
    unsafe {
        if channels == BLOCK {
            vst1q_u8(into, bytes);
        } else {
            let mut all = [0_u8; BLOCK];
            vst1q_u8(all.as_mut_ptr(), bytes);
            into.copy_from_nonoverlapping(all.as_ptr(), channels);
        }
    }
}

/// The residual sum in steps of the result, without its zero point; products and addition are rounded one by one.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn add_residual(real: float32x4_t, other: int32x4_t, sum: &Sum) -> int32x4_t {
    let zero = i32::from(sum.own_zero);
    let own = vminq_s32(vmaxq_s32(vcvtnq_s32_f32(real), vdupq_n_s32(-zero)), vdupq_n_s32(255 - zero));
    let other = vsubq_s32(other, vdupq_n_s32(i32::from(sum.other_zero)));
    let own = vmulq_n_f32(vcvtq_f32_s32(own), sum.own_ratio);
    let other = vmulq_n_f32(vcvtq_f32_s32(other), sum.other_ratio);
    vcvtnq_s32_f32(vaddq_f32(own, other))
}

/// 16 bytes as signed ones, less 128.
///
/// # Safety
/// `from` is readable for 16 bytes.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn shifted(from: *const u8) -> int8x16_t {
    // SAFETY: by the caller.
    unsafe { vreinterpretq_s8_u8(veorq_u8(vld1q_u8(from), vdupq_n_u8(SHIFT))) }
}

/// A dense convolution.
pub(super) struct Dense {
    rows: Rows,
    weights: Buffer,
    epilogue: Epilogue,
    /// Steps of four inputs.
    steps: usize,
    reads: usize,
}

impl Dense {
    pub(super) fn new(layer: LayerForm<'_>) -> Self {
        let (taps, inputs, c) = (layer.rows.taps(), layer.from.shape.channels, layer.convolution);
        let (outputs, steps) = (c.bias.len(), inputs.div_ceil(4));
        let weight = |channel: usize, input: usize, tap: usize| {
            let is_there = channel < outputs && input < inputs;
            let place = (channel * inputs + input) * taps + tap;
            c.weights_oihw.get(place).filter(|_| is_there).map_or(0, |w| w.cast_unsigned())
        };
        let mut packed = Vec::with_capacity(outputs.next_multiple_of(BLOCK) * taps * steps * 4);
        for block in 0..outputs.div_ceil(BLOCK) {
            for tap in 0..taps {
                for step in 0..steps {
                    for element in 0..BLOCK {
                        packed.extend((0..4).map(|k| weight(block * BLOCK + element, 4 * step + k, tap)));
                    }
                }
            }
        }
        Self {
            weights: Buffer::of(packed.into_iter()),
            epilogue: Epilogue::new(&layer),
            steps,
            reads: layer.rows.furthest(layer.to.shape.pixels()) + 4 * steps,
            rows: layer.rows,
        }
    }

    /// The sums of `P` pixels and one block, written.
    ///
    /// # Safety
    /// The processor has the instructions; `x` is readable for `self.reads` bytes; `results` and `other` hold the pixels from `place` on.
    #[target_feature(enable = "neon,dotprod")]
    unsafe fn tile<const P: usize>(
        &self,
        x: *const u8,
        block: usize,
        results: &Results<'_>,
        first: usize,
        place: usize,
    ) {
        // SAFETY: `new` packed `taps · steps` steps for each block.
        unsafe {
            let begin = self.epilogue.begin(block);
            let mut sums: [[int32x4_t; 4]; P] = std::array::from_fn(|_| begin);
            let mut weights: *const i8 =
                self.weights.bytes().as_ptr().add(block * self.rows.taps() * self.steps * STEP).cast();
            for tap in 0..self.rows.taps() {
                let pixels: [*const u8; P] = std::array::from_fn(|p| x.add(self.rows.offset(first + p, tap)));
                let mut step = 0;
                while step + 4 <= self.steps {
                    let inputs: [int8x16_t; P] = std::array::from_fn(|p| shifted(pixels[p].add(4 * step)));
                    for v in 0..4 {
                        let w: [int8x16_t; 4] = std::array::from_fn(|k| vld1q_s8(weights.add(k * STEP + v * VECTOR)));
                        for p in 0..P {
                            let sum = sdot_lane::<0>(sums[p][v], w[0], inputs[p]);
                            let sum = sdot_lane::<1>(sum, w[1], inputs[p]);
                            let sum = sdot_lane::<2>(sum, w[2], inputs[p]);
                            sums[p][v] = sdot_lane::<3>(sum, w[3], inputs[p]);
                        }
                    }
                    weights = weights.add(4 * STEP);
                    step += 4;
                }
                while step < self.steps {
                    let w: [int8x16_t; 4] = std::array::from_fn(|v| vld1q_s8(weights.add(v * VECTOR)));
                    for p in 0..P {
                        let four = vdupq_n_u32(pixels[p].add(4 * step).cast::<u32>().read_unaligned());
                        let four = vreinterpretq_s8_u8(veorq_u8(vreinterpretq_u8_u32(four), vdupq_n_u8(SHIFT)));
                        for v in 0..4 {
                            sums[p][v] = sdot(sums[p][v], w[v], four);
                        }
                    }
                    weights = weights.add(STEP);
                    step += 1;
                }
            }
            // A copy to loop over: see the 512-bit kernel.
            let finished: [[int32x4_t; 4]; P] = std::array::from_fn(|p| sums[p]);
            for (p, sums) in finished.into_iter().enumerate() {
                let other = results.other(place + p).wrapping_add(block * BLOCK);
                self.epilogue.write(sums, block, results.pixel(place + p), other);
            }
        }
    }
}

/// Pixels whose results are computed for all channels before the next ones: their inputs stay in the first cache.
const CHUNK: usize = 48;

impl Kernel for Dense {
    fn run(&self, x: &[u8], other: &[u8], y: Output<'_>, pixels: Range<usize>) {
        assert!(x.len() >= self.reads, "the input's buffer is the plan's");
        let results = Results::new(y, other, self.epilogue.outputs, &pixels, &self.epilogue.end);
        let mut start = pixels.start;
        while start < pixels.end {
            let end = pixels.end.min(start + CHUNK);
            for block in 0..self.epilogue.blocks() {
                let mut first = start;
                while first < end {
                    let place = first - pixels.start;
                    // SAFETY: kernels are only made where `is_there`; lengths are checked above; no tile passes the range's end.
                    unsafe {
                        if end - first >= TILE {
                            self.tile::<TILE>(x.as_ptr(), block, &results, first, place);
                            first += TILE;
                        } else {
                            self.tile::<1>(x.as_ptr(), block, &results, first, place);
                            first += 1;
                        }
                    }
                }
            }
            start = end;
        }
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
        let weight = |channel: usize, tap: usize| {
            let is_there = channel < channels && tap < taps;
            c.weights_oihw.get(channel * taps + tap).filter(|_| is_there).map_or(0, |w| w.cast_unsigned())
        };
        let mut packed = Vec::new();
        for block in 0..channels.div_ceil(BLOCK) {
            for group in 0..taps.div_ceil(4) {
                for element in 0..BLOCK {
                    packed.extend((0..4).map(|k| weight(block * BLOCK + element, 4 * group + k)));
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
    #[target_feature(enable = "neon,dotprod")]
    unsafe fn pixel(&self, x: *const u8, y: Pixel, pixel: usize) {
        let taps = self.rows.taps();
        let mut weights: *const i8 = self.weights.bytes().as_ptr().cast();
        // SAFETY: offsets lie inside `x` with 16 bytes for each block; weights lie where `new` put them.
        unsafe {
            for block in 0..self.epilogue.blocks() {
                let tap = |tap: usize| {
                    if tap < taps {
                        shifted(x.add(self.rows.offset(pixel, tap) + block * BLOCK))
                    } else {
                        vdupq_n_s8(0)
                    }
                };
                let mut sums = self.epilogue.begin(block);
                for first in (0..taps).step_by(4) {
                    let (a, b, c, d) = (tap(first), tap(first + 1), tap(first + 2), tap(first + 3));
                    let words = |low: int8x16_t| vreinterpretq_s16_s8(low);
                    let (low_ab, high_ab) = (words(vzip1q_s8(a, b)), words(vzip2q_s8(a, b)));
                    let (low_cd, high_cd) = (words(vzip1q_s8(c, d)), words(vzip2q_s8(c, d)));
                    let four = [
                        vzip1q_s16(low_ab, low_cd),
                        vzip2q_s16(low_ab, low_cd),
                        vzip1q_s16(high_ab, high_cd),
                        vzip2q_s16(high_ab, high_cd),
                    ];
                    for v in 0..4 {
                        let w = vld1q_s8(weights.add(v * VECTOR));
                        sums[v] = sdot(sums[v], vreinterpretq_s8_s16(four[v]), w);
                    }
                    weights = weights.add(STEP);
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
