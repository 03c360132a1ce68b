//! Threads that share a layer's pixels.
//!
//! A whole frame runs inside the pool, so that between two layers its threads look for work instead of sleeping: waking one takes as long
//! as a small layer.

use super::kernels::{Kernel, Output};
use crate::network::EngineError;
use crate::network::plan::Shape;
use std::ops::Range;

/// Multiply-adds of a layer below which sharing costs more than it saves.
const WORTH_SHARING: usize = 200_000;
/// Parts begin at multiples of this many pixels: whole tiles of every kernel.
const TILE: usize = 12;

/// The threads of an engine.
pub(super) struct Team {
    pool: Option<rayon::ThreadPool>,
    threads: usize,
}

impl Team {
    /// `threads` in all; one is the caller's own.
    ///
    /// # Errors
    /// The system gives no threads.
    pub(super) fn new(threads: usize) -> Result<Self, EngineError> {
        let threads = threads.max(1);
        let build = || {
            let named = rayon::ThreadPoolBuilder::new().thread_name(|place| format!("network-{place}"));
            named.num_threads(threads).build().map_err(|error| EngineError::Load(Box::new(error)))
        };
        Ok(Self { pool: (threads > 1).then(build).transpose()?, threads })
    }

    /// How many threads there are.
    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// Runs a whole frame where [`share`] finds the threads.
    pub(super) fn run(&self, frame: impl FnOnce() + Send) {
        match &self.pool {
            Some(pool) => pool.install(frame),
            None => frame(),
        }
    }
}

/// Runs a layer on the threads of the pool that calls, at most `threads`; `per_pixel` are its multiply-adds.
pub(super) fn share(
    kernel: &dyn Kernel,
    (x, other): (&[u8], &[u8]),
    y: &mut [u8],
    shape: Shape,
    (threads, per_pixel): (usize, usize),
) {
    let pixels = shape.pixels();
    let parts = if per_pixel * pixels < WORTH_SHARING { 1 } else { threads };
    split(kernel, (x, other), y, 0..pixels, shape.channels, parts);
}

fn split(kernel: &dyn Kernel, from: (&[u8], &[u8]), y: &mut [u8], pixels: Range<usize>, channels: usize, parts: usize) {
    let left = (pixels.len() * (parts / 2) / parts.max(1)).next_multiple_of(TILE);
    if parts < 2 || left >= pixels.len() {
        return kernel.run(from.0, from.1, Output::Bytes(y), pixels);
    }
    let (first, second) = y.split_at_mut((left * channels).min(y.len()));
    let middle = pixels.start + left;
    rayon::join(
        || split(kernel, from, first, pixels.start..middle, channels, parts / 2),
        || split(kernel, from, second, middle..pixels.end, channels, parts - parts / 2),
    );
}
