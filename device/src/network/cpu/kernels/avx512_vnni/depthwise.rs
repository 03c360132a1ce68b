//! Depthwise convolutions: blocks of 64 channels in 512-bit vectors, a last one of up to 32 in 256-bit vectors.

use super::LANES;
use super::ends::{store32, store64};
use crate::network::cpu::kernels::four_taps::{FourTaps, kernels, kernels256};
use crate::network::cpu::kernels::{Kernel, LayerForm, Output};
use std::ops::Range;

/// A depthwise convolution.
pub(in crate::network::cpu::kernels) struct Depthwise(FourTaps);

impl Depthwise {
    pub(in crate::network::cpu::kernels) fn new(layer: LayerForm<'_>) -> Self {
        Self(FourTaps::new(layer, LANES))
    }
}

kernels!(
    wide,
    "avx512f,avx512bw,avx512vl,avx512vnni",
    __m512i,
    16,
    _mm512_loadu_si512,
    _mm512_setzero_si512,
    _mm512_unpacklo_epi8,
    _mm512_unpackhi_epi8,
    _mm512_unpacklo_epi16,
    _mm512_unpackhi_epi16,
    _mm512_dpbusd_epi32,
    _mm512_cvtepi32_ps,
    _mm512_mul_ps,
    _mm512_loadu_ps,
    _mm512_cvtps_epi32,
    store64
);
kernels256!(half, "avx512f,avx512bw,avx512vl,avx512vnni", _mm256_dpbusd_epi32, store32);

impl Kernel for Depthwise {
    fn run(&self, x: &[u8], _other: &[u8], y: Output<'_>, pixels: Range<usize>) {
        let loops = |lanes| if lanes == LANES { wide::LOOPS } else { half::LOOPS };
        // SAFETY: kernels are only made where the instructions are there.
        unsafe { self.0.run(x, y, pixels, loops) }
    }
}
