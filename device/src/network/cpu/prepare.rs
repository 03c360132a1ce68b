//! From a layer of the plan to a step of the engine.

use super::kernels::{Kernel, LayerForm, SLACK, Sum};
use super::rows::Rows;
use crate::network::plan::{Form, Layer, Operation, Plan, Pooling, Shape, Value};
use crate::processor::InstructionSet;
use clothingid_shared::quantisation::{mean_multiplier, table};

/// A layer, ready to run.
pub(super) struct Step {
    /// The layer's name.
    pub(super) name: String,
    /// What is done.
    pub(super) work: Work,
    /// Slots that are read.
    pub(super) inputs: Vec<Source>,
    /// The border of the first input, where it is read: first byte, bytes, and what they are.
    pub(super) border: Option<(usize, usize, u8)>,
    /// Where the result goes.
    pub(super) output: Target,
    /// Its shape.
    pub(super) shape: Shape,
    /// Multiply-adds of one of its pixels.
    pub(super) multiply_adds: usize,
}

/// An input in its slot.
#[derive(Debug, Clone, Copy)]
pub(super) struct Source {
    pub(super) slot: usize,
    pub(super) len: usize,
}

/// The slot or the list of floats that a result goes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target {
    /// Bytes of a slot.
    Slot(usize),
    /// Floats of a value, by its place among those of the plan.
    Floats(usize),
}

/// What a step does.
pub(super) enum Work {
    /// A convolution.
    Convolution(Box<dyn Kernel>),
    /// A sum.
    Add(Sum),
    /// A concatenation: a table for each input.
    Concat(Vec<[u8; 256]>),
    /// A max pooling of an input of this shape.
    MaxPool(Pooling, Shape),
    /// A mean: zero point of the input, multiplier, zero point of the result.
    Mean(u8, f32, u8),
    /// A normalisation of the floats of this value.
    Normalise(usize),
}

/// Bytes of a slot behind its elements: a border of as many bytes as any pixel has channels, and what vectors may read besides.
pub(super) fn tail(plan: &Plan) -> usize {
    plan.most_channels() + SLACK
}

/// Packs a layer.
pub(super) fn prepare(plan: &Plan, layer: &Layer, set: InstructionSet) -> Step {
    let (from, to) = (plan.input(layer), plan.value(layer.output));
    let other = layer.inputs.get(1).map(|value| plan.value(*value));
    let border_start = plan.slots.get(from.slot).copied().unwrap_or(0);
    let mut border = None;
    let work = match &layer.operation {
        Operation::Dense(c) | Operation::Depthwise(c) => {
            let rows = Rows::new(c.geometry, from.shape, to.shape, border_start);
            if rows.has_border() {
                border = Some((border_start, from.shape.channels, from.form.zero_point()));
            }
            let form = LayerForm { convolution: c, from, other, to, rows };
            let is_dense = matches!(layer.operation, Operation::Dense(_));
            Work::Convolution(if is_dense { set.dense(form) } else { set.depthwise(form) })
        }
        Operation::Add(_) => {
            let second = other.unwrap_or(from).form.quantisation();
            Work::Add(Sum::new(from.form.quantisation(), second, to.form.quantisation()))
        }
        Operation::Concat => {
            let parts = layer.inputs.iter().map(|value| plan.value(*value).form.quantisation());
            Work::Concat(parts.map(|part| table(part, to.form.quantisation())).collect())
        }
        Operation::MaxPool(pooling) => Work::MaxPool(*pooling, from.shape),
        Operation::Mean => {
            let multiplier = mean_multiplier(from.form.quantisation(), to.form.quantisation(), from.shape.pixels());
            Work::Mean(from.form.zero_point(), multiplier, to.form.zero_point())
        }
        Operation::Normalise => Work::Normalise(layer.inputs.first().map_or(0, |value| value.0)),
    };
    let source = |value: &Value| Source { slot: value.slot, len: value.shape.len() };
    Step {
        name: layer.name.clone(),
        work,
        inputs: layer.inputs.iter().map(|value| source(plan.value(*value))).collect(),
        border,
        output: match to.form {
            Form::Bytes(_) => Target::Slot(to.slot),
            Form::Floats => Target::Floats(layer.output.0),
        },
        shape: to.shape,
        multiply_adds: layer.operation.convolution().map_or(0, |c| c.weights_oihw.len()),
    }
}
