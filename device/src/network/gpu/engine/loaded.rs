//! A recording on a device, and the frames that go round on it.
//!
//! A frame is: fill the mapped upload buffer, encode one command buffer (upload → slot 0, one compute pass, three copies → read-back), submit
//! it once, wait, read. Upload and read-back buffers are in a ring, so that the next picture can be written while this one is computed.

use super::device::Device;
use super::progress::Progress;
use crate::network::Answer;
use crate::network::gpu::GpuError;
use crate::network::gpu::recording::Recording;
use rayon::prelude::*;
use std::num::NonZeroU64;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use wgpu::{
    BindGroup, Buffer, BufferBinding, BufferUsages, CommandEncoder, CommandEncoderDescriptor, ComputePassDescriptor,
    ComputePassTimestampWrites, ComputePipeline, MapMode, SubmissionIndex,
};

/// Frames in the ring.
const FRAMES: usize = 2;

/// Bytes of a float.
const FLOAT: usize = size_of::<f32>();

/// A recording, ready to run.
pub(in crate::network::gpu) struct Loaded {
    pub(super) device: Arc<Device>,
    pub(super) steps: Vec<Step>,
    pub(super) slots: Vec<Buffer>,
    /// Slot, place in the read-back, and length in bytes, of each head.
    heads: [(usize, usize, usize); 3],
    frames: Vec<Frame>,
    next: usize,
    /// The picture with a fourth byte a pixel.
    padded: Vec<u8>,
}

/// One dispatch.
pub(super) struct Step {
    pub(super) pipeline: ComputePipeline,
    pub(super) group: BindGroup,
    pub(super) workgroups: [u32; 2],
}

/// Buffers of one frame on its way.
struct Frame {
    upload: Buffer,
    answer: Buffer,
    is_answered: Arc<AtomicBool>,
    submission: Option<SubmissionIndex>,
}

/// A frame on its way.
#[must_use]
pub(in crate::network::gpu) struct Ticket(usize);

impl Loaded {
    /// Creates everything that frames need; `progress` counts kernels as they are compiled.
    ///
    /// # Errors
    /// The recording is more than the adapter can do, or the driver refuses it.
    pub(in crate::network::gpu) fn new(
        device: Arc<Device>,
        recording: &Recording,
        progress: &Progress,
    ) -> Result<Self, GpuError> {
        device.limits().check(device.adapter(), recording)?;
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        let slots: Vec<Buffer> =
            recording.slots.iter().map(|byte_len| device.buffer("slot", *byte_len, usage, None)).collect();
        let bytes: Vec<u8> = recording.parameters.iter().flat_map(|word| word.to_le_bytes()).collect();
        let parameters = device.buffer("parameters", bytes.len(), BufferUsages::STORAGE, Some(&bytes));
        // Drivers compile for seconds: all cores help.
        let compile = |text| {
            let pipeline = device.pipeline(text);
            progress.step();
            pipeline
        };
        let pipelines: Vec<Option<ComputePipeline>> = recording.texts.par_iter().map(compile).collect();
        device.check_load()?;
        let step = |dispatch: &crate::network::gpu::recording::Dispatch| {
            let word = size_of::<u32>();
            let part = BufferBinding {
                buffer: &parameters,
                offset: u64::try_from(dispatch.parameters.start * word).ok()?,
                size: NonZeroU64::new(u64::try_from(dispatch.parameters.len() * word).ok()?),
            };
            let reads: Vec<&Buffer> = dispatch.reads.iter().filter_map(|slot| slots.get(*slot)).collect();
            let [x, y] = dispatch.workgroups;
            Some(Step {
                pipeline: pipelines.get(dispatch.text)?.clone()?,
                group: device.bind(part, slots.get(dispatch.writes)?, &reads)?,
                workgroups: [u32::try_from(x).ok()?, u32::try_from(y).ok()?],
            })
        };
        let steps: Vec<Step> = recording.dispatches.iter().filter_map(step).collect();
        if steps.len() != recording.dispatches.len() {
            let message = "a dispatch has no pipeline or no buffer".to_string();
            return Err(GpuError::Refused { adapter: device.adapter().to_string(), message });
        }
        let picture_len = recording.slots.first().copied().unwrap_or(0);
        let frame = |_| Frame {
            upload: device.buffer("picture", picture_len, BufferUsages::MAP_WRITE | BufferUsages::COPY_SRC, None),
            answer: device.buffer(
                "answer",
                recording.answer_len(),
                BufferUsages::MAP_READ | BufferUsages::COPY_DST,
                None,
            ),
            is_answered: Arc::new(AtomicBool::new(false)),
            submission: None,
        };
        let frames = (0..FRAMES).map(frame).collect();
        let mut start = 0;
        let heads = recording.outputs.map(|output| {
            let byte_len = output.values * FLOAT;
            start += byte_len;
            (output.slot, start - byte_len, byte_len)
        });
        device.check_load()?;
        Ok(Self { device, steps, slots, heads, frames, next: 0, padded: vec![0; picture_len] })
    }

    /// Runs a picture of RGB bytes.
    ///
    /// # Errors
    /// [`GpuError::Lost`], [`GpuError::Late`]: everything here must then be built again.
    pub(in crate::network::gpu) fn run(&mut self, rgb: &[u8], answer: &mut Answer) -> Result<(), GpuError> {
        let ticket = self.submit(rgb)?;
        self.wait(ticket, answer)
    }

    /// Sends a picture on its way; its answer must be waited for before the ring comes round again.
    ///
    /// # Errors
    /// As [`Loaded::run`].
    pub(in crate::network::gpu) fn submit(&mut self, rgb: &[u8]) -> Result<Ticket, GpuError> {
        self.pad(rgb);
        let ticket = self.next;
        self.next = (self.next + 1) % self.frames.len().max(1);
        let device = &self.device;
        device.check()?;
        let Some(frame) = self.frames.get_mut(ticket) else { return Err(device.lost("no frame")) };
        match frame.upload.get_mapped_range_mut(..) {
            Ok(mut view) if view.len() == self.padded.len() => view.copy_from_slice(&self.padded),
            Ok(_) => return Err(device.lost("the upload buffer has another size")),
            Err(error) => return Err(device.lost(&error.to_string())),
        }
        frame.upload.unmap();
        let mut encoder = device.device.create_command_encoder(&CommandEncoderDescriptor { label: None });
        if let Some(picture) = self.slots.first() {
            encoder.copy_buffer_to_buffer(&frame.upload, 0, picture, 0, frame.upload.size());
        }
        record(&mut encoder, None, &self.steps);
        for (slot, start, byte_len) in self.heads {
            if let Some(slot) = self.slots.get(slot) {
                encoder.copy_buffer_to_buffer(slot, 0, &frame.answer, start as u64, byte_len as u64);
            }
        }
        frame.submission = Some(device.queue.submit([encoder.finish()]));
        frame.is_answered.store(false, Ordering::Release);
        let is_answered = frame.is_answered.clone();
        frame.answer.map_async(MapMode::Read, .., move |result| is_answered.store(result.is_ok(), Ordering::Release));
        // Whether that worked is seen when the buffer is used next.
        frame.upload.map_async(MapMode::Write, .., |_| {});
        Ok(Ticket(ticket))
    }

    /// Waits for a frame and reads its heads.
    ///
    /// # Errors
    /// As [`Loaded::run`].
    pub(in crate::network::gpu) fn wait(
        &mut self,
        Ticket(ticket): Ticket,
        answer: &mut Answer,
    ) -> Result<(), GpuError> {
        let device = &self.device;
        let Some(frame) = self.frames.get_mut(ticket) else { return Err(device.lost("no frame")) };
        device.wait(frame.submission.take())?;
        if !frame.is_answered.load(Ordering::Acquire) {
            return Err(device.lost("the answer was not given back"));
        }
        let view = frame.answer.get_mapped_range(..).map_err(|error| device.lost(&error.to_string()))?;
        let buffers = [&mut answer.category14, &mut answer.category26, &mut answer.embedding];
        for (buffer, (_, start, byte_len)) in buffers.into_iter().zip(self.heads) {
            let bytes = view.get(start..start + byte_len).unwrap_or_default();
            buffer.clear();
            buffer.extend(bytes.as_chunks::<FLOAT>().0.iter().map(|float| f32::from_le_bytes(*float)));
        }
        drop(view);
        frame.answer.unmap();
        Ok(())
    }

    /// The device that it lies on.
    #[cfg(test)]
    pub(in crate::network::gpu) fn device(&self) -> &Device {
        &self.device
    }

    /// Writes to slots, runs the steps, and reads a slot: what tests of one layer need.
    #[cfg(test)]
    pub(in crate::network::gpu) fn run_slots(&self, inputs: &[(usize, Vec<u8>)], output: usize) -> Vec<u8> {
        for (slot, bytes) in inputs {
            self.device.queue.write_buffer(&self.slots[*slot], 0, bytes);
        }
        self.run_steps(0..self.steps.len(), output).unwrap()
    }

    /// Puts a picture into its slot, for those who run steps by themselves.
    pub(super) fn write_picture(&mut self, rgb: &[u8]) {
        self.pad(rgb);
        if let Some(picture) = self.slots.first() {
            self.device.queue.write_buffer(picture, 0, &self.padded);
        }
    }

    fn pad(&mut self, rgb: &[u8]) {
        for (four, three) in self.padded.as_chunks_mut::<4>().0.iter_mut().zip(rgb.as_chunks::<3>().0) {
            let [red, green, blue] = *three;
            *four = [red, green, blue, 0];
        }
    }
}

/// Records some steps as one pass.
pub(super) fn record(
    encoder: &mut CommandEncoder,
    timestamp_writes: Option<ComputePassTimestampWrites<'_>>,
    steps: &[Step],
) {
    let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor { label: None, timestamp_writes });
    for Step { pipeline, group, workgroups: [x, y] } in steps {
        pass.set_pipeline(pipeline);
        pass.set_bind_group(0, group, &[]);
        pass.dispatch_workgroups(*x, *y, 1);
    }
}
