//! The loop of 256-bit vectors, for every set of instructions that has them: four rows, each in a register of its own, then their four sums at
//! once.

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

/// A module with `sums` for some features: a query of `$value`s, `$values` of which a step takes; `$step` adds the products of what lies at
/// `$q` and at `$bytes` to `$sum`.
macro_rules! kernel {
    ($name:ident, $features:literal, $value:ty, $values:literal, |$sum:ident, $q:ident, $bytes:ident| $step:expr) => {
        pub(super) mod $name {
            use super::super::BLOCK;
            use super::super::rows256::{ROWS, across};
            use std::arch::x86_64::*;

            /// # Safety
            /// The processor has the instructions; `rows` holds a block of rows of the query's length, which is a multiple of 64.
            #[target_feature(enable = $features)]
            pub(in super::super) unsafe fn sums(query: &[$value], rows: &[u8]) -> [i32; BLOCK] {
                let stride = query.len();
                let mut found = [0; BLOCK];
                // Row by row: memory is read in its order.
                let of_row = |row: usize| {
                    let mut $sum = _mm256_setzero_si256();
                    for at in (0..stride).step_by($values) {
                        // SAFETY: `at` and a whole step lie inside the query and, by the caller, inside each row.
                        unsafe {
                            let ($q, $bytes) = (query.as_ptr().add(at), rows.as_ptr().add(row * stride + at));
                            $sum = $step;
                        }
                    }
                    $sum
                };
                for first in (0..BLOCK).step_by(ROWS) {
                    let sums = [of_row(first), of_row(first + 1), of_row(first + 2), of_row(first + 3)];
                    // SAFETY: four sums of 32 bits from `first` on.
                    unsafe { _mm_storeu_si128(found.as_mut_ptr().add(first).cast(), across(sums)) };
                }
                found
            }
        }
    };
}

pub(super) use kernel;
