//! The reference executor: every layer of the plan as plain loops, one file a layer.
//!
//! It is the definition of the class `int8` in the device, the oracle of every kernel's test, and what `bundle verify --nodes` compares an
//! engine with, layer by layer; a picture takes it about a second, and it is never a product path. Its rounding is that of [`clothingid_shared::quantisation`], which the exporter's simulation shares, so that its answers
//! are the bundle's golden answers bit for bit. [`real`] has the same layers in real numbers, for the float classes.

#![expect(
    clippy::indexing_slicing,
    reason = "lengths are checked when the plan is made; an oracle should read as the formula does"
)]

mod add;
mod concat;
mod dense;
mod depthwise;
mod max_pool;
mod mean;
mod normalise;
pub(super) mod real;

use add::add;
use concat::concat;
pub(super) use dense::{dense, dense_sums, floats};
pub(super) use depthwise::{depthwise, depthwise_sums};
use max_pool::max_pool;
use mean::mean;
use normalise::normalise;

use super::Answer;
use super::plan::{Elements, Form, Layer, Operation, Plan};

/// Runs a picture of `[side, side, 3]` bytes; `visit` is called with each layer's place and result.
pub(super) fn run(plan: &Plan, picture: &[u8], mut visit: impl FnMut(usize, &Elements)) -> Answer {
    let mut values: Vec<Elements> = vec![Elements::Bytes(Vec::new()); plan.values.len()];
    values[0] = Elements::Bytes(picture.to_vec());
    for (place, layer) in plan.layers.iter().enumerate() {
        let inputs: Vec<&Elements> = layer.inputs.iter().map(|value| &values[value.0]).collect();
        let result = step(plan, layer, &inputs);
        visit(place, &result);
        values[layer.output.0] = result;
    }
    let [category14, category26, embedding] = plan.outputs.map(|value| values[value.0].floats().to_vec());
    Answer { category14, category26, embedding }
}

/// Runs one layer.
pub(super) fn step(plan: &Plan, layer: &Layer, inputs: &[&Elements]) -> Elements {
    let (from, to) = (plan.input(layer), plan.value(layer.output));
    let quantisations: Vec<_> = layer.inputs.iter().map(|value| plan.value(*value).form.quantisation()).collect();
    let into = to.form.quantisation();
    let x = inputs[0].bytes();
    Elements::Bytes(match &layer.operation {
        Operation::Dense(c) => {
            let sums = dense_sums(x, from, c, to.shape);
            if to.form == Form::Floats {
                return Elements::Floats(floats(&sums, c));
            }
            let residual = inputs.get(1).map(|other| (other.bytes(), quantisations[1]));
            dense(&sums, c, into, residual)
        }
        Operation::Depthwise(c) => depthwise(&depthwise_sums(x, from, c, to.shape), c, into),
        Operation::Add(_) => add((x, quantisations[0]), (inputs[1].bytes(), quantisations[1]), into),
        Operation::Concat => {
            let parts: Vec<_> = layer
                .inputs
                .iter()
                .zip(inputs)
                .map(|(value, elements)| (elements.bytes(), plan.value(*value)))
                .collect();
            concat(&parts, into)
        }
        Operation::MaxPool(pooling) => max_pool(x, from.shape, *pooling, to.shape),
        Operation::Mean => mean(x, from, into),
        Operation::Normalise => return Elements::Floats(normalise(inputs[0].floats())),
    })
}
