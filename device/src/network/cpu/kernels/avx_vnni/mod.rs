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

/// How the product instruction is written for the processor. Both forms compute the same, and the loops are generated for each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::network) enum Encoding {
    /// VEX: AVX-VNNI.
    Vex,
    /// EVEX: AVX-512 VNNI and VL. Only for tests: so the loops are run on machines that have AVX-512 but not AVX-VNNI, as those that build
    /// this often are; the product has better ones for them.
    #[cfg(test)]
    Evex,
}

impl Encoding {
    /// Those that this processor has.
    pub(super) fn of_this_machine() -> impl Iterator<Item = Self> {
        let all = [
            Self::Vex,
            #[cfg(test)]
            Self::Evex,
        ];
        all.into_iter().filter(|encoding| encoding.is_there())
    }

    fn is_there(self) -> bool {
        let has_product = match self {
            Self::Vex => is_x86_feature_detected!("avxvnni"),
            #[cfg(test)]
            Self::Evex => is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512vnni"),
        };
        has_product && is_x86_feature_detected!("avx2")
    }

    /// The name in engine strings.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Vex => "avx-vnni",
            #[cfg(test)]
            Self::Evex => "avx-vnni in EVEX",
        }
    }
}
