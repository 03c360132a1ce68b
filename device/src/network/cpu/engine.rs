//! The engine: slots, steps, and one picture after the other.

use super::buffer::Buffer;
use super::kernels::{Output, simple};
use super::prepare::{Source, Step, Target, Work, prepare, tail};
use super::team::{Team, share};
use crate::network::engine::check_side;
use crate::network::plan::{Elements, Form, Plan, ValueId};
use crate::network::{Answer, Engine, EngineError};
use crate::processor::InstructionSet;
use clothingid_shared::embedding::{ArithmeticClass, l2_normalise};
use clothingid_shared::picture::Picture;
use std::time::{Duration, Instant};

/// The plan in integers on the processor.
pub(in crate::network) struct CpuEngine {
    name: String,
    set: InstructionSet,
    side: u32,
    steps: Vec<Step>,
    memory: Memory,
    outputs: [ValueId; 3],
    team: Team,
}

/// What a frame is computed in.
struct Memory {
    slots: Vec<Buffer>,
    /// Results that left the integers, by value.
    floats: Vec<Vec<f32>>,
    /// Sums of a mean.
    sums: Vec<i32>,
}

impl CpuEngine {
    /// Packs the plan for the fastest instruction set of this machine.
    ///
    /// # Errors
    /// The system gives no threads.
    pub(in crate::network) fn new(plan: &Plan, threads: usize) -> Result<Self, EngineError> {
        Self::with(plan, InstructionSet::fastest(), threads)
    }

    /// The name that an engine on this machine has.
    pub(in crate::network) fn name_here() -> String {
        Self::name_of(InstructionSet::fastest())
    }

    fn name_of(set: InstructionSet) -> String {
        format!("cpu: int8 {set}")
    }

    /// Packs the plan for one instruction set, which the machine must have.
    ///
    /// # Errors
    /// The system gives no threads.
    pub(in crate::network) fn with(plan: &Plan, set: InstructionSet, threads: usize) -> Result<Self, EngineError> {
        let tail = tail(plan);
        let floats = plan.values.iter().map(|value| match value.form {
            Form::Floats => vec![0.0; value.shape.len()],
            Form::Bytes(_) => Vec::new(),
        });
        Ok(Self {
            name: Self::name_of(set),
            set,
            side: plan.side,
            memory: Memory {
                slots: plan.slots.iter().map(|elements| Buffer::zeros(elements + tail)).collect(),
                floats: floats.collect(),
                sums: vec![0; plan.most_channels()],
            },
            steps: plan.layers.iter().map(|layer| prepare(plan, layer, set)).collect(),
            outputs: plan.outputs,
            team: Team::new(threads)?,
        })
    }

    /// Runs a picture's bytes; `see` is called after each step.
    fn compute(&mut self, picture: &[u8], mut see: impl FnMut(&Step, &Memory) + Send) {
        let (steps, memory, threads) = (&self.steps, &mut self.memory, self.team.threads());
        if let Some(slot) = memory.slots.first_mut().and_then(|slot| slot.bytes_mut().get_mut(..picture.len())) {
            slot.copy_from_slice(picture);
        }
        self.team.run(|| {
            for step in steps {
                run(step, memory, threads);
                see(step, memory);
            }
        });
    }
}

/// What a step has made.
fn result(step: &Step, memory: &Memory) -> Elements {
    match step.output {
        Target::Slot(slot) => {
            let bytes = memory.slots.get(slot).and_then(|slot| slot.bytes().get(..step.shape.len()));
            Elements::Bytes(bytes.unwrap_or_default().to_vec())
        }
        Target::Floats(place) => Elements::Floats(memory.floats.get(place).cloned().unwrap_or_default()),
    }
}

/// Runs one step. The result's slot is taken out of the list meanwhile: the plan never reads what it writes.
fn run(step: &Step, memory: &mut Memory, threads: usize) {
    let Memory { slots, floats, sums } = memory;
    if let (Some((start, len, byte)), Some(source)) = (step.border, step.inputs.first())
        && let Some(border) = slots.get_mut(source.slot).and_then(|slot| slot.bytes_mut().get_mut(start..start + len))
    {
        border.fill(byte);
    }
    match step.output {
        Target::Slot(place) => {
            let Some(mut buffer) = slots.get_mut(place).map(std::mem::take) else { return };
            if let Some(y) = buffer.bytes_mut().get_mut(..step.shape.len()) {
                bytes(step, slots, y, sums, threads);
            }
            if let Some(slot) = slots.get_mut(place) {
                *slot = buffer;
            }
        }
        Target::Floats(place) => {
            let Some(mut y) = floats.get_mut(place).map(std::mem::take) else { return };
            match &step.work {
                Work::Convolution(kernel) => {
                    kernel.run(whole(slots, step.inputs.first()), &[], Output::Floats(&mut y), 0..step.shape.pixels());
                }
                Work::Normalise(from) => {
                    y.copy_from_slice(floats.get(*from).map(Vec::as_slice).unwrap_or_default());
                    l2_normalise(&mut y);
                }
                _ => {}
            }
            if let Some(floats) = floats.get_mut(place) {
                *floats = y;
            }
        }
    }
}

/// A step whose result is bytes.
fn bytes(step: &Step, slots: &[Buffer], y: &mut [u8], sums: &mut [i32], threads: usize) {
    let (first, second) = (step.inputs.first(), step.inputs.get(1));
    match &step.work {
        Work::Convolution(kernel) => {
            let from = (whole(slots, first), whole(slots, second));
            share(kernel.as_ref(), from, y, step.shape, (threads, step.multiply_adds));
        }
        Work::Add(sum) => simple::add(sum, elements(slots, first), elements(slots, second), y),
        Work::Concat(tables) => {
            let mut channel = 0;
            for (table, input) in tables.iter().zip(&step.inputs) {
                let channels = input.len / step.shape.pixels().max(1);
                simple::concat(table, elements(slots, Some(input)), y, (channel, channels, step.shape.channels));
                channel += channels;
            }
        }
        Work::MaxPool(pooling, from) => simple::max_pool(*pooling, elements(slots, first), *from, y, step.shape),
        Work::Mean(zero, multiplier, zero_point) => {
            let sums = sums.get_mut(..step.shape.channels).unwrap_or_default();
            simple::mean(elements(slots, first), *zero, *multiplier, *zero_point, sums, y);
        }
        Work::Normalise(_) => {}
    }
}

/// An input with its border.
fn whole<'a>(slots: &'a [Buffer], source: Option<&Source>) -> &'a [u8] {
    source.and_then(|source| slots.get(source.slot)).map(Buffer::bytes).unwrap_or_default()
}

/// An input's elements.
fn elements<'a>(slots: &'a [Buffer], source: Option<&Source>) -> &'a [u8] {
    let len = source.map_or(0, |source| source.len);
    whole(slots, source).get(..len).unwrap_or_default()
}

impl Engine for CpuEngine {
    fn name(&self) -> &str {
        &self.name
    }

    fn arithmetic(&self) -> ArithmeticClass {
        ArithmeticClass::Int8
    }

    fn side(&self) -> u32 {
        self.side
    }

    fn threads(&self) -> usize {
        self.team.threads()
    }

    fn run(&mut self, picture: &Picture, answer: &mut Answer) -> Result<(), EngineError> {
        check_side(picture, self.side)?;
        self.compute(picture.rgb(), |_, _| {});
        let buffers = [&mut answer.category14, &mut answer.category26, &mut answer.embedding];
        for (buffer, output) in buffers.into_iter().zip(self.outputs) {
            buffer.clear();
            buffer.extend_from_slice(self.memory.floats.get(output.0).map(Vec::as_slice).unwrap_or_default());
        }
        answer.check()
    }

    fn products_per_second(&self) -> Option<f64> {
        self.set.peak().map(|of_thread| of_thread * self.team.threads() as f64)
    }

    fn run_by_node(&mut self, picture: &Picture, see: &mut dyn FnMut(&str, &Elements)) -> Result<(), EngineError> {
        check_side(picture, self.side)?;
        let mut results = Vec::with_capacity(self.steps.len());
        self.compute(picture.rgb(), |step, memory| results.push((step.name.clone(), result(step, memory))));
        for (name, elements) in &results {
            see(name, elements);
        }
        Ok(())
    }

    fn bytes_of(&self, layer: usize) -> Option<&[u8]> {
        let step = self.steps.get(layer)?;
        let Target::Slot(slot) = step.output else { return None };
        // Slots are used again as soon as nobody reads them any more.
        let is_kept = self.steps.get(layer + 1..)?.iter().all(|later| later.output != Target::Slot(slot));
        self.memory.slots.get(slot).filter(|_| is_kept)?.bytes().get(..step.shape.len())
    }

    fn layer_times(&mut self, picture: &Picture) -> Result<Vec<Duration>, EngineError> {
        check_side(picture, self.side)?;
        let mut times = Vec::with_capacity(self.steps.len());
        // The first layer's time has the copy of the picture in it.
        let mut last = Instant::now();
        self.compute(picture.rgb(), |_, _| {
            let now = Instant::now();
            times.push(now - last);
            last = now;
        });
        Ok(times)
    }
}
