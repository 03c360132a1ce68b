//! From the plan to its recording.

use super::arithmetic::Arithmetic;
use super::error::GpuError;
use super::kernels::{Kernel, QUAD, Task, add, concat, dense, depthwise, max_pool, mean, normalise, quads};
use super::recording::{ALIGNMENT, Dispatch, Output, Recording, Text};
use super::tiles::Tiles;
use crate::network::plan::{Form, Layer, Operation, Plan, Value, ValueId};

impl Recording {
    /// Records a plan in an arithmetic, with tiles.
    ///
    /// # Errors
    /// [`GpuError::Node`] for a layer without a kernel.
    pub(in crate::network) fn new(plan: &Plan, arithmetic: Arithmetic, tiles: &Tiles) -> Result<Self, GpuError> {
        let output = |id: ValueId| {
            let value = plan.value(id);
            Output { slot: value.slot, values: value.shape.len() }
        };
        let mut recording = Self {
            arithmetic,
            side: plan.side,
            tiles: *tiles,
            slots: vec![0; plan.slots.len()],
            parameters: Vec::new(),
            texts: Vec::new(),
            dispatches: Vec::new(),
            outputs: plan.outputs.map(output),
        };
        for (place, value) in plan.values.iter().enumerate() {
            let needed = byte_len(arithmetic, value, place == 0);
            if let Some(slot) = recording.slots.get_mut(value.slot) {
                *slot = needed.max(*slot);
            }
        }
        for (place, layer) in plan.layers.iter().enumerate() {
            recording.layer(plan, (place, layer))?;
        }
        Ok(recording)
    }

    fn layer(&mut self, plan: &Plan, (place, layer): (usize, &Layer)) -> Result<(), GpuError> {
        let (arithmetic, tiles) = (self.arithmetic, self.tiles);
        let to = plan.value(layer.output);
        let task = |input: ValueId| Task {
            arithmetic,
            tiles: &tiles,
            from: plan.value(input),
            other: layer.inputs.get(1).map(|other| plan.value(*other)),
            to,
            reads_picture: input == ValueId(0),
        };
        let fail = |problem| GpuError::Node {
            node: layer.name.clone(),
            operator: layer.operation.name(),
            shape: to.shape.to_string(),
            problem,
        };
        let Some(first) = layer.inputs.first().copied() else { return Err(fail("it reads nothing")) };
        let reads_picture = layer.inputs.contains(&ValueId(0));
        if reads_picture && arithmetic != Arithmetic::Int8 && !matches!(layer.operation, Operation::Dense(_)) {
            return Err(fail("in floats, only a dense convolution reads the picture's bytes"));
        }
        if reads_picture && arithmetic != Arithmetic::Int8 && layer.inputs.get(1) == Some(&ValueId(0)) {
            return Err(fail("in floats, the picture cannot be a summand"));
        }
        let kernel = match &layer.operation {
            Operation::Dense(c) => dense(&task(first), c),
            Operation::Depthwise(c) => depthwise(&task(first), c),
            Operation::Add(clamp) => add(&task(first), *clamp),
            Operation::MaxPool(pooling) => max_pool(&task(first), *pooling),
            Operation::Mean => mean(&task(first)),
            Operation::Normalise => normalise(&task(first)),
            Operation::Concat => {
                let mut channel = 0;
                for input in &layer.inputs {
                    self.push(plan, (place, layer), concat(&task(*input), channel), &[*input]);
                    channel += plan.value(*input).shape.channels;
                }
                return Ok(());
            }
        };
        self.push(plan, (place, layer), kernel, &layer.inputs);
        Ok(())
    }

    fn push(&mut self, plan: &Plan, (place, layer): (usize, &Layer), kernel: Kernel, reads: &[ValueId]) {
        let Kernel { file, wgsl, needs_f16, parameters, workgroups, lanes } = kernel;
        let text = self.texts.iter().position(|text| text.wgsl == wgsl).unwrap_or_else(|| {
            self.texts.push(Text { file, wgsl, needs_f16, reads: reads.len(), lanes });
            self.texts.len() - 1
        });
        self.parameters.resize(self.parameters.len().next_multiple_of(ALIGNMENT / size_of::<u32>()), 0);
        let start = self.parameters.len();
        self.parameters.extend(parameters);
        let to = plan.value(layer.output);
        self.dispatches.push(Dispatch {
            layer: place,
            node: layer.name.clone(),
            operator: layer.operation.name(),
            shape: to.shape,
            is_head: to.form == Form::Floats,
            text,
            parameters: start..self.parameters.len(),
            reads: reads.iter().map(|value| plan.value(*value).slot).collect(),
            writes: to.slot,
            workgroups,
        });
    }
}

/// Bytes of an activation, its channels padded to whole quads.
pub(super) fn byte_len(arithmetic: Arithmetic, value: &Value, is_picture: bool) -> usize {
    let element = match value.form {
        _ if is_picture => 1,
        Form::Bytes(_) => arithmetic.byte_len(),
        // Heads are float32 in every arithmetic.
        Form::Floats => size_of::<f32>(),
    };
    value.shape.pixels() * quads(value.shape) * QUAD * element
}
