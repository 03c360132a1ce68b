//! Kernels of 512-bit vectors with VNNI: `vpdpbusd` adds four products of a byte and a signed byte to each of 16 sums.
//!
//! **Dense**: output channels lie in vectors, a block of 64, 32 or 16 at a time; up to 24 sums of 16 stay in registers while all inputs of a
//! tile of pixels pass by, four bytes of a pixel broadcast against four rows of weights. Weights `[block][tap][I / 4][vector][16][4]`;
//! inputs beyond the last are multiplied by zeros.
//!
//! **Depthwise**: four taps of 64 channels are interleaved byte by byte (`vpunpck`), so that `vpdpbusd` adds the four taps of a channel.
//!
//! **Order of channels** in blocks of 64: `vpackssdw` and `vpackuswb` work in 128-bit lanes, and so do the interleaves; element `e` of vector
//! `v` is channel `16 · (e / 4) + 4 · v + e % 4`, so that packing leaves the bytes in order and nothing is ever permuted. Blocks of 32 and 16
//! are in plain order.
//!
//! **Rounding**: `vcvtdq2ps`, one product, `vcvtps2dq` (ties to even, the mode that Rust programs run in), then saturation. That sums times
//! multipliers stay below 2³⁰ is checked when the network is lowered.
//!
//! **Source** Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, VPDPBUSD.

#![expect(
    clippy::indexing_slicing,
    reason = "arrays of registers: constant lengths, and loops over them that the compiler unrolls"
)]
#![expect(
    unsafe_code,
    reason = "vector loads and stores take pointers, and the instructions are checked for at run time"
)]

mod dense;
mod depthwise;
mod ends;

pub(super) use dense::Dense;
pub(super) use depthwise::Depthwise;

use super::four_taps::packing_order;
use std::arch::x86_64::*;

/// Bytes and sums of a vector.
const VECTOR: usize = 64;
const LANES: usize = 16;

/// Some output channels whose sums fill whole vectors.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// First channel.
    first: usize,
    /// Channels that exist.
    channels: usize,
    /// 1, 2 or 4.
    vectors: usize,
    /// Where its weights begin, in bytes.
    weights: usize,
    /// Where its biases and multipliers begin.
    parameters: usize,
}

impl Block {
    /// The channel of an element, by itself.
    fn channel(self, vector: usize, element: usize) -> usize {
        let is_packed = self.vectors == 4;
        self.first + if is_packed { packing_order(vector, element) } else { vector * LANES + element }
    }

    /// Splits `outputs` channels into blocks of at most `widest` vectors; `per_vector` bytes of weights each.
    fn split(outputs: usize, widest: usize, per_vector: usize) -> Vec<Self> {
        let (mut blocks, mut first, mut weights, mut parameters) = (Vec::new(), 0, 0, 0);
        while first < outputs {
            let left = outputs - first;
            let vectors = if left > 2 * LANES { widest } else { left.div_ceil(LANES) };
            blocks.push(Self { first, channels: left.min(vectors * LANES), vectors, weights, parameters });
            first += vectors * LANES;
            weights += vectors * per_vector;
            parameters += vectors * LANES;
        }
        blocks
    }
}

/// Biases and multipliers in the order of the blocks' elements, zeros where there is no channel.
fn in_order<T: Copy + Default>(blocks: &[Block], values: &[T]) -> Vec<T> {
    let elements = |block: &Block| {
        let block = *block;
        (0..block.vectors).flat_map(move |vector| (0..LANES).map(move |element| block.channel(vector, element)))
    };
    blocks.iter().flat_map(elements).map(|channel| values.get(channel).copied().unwrap_or_default()).collect()
}

/// 64 bytes as four vectors of 32 bits, in the order of a block of 64.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn interleave_zero(bytes: __m512i) -> [__m512i; 4] {
    let zero = _mm512_setzero_si512();
    interleave(bytes, zero, zero, zero)
}

/// Byte `c` of four vectors behind each other, for all 64, in the order of a block of 64.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn interleave(a: __m512i, b: __m512i, c: __m512i, d: __m512i) -> [__m512i; 4] {
    let (low_ab, high_ab) = (_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b));
    let (low_cd, high_cd) = (_mm512_unpacklo_epi8(c, d), _mm512_unpackhi_epi8(c, d));
    [
        _mm512_unpacklo_epi16(low_ab, low_cd),
        _mm512_unpackhi_epi16(low_ab, low_cd),
        _mm512_unpacklo_epi16(high_ab, high_cd),
        _mm512_unpackhi_epi16(high_ab, high_cd),
    ]
}
