//! Engine `gpu`: the plan on a graphics processor through wgpu, in float32 or in integers.
//!
//! `Plan → Recording → one command buffer a frame → three heads`
//!
//! - [`recording`]: the plan as a list of dispatches: plain data that prints, with the texts of its kernels and their parameters.
//! - [`record`]: makes it; [`limits`] holds it against what an adapter can do.
//! - [`kernels`]: WGSL files and the Rust files that fill them in.
//! - [`tiles`]: how much one invocation makes; [`tune`] chooses by measurement and remembers.
//! - [`engine`]: the only wgpu code: adapter, device, buffers, frames, and the [`Engine`](super::Engine).
//! - [`error`]: what can go wrong, with what to do.
//!
//! A frame is one upload, one submit and one read-back; nothing but the command buffer is made for it. The class `int8` gives the integers
//! of [`reference`](super::reference), whatever the adapter; the class `float` is within 1e-4 of tract's answer.
//!
//! Software adapters run everything here, twenty times slower than the processor itself: they are taken only by name.

mod engine;
mod error;
mod kernels;
mod limits;
mod record;
mod recording;
mod tiles;
mod tune;

pub use engine::AdapterChoice;
pub use error::GpuError;

pub(super) use engine::GpuEngine;

#[cfg(test)]
mod on_adapter;
#[cfg(test)]
mod tests;
