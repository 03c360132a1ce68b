//! Times by layer, by the adapter's own clock: for choosing tiles, and for finding the layer that a kernel is bad at.
//!
//! Each dispatch has a pass of its own here, between two timestamps; the passes of a frame are longer in sum than the one pass of a real frame.

use super::loaded::{Loaded, Step};
use std::time::Duration;
use wgpu::{
    BufferUsages, CommandEncoderDescriptor, ComputePassDescriptor, ComputePassTimestampWrites, Features, MapMode,
    PollType, QuerySetDescriptor, QueryType,
};

impl Loaded {
    /// The least time of each dispatch in some rounds; none where the adapter has no clock.
    pub(in crate::network::gpu) fn times(&self, rounds: usize) -> Option<Vec<Duration>> {
        let (device, queue) = (&self.device.device, &self.device.queue);
        if !device.features().contains(Features::TIMESTAMP_QUERY) {
            return None;
        }
        let count = u32::try_from(2 * self.steps.len()).unwrap();
        let byte_len = 2 * self.steps.len() * size_of::<u64>();
        let queries = device.create_query_set(&QuerySetDescriptor { label: None, ty: QueryType::Timestamp, count });
        let usage = BufferUsages::QUERY_RESOLVE | BufferUsages::COPY_SRC;
        let resolved = self.device.buffer("timestamps", byte_len, usage, None);
        let read = self.device.buffer("read", byte_len, BufferUsages::MAP_READ | BufferUsages::COPY_DST, None);
        let mut least = vec![Duration::MAX; self.steps.len()];
        for _ in 0..rounds {
            let mut encoder = device.create_command_encoder(&CommandEncoderDescriptor { label: None });
            for (first, Step { pipeline, group, workgroups: [x, y] }) in (0..).step_by(2).zip(&self.steps) {
                let timestamp_writes = Some(ComputePassTimestampWrites {
                    query_set: &queries,
                    beginning_of_pass_write_index: Some(first),
                    end_of_pass_write_index: Some(first + 1),
                });
                let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor { label: None, timestamp_writes });
                pass.set_pipeline(pipeline);
                pass.set_bind_group(0, group, &[]);
                pass.dispatch_workgroups(*x, *y, 1);
            }
            encoder.resolve_query_set(&queries, 0..count, &resolved, 0);
            encoder.copy_buffer_to_buffer(&resolved, 0, &read, 0, read.size());
            queue.submit([encoder.finish()]);
            read.map_async(MapMode::Read, .., |result| result.unwrap());
            device.poll(PollType::wait_indefinitely()).unwrap();
            let view = read.get_mapped_range(..).unwrap();
            let ticks = view.as_chunks::<16>().0.iter().map(|pair| {
                let [begin, end] = [&pair[..8], &pair[8..]].map(|tick| u64::from_le_bytes(tick.try_into().unwrap()));
                end.saturating_sub(begin)
            });
            for (least, ticks) in least.iter_mut().zip(ticks) {
                let nanoseconds = ticks as f64 * f64::from(queue.get_timestamp_period());
                *least = (*least).min(Duration::from_secs_f64(nanoseconds * 1e-9));
            }
            drop(view);
            read.unmap();
        }
        self.device.check().unwrap();
        Some(least)
    }
}
