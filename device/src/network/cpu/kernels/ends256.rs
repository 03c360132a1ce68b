//! Blocks of 16 channels in two vectors of 256 bits: what sums begin with, and from sums to bytes or floats in memory.
//!
//! **Order of channels**: as in the 512-bit kernels, element `e` of vector `v` is channel `8 · (e / 4) + 4 · v + e % 4` of its block, so that
//! `vpackssdw` leaves them in order.
//!
//! **Rounding**: `vcvtdq2ps`, one product, `vcvtps2dq` (ties to even, the mode that Rust programs run in), then saturation.

#![expect(clippy::indexing_slicing, reason = "arrays of registers: constant lengths")]
#![expect(
    unsafe_code,
    reason = "vector loads and stores take pointers, and the instructions are checked for at run time"
)]

use super::results::Pixel;
use super::{End, LayerForm, Sum};
use std::arch::x86_64::*;

/// Channels of a block.
pub(super) const BLOCK: usize = 16;
/// Bytes of a vector.
pub(super) const VECTOR: usize = 32;
/// Sums of a vector.
const LANES: usize = 8;

/// The channels of a block's elements, vector by vector.
pub(super) fn order(block: usize) -> impl Iterator<Item = usize> {
    (0..BLOCK).map(move |i| {
        let (vector, element) = (i / LANES, i % LANES);
        block * BLOCK + 8 * (element / 4) + 4 * vector + element % 4
    })
}

/// Biases or multipliers in the order of the blocks' elements, zeros where there is no channel.
fn in_order<T: Copy + Default>(blocks: usize, values: &[T]) -> Vec<T> {
    (0..blocks).flat_map(order).map(|channel| values.get(channel).copied().unwrap_or_default()).collect()
}

/// What both kinds share: parameters of all channels, and where results go.
pub(super) struct Epilogue {
    bias: Vec<i32>,
    multipliers: Vec<f32>,
    pub(super) end: End,
    pub(super) outputs: usize,
}

impl Epilogue {
    pub(super) fn new(layer: &LayerForm<'_>) -> Self {
        let outputs = layer.convolution.bias.len();
        let blocks = outputs.div_ceil(BLOCK);
        Self {
            bias: in_order(blocks, &layer.folded_bias()),
            multipliers: in_order(blocks, &layer.convolution.multipliers),
            end: layer.end(),
            outputs,
        }
    }

    pub(super) fn blocks(&self) -> usize {
        self.outputs.div_ceil(BLOCK)
    }

    /// The sums of a block before any product.
    ///
    /// # Safety
    /// The processor has the instructions; `block` is one of ours.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(super) unsafe fn begin(&self, block: usize) -> [__m256i; 2] {
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
    pub(super) unsafe fn write(&self, sums: [__m256i; 2], block: usize, y: Pixel, other: *const u8) {
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
