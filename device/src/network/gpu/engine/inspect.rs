//! What each layer makes, and how long it takes: for finding the layer that a kernel or a driver is bad at. Not the path of a frame: each
//! dispatch has a submit or a pass of its own here.

use super::loaded::{Loaded, record};
use crate::network::gpu::GpuError;
use crate::network::gpu::arithmetic::Arithmetic;
use crate::network::gpu::kernels::QUAD;
use crate::network::gpu::recording::{Dispatch, Recording};
use crate::network::plan::Elements;
use half::f16;
use std::time::Duration;
use wgpu::{
    BufferUsages, CommandEncoderDescriptor, ComputePassTimestampWrites, Features, QuerySetDescriptor, QueryType,
};

impl Loaded {
    /// Runs a picture of RGB bytes layer by layer, and shows each layer's result with its node.
    ///
    /// # Errors
    /// As [`Loaded::run`].
    pub(in crate::network::gpu) fn run_by_layer(
        &mut self,
        recording: &Recording,
        rgb: &[u8],
        see: &mut dyn FnMut(&str, &Elements),
    ) -> Result<(), GpuError> {
        self.write_picture(rgb);
        let mut first = 0;
        for of_layer in recording.dispatches.chunk_by(|a, b| a.layer == b.layer) {
            let steps = first..first + of_layer.len();
            first = steps.end;
            if let Some(last) = of_layer.last() {
                let bytes = self.run_steps(steps, last.writes)?;
                see(&last.node, &elements(recording.arithmetic, last, &bytes));
            }
        }
        Ok(())
    }

    /// Runs some steps on what lies in the slots, and reads a slot.
    ///
    /// # Errors
    /// As [`Loaded::run`].
    pub(in crate::network::gpu) fn run_steps(
        &self,
        steps: std::ops::Range<usize>,
        slot: usize,
    ) -> Result<Vec<u8>, GpuError> {
        let device = &self.device;
        let Some(slot) = self.slots.get(slot) else { return Err(device.lost("no such slot")) };
        let read = device.reader(slot.size());
        let mut encoder = device.device.create_command_encoder(&CommandEncoderDescriptor { label: None });
        record(&mut encoder, None, self.steps.get(steps).unwrap_or_default());
        encoder.copy_buffer_to_buffer(slot, 0, &read, 0, slot.size());
        device.queue.submit([encoder.finish()]);
        device.read(&read)
    }

    /// How long each layer takes on what lies in the slots, by the adapter's own clock; none where it has no clock. The times are longer in
    /// sum than a frame's, whose dispatches share one pass.
    ///
    /// # Errors
    /// As [`Loaded::run`].
    pub(in crate::network::gpu) fn layer_times(
        &self,
        recording: &Recording,
    ) -> Result<Option<Vec<Duration>>, GpuError> {
        let (device, queue) = (&self.device.device, &self.device.queue);
        if !device.features().contains(Features::TIMESTAMP_QUERY) {
            return Ok(None);
        }
        let byte_len = 2 * self.steps.len() * size_of::<u64>();
        let count = u32::try_from(2 * self.steps.len()).unwrap_or(u32::MAX);
        let queries = device.create_query_set(&QuerySetDescriptor { label: None, ty: QueryType::Timestamp, count });
        let usage = BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC;
        let resolved = self.device.buffer("timestamps", byte_len, usage, None);
        let read = self.device.reader(resolved.size());
        let mut encoder = device.create_command_encoder(&CommandEncoderDescriptor { label: None });
        for (first, step) in (0..).step_by(2).zip(&self.steps) {
            let between = ComputePassTimestampWrites {
                query_set: &queries,
                beginning_of_pass_write_index: Some(first),
                end_of_pass_write_index: Some(first + 1),
            };
            record(&mut encoder, Some(between), std::slice::from_ref(step));
        }
        encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
        encoder.copy_buffer_to_buffer(&resolved, 0, &read, 0, read.size());
        queue.submit([encoder.finish()]);
        let bytes = self.device.read(&read)?;
        let ticks = bytes.as_chunks::<8>().0.as_chunks::<2>().0.iter();
        let period = f64::from(queue.get_timestamp_period()) * 1e-9;
        let seconds = ticks
            .map(|[begin, end]| u64::from_le_bytes(*end).saturating_sub(u64::from_le_bytes(*begin)) as f64 * period);
        let mut times: Vec<Duration> = Vec::new();
        for (dispatch, seconds) in recording.dispatches.iter().zip(seconds) {
            times.resize(dispatch.layer + 1, Duration::ZERO);
            if let Some(time) = times.last_mut() {
                *time += Duration::try_from_secs_f64(seconds).unwrap_or_default();
            }
        }
        Ok(Some(times))
    }
}

/// A slot's bytes as the elements that a dispatch wrote, without what pads channels to whole quads.
pub(in crate::network::gpu) fn elements(arithmetic: Arithmetic, dispatch: &Dispatch, bytes: &[u8]) -> Elements {
    let shape = dispatch.shape;
    match arithmetic {
        Arithmetic::Int8 if !dispatch.is_head => {
            Elements::Bytes(without_padding(bytes, shape.channels, shape.pixels()))
        }
        Arithmetic::Float16 if !dispatch.is_head => {
            let halves: Vec<f32> =
                bytes.as_chunks::<2>().0.iter().map(|half| f16::from_le_bytes(*half).to_f32()).collect();
            Elements::Floats(without_padding(&halves, shape.channels, shape.pixels()))
        }
        _ => {
            let floats: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|float| f32::from_le_bytes(*float)).collect();
            Elements::Floats(without_padding(&floats, shape.channels, shape.pixels()))
        }
    }
}

fn without_padding<T: Copy>(padded: &[T], channels: usize, pixels: usize) -> Vec<T> {
    let of_pixels = padded.chunks(channels.next_multiple_of(QUAD)).take(pixels);
    of_pixels.flat_map(|pixel| pixel.iter().copied().take(channels)).collect()
}
