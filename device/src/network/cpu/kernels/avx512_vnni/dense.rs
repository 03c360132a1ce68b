//! Dense convolutions: output channels in vectors, up to 24 sums of 16 in registers.

use super::ends::write;
use super::{Block, LANES, VECTOR, in_order};
use crate::network::cpu::buffer::Buffer;
use crate::network::cpu::kernels::results::Results;
use crate::network::cpu::kernels::{End, Kernel, LayerForm, Output};
use crate::network::cpu::rows::Rows;
use std::arch::x86_64::*;
use std::ops::Range;

/// Pixels whose results are computed for all channels before the next ones: their inputs stay in the first cache.
const CHUNK: usize = 48;

/// A dense convolution.
pub(in crate::network::cpu::kernels) struct Dense {
    rows: Rows,
    blocks: Vec<Block>,
    weights: Buffer,
    bias: Vec<i32>,
    multipliers: Vec<f32>,
    end: End,
    /// Steps of four inputs.
    steps: usize,
    outputs: usize,
    /// Bytes of the input's buffer that are read.
    reads: usize,
}

impl Dense {
    pub(in crate::network::cpu::kernels) fn new(layer: LayerForm<'_>) -> Self {
        let (taps, inputs, c) = (layer.rows.taps(), layer.from.shape.channels, layer.convolution);
        let (outputs, steps, end) = (c.bias.len(), inputs.div_ceil(4), layer.end());
        // Floats are stored in plain order.
        let widest = if end == End::Floats { 2 } else { 4 };
        let blocks = Block::split(outputs, widest, taps * steps * VECTOR);
        let weight = |channel: usize, input: usize, tap: usize| {
            let is_there = channel < outputs && input < inputs;
            let place = (channel * inputs + input) * taps + tap;
            c.weights_oihw.get(place).filter(|_| is_there).map_or(0, |w| w.cast_unsigned())
        };
        let mut packed = Vec::new();
        for block in &blocks {
            for tap in 0..taps {
                for step in 0..steps {
                    for vector in 0..block.vectors {
                        for element in 0..LANES {
                            let channel = block.channel(vector, element);
                            packed.extend((0..4).map(|k| weight(channel, 4 * step + k, tap)));
                        }
                    }
                }
            }
        }
        Self {
            weights: Buffer::of(packed.into_iter()),
            bias: in_order(&blocks, &layer.folded_bias()),
            multipliers: in_order(&blocks, &c.multipliers),
            blocks,
            end,
            steps,
            outputs,
            reads: layer.rows.furthest(layer.to.shape.pixels()) + 4 * steps,
            rows: layer.rows,
        }
    }

    /// The sums of `P` pixels and one block of `V` vectors, written; gives `P`.
    ///
    /// # Safety
    /// The processor has the instructions; `x` is readable for `self.reads` bytes; `results` begin with pixel `start` and hold the `P` from
    /// `first` on.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    unsafe fn tile<const P: usize, const V: usize>(
        &self,
        x: *const u8,
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
            for tap in 0..self.rows.taps() {
                let pixels: [*const u8; P] = std::array::from_fn(|p| x.add(self.rows.offset(first + p, tap)));
                for step in 0..self.steps {
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
    unsafe fn block(&self, x: *const u8, results: &Results<'_>, block: &Block, pixels: Range<usize>, start: usize) {
        let mut first = pixels.start;
        while first < pixels.end {
            let left = pixels.end - first;
            // SAFETY: passed on; a tile never passes the range's end.
            first += unsafe {
                match (block.vectors, left) {
                    (4, 6..) => self.tile::<6, 4>(x, results, block, (first, start)),
                    (4, 4..) => self.tile::<4, 4>(x, results, block, (first, start)),
                    (4, 2..) => self.tile::<2, 4>(x, results, block, (first, start)),
                    (4, _) => self.tile::<1, 4>(x, results, block, (first, start)),
                    (2, 12..) => self.tile::<12, 2>(x, results, block, (first, start)),
                    (2, 4..) => self.tile::<4, 2>(x, results, block, (first, start)),
                    (2, _) => self.tile::<1, 2>(x, results, block, (first, start)),
                    (_, 12..) => self.tile::<12, 1>(x, results, block, (first, start)),
                    (_, 4..) => self.tile::<4, 1>(x, results, block, (first, start)),
                    _ => self.tile::<1, 1>(x, results, block, (first, start)),
                }
            };
        }
    }
}

impl Kernel for Dense {
    fn run(&self, x: &[u8], other: &[u8], y: Output<'_>, pixels: Range<usize>) {
        let results = Results::new(y, other, self.outputs, &pixels, &self.end);
        assert!(x.len() >= self.reads, "the input's buffer is the plan's");
        let mut next = pixels.start;
        while next < pixels.end {
            let chunk = next..pixels.end.min(next + CHUNK);
            for block in &self.blocks {
                // SAFETY: kernels are only made where `is_there`; `x` is as long as any tap reads; chunks lie inside the range.
                unsafe { self.block(x.as_ptr(), &results, block, chunk.clone(), pixels.start) };
            }
            next = chunk.end;
        }
    }
}
