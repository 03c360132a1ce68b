//! 128-bit vectors: `sdot` adds four products of signed bytes to each of four sums.
//!
//! **Source** Arm Architecture Reference Manual for A-profile, SDOT (vector).

#![expect(unsafe_code, reason = "vector loads take pointers, and the instructions are checked for at run time")]

use super::{BLOCK, SHIFT};
use crate::processor::sdot;
use std::arch::aarch64::*;

/// Rows at a time.
const ROWS: usize = 4;
/// Values of a vector.
const VALUES: usize = 16;

/// # Safety
/// The processor has the instructions; `rows` holds a block of rows of the query's length, which is a multiple of 64.
#[target_feature(enable = "neon,dotprod")]
pub(super) unsafe fn sums(query: &[i8], rows: &[u8]) -> [i32; BLOCK] {
    let stride = query.len();
    let mut found = [0; BLOCK];
    // Bytes back to signed ones, and the query's own shift added, as the other kernels have it.
    let shift = vdupq_n_u8(SHIFT);
    let mut added = vdupq_n_s32(0);
    for at in (0..stride).step_by(VALUES) {
        // SAFETY: `at` and a whole vector lie inside the query.
        let q = unsafe { vld1q_s8(query.as_ptr().add(at)) };
        // 128 times the sum: twice 64.
        added = sdot(added, q, vdupq_n_s8(64));
    }
    let added = 2 * vaddvq_s32(added);
    // Row by row: memory is read in its order.
    let of_row = |row: usize| {
        let mut sum = vdupq_n_s32(0);
        for at in (0..stride).step_by(VALUES) {
            // SAFETY: `at` and a whole vector lie inside the query and, by the caller, inside each row.
            unsafe {
                let q = vld1q_s8(query.as_ptr().add(at));
                let bytes = vld1q_u8(rows.as_ptr().add(row * stride + at));
                sum = sdot(sum, vreinterpretq_s8_u8(veorq_u8(bytes, shift)), q);
            }
        }
        sum
    };
    for first in (0..BLOCK).step_by(ROWS) {
        let pair = |row: usize| vpaddq_s32(of_row(row), of_row(row + 1));
        let four = vpaddq_s32(pair(first), pair(first + 2));
        // SAFETY: four sums of 32 bits from `first` on.
        unsafe { vst1q_s32(found.as_mut_ptr().add(first), vaddq_s32(four, vdupq_n_s32(added))) };
    }
    found
}
