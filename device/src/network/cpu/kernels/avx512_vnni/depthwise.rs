//! Depthwise convolutions: four taps of 64 channels interleaved byte by byte.

use super::ends::store64;
use super::{Block, LANES, VECTOR, in_order, interleave};
use crate::network::cpu::buffer::Buffer;
use crate::network::cpu::kernels::{Kernel, LayerForm, Output};
use crate::network::cpu::rows::Rows;
use std::arch::x86_64::*;
use std::ops::Range;

/// A depthwise convolution.
pub(in crate::network::cpu::kernels) struct Depthwise {
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
    pub(in crate::network::cpu::kernels) fn new(layer: LayerForm<'_>) -> Self {
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
