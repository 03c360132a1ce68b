//! From trained weights to a bundle, in the order of the work:
//!
//! - `fold.rs`: batch norm into the convolutions; `fused.rs`: the graph as it is exported, clamps fused.
//! - `float.rs`: runs it in libtorch; `answers.rs`: what networks say, how far they lie apart, and the gate.
//! - `calibrate.rs`: the ranges of all activations on photographs; `quantise.rs`: int8 weights, int32 biases, bias correction.
//! - `quantised.rs`: the quantised network as data; `simulate/`: runs it in integers.
//! - `onnx/`: writes it, and reads it back.
//! - `check.rs`: parity with tract.

pub mod answers;
pub mod calibrate;
pub mod check;
pub mod error;
pub mod float;
pub mod fold;
pub mod fused;
pub mod onnx;
pub mod quantise;
pub mod quantised;
pub mod simulate;

pub use answers::{Agreement, Answers, Gate};
pub use error::ExportError;

#[cfg(test)]
mod parity;
