//! From trained weights to a bundle, in the order of the work:
//!
//! - `fold.rs`: batch norm into the convolutions; `fused.rs`: the graph as it is exported, clamps fused.
//! - `float.rs`: runs it in libtorch; `answers.rs`: what networks say, how far they lie apart, and the gate.
//! - `calibrate.rs`: the ranges of all activations on photographs; `equalise.rs`: channels to like ranges;
//!   `quantise.rs`: int8 weights, int32 biases, bias correction.
//! - `quantised.rs`: the quantised network as data; `simulate/`: runs it in integers.
//! - `choose.rs`: which way to quantise, measured; `layers.rs`: the loss of each layer.
//! - `onnx/`: writes it, and reads it back; `check.rs`: parity with tract.
//! - `workers.rs`: batches on several threads; `size.rs`: what a network costs before it is trained.
//! - `golden.rs`, `sources.rs`, `bundle.rs`: the golden photographs, what the weights were made from, and the bundle.

pub mod answers;
pub mod bundle;
pub mod calibrate;
pub mod check;
pub mod choose;
pub mod equalise;
pub mod error;
pub mod float;
pub mod fold;
pub mod fused;
pub mod golden;
pub mod layers;
pub mod onnx;
pub mod quantise;
pub mod quantised;
pub mod simulate;
pub mod size;
mod sources;
pub mod workers;

pub use answers::{Agreement, Answers, Gate};
pub use error::ExportError;

#[cfg(test)]
mod parity;
