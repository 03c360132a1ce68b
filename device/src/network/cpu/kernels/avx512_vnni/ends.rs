//! From sums times multipliers to bytes or floats in memory.

use super::{Block, LANES, VECTOR, interleave_zero};
use crate::network::cpu::kernels::{End, Output, SLACK, Sum};
use std::arch::x86_64::*;
use std::ops::Range;

/// Where results of a range of pixels go.
pub(super) struct Ends {
    bytes: *mut u8,
    floats: *mut f32,
    other: *const u8,
    /// The pixel whose results lie at the beginning of `bytes` and `floats`; `other` begins with pixel 0.
    first: usize,
}

impl Ends {
    /// Checks that everything that is written and read fits.
    pub(super) fn new(y: &mut Output<'_>, other: &[u8], outputs: usize, pixels: &Range<usize>, end: &End) -> Self {
        let elements = pixels.len() * outputs;
        let needs_other = matches!(end, End::Residual(_));
        assert!(!needs_other || other.len() >= pixels.end * outputs + SLACK, "the summand's buffer is the plan's");
        let (bytes, floats) = match y {
            Output::Bytes(y) => {
                assert!(y.len() >= elements && *end != End::Floats, "the result's buffer is the plan's");
                (y.as_mut_ptr(), std::ptr::null_mut())
            }
            Output::Floats(y) => {
                assert!(y.len() >= elements && *end == End::Floats, "the result's buffer is the plan's");
                (std::ptr::null_mut(), y.as_mut_ptr())
            }
        };
        Self { bytes, floats, other: other.as_ptr(), first: pixels.start }
    }

    /// Rounds and stores the real numbers of one pixel and block.
    ///
    /// # Safety
    /// `pixel` is one of the range that this was made for.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    pub(super) unsafe fn write<const V: usize>(
        &self,
        end: &End,
        reals: [__m512; V],
        block: &Block,
        pixel: usize,
        outputs: usize,
    ) {
        let at = (pixel - self.first) * outputs + block.first;
        // SAFETY: `at` and the block's channels lie inside the range's results; masks keep to the channels that exist. `other` has
        // `SLACK` bytes behind its last element, so that a whole vector may be read.
        unsafe {
            let other = self.other.wrapping_add(pixel * outputs + block.first);
            match (end, V) {
                (End::Bytes { zero_point }, 4) => {
                    let steps = std::array::from_fn(|v| _mm512_cvtps_epi32(reals[v % V]));
                    store64(self.bytes.add(at), steps, *zero_point, block.channels);
                }
                (End::Residual(sum), 4) => {
                    let other = interleave_zero(_mm512_loadu_si512(other.cast()));
                    let steps = std::array::from_fn(|v| add_residual(reals[v % V], other[v], sum));
                    store64(self.bytes.add(at), steps, sum.zero_point, block.channels);
                }
                (End::Bytes { zero_point }, _) => {
                    for (v, real) in reals.into_iter().enumerate() {
                        store16(self.bytes.add(at + v * LANES), _mm512_cvtps_epi32(real), *zero_point, left(block, v));
                    }
                }
                (End::Residual(sum), _) => {
                    for (v, real) in reals.into_iter().enumerate() {
                        let other = _mm512_cvtepu8_epi32(_mm_loadu_si128(other.wrapping_add(v * LANES).cast()));
                        let steps = add_residual(real, other, sum);
                        store16(self.bytes.add(at + v * LANES), steps, sum.zero_point, left(block, v));
                    }
                }
                (End::Floats, _) => {
                    for (v, real) in reals.into_iter().enumerate() {
                        _mm512_mask_storeu_ps(self.floats.add(at + v * LANES), mask16(left(block, v)), real);
                    }
                }
            }
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
