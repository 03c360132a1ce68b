//! The plan as dispatches: plain data, and printable. Everything that the engine needs, and nothing of wgpu.

use super::arithmetic::Arithmetic;
use super::tiles::Tiles;
use crate::network::plan::Shape;
use std::fmt;
use std::ops::Range;

/// Where the parameters of a dispatch may begin, in bytes: what every WebGPU adapter grants.
pub(super) const ALIGNMENT: usize = 256;

/// A whole network, ready to be loaded on an adapter.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::network) struct Recording {
    /// In which numbers.
    pub(super) arithmetic: Arithmetic,
    /// Side of the picture, in pixels.
    pub(super) side: u32,
    /// With which tiles.
    pub(super) tiles: Tiles,
    /// Length of each activation buffer, in bytes; the picture goes into the first.
    pub(super) slots: Vec<usize>,
    /// Weights and all else that kernels read besides activations, in words; each dispatch binds a part.
    pub(super) parameters: Vec<u32>,
    /// Texts of the kernels; layers of one shape share one.
    pub(super) texts: Vec<Text>,
    /// In running order.
    pub(super) dispatches: Vec<Dispatch>,
    /// The three heads: logits of both categories, embedding.
    pub(super) outputs: [Output; 3],
}

/// The text of a kernel.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Text {
    /// The WGSL file that it was made from.
    pub(super) file: &'static str,
    /// The text.
    pub(super) wgsl: String,
    /// Whether it multiplies float16.
    pub(super) needs_f16: bool,
    /// How many activations it reads.
    pub(super) reads: usize,
    /// Invocations of a workgroup.
    pub(super) lanes: usize,
}

/// One dispatch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Dispatch {
    /// The place of its layer in the plan; a layer may be several dispatches, one behind the other.
    pub(super) layer: usize,
    /// The ONNX node.
    pub(super) node: String,
    /// What its layer computes.
    pub(super) operator: &'static str,
    /// Its layer's result.
    pub(super) shape: Shape,
    /// Whether that is float32 in every arithmetic, as heads are.
    pub(super) is_head: bool,
    /// Its text in [`Recording::texts`].
    pub(super) text: usize,
    /// Its part of [`Recording::parameters`], in words.
    pub(super) parameters: Range<usize>,
    /// Slots that are read.
    pub(super) reads: Vec<usize>,
    /// The slot that is written; never one that is read.
    pub(super) writes: usize,
    /// Workgroups along both axes.
    pub(super) workgroups: [usize; 2],
}

/// A result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Output {
    /// Its slot.
    pub(super) slot: usize,
    /// How many floats of the slot it is.
    pub(super) values: usize,
}

impl Recording {
    /// Bytes that come back a frame.
    pub(super) fn answer_len(&self) -> usize {
        self.outputs.iter().map(|output| output.values * size_of::<f32>()).sum()
    }
}

impl fmt::Display for Recording {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}: {} dispatches, {} pipelines, {} buffers of {} KiB, parameters of {} KiB; {}",
            self.arithmetic.name(),
            self.dispatches.len(),
            self.texts.len(),
            self.slots.len(),
            self.slots.iter().sum::<usize>().div_ceil(1024),
            (self.parameters.len() * size_of::<u32>()).div_ceil(1024),
            self.tiles.line()
        )?;
        for (place, dispatch) in self.dispatches.iter().enumerate() {
            let file = self.texts.get(dispatch.text).map_or("", |text| text.file);
            let [x, y] = dispatch.workgroups;
            let reads: Vec<String> = dispatch.reads.iter().map(ToString::to_string).collect();
            writeln!(
                f,
                "{place:3} {file:22} {:>11} groups {:>7} slots {:>5} → {}  {}",
                dispatch.shape.to_string(),
                format!("{x}x{y}"),
                reads.join(" "),
                dispatch.writes,
                dispatch.node
            )?;
        }
        Ok(())
    }
}
