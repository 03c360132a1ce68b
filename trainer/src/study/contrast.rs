//! The difference of two arms on the same photographs, with its interval and its p-value.

use std::collections::HashMap;

use serde::Serialize;

use super::measure::{Measure, Scores};
use crate::evaluate::figure::Figure;

/// Bootstrap rounds of a difference; its p-value cannot be below twice their inverse.
const ROUNDS: usize = 4000;
/// Seed of every bootstrap.
const SEED: u64 = 0x5_7ED1;
/// Below this a difference is called one.
pub const ALPHA: f64 = 0.05;

/// One arm minus another by one measure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Difference {
    /// The arm thought to be better.
    pub better: String,
    /// The other.
    pub against: String,
    /// By what.
    pub measure: Measure,
    /// Of the first arm.
    pub value: f64,
    /// Of the second.
    pub other: f64,
    /// First minus second, paired.
    pub gain: Figure,
    /// Folds that both have.
    pub folds: usize,
    /// Two-sided p-value of the bootstrap.
    pub p: f64,
    /// The same, corrected for the number of questions (Holm 1979).
    pub p_corrected: f64,
}

/// First minus second on the samples that both have, as a figure with its two-sided p-value: how often a draw of groups falls on the other
/// side of zero.
#[must_use]
pub fn difference(first: &Scores, second: &Scores) -> (Figure, f64) {
    let places: HashMap<usize, usize> = second.rows.iter().enumerate().map(|(place, &row)| (row, place)).collect();
    let first = first.keep(|place, all| places.contains_key(&all.rows[place]));
    let in_second: Vec<usize> = first.rows.iter().map(|row| places[row]).collect();
    let gain = |drawn: &[usize]| {
        let others: Vec<usize> = drawn.iter().map(|&place| in_second[place]).collect();
        first.figure(drawn) - second.figure(&others)
    };
    let mut draws = Vec::with_capacity(ROUNDS + 1);
    let figure = Figure::drawn(&first.groups, ROUNDS, SEED, |drawn| {
        let value = gain(drawn);
        draws.push(value);
        value
    });
    // The first is the value itself.
    let draws = draws.get(1..).unwrap_or_default();
    let beyond = |is_beyond: &dyn Fn(f64) -> bool| draws.iter().filter(|&&draw| is_beyond(draw)).count();
    let fewer = beyond(&|draw| draw <= 0.0).min(beyond(&|draw| draw >= 0.0));
    let p = (2.0 * (fewer + 1) as f64 / (draws.len() + 1) as f64).min(1.0);
    (figure, p)
}

/// Corrects the p-values of a family of questions: the smallest counts as many times as there are questions, the next one time less, and
/// none is below the one before.
///
/// **Source**: Holm 1979, "A Simple Sequentially Rejective Multiple Test Procedure".
pub fn correct(family: &mut [Difference]) {
    let mut order: Vec<usize> = (0..family.len()).collect();
    order.sort_by(|&a, &b| family[a].p.total_cmp(&family[b].p));
    let mut least: f64 = 0.0;
    for (done, place) in order.into_iter().enumerate() {
        let left = family.len() - done;
        least = least.max((family[place].p * left as f64).min(1.0));
        family[place].p_corrected = least;
    }
}

#[cfg(test)]
mod tests {
    use super::{Difference, Figure, Measure, Scores, correct, difference};

    fn scores(values: &[f64]) -> Scores {
        let n = values.len();
        Scores {
            rows: (0..n).collect(),
            groups: (0..n).collect(),
            values: values.to_vec(),
            categories: vec![0; n],
            is_balanced: false,
        }
    }

    #[test]
    fn a_clear_difference_has_a_small_p_and_none_has_a_large_one() {
        let half: Vec<f64> = (0..200).map(|i| f64::from(i % 2)).collect();
        let better: Vec<f64> = (0..200).map(|i| f64::from(u8::from(i % 2 == 1 || i % 4 == 0))).collect();
        let (gain, p) = difference(&scores(&better), &scores(&half));
        assert!((gain.value - 0.25).abs() < 1e-12 && gain.low > 0.15 && p < 0.001, "{gain} {p}");
        // As many photographs won as lost.
        let other: Vec<f64> = (0..200).map(|i| f64::from(u8::from((i % 2 == 1) != (i % 10 < 2)))).collect();
        let (gain, p) = difference(&scores(&other), &scores(&half));
        assert!(gain.value.abs() < 1e-12 && p > 0.8, "{gain} {p}");
    }

    #[test]
    fn samples_are_paired_by_their_rows() {
        let first = Scores { rows: vec![7, 3, 9], groups: vec![0, 1, 2], ..scores(&[1.0, 0.0, 1.0]) };
        let second = Scores { rows: vec![3, 7], groups: vec![1, 0], ..scores(&[0.0, 1.0]) };
        let (gain, p) = difference(&first, &second);
        assert_eq!((gain.value, gain.n), (0.0, 2), "row 9 has no partner");
        assert!((p - 1.0).abs() < 1e-12);
    }

    #[test]
    fn holm_corrects_the_smallest_most_and_keeps_the_order() {
        let question = |p: f64| Difference {
            better: String::new(),
            against: String::new(),
            measure: Measure::Map,
            value: 0.0,
            other: 0.0,
            gain: Figure { value: 0.0, low: 0.0, high: 0.0, n: 0, groups: 0 },
            folds: 5,
            p,
            p_corrected: p,
        };
        let mut family: Vec<Difference> = [0.04, 0.01, 0.03, 0.005].map(question).into();
        correct(&mut family);
        let corrected: Vec<f64> = family.iter().map(|difference| difference.p_corrected).collect();
        for (found, expected) in corrected.iter().zip([0.06, 0.03, 0.06, 0.02]) {
            assert!((found - expected).abs() < 1e-12, "{corrected:?}");
        }
    }
}
