//! From four vectors of 256 bits to their four sums.

use std::arch::x86_64::*;

/// Rows whose sums are added up together.
pub(super) const ROWS: usize = 4;

/// The sum of each vector, in the vectors' order.
#[target_feature(enable = "avx2")]
pub(super) fn across([a, b, c, d]: [__m256i; ROWS]) -> __m128i {
    let two = |a: __m256i, b: __m256i| _mm256_add_epi32(_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (ab, cd) = (two(a, b), two(c, d));
    let lanes = _mm256_add_epi32(_mm256_unpacklo_epi64(ab, cd), _mm256_unpackhi_epi64(ab, cd));
    _mm_add_epi32(_mm256_castsi256_si128(lanes), _mm256_extracti128_si256::<1>(lanes))
}
