//! The figures by which an epoch is chosen: on the *select* part, on photographs like those that a shop's camera sees.
//!
//! Larger than a thumbnail and not from the studio that gave most of the photographs: the small and the studio ones are easy, many,
//! and not what the product meets.

use std::collections::BTreeMap;
use std::sync::Arc;

use clothingid_shared::metrics::{balanced_accuracy, recall_at_k, top_1};
use clothingid_shared::picture::PictureContract;
use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::LearnError;
use super::identify::{EVALUATION_BATCH, pictures};
use super::objective::CLASSES;
use super::shards::Shards;
use crate::import::Part;
use crate::load::Loader;
use crate::network::{Graph, NodeId};
use crate::network::parameters::to_vec;
use crate::pack::Pack;

/// Thumbnails end here, in pixels of the longer side.
const THUMBNAIL_SIDE: u32 = 100;

/// The studio source, which is left out.
const STUDIO: &str = "myntra";

/// Figures on the select part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SelectFigures {
    /// Photographs with a category.
    pub photos: usize,
    /// Share of right answers, 14 categories.
    pub top_1_of_14: f64,
    /// The same, mean over categories.
    pub balanced_14: f64,
    /// Share of right answers, 26 categories.
    pub top_1_of_26: f64,
    /// The same, mean over categories.
    pub balanced_26: f64,
    /// Photographs whose garment has another one in the part.
    pub queries: usize,
    /// Share of queries whose nearest other photograph shows the same garment.
    pub recall_at_1: f64,
    /// Share of queries with one among the five nearest.
    pub recall_at_5: f64,
}

/// The rows of the select part that count.
#[must_use]
pub fn rows(pack: &Pack) -> Vec<usize> {
    let counts = |row: &crate::pack::PackedRow| {
        let source = pack.sources().get(row.source).map_or("", |source| source.key.as_str());
        row.is_garment && row.long_side() > THUMBNAIL_SIDE && !source.starts_with(STUDIO)
    };
    pack.rows_in(Part::Select).into_iter().filter(|&row| pack.rows().get(row).is_some_and(counts)).collect()
}

/// Runs the network over the rows that count.
///
/// # Errors
/// A photograph cannot be read.
pub fn measure(pack: &Arc<Pack>, graph: &Graph, shards: &Shards, side: u32, resources: (Device, usize)) -> Result<SelectFigures, LearnError> {
    let rows = rows(pack);
    let wanted: Vec<NodeId> = graph.outputs.iter().map(|(_, node)| *node).collect();
    let contract = PictureContract::with_side(side);
    let mut answers = [Vec::new(), Vec::new()];
    let mut embeddings = Vec::new();
    for batch in Loader::evaluation(pack, rows.clone(), &contract, EVALUATION_BATCH, resources.1.div_ceil(2))? {
        let results = shards.evaluate(&pictures(&batch?, resources.0), &wanted)?;
        for (head, logits) in results.iter().take(CLASSES.len()).enumerate() {
            answers[head].extend(best(logits));
        }
        embeddings.extend(results.get(2).map(Tensor::shallow_clone));
    }
    let mut figures = SelectFigures::default();
    for (head, answers) in answers.iter().enumerate() {
        let labels = |row: usize| pack.rows().get(row).and_then(|row| [row.cat14, row.cat26][head]);
        let (predicted, truth): (Vec<usize>, Vec<usize>) =
            answers.iter().zip(&rows).filter_map(|(&answer, &row)| labels(row).map(|label| (answer, label))).unzip();
        let (top, balanced) = (top_1(&predicted, &truth), balanced_accuracy(&predicted, &truth, CLASSES[head]));
        if head == 0 {
            (figures.top_1_of_14, figures.balanced_14) = (top, balanced);
        } else {
            (figures.photos, figures.top_1_of_26, figures.balanced_26) = (truth.len(), top, balanced);
        }
    }
    let items: Vec<usize> = rows.iter().filter_map(|&row| pack.rows().get(row).map(|row| row.item)).collect();
    let ranks = ranks(&Tensor::cat(&embeddings, 0), &items);
    figures.queries = ranks.len();
    figures.recall_at_1 = recall_at_k(&ranks, 1);
    figures.recall_at_5 = recall_at_k(&ranks, 5);
    Ok(figures)
}

/// Index of the largest value of each row.
fn best(logits: &Tensor) -> Vec<usize> {
    to_vec(&logits.argmax(-1, false).to_kind(Kind::Float)).into_iter().map(whole).collect()
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "an index below 26")]
fn whole(index: f32) -> usize {
    index as usize
}

/// For each photograph whose item has another one: how many photographs of other items are nearer than its nearest.
fn ranks(embeddings: &Tensor, items: &[usize]) -> Vec<Option<usize>> {
    let similarities = to_vec(&embeddings.matmul(&embeddings.transpose(0, 1)));
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for &item in items {
        *counts.entry(item).or_default() += 1;
    }
    let mut ranks = Vec::new();
    for (query, (row, &item)) in similarities.chunks_exact(items.len().max(1)).zip(items).enumerate() {
        if counts.get(&item).is_none_or(|&count| count < 2) {
            continue;
        }
        let others = || row.iter().zip(items).enumerate().filter(|&(other, _)| other != query).map(|(_, pair)| pair);
        let nearest = others().filter(|(_, other)| **other == item).map(|(s, _)| *s).fold(f32::NEG_INFINITY, f32::max);
        ranks.push(Some(others().filter(|(s, other)| **other != item && **s > nearest).count()));
    }
    ranks
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use super::ranks;

    #[test]
    fn ranks_count_the_strangers_that_are_nearer() {
        let rows = Tensor::from_slice(&[1.0_f32, 0.0, 0.6, 0.8, 0.8, 0.6, 0.0, 1.0]).view([4, 2]);
        assert_eq!(ranks(&rows, &[0, 0, 1, 2]), [Some(1), Some(2)]);
        assert_eq!(ranks(&rows, &[0, 1, 2, 3]), []);
    }
}
