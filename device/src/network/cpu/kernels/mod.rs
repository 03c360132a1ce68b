//! The loops of the engine, one file an instruction set. Beside them lies what several sets share: how bytes are read that are multiplied
//! four by four (`inputs`, `patches`, `four_taps`), and where sums go (`ends256`, `results`). `peak` measures what a set could do at most.
//!
//! A kernel is a layer whose weights are packed for one [`InstructionSet`]. Whatever the set, it gives the bytes of the reference: sums are
//! exact, and the epilogue rounds as [`clothingid_shared::quantisation`] says.
//!
//! The zero point of the input is folded into the bias (`bias[o] - x_zero · Σ w[o]`, and the border holds the zero point), so that products
//! are of bytes as they lie in memory.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512_vnni;
#[cfg(target_arch = "x86_64")]
mod avx_vnni;
#[cfg(target_arch = "x86_64")]
mod ends256;
#[cfg(target_arch = "x86_64")]
mod four_taps;
#[cfg(target_arch = "x86_64")]
mod inputs;
#[cfg(target_arch = "aarch64")]
mod neon_dotprod;
#[cfg(target_arch = "x86_64")]
mod patches;
mod peak;
mod portable;
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
mod results;
pub(super) mod simple;

use super::rows::Rows;
use crate::network::plan::{Convolution, Form, Value};
use crate::processor::InstructionSet;
use clothingid_shared::quantisation::Quantisation;
use std::ops::Range;

impl InstructionSet {
    /// Packs a dense convolution.
    pub(in crate::network::cpu) fn dense(self, layer: LayerForm<'_>) -> Box<dyn Kernel> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => Box::new(avx512_vnni::Dense::new(layer)),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(encoding) => Box::new(avx_vnni::Dense::new(layer, encoding)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Box::new(avx2::Dense::new(layer)),
            #[cfg(target_arch = "aarch64")]
            Self::NeonDotprod => Box::new(neon_dotprod::Dense::new(layer)),
            Self::Portable => Box::new(portable::Dense::new(layer)),
        }
    }

    /// Packs a depthwise convolution.
    pub(in crate::network::cpu) fn depthwise(self, layer: LayerForm<'_>) -> Box<dyn Kernel> {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => Box::new(avx512_vnni::Depthwise::new(layer)),
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni(encoding) => Box::new(avx_vnni::Depthwise::new(layer, encoding)),
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => Box::new(avx2::Depthwise::new(layer)),
            #[cfg(target_arch = "aarch64")]
            Self::NeonDotprod => Box::new(neon_dotprod::Depthwise::new(layer)),
            Self::Portable => Box::new(portable::Depthwise::new(layer)),
        }
    }
}

/// A convolution that is to be packed.
pub(super) struct LayerForm<'a> {
    /// Weights, bias and multipliers.
    pub(super) convolution: &'a Convolution,
    /// The input.
    pub(super) from: &'a Value,
    /// The other summand of a fused residual.
    pub(super) other: Option<&'a Value>,
    /// The result.
    pub(super) to: &'a Value,
    /// Where taps lie.
    pub(super) rows: Rows,
}

impl LayerForm<'_> {
    /// `bias[o] - x_zero · Σ w[o]`: the biases of products with bytes as they lie in memory.
    pub(super) fn folded_bias(&self) -> Vec<i32> {
        self.convolution.shifted_bias(-i32::from(self.from.form.zero_point())).collect()
    }

    /// What happens to sums.
    pub(super) fn end(&self) -> End {
        let to = self.to.form.quantisation();
        match (self.to.form, self.convolution.residual, self.other) {
            (Form::Floats, _, _) => End::Floats,
            (Form::Bytes(_), Some(residual), Some(other)) => {
                End::Residual(Sum::new(residual.own, other.form.quantisation(), to))
            }
            (Form::Bytes(_), _, _) => End::Bytes { zero_point: to.zero_point },
        }
    }
}

/// What happens to a sum after its multiplier.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum End {
    /// It becomes a byte.
    Bytes {
        /// Of the result.
        zero_point: u8,
    },
    /// It becomes a byte, which is added to another one.
    Residual(Sum),
    /// It stays a real number.
    Floats,
}

/// A residual sum: `round(own · own_ratio + other · other_ratio) + zero_point`, both less their zero points.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sum {
    /// Zero point of the first summand.
    pub(super) own_zero: u8,
    /// Its scale in the result's steps.
    pub(super) own_ratio: f32,
    /// Zero point of the other one.
    pub(super) other_zero: u8,
    /// Its scale in the result's steps.
    pub(super) other_ratio: f32,
    /// Of the result.
    pub(super) zero_point: u8,
}

impl Sum {
    /// Of two quantisations to a third.
    pub(super) fn new(own: Quantisation, other: Quantisation, to: Quantisation) -> Self {
        Self {
            own_zero: own.zero_point,
            own_ratio: own.scale / to.scale,
            other_zero: other.zero_point,
            other_ratio: other.scale / to.scale,
            zero_point: to.zero_point,
        }
    }
}

/// Where results go: those of the pixels that a kernel is asked for, and no others.
pub(super) enum Output<'a> {
    /// `[pixels, O]` bytes.
    Bytes(&'a mut [u8]),
    /// `[pixels, O]` real numbers.
    Floats(&'a mut [f32]),
}

/// A packed layer.
pub(super) trait Kernel: Send + Sync {
    /// Computes some output pixels.
    ///
    /// **Shapes** `x` the input's whole buffer with its border, `other` the other summand's buffer (empty without a residual), `y` the
    /// results of `pixels` alone.
    ///
    /// # Panics
    /// Never for the buffers of the plan that the kernel was packed for: their lengths are checked against its offsets.
    fn run(&self, x: &[u8], other: &[u8], y: Output<'_>, pixels: Range<usize>);
}

/// Bytes behind an input's border that kernels may read (and never use).
pub(super) const SLACK: usize = 128;

#[cfg(test)]
mod tests;
