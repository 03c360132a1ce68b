//! Kernels of 128-bit NEON vectors with the dot product extension: `sdot` adds four products of signed bytes to each of four sums.
//!
//! Activations are unsigned and `usdot` is younger than the boards: their bytes are shifted by 128 (the highest bit turned), which
//! `128 · Σ w` in the bias takes back.
//!
//! **Dense**: blocks of 16 output channels, four pixels at a time; four bytes of a pixel, as a lane or broadcast, against four rows of
//! weights. Weights `[block][tap][I / 4][4 vectors][4][4]`; inputs beyond the last are multiplied by zeros.
//! **Depthwise**: four taps of 16 channels are interleaved byte by byte (`zip`), so that `sdot` adds the four taps of a channel.
//!
//! **Rounding**: `fcvtns` (ties to even), then saturating narrowing, as the definition.
//!
//! **Source** Arm Architecture Reference Manual for A-profile, SDOT (vector) and SDOT (by element). The intrinsic is not stable in Rust 1.95,
//! so that the instruction is written out.

#![expect(
    clippy::indexing_slicing,
    clippy::needless_range_loop,
    reason = "arrays of registers: constant lengths, and loops over them that the compiler unrolls"
)]
#![expect(
    unsafe_code,
    reason = "vector loads and stores take pointers, and the instructions are checked for at run time"
)]

mod dense;
mod depthwise;
mod ends;

pub(super) use dense::Dense;
pub(super) use depthwise::Depthwise;

use crate::processor::sdot;
use std::arch::aarch64::*;
use std::arch::asm;

/// Channels of a block.
const BLOCK: usize = 16;
/// Sums of a vector, and the vectors of a block.
const LANES: usize = 4;
/// Bytes of a vector.
const VECTOR: usize = 16;
/// Bytes of weights for four inputs (or taps) of a block.
const STEP: usize = 4 * VECTOR;
/// What turns a byte's highest bit.
const SHIFT: u8 = 0x80;

/// As [`sdot`], with four bytes of `b`, its lane `LANE`, against each four of `a`.
#[inline]
#[target_feature(enable = "neon,dotprod")]
fn sdot_lane<const LANE: usize>(mut sums: int32x4_t, a: int8x16_t, b: int8x16_t) -> int32x4_t {
    // SAFETY: an instruction on registers alone, which the callers' target features promise.
    unsafe {
        asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.4b[{3}]", inout(vreg) sums, in(vreg) a, in(vreg) b, const LANE,
            options(pure, nomem, nostack, preserves_flags));
    }
    sums
}

/// 16 bytes as signed ones, less 128.
///
/// # Safety
/// `from` is readable for 16 bytes.
#[inline]
#[target_feature(enable = "neon,dotprod")]
unsafe fn shifted(from: *const u8) -> int8x16_t {
    // SAFETY: by the caller.
    unsafe { vreinterpretq_s8_u8(veorq_u8(vld1q_u8(from), vdupq_n_u8(SHIFT))) }
}
