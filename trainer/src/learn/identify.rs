//! Pre-training by identification: the network learns to tell all garments of the train part apart.
//!
//! One prototype a garment stands for the class; it starts where the untrained network sees the garment's photographs (weight
//! imprinting: Qi et al. 2018, "Low-Shot Learning with Imprinted Weights"), because with one photograph a garment and a few epochs a
//! random start would never be left. The prototypes are dropped afterwards.

use std::sync::Arc;

use clothingid_shared::picture::PictureContract;
use tch::{Device, Kind, Tensor};

use super::LearnError;
use super::objective::{Objective, PROTOTYPES};
use super::recipe::Stage;
use super::shards::Shards;
use crate::import::Part;
use crate::load::Loader;
use crate::network::graph::ArraySpec;
use crate::network::heads::{EMBEDDING, EMBEDDING_DIMS};
use crate::network::parameters::{to_array, to_vec};
use crate::network::torch::unit;
use crate::network::{Graph, Network, Statistics, Weights};
use crate::pack::Pack;

/// Pictures a batch while nothing is learnt.
pub const EVALUATION_BATCH: usize = 64;

/// For each item of the pack its row among the prototypes (−1: none), and the number of rows. Garments of the train part have one.
#[must_use]
pub fn prototype_rows(pack: &Pack) -> (Vec<i64>, usize) {
    let mut rows = vec![-1; pack.items()];
    let mut count = 0;
    for row in pack.rows().iter().filter(|row| row.part == Part::Train && row.is_garment) {
        if let Some(place) = rows.get_mut(row.item).filter(|place| **place < 0) {
            *place = i64::try_from(count).unwrap_or(i64::MAX);
            count += 1;
        }
    }
    (rows, count)
}

/// The prototypes' place among the trained arrays.
#[must_use]
pub fn prototypes_spec(count: usize) -> ArraySpec {
    ArraySpec { name: PROTOTYPES.to_owned(), shape: vec![count, EMBEDDING_DIMS] }
}

/// Where prototypes start, and the embedding head with them: `progress` hears how many photographs are done of how many.
///
/// The bias of a new embedding head is set so that the mean garment is at the origin: pooled ReLU6 features are all positive, and
/// without that all cosines would be near 1.
///
/// # Errors
/// A photograph cannot be read.
pub fn imprint(
    pack: &Arc<Pack>,
    graph: &Graph,
    weights: &mut Weights,
    stage: &Stage,
    resources: (Device, usize),
    mut progress: impl FnMut(usize, usize),
) -> Result<(), LearnError> {
    let (device, threads) = resources;
    let (places, count) = prototype_rows(pack);
    if count == 0 {
        return Err(LearnError::NoGarments);
    }
    let is_wanted = |&row: &usize| pack.rows().get(row).is_some_and(|row| row.is_garment);
    let rows: Vec<usize> = pack.rows_in(Part::Train).into_iter().filter(is_wanted).collect();
    let network = Network::load(graph.clone(), weights, device)?;
    let shards = Shards::new(&network, &Objective::none(), Statistics::Running, threads)?;
    let Some(pooled) = graph.nodes.iter().position(|node| node.name == "pooled").map(crate::network::NodeId) else {
        return Err(LearnError::NoGarments);
    };
    let contract = PictureContract::with_side(stage.prototype_side);
    let mut features = Vec::new();
    let mut done = 0;
    for batch in Loader::evaluation(pack, rows.clone(), &contract, EVALUATION_BATCH, threads.div_ceil(2))? {
        let batch = batch?;
        let results = shards.evaluate(&pictures(&batch, device), &[pooled])?;
        features.extend(results);
        done += batch.rows.len();
        progress(done, rows.len());
    }
    let features = Tensor::cat(&features, 0);
    let (weight_name, bias_name) = (format!("heads.{EMBEDDING}.weight"), format!("heads.{EMBEDDING}.bias"));
    let weight = crate::network::parameters::to_tensor(weights.get(&weight_name)?, device);
    // A new head has no bias: its random projection of features that are all positive would make every cosine near one.
    if weights.get(&bias_name)?.values.iter().all(|&bias| bias == 0.0) {
        let mean = features.mean_dim([0_i64].as_slice(), false, Kind::Float);
        weights.insert(bias_name.clone(), to_array(&-weight.mv(&mean)));
    }
    let bias = crate::network::parameters::to_tensor(weights.get(&bias_name)?, device);
    let embeddings = to_vec(&unit(&features.linear(&weight, Some(&bias))));
    let mut prototypes = vec![0.0_f32; count * EMBEDDING_DIMS];
    for (&row, embedding) in rows.iter().zip(embeddings.chunks_exact(EMBEDDING_DIMS)) {
        let place =
            pack.rows().get(row).and_then(|row| places.get(row.item)).and_then(|&place| usize::try_from(place).ok());
        if let Some(prototype) = place.and_then(|place| prototypes.chunks_exact_mut(EMBEDDING_DIMS).nth(place)) {
            prototype.iter_mut().zip(embedding).for_each(|(sum, value)| *sum += value);
        }
    }
    prototypes.chunks_exact_mut(EMBEDDING_DIMS).for_each(clothingid_shared::embedding::l2_normalise);
    weights.insert(PROTOTYPES, crate::network::Array { shape: vec![count, EMBEDDING_DIMS], values: prototypes });
    Ok(())
}

/// A batch as a tensor `[N, S, S, 3] u8`.
pub fn pictures(batch: &crate::load::Batch, device: Device) -> Tensor {
    let side = i64::from(batch.side);
    let count = i64::try_from(batch.rows.len() * batch.views).unwrap_or(0);
    Tensor::from_slice(&batch.pictures_nhwc).view([count, side, side, 3]).to_device(device)
}
