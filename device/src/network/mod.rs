//! From the bytes of a photograph to the network's answer.
//!
//! [`PhotoPath`] is the whole way: decode, make the picture, run an [`Engine`]. [`open`] chooses the engine;
//! [`golden`] checks that what runs gives the answers that the bundle promises, before anything is said to a user.
//! - [`plan`]: the network as a list of fused layers, made once and run by each engine of ours; `reference` is its definition in plain loops.
//! - `cpu`: the plan in integers on the processor. `gpu`: the plan on a graphics processor, through wgpu. `tract`: the independent check, in float.
//! - `auto`: which of the two is faster here.
//! - [`Localiser`]: where in the picture an answer comes from.
//! - [`nodes`]: where an engine first differs from the reference.
//!
//! What the answer means is the business of [`crate::reading`].

mod auto;
mod cpu;
mod embedded;
mod engine;
pub mod golden;
mod gpu;
pub(crate) mod localiser;
pub mod nodes;
mod onnx;
mod path;
pub mod plan;
mod reference;
mod remembered;
mod strip;
mod tract;

pub use embedded::read_bundle;
pub use engine::{Answer, Engine, EngineChoice, EngineError, Opened, Why, open};
pub use gpu::{AdapterChoice, GpuError};
pub use localiser::Localiser;
pub use onnx::with_side;
pub use path::{PathError, PhotoPath};

/// Name and driver of the graphics processor that `auto` would try.
///
/// # Errors
/// There is none.
pub fn graphics_adapter() -> Result<String, GpuError> {
    gpu::identity(&AdapterChoice::Hardware)
}
