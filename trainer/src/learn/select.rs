//! The figures by which an epoch is chosen: on the *select* part, on photographs like those that a shop's camera sees.
//!
//! Larger than a thumbnail and not from the studio that gave most of the photographs: the small and the studio ones are easy, many,
//! and not what the product meets.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use clothingid_shared::metrics::{balanced_accuracy, recall_at_k, top_1};
use serde::{Deserialize, Serialize};
use tch::Device;

use super::LearnError;
use super::ask::{Asked, ask};
use super::balance::{Balance, Frequencies};
use super::shards::Shards;
use crate::import::Part;
use crate::network::Graph;
use crate::network::parameters::to_vec;
use crate::pack::index::is_large;
use crate::pack::{Pack, PackedRow};

/// Fewest photographs of a category that has a say in a choice.
const CATEGORY_MIN: usize = 5;

/// Figures on the select part.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct SelectFigures {
    /// Photographs with a category.
    pub photos: usize,
    /// Share of right answers, coarser categories.
    pub top_1_of_14: f64,
    /// The same, mean over the categories that are frequent enough.
    pub balanced_14: f64,
    /// Share of right answers, finer categories.
    pub top_1_of_26: f64,
    /// The same, mean over the categories that are frequent enough.
    pub balanced_26: f64,
    /// Logarithm of the probability of the right coarser category, mean over the categories that are frequent enough.
    #[serde(default)]
    pub likelihood_14: f64,
    /// The same of the finer ones.
    #[serde(default)]
    pub likelihood_26: f64,
    /// How far the frequencies of the categories were taken out of the heads.
    #[serde(default)]
    pub balance: Balance,
    /// Photographs whose garment has another one in the part.
    pub queries: usize,
    /// Share of queries whose nearest other photograph shows the same garment.
    pub recall_at_1: f64,
    /// Share of queries with one among the five nearest.
    pub recall_at_5: f64,
}

/// What the network says about the rows that count.
#[derive(Debug, Clone, PartialEq)]
pub struct Answers {
    /// How many categories each head has.
    pub classes: [usize; 2],
    /// Rows of the pack.
    pub rows: Vec<usize>,
    /// For each head, each row's category.
    pub labels: [Vec<Option<usize>>; 2],
    /// For each head, the logits of the rows one after another.
    pub logits: [Vec<f32>; 2],
    /// Each row's garment.
    pub items: Vec<usize>,
    /// Cosine of each row's embedding with each other's.
    pub similarities: Vec<f32>,
}

/// Whether a photograph is like those that a shop's camera sees.
#[must_use]
pub fn is_shop_like(pack: &Pack, row: &PackedRow) -> bool {
    let source = pack.sources().get(row.source).map_or("", |source| source.key.as_str());
    row.is_garment && is_large(source, row.long_side())
}

/// The rows of the select part that count.
#[must_use]
pub fn rows(pack: &Pack) -> Vec<usize> {
    let counts = |&row: &usize| pack.rows().get(row).is_some_and(|row| is_shop_like(pack, row));
    pack.rows_in(Part::Select).into_iter().filter(counts).collect()
}

/// Answers and truths without categories of fewer than `CATEGORY_MIN` photographs, where others are left: one photograph of a category
/// that has no other would move the mean over categories by seven points, and the choice with it.
#[must_use]
pub fn frequent((predicted, truth): (Vec<usize>, Vec<usize>)) -> (Vec<usize>, Vec<usize>) {
    let counting = counting(truth.iter().copied());
    predicted.into_iter().zip(truth).filter(|(_, category)| counting.contains(category)).unzip()
}

/// The categories of at least [`CATEGORY_MIN`] photographs, or all where there is none such.
fn counting(truth: impl Iterator<Item = usize>) -> BTreeSet<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    truth.for_each(|category| *counts.entry(category).or_default() += 1);
    let any_is = counts.values().any(|&count| count >= CATEGORY_MIN);
    counts.into_iter().filter(|(_, count)| !any_is || *count >= CATEGORY_MIN).map(|(category, _)| category).collect()
}

impl Answers {
    /// Runs the network over the rows that count.
    ///
    /// # Errors
    /// A photograph cannot be read.
    pub fn ask(
        pack: &Arc<Pack>,
        graph: &Graph,
        shards: &Shards,
        side: u32,
        resources: (Device, usize),
    ) -> Result<Self, LearnError> {
        let rows = rows(pack);
        let Asked { logits, embeddings } = ask(pack, graph, shards, &rows, side, resources)?;
        let similarities = to_vec(&embeddings.matmul(&embeddings.transpose(0, 1)));
        let found: Vec<_> = rows.iter().filter_map(|&row| pack.rows().get(row)).collect();
        let labels = [found.iter().map(|row| row.cat14).collect(), found.iter().map(|row| row.cat26).collect()];
        let items = found.iter().map(|row| row.item).collect();
        Ok(Self { classes: pack.taxonomies().classes(), rows, labels, logits, items, similarities })
    }

    /// Answers and truths of a head's labelled rows, with something added to the logits of each category.
    #[must_use]
    pub fn with_shift(&self, head: usize, shift: &[f64]) -> (Vec<usize>, Vec<usize>) {
        let best = |row: &[f32]| {
            let moved = row.iter().zip(shift).map(|(logit, shift)| f64::from(*logit) + shift).enumerate();
            moved.fold((0, f64::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best }).0
        };
        let rows = self.logits[head].chunks_exact(self.classes[head]).zip(&self.labels[head]);
        rows.filter_map(|(row, label)| label.map(|label| (best(row), label))).unzip()
    }

    /// Mean over the frequent categories of the logarithm of the probability of the right one, with something added to the logits of
    /// each category; 0 without photographs.
    fn likelihood(&self, head: usize, shift: &[f64]) -> f64 {
        let mut by_category: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
        for (row, label) in self.logits[head].chunks_exact(self.classes[head]).zip(&self.labels[head]) {
            let Some(label) = *label else { continue };
            let moved: Vec<f64> = row.iter().zip(shift).map(|(logit, shift)| f64::from(*logit) + shift).collect();
            let most = moved.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = moved.iter().map(|logit| (logit - most).exp()).sum();
            let (count, total) = by_category.entry(label).or_default();
            *count += 1.0;
            *total += moved.get(label).map_or(0.0, |logit| logit - most - sum.ln());
        }
        let counting = counting(self.labels[head].iter().flatten().copied());
        let means = by_category.iter().filter(|(category, _)| counting.contains(category)).map(|(_, sums)| sums);
        let means: Vec<f64> = means.map(|(count, total)| total / count).collect();
        #[expect(clippy::cast_precision_loss, reason = "there are at most 4096")]
        let mean = means.iter().sum::<f64>() / means.len().max(1) as f64;
        // JSON has no infinity; the record and the checkpoint must read back.
        if mean.is_finite() { mean } else { f64::MIN }
    }

    /// The figures, with the frequencies of the categories taken out of the heads.
    #[must_use]
    pub fn figures(&self, frequencies: &Frequencies) -> SelectFigures {
        let balance = Balance::choose(self, frequencies);
        let [likelihood_14, likelihood_26] =
            [0, 1].map(|head| self.likelihood(head, &balance.shift(head, frequencies)));
        let [(top_1_of_14, balanced_14, _), (top_1_of_26, balanced_26, photos)] = [0, 1].map(|head| {
            let (predicted, truth) = self.with_shift(head, &balance.shift(head, frequencies));
            let (top_1, photos) = (top_1(&predicted, &truth), truth.len());
            let (predicted, truth) = frequent((predicted, truth));
            (top_1, balanced_accuracy(&predicted, &truth, self.classes[head]), photos)
        });
        let ranks = ranks(&self.similarities, &self.items);
        let (recall_at_1, recall_at_5) = (recall_at_k(&ranks, 1), recall_at_k(&ranks, 5));
        SelectFigures {
            photos,
            top_1_of_14,
            balanced_14,
            top_1_of_26,
            balanced_26,
            likelihood_14,
            likelihood_26,
            balance,
            queries: ranks.len(),
            recall_at_1,
            recall_at_5,
        }
    }
}

/// For each photograph whose item has another one: how many photographs of other items are as near as its nearest, or nearer. A network
/// that gives the same to everything, or no number at all, finds nothing.
fn ranks(similarities: &[f32], items: &[usize]) -> Vec<Option<usize>> {
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
        let is_further = |similarity: f32| similarity < nearest;
        ranks.push(Some(others().filter(|(s, other)| **other != item && !is_further(**s)).count()));
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::{Answers, frequent, ranks};
    use crate::network::heads::CLOTHING;

    #[test]
    fn the_likelihood_is_a_mean_over_categories_and_falls_where_a_wrong_answer_is_sure() {
        let answers = |sure: f32| {
            let row = |classes: usize, category: usize, logit: f32| {
                let mut row = vec![0.0; classes];
                row[category] = logit;
                row
            };
            // Two photographs of category 0, taken for it; one of category 1, taken for category 0.
            let logits =
                CLOTHING.map(|classes| [row(classes, 0, 2.0), row(classes, 0, 2.0), row(classes, 0, sure)].concat());
            let labels = [vec![Some(0), Some(0), Some(1)], vec![None; 3]];
            let (rows, items) = (vec![0, 1, 2], vec![0, 1, 2]);
            Answers { classes: CLOTHING, rows, labels, logits, items, similarities: vec![0.0; 9] }
        };
        let even = [0.0; 14];
        let sum = |logit: f64| (13.0 + logit.exp()).ln();
        for sure in [1.0, 5.0] {
            let found = answers(sure).likelihood(0, &even);
            let expected = f64::midpoint(2.0 - sum(2.0), -sum(f64::from(sure)));
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
        assert!(answers(5.0).likelihood(0, &even) < answers(1.0).likelihood(0, &even));
        assert_eq!(answers(1.0).likelihood(1, &[0.0; 26]), 0.0, "no photograph has a category");
        let raised = {
            let mut shift = even;
            shift[1] = 3.0;
            answers(1.0).likelihood(0, &shift)
        };
        assert!(
            (raised
                - f64::midpoint(
                    2.0 - (12.0 + 2.0_f64.exp() + 3.0_f64.exp()).ln(),
                    3.0 - (12.0 + 1.0_f64.exp() + 3.0_f64.exp()).ln()
                ))
            .abs()
                < 1e-9
        );
    }

    #[test]
    fn categories_of_few_photographs_have_no_say_where_others_have() {
        let (predicted, truth) = (vec![0, 0, 0, 0, 1, 1], vec![0, 0, 0, 0, 0, 1]);
        assert_eq!(frequent((predicted.clone(), truth.clone())), (predicted[..5].to_vec(), truth[..5].to_vec()));
        assert_eq!(frequent((vec![1, 0], vec![0, 1])), (vec![1, 0], vec![0, 1]), "all are few");
    }

    #[test]
    fn ranks_count_the_strangers_that_are_nearer() {
        let similarities =
            [[1.0, 0.6, 0.8, 0.0], [0.6, 1.0, 0.96, 0.8], [0.8, 0.96, 1.0, 0.6], [0.0, 0.8, 0.6, 1.0]].concat();
        assert_eq!(ranks(&similarities, &[0, 0, 1, 2]), [Some(1), Some(2)]);
        assert_eq!(ranks(&similarities, &[0, 1, 2, 3]), []);
        assert_eq!(ranks(&[], &[]), []);
        assert_eq!(ranks(&[1.0; 16], &[0, 0, 1, 2]), [Some(2), Some(2)], "all alike");
        assert_eq!(ranks(&[f32::NAN; 16], &[0, 0, 1, 2]), [Some(2), Some(2)]);
    }
}
