//! Dense convolutions: output channels in vectors, up to 24 sums of 16 in registers.

use super::ends::write;
use super::{Block, LANES, VECTOR, in_order};
use crate::network::cpu::buffer::Buffer;
use crate::network::cpu::kernels::inputs::{Inputs, Source};
use crate::network::cpu::kernels::results::Results;
use crate::network::cpu::kernels::{End, Kernel, LayerForm, Output};
use std::arch::x86_64::*;
use std::ops::Range;

/// A dense convolution.
pub(in crate::network::cpu::kernels) struct Dense {
    inputs: Inputs,
    blocks: Vec<Block>,
    weights: Buffer,
    bias: Vec<i32>,
    multipliers: Vec<f32>,
    end: End,
    outputs: usize,
}

impl Dense {
    pub(in crate::network::cpu::kernels) fn new(layer: LayerForm<'_>) -> Self {
        let c = layer.convolution;
        let (outputs, end) = (c.bias.len(), layer.end());
        let folded_bias = layer.folded_bias();
        let inputs = Inputs::new(layer);
        // Floats are stored in plain order.
        let widest = if end == End::Floats { 2 } else { 4 };
        let blocks = Block::split(outputs, widest, inputs.taps * inputs.steps * VECTOR);
        let mut packed = Vec::new();
        for block in &blocks {
            for tap in 0..inputs.taps {
                for step in 0..inputs.steps {
                    for vector in 0..block.vectors {
                        for element in 0..LANES {
                            packed.extend(inputs.weights(c, block.channel(vector, element), tap, step));
                        }
                    }
                }
            }
        }
        Self {
            weights: Buffer::of(packed.into_iter()),
            bias: in_order(&blocks, &folded_bias),
            multipliers: in_order(&blocks, &c.multipliers),
            blocks,
            end,
            inputs,
            outputs,
        }
    }

    /// The sums of `P` pixels and one block of `V` vectors, written; gives `P`.
    ///
    /// # Safety
    /// The processor has the instructions; `source` is readable for all taps of the `P` pixels from `first` on; `results` begin with pixel
    /// `start` and hold them.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    unsafe fn tile<const P: usize, const V: usize>(
        &self,
        source: &Source<'_>,
        results: &Results<'_>,
        block: &Block,
        (first, start): (usize, usize),
    ) -> usize {
        // SAFETY: a block's weights and parameters lie where `new` put them: `taps · steps · V` vectors and `V` vectors.
        unsafe {
            let bias = self.bias.as_ptr().add(block.parameters);
            let bias: [__m512i; V] = std::array::from_fn(|v| _mm512_loadu_si512(bias.add(v * LANES).cast()));
            let mut sums: [[__m512i; V]; P] = std::array::from_fn(|_| bias);
            let mut weights = self.weights.bytes().as_ptr().add(block.weights);
            for tap in 0..self.inputs.taps {
                let pixels: [*const u8; P] = source.pixels(first, tap);
                for step in 0..self.inputs.steps {
                    let w: [__m512i; V] = std::array::from_fn(|v| _mm512_load_si512(weights.add(v * VECTOR).cast()));
                    weights = weights.add(V * VECTOR);
                    for p in 0..P {
                        let four = _mm512_set1_epi32(pixels[p].add(4 * step).cast::<i32>().read_unaligned());
                        for v in 0..V {
                            sums[p][v] = _mm512_dpbusd_epi32(sums[p][v], four, w[v]);
                        }
                    }
                }
            }
            let multipliers = self.multipliers.as_ptr().add(block.parameters);
            let multipliers: [__m512; V] = std::array::from_fn(|v| _mm512_loadu_ps(multipliers.add(v * LANES)));
            // A copy to loop over: a loop that is not unrolled needs an array in memory, and without the copy the compiler keeps `sums` there
            // all the time, with a store for every product (measured: 2.5 times slower).
            let finished: [[__m512i; V]; P] = std::array::from_fn(|p| sums[p]);
            for (p, sums) in finished.iter().enumerate() {
                let reals: [__m512; V] =
                    std::array::from_fn(|v| _mm512_mul_ps(_mm512_cvtepi32_ps(sums[v]), multipliers[v]));
                write(&self.end, reals, block, results, first + p - start);
            }
        }
        P
    }

    /// All pixels of a range and one block.
    ///
    /// # Safety
    /// As [`Dense::tile`].
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    unsafe fn block(
        &self,
        source: &Source<'_>,
        results: &Results<'_>,
        block: &Block,
        pixels: Range<usize>,
        start: usize,
    ) {
        let mut first = pixels.start;
        while first < pixels.end {
            let left = pixels.end - first;
            // SAFETY: passed on; a tile never passes the range's end.
            first += unsafe {
                match (block.vectors, left) {
                    (4, 6..) => self.tile::<6, 4>(source, results, block, (first, start)),
                    (4, 4..) => self.tile::<4, 4>(source, results, block, (first, start)),
                    (4, 2..) => self.tile::<2, 4>(source, results, block, (first, start)),
                    (4, _) => self.tile::<1, 4>(source, results, block, (first, start)),
                    (2, 12..) => self.tile::<12, 2>(source, results, block, (first, start)),
                    (2, 4..) => self.tile::<4, 2>(source, results, block, (first, start)),
                    (2, _) => self.tile::<1, 2>(source, results, block, (first, start)),
                    (_, 12..) => self.tile::<12, 1>(source, results, block, (first, start)),
                    (_, 4..) => self.tile::<4, 1>(source, results, block, (first, start)),
                    _ => self.tile::<1, 1>(source, results, block, (first, start)),
                }
            };
        }
    }
}

impl Kernel for Dense {
    fn run(&self, x: &[u8], other: &[u8], y: Output<'_>, pixels: Range<usize>) {
        let results = Results::new(y, other, self.outputs, &pixels, &self.end);
        self.inputs.chunks(x, pixels.clone(), |source, chunk| {
            for block in &self.blocks {
                // SAFETY: kernels are only made where the instructions are there; the source holds the chunk, which lies inside the range.
                unsafe { self.block(source, &results, block, chunk.clone(), pixels.start) };
            }
        });
    }
}
