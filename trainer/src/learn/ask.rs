//! What the network says of some photographs, without learning from them.

use std::sync::Arc;

use clothingid_shared::picture::PictureContract;
use tch::{Device, Tensor};

use super::LearnError;
use super::identify::{EVALUATION_BATCH, pictures};
use super::shards::Shards;
use crate::load::Loader;
use crate::network::Graph;
use crate::network::heads::EMBEDDING_DIMS;
use crate::network::parameters::to_vec;
use crate::network::torch::unit;
use crate::pack::Pack;

/// The results for some rows, in their order.
#[derive(Debug)]
pub struct Asked {
    /// For each head, the logits of the rows one after another.
    pub logits: [Vec<f32>; 2],
    /// Of length 1, `[N, 256]`.
    pub embeddings: Tensor,
}

/// Asks for rows of the pack, at a side of the pictures that may differ from training's. `resources` are the device and the threads.
///
/// # Errors
/// A photograph cannot be read, or a thread ended.
pub fn ask(
    pack: &Arc<Pack>,
    graph: &Graph,
    shards: &Shards,
    rows: &[usize],
    side: u32,
    resources: (Device, usize),
) -> Result<Asked, LearnError> {
    let wanted = graph.output_nodes();
    let contract = PictureContract::with_side(side);
    let mut logits = [Vec::new(), Vec::new()];
    let mut embeddings = vec![Tensor::zeros([0, dims()], (tch::Kind::Float, resources.0))];
    for batch in Loader::evaluation(pack, rows.to_vec(), &contract, EVALUATION_BATCH, resources.1.div_ceil(2))? {
        let results = shards.evaluate(&pictures(&batch?, resources.0), &wanted)?;
        logits.iter_mut().zip(&results).for_each(|(all, new)| all.extend(to_vec(new)));
        embeddings.extend(results.get(2).map(unit));
    }
    Ok(Asked { logits, embeddings: Tensor::cat(&embeddings, 0) })
}

/// Values of an embedding, as tensors count.
pub(super) fn dims() -> i64 {
    i64::try_from(EMBEDDING_DIMS).unwrap_or(i64::MAX)
}
