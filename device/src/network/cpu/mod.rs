//! Engine `cpu`: the plan in integers on the processor, channel-last, one pass over memory a layer.
//!
//! - [`engine`]: the [`Engine`](super::Engine): buffers, the list of steps, one picture after the other.
//! - [`prepare`]: a layer of the plan to a step: where its pixels come from, weights packed once for the instruction set that runs them.
//! - [`rows`]: where the taps of each output pixel lie, borders included.
//! - [`kernels`]: the loops, one file an instruction set; [`kernels::portable`] runs everywhere.
//! - [`team`]: a few threads that stay warm and share a layer's pixels.
//! - [`buffer`]: memory on cache lines.
//!
//! Every kernel gives the bytes of [`reference`](super::reference): tests hold each instruction set of the machine to it.

mod buffer;
mod engine;
mod kernels;
mod prepare;
mod rows;
mod team;

pub(super) use engine::CpuEngine;

#[cfg(test)]
mod tests;
