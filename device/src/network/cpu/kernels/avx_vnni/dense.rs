//! Dense convolutions: 16 output channels of six pixels in registers.

use crate::network::cpu::buffer::Buffer;
use crate::network::cpu::kernels::ends256::{BLOCK, Epilogue, VECTOR, order};
use crate::network::cpu::kernels::inputs::{Inputs, Source};
use crate::network::cpu::kernels::results::Results;
use crate::network::cpu::kernels::{Kernel, LayerForm, Output};
use crate::processor::Encoding;
use std::arch::x86_64::*;
use std::ops::Range;

/// A dense convolution.
pub(in crate::network::cpu::kernels) struct Dense {
    encoding: Encoding,
    inputs: Inputs,
    weights: Buffer,
    epilogue: Epilogue,
}

impl Dense {
    pub(in crate::network::cpu::kernels) fn new(layer: LayerForm<'_>, encoding: Encoding) -> Self {
        let (c, epilogue) = (layer.convolution, Epilogue::new(&layer));
        let inputs = Inputs::new(layer);
        let mut packed = Vec::with_capacity(epilogue.blocks() * inputs.taps * inputs.steps * 2 * VECTOR);
        for block in 0..epilogue.blocks() {
            for tap in 0..inputs.taps {
                for step in 0..inputs.steps {
                    packed.extend(order(block).flat_map(|channel| inputs.weights(c, channel, tap, step)));
                }
            }
        }
        Self { encoding, inputs, weights: Buffer::of(packed.into_iter()), epilogue }
    }
}

/// The same two functions for an encoding of the instruction.
macro_rules! kernels {
    ($encoding:ident, $features:literal, $dot:ident) => {
        mod $encoding {
            use super::*;

            /// The sums of `P` pixels and one block, written; gives `P`.
            ///
            /// # Safety
            /// The processor has the instructions; `source` is readable for all taps of the `P` pixels from `first` on; `results` begin with
            /// pixel `start` and hold them; `block` is one of the layer's.
            #[target_feature(enable = $features)]
            unsafe fn tile<const P: usize>(
                Dense { inputs, weights, epilogue, .. }: &Dense,
                source: &Source<'_>,
                results: &Results<'_>,
                block: usize,
                (first, start): (usize, usize),
            ) -> usize {
                // SAFETY: a block has `taps · steps` pairs of vectors of weights; the summand has `SLACK` bytes behind its last element, so
                // that a whole block of it may be read.
                unsafe {
                    let begin = epilogue.begin(block);
                    let mut sums: [[__m256i; 2]; P] = std::array::from_fn(|_| begin);
                    let mut weights = weights.bytes().as_ptr().add(block * inputs.taps * inputs.steps * 2 * VECTOR);
                    for tap in 0..inputs.taps {
                        let pixels: [*const u8; P] = source.pixels(first, tap);
                        for step in 0..inputs.steps {
                            let w = [_mm256_load_si256(weights.cast()), _mm256_load_si256(weights.add(VECTOR).cast())];
                            weights = weights.add(2 * VECTOR);
                            for p in 0..P {
                                let four = _mm256_set1_epi32(pixels[p].add(4 * step).cast::<i32>().read_unaligned());
                                for v in 0..2 {
                                    sums[p][v] = $dot(sums[p][v], four, w[v]);
                                }
                            }
                        }
                    }
                    // A copy to loop over, as in the 512-bit kernel.
                    let finished: [[__m256i; 2]; P] = std::array::from_fn(|p| sums[p]);
                    for (p, sums) in finished.into_iter().enumerate() {
                        let place = first + p - start;
                        let other = results.other(place).wrapping_add(block * BLOCK);
                        epilogue.write(sums, block, results.pixel(place), other);
                    }
                }
                P
            }

            /// All pixels of a range and one block.
            ///
            /// # Safety
            /// As [`tile`].
            #[target_feature(enable = $features)]
            pub(super) unsafe fn block(
                dense: &Dense,
                source: &Source<'_>,
                results: &Results<'_>,
                block: usize,
                pixels: Range<usize>,
                start: usize,
            ) {
                let mut first = pixels.start;
                while first < pixels.end {
                    // SAFETY: passed on; a tile never passes the range's end.
                    first += unsafe {
                        match pixels.end - first {
                            6.. => tile::<6>(dense, source, results, block, (first, start)),
                            3.. => tile::<3>(dense, source, results, block, (first, start)),
                            _ => tile::<1>(dense, source, results, block, (first, start)),
                        }
                    };
                }
            }
        }
    };
}

kernels!(vex, "avx2,avxvnni", _mm256_dpbusd_avx_epi32);
#[cfg(test)]
kernels!(evex, "avx2,avx512vl,avx512vnni", _mm256_dpbusd_epi32);

impl Kernel for Dense {
    fn run(&self, x: &[u8], other: &[u8], y: Output<'_>, pixels: Range<usize>) {
        let results = Results::new(y, other, self.epilogue.outputs, &pixels, &self.epilogue.end);
        let run = match self.encoding {
            Encoding::Vex => vex::block,
            #[cfg(test)]
            Encoding::Evex => evex::block,
        };
        self.inputs.chunks(x, pixels.clone(), |source, chunk| {
            for block in 0..self.epilogue.blocks() {
                // SAFETY: kernels are only made where the encoding is there; the source holds the chunk, which lies inside the range.
                unsafe { run(self, source, &results, block, chunk.clone(), pixels.start) };
            }
        });
    }
}
