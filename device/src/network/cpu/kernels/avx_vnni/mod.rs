//! Kernels of 256-bit vectors with AVX-VNNI: `vpdpbusd` adds four products of a byte and a signed byte to each of 8 sums. They are for
//! Intel's processors without AVX-512: Alder Lake, N100 and later ones.
//!
//! **Dense**: blocks of 16 output channels, six pixels at a time; four bytes of a pixel broadcast against four rows of weights. Weights
//! `[block][tap][I / 4][2 vectors][8][4]`; inputs beyond the last are multiplied by zeros.
//! **Depthwise**: four taps of 32 channels are interleaved byte by byte, so that `vpdpbusd` adds the four taps of a channel: the loops of
//! [`four_taps`](super::four_taps).
//!
//! **Order of channels** and ends of dense sums: [`ends256`](super::ends256).
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

pub(super) use dense::Dense;
pub(super) use depthwise::Depthwise;
