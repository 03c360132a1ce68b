//! Depthwise convolutions: four taps of 16 channels interleaved byte by byte.

use super::ends::Epilogue;
use super::{BLOCK, STEP, VECTOR, sdot, shifted};
use crate::network::cpu::buffer::Buffer;
use crate::network::cpu::kernels::results::{Pixel, Results};
use crate::network::cpu::kernels::{Kernel, LayerForm, Output};
use crate::network::cpu::rows::Rows;
use std::arch::aarch64::*;
use std::ops::Range;

/// A depthwise convolution.
pub(in crate::network::cpu::kernels) struct Depthwise {
    rows: Rows,
    weights: Buffer,
    epilogue: Epilogue,
    reads: usize,
}

impl Depthwise {
    pub(in crate::network::cpu::kernels) fn new(layer: LayerForm<'_>) -> Self {
        let (taps, c) = (layer.rows.taps(), layer.convolution);
        let channels = c.bias.len();
        let mut packed = Vec::new();
        for block in 0..channels.div_ceil(BLOCK) {
            for group in 0..taps.div_ceil(4) {
                for element in 0..BLOCK {
                    packed.extend((0..4).map(|k| c.weight(block * BLOCK + element, 0, 4 * group + k).cast_unsigned()));
                }
            }
        }
        Self {
            weights: Buffer::of(packed.into_iter()),
            epilogue: Epilogue::new(&layer),
            reads: layer.rows.furthest(layer.to.shape.pixels()) + channels.next_multiple_of(BLOCK),
            rows: layer.rows,
        }
    }

    /// One pixel, all channels.
    ///
    /// # Safety
    /// The processor has the instructions; `x` is readable for `self.reads` bytes, `y` holds one pixel.
    #[target_feature(enable = "neon,dotprod")]
    unsafe fn pixel(&self, x: *const u8, y: Pixel, pixel: usize) {
        let taps = self.rows.taps();
        let mut weights: *const i8 = self.weights.bytes().as_ptr().cast();
        // SAFETY: offsets lie inside `x` with 16 bytes for each block; weights lie where `new` put them.
        unsafe {
            for block in 0..self.epilogue.blocks() {
                let tap = |tap: usize| {
                    if tap < taps {
                        shifted(x.add(self.rows.offset(pixel, tap) + block * BLOCK))
                    } else {
                        vdupq_n_s8(0)
                    }
                };
                let mut sums = self.epilogue.begin(block);
                for first in (0..taps).step_by(4) {
                    let (a, b, c, d) = (tap(first), tap(first + 1), tap(first + 2), tap(first + 3));
                    let words = |low: int8x16_t| vreinterpretq_s16_s8(low);
                    let (low_ab, high_ab) = (words(vzip1q_s8(a, b)), words(vzip2q_s8(a, b)));
                    let (low_cd, high_cd) = (words(vzip1q_s8(c, d)), words(vzip2q_s8(c, d)));
                    let four = [
                        vzip1q_s16(low_ab, low_cd),
                        vzip2q_s16(low_ab, low_cd),
                        vzip1q_s16(high_ab, high_cd),
                        vzip2q_s16(high_ab, high_cd),
                    ];
                    for v in 0..4 {
                        let w = vld1q_s8(weights.add(v * VECTOR));
                        sums[v] = sdot(sums[v], vreinterpretq_s8_s16(four[v]), w);
                    }
                    weights = weights.add(STEP);
                }
                self.epilogue.write(sums, block, y, std::ptr::null());
            }
        }
    }
}

impl Kernel for Depthwise {
    fn run(&self, x: &[u8], _other: &[u8], y: Output<'_>, pixels: Range<usize>) {
        assert!(x.len() >= self.reads, "the input's buffer is the plan's");
        let results = Results::new(y, &[], self.epilogue.outputs, &pixels, &self.epilogue.end);
        for pixel in pixels.clone() {
            // SAFETY: kernels are only made where the instructions are there; lengths are checked above.
            unsafe { self.pixel(x.as_ptr(), results.pixel(pixel - pixels.start), pixel) };
        }
    }
}
