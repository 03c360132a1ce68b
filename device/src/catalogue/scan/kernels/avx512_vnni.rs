//! 512-bit vectors: `vpdpbusd` adds four products of a byte and a signed byte to each of 16 sums. Sixteen rows at a time, each in a register of
//! its own; their sums across come from four rounds of shuffles for all of them.
//!
//! **Source** Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, VPDPBUSD.

#![expect(unsafe_code, reason = "vector loads take pointers, and the instructions are checked for at run time")]
#![expect(
    clippy::indexing_slicing,
    reason = "arrays of registers: constant lengths, and loops that the compiler unrolls"
)]

use super::{BLOCK, STEP};
use std::arch::x86_64::*;

/// # Safety
/// The processor has the instructions; `rows` holds a block of rows of the query's length, which is a multiple of [`STEP`].
#[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
pub(super) unsafe fn sums(query: &[i8], rows: &[u8]) -> [i32; BLOCK] {
    let stride = query.len();
    // Row by row: memory is read in its order.
    let of_row = |row: usize| {
        let mut sum = _mm512_setzero_si512();
        for at in (0..stride).step_by(STEP) {
            // SAFETY: `at` and a whole vector lie inside the query and, by the caller, inside each row.
            unsafe {
                let q = _mm512_loadu_si512(query.as_ptr().add(at).cast());
                let bytes = _mm512_loadu_si512(rows.as_ptr().add(row * stride + at).cast());
                sum = _mm512_dpbusd_epi32(sum, bytes, q);
            }
        }
        sum
    };
    let sums: [__m512i; BLOCK] = std::array::from_fn(of_row);
    let all = across(sums);
    let mut found = [0; BLOCK];
    // SAFETY: sixteen sums of 32 bits.
    unsafe { _mm512_storeu_si512(found.as_mut_ptr().cast(), all) };
    found
}

/// The sum of each vector, in the vectors' order.
#[target_feature(enable = "avx512f")]
fn across(v: [__m512i; BLOCK]) -> __m512i {
    // Of four vectors: their sums over each lane of 128 bits, side by side.
    let four = |first: usize| {
        let two = |a: __m512i, b: __m512i| _mm512_add_epi32(_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
        let (ab, cd) = (two(v[first], v[first + 1]), two(v[first + 2], v[first + 3]));
        _mm512_add_epi32(_mm512_unpacklo_epi64(ab, cd), _mm512_unpackhi_epi64(ab, cd))
    };
    // Lanes 0 and 2, 1 and 3, of two vectors.
    let half = |a: __m512i, b: __m512i| {
        _mm512_add_epi32(_mm512_shuffle_i32x4::<0x44>(a, b), _mm512_shuffle_i32x4::<0xee>(a, b))
    };
    let (a, b) = (half(four(0), four(4)), half(four(8), four(12)));
    _mm512_add_epi32(_mm512_shuffle_i32x4::<0x88>(a, b), _mm512_shuffle_i32x4::<0xdd>(a, b))
}
