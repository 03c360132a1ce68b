//! Fine-tuning: both category heads are learnt on the identified backbone, and the embedding is kept alive by going on identifying.
//!
//! The stage itself is the loop of `training.rs` with both category losses on; what is special about it is how it starts.

use crate::network::{Array, Graph, Weights, WeightsError, heads};

/// The weights with which fine-tuning starts: those given, with new category heads where there are none.
#[must_use]
pub fn start(graph: &Graph, mut weights: Weights, seed: u64) -> Weights {
    for name in ["weight", "bias"] {
        weights.remove(&format!("classifier.1.{name}"));
    }
    heads::initialise_missing(graph, &mut weights, seed);
    weights
}

/// Sets both category heads to zero: every category is then equally likely, and the first gradients are those of a linear classifier.
///
/// # Errors
/// A head is missing.
pub fn zero_heads(weights: &mut Weights) -> Result<(), WeightsError> {
    for head in [heads::CATEGORY14, heads::CATEGORY26] {
        for part in ["weight", "bias"] {
            let name = format!("heads.{head}.{part}");
            let zeros = Array::zeros(&weights.get(&name)?.shape);
            weights.insert(name, zeros);
        }
    }
    Ok(())
}
