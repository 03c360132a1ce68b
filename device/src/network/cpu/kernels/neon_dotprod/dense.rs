//! Dense convolutions: 16 output channels of four pixels in registers.

use super::ends::Epilogue;
use super::{BLOCK, SHIFT, STEP, VECTOR, sdot, sdot_lane, shifted};
use crate::network::cpu::buffer::Buffer;
use crate::network::cpu::kernels::results::Results;
use crate::network::cpu::kernels::{Kernel, LayerForm, Output};
use crate::network::cpu::rows::Rows;
use std::arch::aarch64::*;
use std::ops::Range;

/// Pixels whose sums stay in registers.
const TILE: usize = 4;
/// Pixels whose results are computed for all channels before the next ones: their inputs stay in the first cache.
const CHUNK: usize = 48;

/// A dense convolution.
pub(in crate::network::cpu::kernels) struct Dense {
    rows: Rows,
    weights: Buffer,
    epilogue: Epilogue,
    /// Steps of four inputs.
    steps: usize,
    reads: usize,
}

impl Dense {
    pub(in crate::network::cpu::kernels) fn new(layer: LayerForm<'_>) -> Self {
        let (taps, inputs, c) = (layer.rows.taps(), layer.from.shape.channels, layer.convolution);
        let (outputs, steps) = (c.bias.len(), inputs.div_ceil(4));
        let mut packed = Vec::with_capacity(outputs.next_multiple_of(BLOCK) * taps * steps * 4);
        for block in 0..outputs.div_ceil(BLOCK) {
            for tap in 0..taps {
                for step in 0..steps {
                    for element in 0..BLOCK {
                        packed.extend(
                            (0..4).map(|k| c.weight(block * BLOCK + element, 4 * step + k, tap).cast_unsigned()),
                        );
                    }
                }
            }
        }
        Self {
            weights: Buffer::of(packed.into_iter()),
            epilogue: Epilogue::new(&layer),
            steps,
            reads: layer.rows.furthest(layer.to.shape.pixels()) + 4 * steps,
            rows: layer.rows,
        }
    }

    /// The sums of `P` pixels and one block, written.
    ///
    /// # Safety
    /// The processor has the instructions; `x` is readable for `self.reads` bytes; `results` and `other` hold the pixels from `place` on.
    #[target_feature(enable = "neon,dotprod")]
    unsafe fn tile<const P: usize>(
        &self,
        x: *const u8,
        block: usize,
        results: &Results<'_>,
        first: usize,
        place: usize,
    ) {
        // SAFETY: `new` packed `taps · steps` steps for each block.
        unsafe {
            let begin = self.epilogue.begin(block);
            let mut sums: [[int32x4_t; 4]; P] = std::array::from_fn(|_| begin);
            let mut weights: *const i8 =
                self.weights.bytes().as_ptr().add(block * self.rows.taps() * self.steps * STEP).cast();
            for tap in 0..self.rows.taps() {
                let pixels: [*const u8; P] = std::array::from_fn(|p| x.add(self.rows.offset(first + p, tap)));
                let mut step = 0;
                while step + 4 <= self.steps {
                    let inputs: [int8x16_t; P] = std::array::from_fn(|p| shifted(pixels[p].add(4 * step)));
                    for v in 0..4 {
                        let w: [int8x16_t; 4] = std::array::from_fn(|k| vld1q_s8(weights.add(k * STEP + v * VECTOR)));
                        for p in 0..P {
                            let sum = sdot_lane::<0>(sums[p][v], w[0], inputs[p]);
                            let sum = sdot_lane::<1>(sum, w[1], inputs[p]);
                            let sum = sdot_lane::<2>(sum, w[2], inputs[p]);
                            sums[p][v] = sdot_lane::<3>(sum, w[3], inputs[p]);
                        }
                    }
                    weights = weights.add(4 * STEP);
                    step += 4;
                }
                while step < self.steps {
                    let w: [int8x16_t; 4] = std::array::from_fn(|v| vld1q_s8(weights.add(v * VECTOR)));
                    for p in 0..P {
                        let four = vdupq_n_u32(pixels[p].add(4 * step).cast::<u32>().read_unaligned());
                        let four = vreinterpretq_s8_u8(veorq_u8(vreinterpretq_u8_u32(four), vdupq_n_u8(SHIFT)));
                        for v in 0..4 {
                            sums[p][v] = sdot(sums[p][v], w[v], four);
                        }
                    }
                    weights = weights.add(STEP);
                    step += 1;
                }
            }
            // A copy to loop over: see the 512-bit kernel.
            let finished: [[int32x4_t; 4]; P] = std::array::from_fn(|p| sums[p]);
            for (p, sums) in finished.into_iter().enumerate() {
                let other = results.other(place + p).wrapping_add(block * BLOCK);
                self.epilogue.write(sums, block, results.pixel(place + p), other);
            }
        }
    }
}

impl Kernel for Dense {
    fn run(&self, x: &[u8], other: &[u8], y: Output<'_>, pixels: Range<usize>) {
        assert!(x.len() >= self.reads, "the input's buffer is the plan's");
        let results = Results::new(y, other, self.epilogue.outputs, &pixels, &self.epilogue.end);
        let mut start = pixels.start;
        while start < pixels.end {
            let end = pixels.end.min(start + CHUNK);
            for block in 0..self.epilogue.blocks() {
                let mut first = start;
                while first < end {
                    let place = first - pixels.start;
                    // SAFETY: kernels are only made where the instructions are there; lengths are checked above; no tile passes the range's end.
                    unsafe {
                        if end - first >= TILE {
                            self.tile::<TILE>(x.as_ptr(), block, &results, first, place);
                            first += TILE;
                        } else {
                            self.tile::<1>(x.as_ptr(), block, &results, first, place);
                            first += 1;
                        }
                    }
                }
            }
            start = end;
        }
    }
}
