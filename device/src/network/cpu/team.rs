//! Threads that share a layer's pixels.

use super::kernels::{Kernel, Output};
use crate::network::plan::Shape;

/// The calling thread and its helpers.
pub(super) struct Team {
    threads: usize,
}

impl Team {
    /// `threads` in all, at least one.
    pub(super) fn new(threads: usize) -> Self {
        Self { threads: threads.max(1) }
    }

    /// How many threads there are.
    pub(super) fn threads(&self) -> usize {
        self.threads
    }

    /// Runs a layer.
    pub(super) fn share(&mut self, kernel: &dyn Kernel, x: &[u8], other: &[u8], y: &mut [u8], shape: Shape) {
        kernel.run(x, other, Output::Bytes(y), 0..shape.pixels());
    }
}
