//! Takes the frequency of the categories out of the category heads, so that a rare one is not passed over.
//!
//! A head that was trained on unequal categories has their frequencies in its logits. Subtracting `τ · ln(frequency)` from its biases
//! takes them out again; with τ = 1 the answer is the one for equal frequencies. τ is chosen for each head on the select part.
//!
//! **Source**: Menon et al. 2021, "Long-tail learning via logit adjustment", section 4.1.

use clothingid_shared::metrics::balanced_accuracy;
use serde::{Deserialize, Serialize};

use super::select::{Answers, frequent, is_shop_like};
use crate::import::Part;
use crate::load::{LoadError, Sampling};
use crate::network::heads::{CATEGORY14, CATEGORY26};
use crate::network::{Weights, WeightsError};
use crate::pack::{Pack, PackedRow};

/// Strengths that are compared.
const STRENGTHS: [f64; 6] = [0.0, 0.25, 0.5, 0.75, 1.0, 1.25];

/// The strength chosen for each head.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Balance {
    /// Of the coarser categories.
    pub strength_14: f64,
    /// Of the finer categories.
    pub strength_26: f64,
}

/// For each head, the logarithm of each category's share in what the sampler shows.
#[derive(Debug, Clone, PartialEq)]
pub struct Frequencies([Vec<f64>; 2]);

impl Frequencies {
    /// Of the train part, as an epoch of `sampling` shows it. Only photographs like those that epochs are judged on count, where there
    /// are any: the network sees what kind of photograph it has before it, so that each kind has frequencies of its own.
    ///
    /// # Errors
    /// The sampling makes no sense, or no photograph takes part.
    pub fn of(pack: &Pack, sampling: &Sampling) -> Result<Self, LoadError> {
        let expected = sampling.expected(pack, Part::Train)?;
        let labelled = |row: &PackedRow| row.cat14.is_some() || row.cat26.is_some();
        let rows = || expected.iter().filter_map(|&(row, share)| pack.rows().get(row).map(|row| (row, share)));
        let any_counts = rows().any(|(row, _)| labelled(row) && is_shop_like(pack, row));
        let mut sums = pack.taxonomies().classes().map(|classes| vec![0.0; classes]);
        for (row, share) in rows().filter(|(row, _)| !any_counts || is_shop_like(pack, row)) {
            for (sums, label) in sums.iter_mut().zip([row.cat14, row.cat26]) {
                if let Some(sum) = label.and_then(|label| sums.get_mut(label)) {
                    *sum += share;
                }
            }
        }
        Ok(Self(sums.map(|sums| logarithms(&sums))))
    }

    /// All categories alike: nothing to take out.
    #[must_use]
    pub fn even(classes: [usize; 2]) -> Self {
        Self(classes.map(|classes| vec![0.0; classes]))
    }

    /// What a head's biases change by.
    fn shift(&self, head: usize, strength: f64) -> Vec<f64> {
        self.0[head].iter().map(|logarithm| -strength * logarithm).collect()
    }
}

/// Of each share. A category that was never shown is taken for the most frequent one: nothing was learnt of it, and taking out a small
/// frequency would make it the answer to everything strange.
fn logarithms(sums: &[f64]) -> Vec<f64> {
    let total: f64 = sums.iter().sum();
    let most = sums.iter().copied().fold(0.0, f64::max);
    if most <= 0.0 {
        return vec![0.0; sums.len()];
    }
    sums.iter().map(|&sum| (if sum > 0.0 { sum } else { most } / total).ln()).collect()
}

impl Balance {
    /// The strengths with the highest balanced accuracy on these answers; the weaker of equals.
    #[must_use]
    pub fn choose(answers: &Answers, frequencies: &Frequencies) -> Self {
        let best = |head: usize| {
            let score = |strength: f64| {
                let (predicted, truth) = frequent(answers.with_shift(head, &frequencies.shift(head, strength)));
                balanced_accuracy(&predicted, &truth, answers.classes[head])
            };
            let scored = STRENGTHS.map(|strength| (strength, score(strength)));
            scored.into_iter().fold((0.0, f64::NEG_INFINITY), |best, next| if next.1 > best.1 { next } else { best }).0
        };
        Self { strength_14: best(0), strength_26: best(1) }
    }

    /// What the biases of a head change by.
    #[must_use]
    pub fn shift(&self, head: usize, frequencies: &Frequencies) -> Vec<f64> {
        frequencies.shift(head, [self.strength_14, self.strength_26][head])
    }

    /// Moves the biases of both heads.
    ///
    /// # Errors
    /// A head is missing.
    pub fn apply(&self, weights: &mut Weights, frequencies: &Frequencies) -> Result<(), WeightsError> {
        for (head, name) in [CATEGORY14, CATEGORY26].into_iter().enumerate() {
            let name = format!("heads.{name}.bias");
            let mut bias = weights.get_shaped(&name, &[frequencies.0[head].len()])?.clone();
            #[expect(clippy::cast_possible_truncation, reason = "biases are f32")]
            bias.values.iter_mut().zip(self.shift(head, frequencies)).for_each(|(bias, shift)| *bias += shift as f32);
            weights.insert(name, bias);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Balance, Frequencies, logarithms};
    use crate::learn::select::Answers;
    use crate::network::heads::CLOTHING;

    #[test]
    fn a_category_that_was_never_shown_is_not_raised_above_those_that_were() {
        let found = logarithms(&[3.0, 0.0, 1.0]);
        assert_eq!(found, [0.75_f64.ln(), 0.75_f64.ln(), 0.25_f64.ln()]);
        assert_eq!(logarithms(&[0.0, 0.0]), [0.0, 0.0]);
    }

    /// Category 1 is rare, and its logit is always a little short.
    #[test]
    fn a_rare_category_gets_its_answers_back_and_a_head_without_gain_stays() {
        let frequencies = Frequencies([vec![-0.1; 14], vec![-0.1; 26]].map(|mut logarithms| {
            logarithms[1] = -3.0;
            logarithms
        }));
        let row = |classes: usize, first: f32, second: f32| {
            let mut row = vec![-9.0; classes];
            (row[0], row[1]) = (first, second);
            row
        };
        let answers = Answers {
            classes: CLOTHING,
            rows: vec![0, 1],
            labels: [vec![Some(0), Some(1)], vec![Some(0), None]],
            logits: CLOTHING.map(|classes| [row(classes, 3.0, 0.0), row(classes, 1.0, 0.0)].concat()),
            items: vec![0, 1],
            similarities: vec![1.0; 4],
        };
        let balance = Balance::choose(&answers, &frequencies);
        assert_eq!(
            balance,
            Balance { strength_14: 0.5, strength_26: 0.0 },
            "0.25 · 2.9 is short of 1, 0.5 · 2.9 is not"
        );
        let (predicted, truth) = answers.with_shift(0, &balance.shift(0, &frequencies));
        assert_eq!((predicted, truth), (vec![0, 1], vec![0, 1]));
    }
}
