//! `Dense → Add` becomes one layer: the sum is made where the convolution's result is still in a register.
//!
//! The case: one summand comes from a [`Operation::Dense`] that nothing else reads, and the other one is ready before that convolution
//! runs. The convolution's own result is still rounded to its own steps, so that fused and unfused plans give the same bytes.

use crate::network::plan::layers::{Clamp, Form, Layer, Operation, Plan, Residual, ValueId};

/// A convolution and the sum that it takes in.
struct Case {
    producer: usize,
    other: ValueId,
    residual: Residual,
}

/// Fuses every sum that can be fused; of others, the plan's notes say why not.
pub(in crate::network::plan) fn fuse(plan: &mut Plan) {
    let mut place = 0;
    while let Some(layer) = plan.layers.get(place) {
        let Operation::Add(clamp) = layer.operation else {
            place += 1;
            continue;
        };
        match find(plan, layer, clamp) {
            Some(case) => {
                let sum = plan.layers.remove(place);
                apply(plan, &case, &sum);
            }
            None => {
                let note =
                    format!("`{}` is a layer of its own: no summand is a convolution that it alone reads", layer.name);
                plan.notes.push(note);
                place += 1;
            }
        }
    }
}

fn find(plan: &Plan, sum: &Layer, clamp: Clamp) -> Option<Case> {
    let [a, b] = sum.inputs.as_slice() else { return None };
    let made_by = |value: ValueId| plan.layers.iter().position(|layer| layer.output == value);
    let is_read_once = |value: ValueId| {
        plan.layers.iter().flat_map(|layer| &layer.inputs).filter(|input| **input == value).count() == 1
            && !plan.outputs.contains(&value)
    };
    [(*a, *b), (*b, *a)].into_iter().find_map(|(summand, other)| {
        let producer = made_by(summand)?;
        let is_plain = matches!(&plan.layers.get(producer)?.operation, Operation::Dense(c) if c.residual.is_none());
        let is_ready = made_by(other).is_none_or(|place| place < producer);
        let Form::Bytes(own) = plan.value(summand).form else { return None };
        let fits = summand != other && is_plain && is_ready && is_read_once(summand);
        fits.then_some(Case { producer, other, residual: Residual { own, clamp } })
    })
}

fn apply(plan: &mut Plan, case: &Case, sum: &Layer) {
    let Some(layer) = plan.layers.get_mut(case.producer) else { return };
    if let Operation::Dense(convolution) = &mut layer.operation {
        convolution.residual = Some(case.residual);
    }
    layer.inputs.push(case.other);
    layer.output = sum.output;
}
