//! The plan: the bundle's quantised network as a list of fused layers with planned buffers, made once at load and run by each executor.
//!
//! `ONNX in QDQ form → lower (one table) → passes → lifetimes → Plan`
//!
//! - [`layers`]: the plan as data: values, layers, weights.
//! - [`lower`]: reads the file, node by node; [`table`] says which node becomes what.
//! - [`passes`]: fusions, one a file.
//! - [`lifetimes`]: which activation lies in which buffer.
//! - [`print`](mod@print): the plan for people (`clothingid bundle show --plan`).
//!
//! The plan is made from the ONNX messages themselves: their integers and scales are what counts, and tract's typed graph has folded them
//! to floats. It also keeps the check honest: of what tract makes of the file, the plan knows nothing.
//!
//! **Promise** no panic on any bytes; memory in proportion to the file; every place, shape and length is checked here, so that executors
//! may trust them.

pub mod layers;
mod lifetimes;
mod lower;
mod passes;
mod print;
mod table;

pub use layers::{
    Convolution, Elements, Form, Geometry, Layer, Operation, Plan, Pooling, Residual, Shape, Value, ValueId,
};

use super::EngineError;

impl Plan {
    /// Makes the plan of a bundle's network.
    ///
    /// # Errors
    /// The file is no ONNX, has a node that no executor runs, or numbers that contradict each other; the node is named.
    pub fn new(network: &[u8]) -> Result<Self, EngineError> {
        let mut plan = lower::lower(network)?;
        passes::residual::fuse(&mut plan);
        lifetimes::assign(&mut plan);
        Ok(plan)
    }
}

#[cfg(test)]
pub(crate) mod tests;
