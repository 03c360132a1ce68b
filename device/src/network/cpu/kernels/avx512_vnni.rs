//! Kernels of 512-bit vectors with VNNI: `vpdpbusd` adds four products of a byte and a signed byte to each of 16 sums.
//!
//! **Dense**: output channels lie in vectors, a block of 64, 32 or 16 at a time; up to 24 sums of 16 stay in registers while all inputs of a
//! tile of pixels pass by, four bytes of a pixel broadcast against four rows of weights. Weights `[block][tap][I / 4][vector][16][4]`;
//! inputs beyond the last are multiplied by zeros.
//!
//! **Depthwise**: four taps of 64 channels are interleaved byte by byte (`vpunpck`), so that `vpdpbusd` adds the four taps of a channel.
//!
//! **Order of channels** in blocks of 64: `vpackssdw` and `vpackuswb` work in 128-bit lanes, and so do the interleaves; element `e` of vector
//! `v` is channel `16 · (e / 4) + 4 · v + e % 4`, so that packing leaves the bytes in order and nothing is ever permuted. Blocks of 32 and 16
//! are in plain order.
//!
//! **Rounding**: `vcvtdq2ps`, one product, `vcvtps2dq` (ties to even, the mode that Rust programs run in), then saturation. That sums times
//! multipliers stay below 2³⁰ is checked when the network is lowered.
//!
//! **Source** Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, VPDPBUSD.

#![expect(
    unsafe_code,
    reason = "vector loads and stores take pointers, and the instructions are checked for at run time"
)]

use super::{End, Kernel, LayerForm, Output, Sum};
use crate::network::cpu::buffer::Buffer;
use crate::network::cpu::rows::Rows;
use std::arch::x86_64::*;
use std::ops::Range;

/// Bytes and sums of a vector.
const VECTOR: usize = 64;
const LANES: usize = 16;
/// Pixels whose results are computed for all channels before the next ones: their inputs stay in the first cache.
const CHUNK: usize = 48;

/// Whether this processor has the instructions.
pub(super) fn is_there() -> bool {
    is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512vl")
        && is_x86_feature_detected!("avx512vnni")
}

/// Some output channels whose sums fill whole vectors.
#[derive(Debug, Clone, Copy)]
struct Block {
    /// First channel.
    first: usize,
    /// Channels that exist.
    channels: usize,
    /// 1, 2 or 4.
    vectors: usize,
    /// Where its weights begin, in bytes.
    weights: usize,
    /// Where its biases and multipliers begin.
    parameters: usize,
}

impl Block {
    /// The channel of an element, by itself.
    fn channel(self, vector: usize, element: usize) -> usize {
        let within =
            if self.vectors == 4 { 16 * (element / 4) + 4 * vector + element % 4 } else { vector * LANES + element };
        self.first + within
    }

    /// Splits `outputs` channels into blocks of at most `widest` vectors; `per_vector` bytes of weights each.
    fn split(outputs: usize, widest: usize, per_vector: usize) -> Vec<Self> {
        let (mut blocks, mut first, mut weights, mut parameters) = (Vec::new(), 0, 0, 0);
        while first < outputs {
            let left = outputs - first;
            let vectors = if left > 2 * LANES { widest } else { left.div_ceil(LANES) };
            blocks.push(Self { first, channels: left.min(vectors * LANES), vectors, weights, parameters });
            first += vectors * LANES;
            weights += vectors * per_vector;
            parameters += vectors * LANES;
        }
        blocks
    }
}

/// Biases and multipliers in the order of the blocks' elements, zeros where there is no channel.
fn in_order<T: Copy + Default>(blocks: &[Block], values: &[T]) -> Vec<T> {
    let elements = |block: &Block| {
        let block = *block;
        (0..block.vectors).flat_map(move |vector| (0..LANES).map(move |element| block.channel(vector, element)))
    };
    blocks.iter().flat_map(elements).map(|channel| values.get(channel).copied().unwrap_or_default()).collect()
}

/// A dense convolution.
pub(super) struct Dense {
    rows: Rows,
    blocks: Vec<Block>,
    weights: Buffer,
    bias: Vec<i32>,
    multipliers: Vec<f32>,
    end: End,
    /// Steps of four inputs.
    steps: usize,
    outputs: usize,
    inputs: usize,
    /// Bytes of the input's buffer that are read.
    reads: usize,
}

impl Dense {
    pub(super) fn new(layer: LayerForm<'_>) -> Self {
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
            inputs,
            reads: layer.rows.furthest(layer.to.shape.pixels()) + 4 * steps,
            rows: layer.rows,
        }
    }

    /// The sums of `P` pixels and one block of `V` vectors, written.
    ///
    /// # Safety
    /// The processor has the instructions; `x` is readable for `self.reads` bytes; `other` and `y` hold `first + P` pixels, counted from
    /// `first_of_y` in `y`.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    unsafe fn tile<const P: usize, const V: usize>(&self, x: *const u8, ends: &Ends, block: &Block, first: usize) {
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
                ends.write(&self.end, reals, block, first + p, self.outputs);
            }
        }
    }

    /// All pixels of a range and one block.
    ///
    /// # Safety
    /// As [`Dense::tile`].
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    unsafe fn block(&self, x: *const u8, ends: &Ends, block: &Block, pixels: Range<usize>) {
        let mut first = pixels.start;
        while first < pixels.end {
            let left = pixels.end - first;
            // SAFETY: passed on; a tile never passes the range's end.
            first += unsafe {
                match (block.vectors, left) {
                    (4, 6..) => done::<6>(self.tile::<6, 4>(x, ends, block, first)),
                    (4, 4..) => done::<4>(self.tile::<4, 4>(x, ends, block, first)),
                    (4, 2..) => done::<2>(self.tile::<2, 4>(x, ends, block, first)),
                    (4, _) => done::<1>(self.tile::<1, 4>(x, ends, block, first)),
                    (2, 12..) => done::<12>(self.tile::<12, 2>(x, ends, block, first)),
                    (2, 4..) => done::<4>(self.tile::<4, 2>(x, ends, block, first)),
                    (2, _) => done::<1>(self.tile::<1, 2>(x, ends, block, first)),
                    (_, 12..) => done::<12>(self.tile::<12, 1>(x, ends, block, first)),
                    (_, 4..) => done::<4>(self.tile::<4, 1>(x, ends, block, first)),
                    _ => done::<1>(self.tile::<1, 1>(x, ends, block, first)),
                }
            };
        }
    }
}

fn done<const P: usize>((): ()) -> usize {
    P
}

impl Kernel for Dense {
    fn run(&self, x: &[u8], other: &[u8], mut y: Output<'_>, pixels: Range<usize>) {
        let ends = Ends::new(&mut y, other, self.outputs, &pixels, &self.end);
        assert!(x.len() >= self.reads && self.inputs > 0, "the input's buffer is the plan's");
        let mut start = pixels.start;
        while start < pixels.end {
            let chunk = start..pixels.end.min(start + CHUNK);
            for block in &self.blocks {
                // SAFETY: kernels are only made where `is_there`; `x` is as long as any tap reads; `Ends::new` checked the rest.
                unsafe { self.block(x.as_ptr(), &ends, block, chunk.clone()) };
            }
            start = chunk.end;
        }
    }
}

/// Where results of a range of pixels go.
struct Ends {
    bytes: *mut u8,
    floats: *mut f32,
    other: *const u8,
    /// The pixel whose results lie at the beginning of `bytes` and `floats`; `other` begins with pixel 0.
    first: usize,
}

impl Ends {
    /// Checks that everything that is written and read fits.
    fn new(y: &mut Output<'_>, other: &[u8], outputs: usize, pixels: &Range<usize>, end: &End) -> Self {
        let elements = pixels.len() * outputs;
        let needs_other = matches!(end, End::Residual(_));
        assert!(
            !needs_other || other.len() >= pixels.end * outputs + super::SLACK,
            "the summand's buffer is the plan's"
        );
        let (bytes, floats) = match y {
            Output::Bytes(y) => {
                assert!(y.len() >= elements && *end != End::Floats, "the result's buffer is the plan's");
                (y.as_mut_ptr(), std::ptr::null_mut())
            }
            Output::Floats(y) => {
                assert!(y.len() >= elements && *end == End::Floats, "the result's buffer is the plan's");
                (std::ptr::null_mut(), y.as_mut_ptr())
            }
        };
        Self { bytes, floats, other: other.as_ptr(), first: pixels.start }
    }

    /// Rounds and stores the real numbers of one pixel and block.
    ///
    /// # Safety
    /// `pixel` is one of the range that this was made for.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    unsafe fn write<const V: usize>(&self, end: &End, reals: [__m512; V], block: &Block, pixel: usize, outputs: usize) {
        let at = (pixel - self.first) * outputs + block.first;
        // SAFETY: `at` and the block's channels lie inside the range's results; masks keep to the channels that exist. `other` has
        // `SLACK` bytes behind its last element, so that a whole vector may be read.
        unsafe {
            let other = self.other.wrapping_add(pixel * outputs + block.first);
            match (end, V) {
                (End::Bytes { zero_point }, 4) => {
                    let steps = std::array::from_fn(|v| _mm512_cvtps_epi32(reals[v % V]));
                    store64(self.bytes.add(at), steps, *zero_point, block.channels);
                }
                (End::Residual(sum), 4) => {
                    let other = interleave_zero(_mm512_loadu_si512(other.cast()));
                    let steps = std::array::from_fn(|v| add_residual(reals[v % V], other[v], sum));
                    store64(self.bytes.add(at), steps, sum.zero_point, block.channels);
                }
                (End::Bytes { zero_point }, _) => {
                    for (v, real) in reals.into_iter().enumerate() {
                        store16(self.bytes.add(at + v * LANES), _mm512_cvtps_epi32(real), *zero_point, left(block, v));
                    }
                }
                (End::Residual(sum), _) => {
                    for (v, real) in reals.into_iter().enumerate() {
                        let other = _mm512_cvtepu8_epi32(_mm_loadu_si128(other.wrapping_add(v * LANES).cast()));
                        let steps = add_residual(real, other, sum);
                        store16(self.bytes.add(at + v * LANES), steps, sum.zero_point, left(block, v));
                    }
                }
                (End::Floats, _) => {
                    for (v, real) in reals.into_iter().enumerate() {
                        _mm512_mask_storeu_ps(self.floats.add(at + v * LANES), mask16(left(block, v)), real);
                    }
                }
            }
        }
    }
}

/// Channels of a block from one of its vectors on, in plain order.
fn left(block: &Block, vector: usize) -> usize {
    block.channels.saturating_sub(vector * LANES)
}

#[inline]
fn mask16(channels: usize) -> __mmask16 {
    if channels >= LANES { __mmask16::MAX } else { (1 << channels) - 1 }
}

#[inline]
fn mask64(channels: usize) -> __mmask64 {
    if channels >= VECTOR { __mmask64::MAX } else { (1 << channels) - 1 }
}

/// Steps of four vectors in the order of a block of 64, to bytes in plain order.
///
/// # Safety
/// `into` is writable for `channels` bytes.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn store64(into: *mut u8, steps: [__m512i; 4], zero_point: u8, channels: usize) {
    let zero = _mm512_set1_epi16(i16::from(zero_point));
    let low = _mm512_adds_epi16(_mm512_packs_epi32(steps[0], steps[1]), zero);
    let high = _mm512_adds_epi16(_mm512_packs_epi32(steps[2], steps[3]), zero);
    // SAFETY: the mask keeps to the channels.
    unsafe { _mm512_mask_storeu_epi8(into.cast(), mask64(channels), _mm512_packus_epi16(low, high)) }
}

/// Steps of one vector to bytes.
///
/// # Safety
/// `into` is writable for `channels` bytes, at most 16.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
unsafe fn store16(into: *mut u8, steps: __m512i, zero_point: u8, channels: usize) {
    let shifted = _mm512_add_epi32(steps, _mm512_set1_epi32(i32::from(zero_point)));
    let positive = _mm512_max_epi32(shifted, _mm512_setzero_si512());
    // SAFETY: the mask keeps to the channels.
    unsafe { _mm512_mask_cvtusepi32_storeu_epi8(into.cast(), mask16(channels), positive) }
}

/// The residual sum in steps of the result, without its zero point. The two products are not fused with the addition: that would round once
/// less than the definition.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn add_residual(real: __m512, other: __m512i, sum: &Sum) -> __m512i {
    let zero = i32::from(sum.own_zero);
    let own = _mm512_cvtps_epi32(real);
    let own = _mm512_min_epi32(_mm512_max_epi32(own, _mm512_set1_epi32(-zero)), _mm512_set1_epi32(255 - zero));
    let other = _mm512_sub_epi32(other, _mm512_set1_epi32(i32::from(sum.other_zero)));
    let own = _mm512_mul_ps(_mm512_cvtepi32_ps(own), _mm512_set1_ps(sum.own_ratio));
    let other = _mm512_mul_ps(_mm512_cvtepi32_ps(other), _mm512_set1_ps(sum.other_ratio));
    _mm512_cvtps_epi32(_mm512_add_ps(own, other))
}

/// 64 bytes as four vectors of 32 bits, in the order of a block of 64.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn interleave_zero(bytes: __m512i) -> [__m512i; 4] {
    let zero = _mm512_setzero_si512();
    interleave(bytes, zero, zero, zero)
}

/// Byte `c` of four vectors behind each other, for all 64, in the order of a block of 64.
#[inline]
#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn interleave(a: __m512i, b: __m512i, c: __m512i, d: __m512i) -> [__m512i; 4] {
    let (low_ab, high_ab) = (_mm512_unpacklo_epi8(a, b), _mm512_unpackhi_epi8(a, b));
    let (low_cd, high_cd) = (_mm512_unpacklo_epi8(c, d), _mm512_unpackhi_epi8(c, d));
    [
        _mm512_unpacklo_epi16(low_ab, low_cd),
        _mm512_unpackhi_epi16(low_ab, low_cd),
        _mm512_unpacklo_epi16(high_ab, high_cd),
        _mm512_unpackhi_epi16(high_ab, high_cd),
    ]
}

/// A depthwise convolution.
pub(super) struct Depthwise {
    rows: Rows,
    /// All of 64 channels.
    blocks: Vec<Block>,
    /// `[block][taps / 4][4 vectors][16][4]`, zeros where there is no tap or channel.
    weights: Buffer,
    bias: Vec<i32>,
    multipliers: Vec<f32>,
    zero_point: u8,
    channels: usize,
    reads: usize,
}

impl Depthwise {
    pub(super) fn new(layer: LayerForm<'_>) -> Self {
        let (taps, c) = (layer.rows.taps(), layer.convolution);
        let (channels, groups) = (c.bias.len(), taps.div_ceil(4));
        let per_block = groups * 4 * VECTOR;
        let blocks: Vec<Block> = (0..channels.div_ceil(VECTOR))
            .map(|i| Block {
                first: i * VECTOR,
                channels: (channels - i * VECTOR).min(VECTOR),
                vectors: 4,
                weights: i * per_block,
                parameters: i * VECTOR,
            })
            .collect();
        let weight = |channel: usize, tap: usize| {
            let is_there = channel < channels && tap < taps;
            c.weights_oihw.get(channel * taps + tap).filter(|_| is_there).map_or(0, |w| w.cast_unsigned())
        };
        let mut packed = Vec::with_capacity(blocks.len() * per_block);
        for block in &blocks {
            for group in 0..groups {
                for vector in 0..4 {
                    for element in 0..LANES {
                        let channel = block.channel(vector, element);
                        packed.extend((0..4).map(|k| weight(channel, 4 * group + k)));
                    }
                }
            }
        }
        Self {
            weights: Buffer::of(packed.into_iter()),
            bias: in_order(&blocks, &layer.folded_bias()),
            multipliers: in_order(&blocks, &c.multipliers),
            zero_point: layer.to.form.zero_point(),
            channels,
            reads: layer.rows.furthest(layer.to.shape.pixels()) + blocks.len() * VECTOR,
            blocks,
            rows: layer.rows,
        }
    }

    /// One pixel, all channels.
    ///
    /// # Safety
    /// The processor has the instructions; `x` is readable for `self.reads` bytes, `y` writable for one pixel.
    #[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512vnni")]
    unsafe fn pixel(&self, x: *const u8, y: *mut u8, pixel: usize) {
        let taps = self.rows.taps();
        // SAFETY: offsets lie inside `x` with 64 bytes for each block; weights and parameters lie where `new` put them.
        unsafe {
            for block in &self.blocks {
                let x = x.add(block.first);
                let tap = |tap: usize| {
                    if tap < taps {
                        _mm512_loadu_si512(x.add(self.rows.offset(pixel, tap)).cast())
                    } else {
                        _mm512_setzero_si512()
                    }
                };
                let bias = self.bias.as_ptr().add(block.parameters);
                let mut sums: [__m512i; 4] = std::array::from_fn(|v| _mm512_loadu_si512(bias.add(v * LANES).cast()));
                let mut weights = self.weights.bytes().as_ptr().add(block.weights);
                for first in (0..taps).step_by(4) {
                    let four = interleave(tap(first), tap(first + 1), tap(first + 2), tap(first + 3));
                    for v in 0..4 {
                        let w = _mm512_load_si512(weights.add(v * VECTOR).cast());
                        sums[v] = _mm512_dpbusd_epi32(sums[v], four[v], w);
                    }
                    weights = weights.add(4 * VECTOR);
                }
                let multipliers = self.multipliers.as_ptr().add(block.parameters);
                let steps = std::array::from_fn(|v| {
                    let multiplier = _mm512_loadu_ps(multipliers.add(v * LANES));
                    _mm512_cvtps_epi32(_mm512_mul_ps(_mm512_cvtepi32_ps(sums[v]), multiplier))
                });
                store64(y.add(block.first), steps, self.zero_point, block.channels);
            }
        }
    }
}

impl Kernel for Depthwise {
    fn run(&self, x: &[u8], _other: &[u8], y: Output<'_>, pixels: Range<usize>) {
        let Output::Bytes(y) = y else { return };
        assert!(x.len() >= self.reads, "the input's buffer is the plan's");
        for (pixel, y) in pixels.zip(y.chunks_exact_mut(self.channels)) {
            // SAFETY: kernels are only made where `is_there`; both buffers are as long as they must be.
            unsafe { self.pixel(x.as_ptr(), y.as_mut_ptr(), pixel) };
        }
    }
}
