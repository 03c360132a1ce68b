//! The only wgpu code: from a recording to answers.
//!
//! - [`adapter`]: which graphics processor, and never a software one unless it is named.
//! - [`device`]: an open device; whatever is created on it is created and counted there; its faults are kept.
//! - [`loaded`]: a recording on a device: buffers, pipelines, bind groups, and the frames that go round.
//! - [`pipelines`]: compiled kernels, kept on disk.
//! - [`progress`]: how far a slow start is.
//! - [`inspect`]: what each layer makes, and how long it takes.
//! - [`engine`]: the [`Engine`](crate::network::Engine): runs pictures, and builds everything again when the device is lost.

mod adapter;
mod device;
mod engine;
mod inspect;
mod loaded;
mod pipelines;
mod progress;

pub use adapter::AdapterChoice;
pub(in crate::network) use adapter::identity;

pub(super) use device::Device;
pub(in crate::network) use engine::GpuEngine;
#[cfg(test)]
pub(super) use inspect::elements;
pub(super) use loaded::Loaded;
pub(super) use progress::Progress;
