//! 256-bit vectors: bytes are widened to 16 bits, and `vpmaddwd` adds two products to each of eight sums. The instruction that multiplies bytes,
//! `vpmaddubsw`, saturates sums of two products at 16 bits.
//!
//! **Source** Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, PMADDWD.

#![expect(unsafe_code, reason = "vector loads take pointers, and the instructions are checked for at run time")]

use super::BLOCK;
use super::across256::{ROWS, across};
use std::arch::x86_64::*;

/// Values of a vector.
const VALUES: usize = 16;

/// # Safety
/// The processor has the instructions; `rows` holds a block of rows of the query's length, which is a multiple of 64.
#[target_feature(enable = "avx2")]
pub(super) unsafe fn sums(query: &[i16], rows: &[u8]) -> [i32; BLOCK] {
    let stride = query.len();
    let mut found = [0; BLOCK];
    // Row by row: memory is read in its order.
    let of_row = |row: usize| {
        let mut sum = _mm256_setzero_si256();
        for at in (0..stride).step_by(VALUES) {
            // SAFETY: `at` and a whole vector lie inside the query and, by the caller, inside each row.
            unsafe {
                let q = _mm256_loadu_si256(query.as_ptr().add(at).cast());
                let bytes = _mm_loadu_si128(rows.as_ptr().add(row * stride + at).cast());
                sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_cvtepu8_epi16(bytes), q));
            }
        }
        sum
    };
    for first in (0..BLOCK).step_by(ROWS) {
        let sums = [of_row(first), of_row(first + 1), of_row(first + 2), of_row(first + 3)];
        // SAFETY: four sums of 32 bits from `first` on.
        unsafe { _mm_storeu_si128(found.as_mut_ptr().add(first).cast(), across(sums)) };
    }
    found
}
