//! Engine `gpu`: the plan on a graphics processor through wgpu, in integers or in floats.
//!
//! `Plan → Recording → one command buffer a frame → three heads`
//!
//! - [`recording`]: the plan as a list of dispatches: plain data that prints, with the texts of its kernels and their parameters.
//! - [`record`]: makes it; [`limits`] holds it against what an adapter can do.
//! - [`kernels`]: WGSL files and the Rust files that fill them in.
//! - [`arithmetic`]: int8, float32, or float16 in memory with sums in float32.
//! - [`tiles`]: how much one invocation makes; [`tune`] chooses by measurement and remembers.
//! - [`engine`]: the only wgpu code: adapter, device, buffers, frames, and the [`Engine`](super::Engine).
//! - [`error`]: what can go wrong, with what to do.
//!
//! A frame is one upload, one submit and one read-back; nothing but the command buffer is made for it. The class `int8` gives the integers
//! of [`reference`](super::reference), whatever the adapter; float32 is within 1e-4 of tract's answer, float16 within 1e-2.
//!
//! Software adapters run everything here, twenty times slower than the processor itself: they are taken only by name.

mod arithmetic;
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

pub(super) use arithmetic::Arithmetic;
pub(super) use engine::{GpuEngine, identity};

#[cfg(test)]
mod on_adapter;
#[cfg(test)]
mod tests;
