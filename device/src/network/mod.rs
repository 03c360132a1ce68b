//! From the bytes of a photograph to the network's answer.
//!
//! [`PhotoPath`] is the whole way: decode, make the picture, run an [`Engine`]. [`open`] chooses the engine;
//! [`golden`] checks that what runs gives the answers that the bundle promises, before anything is said to a user.
//! What the answer means is the business of [`crate::reading`].

mod cpu;
mod embedded;
mod engine;
pub mod golden;
mod gpu;
mod onnx;
mod path;
pub mod plan;
#[cfg(test)]
mod reference;
mod strip;
mod tract;

pub use embedded::read_bundle;
pub use engine::{Answer, Engine, EngineChoice, EngineError, open};
pub use gpu::{AdapterChoice, GpuError};
pub use path::{PathError, PhotoPath};
