//! The kernels: a WGSL file and, beside it, the Rust file that fills it in, packs its parameters and counts its workgroups.
//!
//! | layer | files | integers against the reference |
//! |---|---|---|
//! | dense, pointwise, linear | `dense`, `dense_int8.wgsl`, `dense_float.wgsl` | equal |
//! | depthwise | `depthwise`, `depthwise_int8.wgsl`, `depthwise_float.wgsl` | equal |
//! | add | `add_int8.wgsl`, `add_float.wgsl` | equal |
//! | concat | `concat_int8.wgsl`, `concat_float.wgsl` | equal |
//! | max pool | `max_pool.wgsl` | equal |
//! | mean | `mean_int8.wgsl`, `mean_float.wgsl` | equal |
//! | normalise | `normalise.wgsl` | float32, within 4 steps of the last place |
//!
//! [`template`] says how a WGSL file becomes the text of one kernel; the build validates every one of them (`build/kernels.rs`). Every kernel binds its parameters first, then its result, then what
//! it reads; shapes are constants of the text, everything else is a parameter, so that layers of one shape share a pipeline.

mod dense;
mod depthwise;
mod header;
mod simple;
mod template;
mod unrolled;

pub(super) use dense::dense;
pub(super) use depthwise::depthwise;
pub(super) use simple::{add, concat, max_pool, mean, normalise};

use super::arithmetic::Arithmetic;
use super::tiles::Tiles;
use crate::network::plan::{Shape, Value};

/// Channels of a quad: what one load brings.
pub(super) const QUAD: usize = 4;

/// Invocations of a workgroup in kernels without a tile to choose: a multiple of every adapter's lanes.
const LANES: usize = 64;

/// One dispatch before there are buffers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Kernel {
    /// Its WGSL file.
    pub(super) file: &'static str,
    /// Its text.
    pub(super) wgsl: String,
    /// Whether it multiplies float16, which not every adapter does.
    pub(super) needs_f16: bool,
    /// What it binds first.
    pub(super) parameters: Vec<u32>,
    /// Workgroups along both axes.
    pub(super) workgroups: [usize; 2],
    /// Invocations of a workgroup.
    pub(super) lanes: usize,
}

/// What the kernel of a layer is made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Task<'a> {
    pub(super) arithmetic: Arithmetic,
    pub(super) tiles: &'a Tiles,
    pub(super) from: &'a Value,
    pub(super) other: Option<&'a Value>,
    pub(super) to: &'a Value,
    /// Whether `from` is the picture, which is bytes in both classes.
    pub(super) reads_picture: bool,
}

impl Task<'_> {
    fn is_int8(&self) -> bool {
        self.arithmetic == Arithmetic::Int8
    }

    fn is_half(&self) -> bool {
        self.arithmetic == Arithmetic::Float16
    }
}

/// Quads of a pixel.
pub(super) fn quads(shape: Shape) -> usize {
    shape.channels.div_ceil(QUAD)
}

/// Bytes that a float takes in parameters.
fn bits(value: f32) -> u32 {
    value.to_bits()
}

/// A byte in each place of a word.
fn four_times(byte: u8) -> u32 {
    u32::from_le_bytes([byte; 4])
}

#[cfg(test)]
pub(super) mod tests;
