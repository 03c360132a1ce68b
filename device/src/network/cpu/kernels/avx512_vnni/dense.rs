//! Dense convolutions: output channels in vectors, up to 24 sums of 16 in registers.

use super::ends::write;
use super::{Block, LANES, VECTOR, in_order};
use crate::network::cpu::buffer::Buffer;
use crate::network::cpu::kernels::patches::Patches;
use crate::network::cpu::kernels::results::Results;
use crate::network::cpu::kernels::{End, Kernel, LayerForm, Output};
use crate::network::cpu::rows::Rows;
use std::arch::x86_64::*;
use std::cell::RefCell;
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
    inputs: usize,
    outputs: usize,
    /// How the inputs of all taps are gathered, where they are; they are then those of one tap.
    patches: Option<Patches>,
    /// Taps, and steps of four inputs of each.
    taps: usize,
    steps: usize,
    /// Bytes of the input's buffer that are read.
    reads: usize,
}

impl Dense {
    pub(in crate::network::cpu::kernels) fn new(layer: LayerForm<'_>) -> Self {
        let (window, inputs, c) = (layer.rows.taps(), layer.from.shape.channels, layer.convolution);
        let patches = Patches::new(&layer.rows, c.geometry.kernel, inputs, layer.to.shape.pixels());
        let is_gathered = patches.is_some();
        let (taps, steps) =
            patches.as_ref().map_or((window, inputs.div_ceil(4)), |patches| (1, patches.row().div_ceil(4)));
        let (outputs, end) = (c.bias.len(), layer.end());
        // Floats are stored in plain order.
        let widest = if end == End::Floats { 2 } else { 4 };
        let blocks = Block::split(outputs, widest, taps * steps * VECTOR);
        let weight = |channel: usize, input: usize, tap: usize| {
            let (input, tap) = if is_gathered { (input % inputs, input / inputs) } else { (input, tap) };
            c.weight(channel, input, tap).cast_unsigned()
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
            inputs,
            outputs,
            patches,
            taps,
            steps,
            reads: layer.rows.furthest(layer.to.shape.pixels()) + inputs.next_multiple_of(4),
            rows: layer.rows,
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
            for tap in 0..self.taps {
                let pixels: [*const u8; P] = source.pixels(first, tap);
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

/// Where a tile's pixels are read.
struct Source<'a> {
    x: *const u8,
    /// Bytes from one pixel to the next, where there is no table.
    stride: usize,
    rows: Option<&'a Rows>,
}

impl Source<'_> {
    /// The first bytes of one tap of some pixels.
    #[inline]
    fn pixels<const P: usize>(&self, first: usize, tap: usize) -> [*const u8; P] {
        match self.rows {
            Some(rows) => std::array::from_fn(|p| self.x.wrapping_add(rows.offset(first + p, tap))),
            None => std::array::from_fn(|p| self.x.wrapping_add((first + p) * self.stride)),
        }
    }
}

thread_local! {
    /// Gathered inputs of a chunk, kept between frames.
    static GATHERED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Kernel for Dense {
    fn run(&self, x: &[u8], other: &[u8], y: Output<'_>, pixels: Range<usize>) {
        let results = Results::new(y, other, self.outputs, &pixels, &self.end);
        assert!(x.len() >= self.reads, "the input's buffer is the plan's");
        let rows = Some(&self.rows).filter(|rows| !rows.is_plain());
        let in_place = Source { x: x.as_ptr(), stride: self.inputs, rows };
        GATHERED.with_borrow_mut(|gathered| {
            let mut next = pixels.start;
            while next < pixels.end {
                let chunk = next..pixels.end.min(next + CHUNK);
                let source = if let Some(patches) = &self.patches {
                    patches.gather(&self.rows, x, chunk.clone(), gathered);
                    let stride = patches.row();
                    &Source { x: gathered.as_ptr().wrapping_sub(next * stride), stride, rows: None }
                } else {
                    &in_place
                };
                for block in &self.blocks {
                    // SAFETY: kernels are only made where `is_there`; `x` is as long as any tap reads, and so are the gathered rows; chunks
                    // lie inside the range.
                    unsafe { self.block(source, &results, block, chunk.clone(), pixels.start) };
                }
                next = chunk.end;
            }
        });
    }
}
