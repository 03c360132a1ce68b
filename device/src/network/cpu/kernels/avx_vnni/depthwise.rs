//! Depthwise convolutions: blocks of 32 channels.

use crate::network::cpu::kernels::four_taps::{FourTaps, kernels256};
use crate::network::cpu::kernels::{Kernel, LayerForm, Output};
use crate::processor::Encoding;
use std::arch::x86_64::*;
use std::ops::Range;

/// Channels of a block.
const BLOCK: usize = 32;

/// A depthwise convolution.
pub(in crate::network::cpu::kernels) struct Depthwise {
    encoding: Encoding,
    layer: FourTaps,
}

impl Depthwise {
    pub(in crate::network::cpu::kernels) fn new(layer: LayerForm<'_>, encoding: Encoding) -> Self {
        Self { encoding, layer: FourTaps::new(layer, BLOCK / 4) }
    }
}

/// Steps of four vectors in the order of a block to bytes in plain order.
///
/// # Safety
/// The processor has the instructions; `into` is writable for `channels` bytes, at most 32.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn store32(into: *mut u8, steps: [__m256i; 4], zero_point: u8, channels: usize) {
    let zero = _mm256_set1_epi16(i16::from(zero_point));
    let low = _mm256_adds_epi16(_mm256_packs_epi32(steps[0], steps[1]), zero);
    let high = _mm256_adds_epi16(_mm256_packs_epi32(steps[2], steps[3]), zero);
    let bytes = _mm256_packus_epi16(low, high);
    // SAFETY: no more than `channels` bytes are written.
    unsafe {
        if channels == BLOCK {
            _mm256_storeu_si256(into.cast(), bytes);
        } else {
            let mut all = [0_u8; BLOCK];
            _mm256_storeu_si256(all.as_mut_ptr().cast(), bytes);
            into.copy_from_nonoverlapping(all.as_ptr(), channels);
        }
    }
}

kernels256!(vex, "avx2,avxvnni", _mm256_dpbusd_avx_epi32, store32);
#[cfg(test)]
kernels256!(evex, "avx2,avx512vl,avx512vnni", _mm256_dpbusd_epi32, store32);

impl Kernel for Depthwise {
    fn run(&self, x: &[u8], _other: &[u8], y: Output<'_>, pixels: Range<usize>) {
        let loops = match self.encoding {
            Encoding::Vex => vex::LOOPS,
            #[cfg(test)]
            Encoding::Evex => evex::LOOPS,
        };
        // SAFETY: kernels are only made where the encoding is there.
        unsafe { self.layer.run(x, y, pixels, |_| loops) }
    }
}
