//! The scan's kernel in plain Rust: `Σ query · row`, exact in 32-bit integers.
//!
//! The query is widened to 16 bits once, so that each step is a product of 16-bit numbers added in pairs to 32 bits:
//! the one multiply-add that SSE2, AVX2 and NEON all have, and that the compiler finds in this loop by itself.

/// Values that a query may have without overflow: 127 · 127 · this stays below 2^31.
pub const MOST_VALUES: usize = 100_000;

/// A query as the kernel takes it.
#[must_use]
pub fn widened(query: &[i8]) -> Vec<i16> {
    query.iter().map(|v| i16::from(*v)).collect()
}

/// The integer product of query and row; over the shorter one, where they differ.
#[must_use]
pub fn dot(query: &[i16], row: &[i8]) -> i32 {
    query.iter().zip(row).map(|(q, r)| i32::from(*q) * i32::from(i16::from(*r))).sum()
}
