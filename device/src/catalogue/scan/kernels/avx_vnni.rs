//! 256-bit vectors with VNNI: `vpdpbusd` adds four products of a byte and a signed byte to each of eight sums.
//!
//! **Source** Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, VPDPBUSD.

#![expect(unsafe_code, reason = "vector loads take pointers, and the instructions are checked for at run time")]

use super::BLOCK;
use super::across256::{ROWS, across};
use std::arch::x86_64::*;

/// Values of a vector.
const VALUES: usize = 32;

/// The same loop for both encodings of the instruction.
macro_rules! kernel {
    ($encoding:ident, $features:literal, $dot:ident) => {
        pub(super) mod $encoding {
            use super::*;

            /// # Safety
            /// The processor has the instructions; `rows` holds a block of rows of the query's length, which is a multiple of 64.
            #[target_feature(enable = $features)]
            pub(in super::super) unsafe fn sums(query: &[i8], rows: &[u8]) -> [i32; BLOCK] {
                let stride = query.len();
                let mut found = [0; BLOCK];
                // Row by row: memory is read in its order.
                let of_row = |row: usize| {
                    let mut sum = _mm256_setzero_si256();
                    for at in (0..stride).step_by(VALUES) {
                        // SAFETY: `at` and a whole vector lie inside the query and, by the caller, inside each row.
                        unsafe {
                            let q = _mm256_loadu_si256(query.as_ptr().add(at).cast());
                            let bytes = _mm256_loadu_si256(rows.as_ptr().add(row * stride + at).cast());
                            sum = $dot(sum, bytes, q);
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
        }
    };
}

kernel!(vex, "avx2,avxvnni", _mm256_dpbusd_avx_epi32);
#[cfg(test)]
kernel!(evex, "avx2,avx512vl,avx512vnni", _mm256_dpbusd_epi32);
