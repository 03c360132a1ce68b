//! Which activation lies in which buffer: each is given back after its last reader, so that a few buffers serve all.

use super::layers::{Plan, ValueId};

/// Gives every value a slot, and the plan its slots.
///
/// No layer writes to a slot that it reads: GPUs forbid it and kernels need not think of it. The picture's slot is never used again, so
/// that a picture may be written while the last frame's end is still being computed.
#[expect(clippy::indexing_slicing, reason = "tables are as long as the list of values, identifiers come from it")]
pub(super) fn assign(plan: &mut Plan) {
    let mut last_use = vec![0; plan.values.len()];
    for (place, layer) in plan.layers.iter().enumerate() {
        last_use[layer.output.0] = place;
        for input in &layer.inputs {
            last_use[input.0] = place;
        }
    }
    for value in [ValueId(0)].iter().chain(&plan.outputs) {
        last_use[value.0] = usize::MAX;
    }
    let mut slots = vec![plan.value(ValueId(0)).shape.len()];
    let mut free: Vec<usize> = Vec::new();
    for (place, layer) in plan.layers.iter().enumerate() {
        let needed = plan.values[layer.output.0].shape.len();
        // The smallest that is large enough, else the largest, which grows.
        let best = (0..free.len()).min_by_key(|&at| {
            let size = slots[free[at]];
            if size >= needed { (0, size) } else { (1, usize::MAX - size) }
        });
        let slot = match best {
            Some(at) => free.swap_remove(at),
            None => {
                slots.push(0);
                slots.len() - 1
            }
        };
        slots[slot] = slots[slot].max(needed);
        plan.values[layer.output.0].slot = slot;
        let mut done: Vec<usize> = layer.inputs.iter().chain([&layer.output]).map(|value| value.0).collect();
        done.sort_unstable();
        done.dedup();
        free.extend(done.into_iter().filter(|&value| last_use[value] == place).map(|value| plan.values[value].slot));
    }
    plan.slots = slots;
}
