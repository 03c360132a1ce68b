//! Plain Rust: products of 16-bit numbers added in pairs to 32 bits, the one multiply-add that SSE2, AVX2 and NEON all have, and that the
//! compiler finds in this loop by itself. The twin of every faster one.

use super::BLOCK;

pub(super) fn sums(query: &[i16], rows: &[u8]) -> [i32; BLOCK] {
    let mut sums = [0; BLOCK];
    for (sum, row) in sums.iter_mut().zip(rows.chunks_exact(query.len().max(1))) {
        *sum = query.iter().zip(row).map(|(q, byte)| i32::from(*q) * i32::from(i16::from(*byte))).sum();
    }
    sums
}
