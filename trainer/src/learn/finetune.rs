//! Fine-tuning: both category heads are learnt on the identified backbone, and the embedding is kept alive by going on identifying.
//!
//! The stage itself is the loop of `training.rs` with both category losses on; what is special about it is how it starts.

use crate::network::{Graph, Weights, heads};

/// The weights with which fine-tuning starts: those given, with new category heads where there are none.
#[must_use]
pub fn start(graph: &Graph, mut weights: Weights, seed: u64) -> Weights {
    for name in ["weight", "bias"] {
        weights.remove(&format!("classifier.1.{name}"));
    }
    heads::initialise_missing(graph, &mut weights, seed);
    weights
}
