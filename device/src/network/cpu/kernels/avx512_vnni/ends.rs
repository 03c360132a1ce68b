//! From sums times multipliers to bytes or floats in memory.

use super::{Block, LANES, VECTOR, interleave_zero};
use crate::network::cpu::kernels::results::{Pixel, Results};
use crate::network::cpu::kernels::{End, Sum};
use std::arch::x86_64::*;

/// Rounds and stores the real numbers of one pixel and block.
///
/// # Safety
/// The processor has the instructions; `place` is one of the results' range.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
pub(super) unsafe fn write<const V: usize>(
    end: &End,
    reals: [__m512; V],
    block: &Block,
    results: &Results<'_>,
    place: usize,
) {
    // SAFETY: the block's channels lie inside the pixel's results, and masks keep to the channels that exist. The summand has `SLACK` bytes
    // behind its last element, so that a whole vector may be read.
    unsafe {
        let other = results.other(place).wrapping_add(block.first);
        match (end, results.pixel(place)) {
            (End::Bytes { zero_point }, Pixel::Bytes(y)) if V == 4 => {
                let steps = std::array::from_fn(|v| _mm512_cvtps_epi32(reals[v % V]));
                store64(y.add(block.first), steps, *zero_point, block.channels);
            }
            (End::Residual(sum), Pixel::Bytes(y)) if V == 4 => {
                let other = interleave_zero(_mm512_loadu_si512(other.cast()));
                let steps = std::array::from_fn(|v| add_residual(reals[v % V], other[v], sum));
                store64(y.add(block.first), steps, sum.zero_point, block.channels);
            }
            (End::Bytes { zero_point }, Pixel::Bytes(y)) => {
                for (v, real) in reals.into_iter().enumerate() {
                    let into = y.add(block.first + v * LANES);
                    store16(into, _mm512_cvtps_epi32(real), *zero_point, left(block, v));
                }
            }
            (End::Residual(sum), Pixel::Bytes(y)) => {
                for (v, real) in reals.into_iter().enumerate() {
                    let other = _mm512_cvtepu8_epi32(_mm_loadu_si128(other.wrapping_add(v * LANES).cast()));
                    let into = y.add(block.first + v * LANES);
                    store16(into, add_residual(real, other, sum), sum.zero_point, left(block, v));
                }
            }
            (_, Pixel::Floats(y)) => {
                for (v, real) in reals.into_iter().enumerate() {
                    _mm512_mask_storeu_ps(y.add(block.first + v * LANES), mask16(left(block, v)), real);
                }
            }
            (End::Floats, Pixel::Bytes(_)) => {}
        }
    }
}

/// Channels of a block from one of its vectors on, in plain order.
fn left(block: &Block, vector: usize) -> usize {
    block.channels.saturating_sub(vector * LANES)
}

#[inline]
fn mask16(channels: usize) -> __mmask16 {
    if channels >= LANES { __mmask16::MAX } else { (1 << channels) - 1 }
}

#[inline]
fn mask64(channels: usize) -> __mmask64 {
    if channels >= VECTOR { __mmask64::MAX } else { (1 << channels) - 1 }
}

/// Steps of four vectors in the order of a block of 64, to bytes in plain order.
///
/// # Safety
/// `into` is writable for `channels` bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) unsafe fn store64(into: *mut u8, steps: [__m512i; 4], zero_point: u8, channels: usize) {
    let zero = _mm512_set1_epi16(i16::from(zero_point));
    let low = _mm512_adds_epi16(_mm512_packs_epi32(steps[0], steps[1]), zero);
    let high = _mm512_adds_epi16(_mm512_packs_epi32(steps[2], steps[3]), zero);
    // SAFETY: the mask keeps to the channels.
    unsafe { _mm512_mask_storeu_epi8(into.cast(), mask64(channels), _mm512_packus_epi16(low, high)) }
}

/// The same for four vectors of 256 bits and at most 32 channels.
///
/// # Safety
/// `into` is writable for `channels` bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
pub(super) unsafe fn store32(into: *mut u8, steps: [__m256i; 4], zero_point: u8, channels: usize) {
    let zero = _mm256_set1_epi16(i16::from(zero_point));
    let low = _mm256_adds_epi16(_mm256_packs_epi32(steps[0], steps[1]), zero);
    let high = _mm256_adds_epi16(_mm256_packs_epi32(steps[2], steps[3]), zero);
    let mask = if channels >= 32 { __mmask32::MAX } else { (1 << channels) - 1 };
    // SAFETY: the mask keeps to the channels.
    unsafe { _mm256_mask_storeu_epi8(into.cast(), mask, _mm256_packus_epi16(low, high)) }
}

/// Steps of one vector to bytes.
///
/// # Safety
/// `into` is writable for `channels` bytes, at most 16.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn store16(into: *mut u8, steps: __m512i, zero_point: u8, channels: usize) {
    let shifted = _mm512_add_epi32(steps, _mm512_set1_epi32(i32::from(zero_point)));
    let positive = _mm512_max_epi32(shifted, _mm512_setzero_si512());
    // SAFETY: the mask keeps to the channels.
    unsafe { _mm512_mask_cvtusepi32_storeu_epi8(into.cast(), mask16(channels), positive) }
}

/// The residual sum in steps of the result, without its zero point. The two products are not fused with the addition: that would round once
/// less than the definition.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn add_residual(real: __m512, other: __m512i, sum: &Sum) -> __m512i {
    let zero = i32::from(sum.own_zero);
    let own = _mm512_cvtps_epi32(real);
    let own = _mm512_min_epi32(_mm512_max_epi32(own, _mm512_set1_epi32(-zero)), _mm512_set1_epi32(255 - zero));
    let other = _mm512_sub_epi32(other, _mm512_set1_epi32(i32::from(sum.other_zero)));
    let own = _mm512_mul_ps(_mm512_cvtepi32_ps(own), _mm512_set1_ps(sum.own_ratio));
    let other = _mm512_mul_ps(_mm512_cvtepi32_ps(other), _mm512_set1_ps(sum.other_ratio));
    _mm512_cvtps_epi32(_mm512_add_ps(own, other))
}
