//! From sums to bytes or floats in memory, and what sums begin with.

use super::{BLOCK, LANES, SHIFT};
use crate::network::cpu::kernels::results::Pixel;
use crate::network::cpu::kernels::{End, LayerForm, Sum};
use std::arch::aarch64::*;

/// What both kinds share: parameters of all channels, and where results go.
pub(super) struct Epilogue {
    bias: Vec<i32>,
    multipliers: Vec<f32>,
    pub(super) end: End,
    pub(super) outputs: usize,
}

impl Epilogue {
    pub(super) fn new(layer: &LayerForm<'_>) -> Self {
        let c = layer.convolution;
        let outputs = c.bias.len();
        // Of bytes less 128: what `x - x_zero` is of them.
        let shift = i32::from(SHIFT) - i32::from(layer.from.form.zero_point());
        let mut bias: Vec<i32> = c.shifted_bias(shift).collect();
        let mut multipliers = c.multipliers.clone();
        let padded = outputs.next_multiple_of(BLOCK);
        bias.resize(padded, 0);
        multipliers.resize(padded, 0.0);
        Self { bias, multipliers, end: layer.end(), outputs }
    }

    pub(super) fn blocks(&self) -> usize {
        self.outputs.div_ceil(BLOCK)
    }

    /// The sums of a block before any product.
    ///
    /// # Safety
    /// `block` is one of ours.
    #[inline]
    #[target_feature(enable = "neon,dotprod")]
    pub(super) unsafe fn begin(&self, block: usize) -> [int32x4_t; 4] {
        // SAFETY: `new` padded to whole blocks.
        unsafe {
            let bias = self.bias.as_ptr().add(block * BLOCK);
            std::array::from_fn(|v| vld1q_s32(bias.add(v * LANES)))
        }
    }

    /// Rounds and stores the sums of one pixel and block; `other` is the summand's byte of the block's first channel, if there is one.
    ///
    /// # Safety
    /// `y` holds the pixel's results; `other` is readable for 16 bytes.
    #[inline]
    #[target_feature(enable = "neon,dotprod")]
    pub(super) unsafe fn write(&self, sums: [int32x4_t; 4], block: usize, y: Pixel, other: *const u8) {
        let channels = (self.outputs - block * BLOCK).min(BLOCK);
        // SAFETY: no more than the block's channels are written.
        unsafe {
            let multipliers = self.multipliers.as_ptr().add(block * BLOCK);
            let reals: [float32x4_t; 4] =
                std::array::from_fn(|v| vmulq_f32(vcvtq_f32_s32(sums[v]), vld1q_f32(multipliers.add(v * LANES))));
            match (&self.end, y) {
                (End::Bytes { zero_point }, Pixel::Bytes(y)) => {
                    let steps = std::array::from_fn(|v| vcvtnq_s32_f32(reals[v]));
                    store16(y.add(block * BLOCK), steps, *zero_point, channels);
                }
                (End::Residual(sum), Pixel::Bytes(y)) => {
                    let bytes = vld1q_u8(other);
                    let (low, high) = (vmovl_u8(vget_low_u8(bytes)), vmovl_u8(vget_high_u8(bytes)));
                    let others = [
                        vmovl_u16(vget_low_u16(low)),
                        vmovl_u16(vget_high_u16(low)),
                        vmovl_u16(vget_low_u16(high)),
                        vmovl_u16(vget_high_u16(high)),
                    ];
                    let steps = std::array::from_fn(|v| add_residual(reals[v], vreinterpretq_s32_u32(others[v]), sum));
                    store16(y.add(block * BLOCK), steps, sum.zero_point, channels);
                }
                (_, Pixel::Floats(y)) => {
                    let mut all = [0_f32; BLOCK];
                    for v in 0..4 {
                        vst1q_f32(all.as_mut_ptr().add(v * LANES), reals[v]);
                    }
                    y.add(block * BLOCK).copy_from_nonoverlapping(all.as_ptr(), channels);
                }
                (End::Floats, Pixel::Bytes(_)) => {}
            }
        }
    }
}

/// Steps of four vectors to bytes.
///
/// # Safety
/// `into` is writable for `channels` bytes, at most 16.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn store16(into: *mut u8, steps: [int32x4_t; 4], zero_point: u8, channels: usize) {
    let zero = vdupq_n_s16(i16::from(zero_point));
    let low = vqaddq_s16(vcombine_s16(vqmovn_s32(steps[0]), vqmovn_s32(steps[1])), zero);
    let high = vqaddq_s16(vcombine_s16(vqmovn_s32(steps[2]), vqmovn_s32(steps[3])), zero);
    let bytes = vcombine_u8(vqmovun_s16(low), vqmovun_s16(high));
    // SAFETY: no more than `channels` bytes are written.
    unsafe {
        if channels == BLOCK {
            vst1q_u8(into, bytes);
        } else {
            let mut all = [0_u8; BLOCK];
            vst1q_u8(all.as_mut_ptr(), bytes);
            into.copy_from_nonoverlapping(all.as_ptr(), channels);
        }
    }
}

/// The residual sum in steps of the result, without its zero point; products and addition are rounded one by one.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn add_residual(real: float32x4_t, other: int32x4_t, sum: &Sum) -> int32x4_t {
    let zero = i32::from(sum.own_zero);
    let own = vminq_s32(vmaxq_s32(vcvtnq_s32_f32(real), vdupq_n_s32(-zero)), vdupq_n_s32(255 - zero));
    let other = vsubq_s32(other, vdupq_n_s32(i32::from(sum.other_zero)));
    let own = vmulq_n_f32(vcvtq_f32_s32(own), sum.own_ratio);
    let other = vmulq_n_f32(vcvtq_f32_s32(other), sum.other_ratio);
    vcvtnq_s32_f32(vaddq_f32(own, other))
}
