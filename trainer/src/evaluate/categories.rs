//! Accuracy of a category head: top-1 and balanced, calibration, and the same by category, source and size.

use std::collections::BTreeMap;

use clothingid_shared::calibration::probabilities;
use clothingid_shared::metrics::{balanced_accuracy, expected_calibration_error};
use serde::{Deserialize, Serialize};

use super::figure::{Figure, Named};
use super::photos::{Sample, size_words};
use crate::export::answers::largest;

/// Bins of the calibration error.
pub(super) const BINS: usize = 15;
/// Smallest probability that a likelihood takes: one that is rounded to zero costs 28 nats and not infinitely many.
const LIKELIHOOD_MIN: f64 = 1e-12;
/// Photographs that make a category frequent.
pub const FREQUENT: usize = 10;
/// Smallest slice by source or size that gets a figure of its own.
pub const SLICE_MIN: usize = 5;

/// What a head said of labelled photographs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Predictions {
    /// Position of each photograph among all samples.
    pub samples: Vec<usize>,
    /// The category that it has.
    pub truth: Vec<usize>,
    /// The category that was said.
    pub predicted: Vec<usize>,
    /// The probability that was said.
    pub confidence: Vec<f64>,
    /// The probability that was given to the category that it has.
    pub likelihood: Vec<f64>,
    /// Group of each photograph.
    pub groups: Vec<usize>,
    /// Categories of the taxonomy.
    pub classes: usize,
}

impl Predictions {
    /// Takes the photographs that `truth` has a category for; `logits` gives a photograph's logits.
    pub fn new<'a>(
        samples: &[Sample],
        classes: usize,
        temperature: f64,
        truth: impl Fn(&Sample) -> Option<usize>,
        logits: impl Fn(usize) -> &'a [f32],
    ) -> Self {
        let mut predictions = Self { classes, ..Self::default() };
        for (place, sample) in samples.iter().enumerate() {
            let Some(category) = truth(sample) else { continue };
            let logits = logits(place);
            let best = largest(logits);
            predictions.samples.push(place);
            predictions.truth.push(category);
            predictions.predicted.push(best);
            let probabilities = probabilities(logits, temperature);
            let of = |category: usize| probabilities.get(category).copied().unwrap_or(0.0);
            predictions.confidence.push(of(best));
            predictions.likelihood.push(of(category));
            predictions.groups.push(sample.group);
        }
        predictions
    }

    /// Those of some photographs.
    #[must_use]
    pub fn keep(&self, keep: impl Fn(usize) -> bool) -> Self {
        let places: Vec<usize> = (0..self.samples.len()).filter(|&place| keep(place)).collect();
        let usizes = |from: &[usize]| places.iter().map(|&p| from[p]).collect();
        Self {
            samples: usizes(&self.samples),
            truth: usizes(&self.truth),
            predicted: usizes(&self.predicted),
            confidence: places.iter().map(|&p| self.confidence[p]).collect(),
            likelihood: places.iter().map(|&p| self.likelihood[p]).collect(),
            groups: usizes(&self.groups),
            classes: self.classes,
        }
    }

    fn predicted_of(&self, drawn: &[usize]) -> Vec<usize> {
        drawn.iter().map(|&p| self.predicted[p]).collect()
    }

    fn truth_of(&self, drawn: &[usize]) -> Vec<usize> {
        drawn.iter().map(|&p| self.truth[p]).collect()
    }

    /// Mean recall over the categories that occur, among some positions.
    #[must_use]
    pub fn balanced_of(&self, drawn: &[usize]) -> f64 {
        balanced_accuracy(&self.predicted_of(drawn), &self.truth_of(drawn), self.classes)
    }

    /// Those of categories with at least so many photographs here.
    #[must_use]
    pub fn of_frequent(&self, at_least: usize) -> Self {
        let counts = self.counts();
        self.keep(|place| counts.get(&self.truth[place]).is_some_and(|&count| count >= at_least))
    }

    /// Categories that occur.
    #[must_use]
    pub fn occurring(&self) -> usize {
        self.counts().len()
    }

    fn counts(&self) -> BTreeMap<usize, usize> {
        let mut counts = BTreeMap::new();
        for &category in &self.truth {
            *counts.entry(category).or_default() += 1;
        }
        counts
    }

    /// Top-1 with its interval.
    #[must_use]
    pub fn top_1(&self) -> Figure {
        Figure::share(&self.groups, |place| self.predicted[place] == self.truth[place])
    }

    /// Balanced accuracy with its interval.
    #[must_use]
    pub fn balanced(&self) -> Figure {
        Figure::measure(&self.groups, |drawn| self.balanced_of(drawn))
    }

    /// Share of right answers among some positions.
    #[must_use]
    pub fn top_1_of(&self, drawn: &[usize]) -> f64 {
        let right = drawn.iter().filter(|&&p| self.predicted[p] == self.truth[p]).count();
        right as f64 / drawn.len().max(1) as f64
    }

    /// Expected calibration error among some positions.
    #[must_use]
    pub fn calibration_of(&self, drawn: &[usize]) -> f64 {
        let confidence: Vec<f64> = drawn.iter().map(|&p| self.confidence[p]).collect();
        let right: Vec<bool> = drawn.iter().map(|&p| self.predicted[p] == self.truth[p]).collect();
        expected_calibration_error(&confidence, &right, BINS)
    }

    /// Mean negative log-likelihood among some positions, in nats.
    #[must_use]
    pub fn negative_log_likelihood_of(&self, drawn: &[usize]) -> f64 {
        let sum: f64 = drawn.iter().map(|&p| -self.likelihood[p].max(LIKELIHOOD_MIN).ln()).sum();
        sum / drawn.len().max(1) as f64
    }

    /// Expected calibration error with its interval.
    #[must_use]
    pub fn calibration(&self) -> Figure {
        Figure::measure(&self.groups, |drawn| self.calibration_of(drawn))
    }

    /// Mean negative log-likelihood with its interval, in nats.
    #[must_use]
    pub fn negative_log_likelihood(&self) -> Figure {
        Figure::measure(&self.groups, |drawn| self.negative_log_likelihood_of(drawn))
    }

    /// How much more of each category this head finds than another on the same photographs, balanced, with its paired interval.
    #[must_use]
    pub fn balanced_gain(&self, other: &Self) -> Figure {
        Figure::measure(&self.groups, |drawn| self.balanced_of(drawn) - other.balanced_of(drawn))
    }
}

/// Figures of one head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HeadFigures {
    /// Balanced accuracy on photographs larger than thumbnails, without myntra: what a shop's camera sees.
    pub balanced_large: Figure,
    /// Categories that occur among them.
    pub categories_large: usize,
    /// Balanced accuracy over the categories with at least [`FREQUENT`] of them: a category of three photographs weighs as much as one
    /// of three hundred in the figure above.
    pub balanced_large_frequent: Figure,
    /// Categories that are so frequent.
    pub categories_large_frequent: usize,
    /// Top-1 on the same.
    pub top_1_large: Figure,
    /// Calibration error on the same.
    pub ece_large: Figure,
    /// Top-1 over everything.
    pub top_1: Figure,
    /// Balanced accuracy over everything.
    pub balanced: Figure,
    /// Calibration error over everything.
    pub ece: Figure,
    /// Recall of each category on the larger photographs, by key.
    pub by_category: BTreeMap<String, Figure>,
    /// Top-1 of each source.
    pub by_source: BTreeMap<String, Figure>,
    /// Top-1 by size of the photograph.
    pub by_size: BTreeMap<String, Figure>,
}

impl HeadFigures {
    /// The figures that tables have, by name, in their order.
    pub const NAMED: [Named<Self>; 7] = [
        ("balanced accuracy, larger photographs", |h| &h.balanced_large),
        ("the same over the more frequent categories", |h| &h.balanced_large_frequent),
        ("top-1, larger photographs", |h| &h.top_1_large),
        ("calibration error (ECE), larger photographs", |h| &h.ece_large),
        ("balanced accuracy, all", |h| &h.balanced),
        ("top-1, all", |h| &h.top_1),
        ("calibration error (ECE), all", |h| &h.ece),
    ];

    /// Measures a head; `key` names its categories.
    pub fn of(predictions: &Predictions, samples: &[Sample], key: impl Fn(usize) -> String) -> Self {
        let sample = |place: usize| &samples[predictions.samples[place]];
        let large = predictions.keep(|place| sample(place).is_large());
        let frequent = large.of_frequent(FREQUENT);
        let slices = |from: &Predictions, at_least: usize, name: &dyn Fn(usize) -> String| {
            let mut places: BTreeMap<String, Vec<usize>> = BTreeMap::new();
            for place in 0..from.samples.len() {
                places.entry(name(place)).or_default().push(place);
            }
            places.retain(|_, places| places.len() >= at_least);
            let figure = |places: Vec<usize>| {
                let slice = from.keep(|place| places.binary_search(&place).is_ok());
                slice.top_1()
            };
            places.into_iter().map(|(name, places)| (name, figure(places))).collect::<BTreeMap<_, _>>()
        };
        let by_size = |place: usize| size_words(sample(place).long_side).to_owned();
        Self {
            balanced_large: large.balanced(),
            categories_large: large.occurring(),
            balanced_large_frequent: frequent.balanced(),
            categories_large_frequent: frequent.occurring(),
            top_1_large: large.top_1(),
            ece_large: large.calibration(),
            top_1: predictions.top_1(),
            balanced: predictions.balanced(),
            ece: predictions.calibration(),
            by_category: slices(&large, 1, &|place| key(large.truth[place])),
            by_source: slices(predictions, SLICE_MIN, &|place| sample(place).source.clone()),
            by_size: slices(predictions, SLICE_MIN, &by_size),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn predictions(truth: &[usize], predicted: &[usize]) -> Predictions {
        let n = truth.len();
        Predictions {
            samples: (0..n).collect(),
            truth: truth.to_vec(),
            predicted: predicted.to_vec(),
            confidence: vec![1.0; n],
            likelihood: vec![1.0; n],
            groups: (0..n).collect(),
            classes: 3,
        }
    }

    #[test]
    fn balance_counts_each_category_once() {
        let found = predictions(&[0, 0, 0, 1], &[0, 0, 0, 0]);
        assert!((found.top_1().value - 0.75).abs() < 1e-12);
        assert!((found.balanced().value - 0.5).abs() < 1e-12);
        assert!((found.calibration().value - 0.25).abs() < 1e-12);
    }

    #[test]
    fn a_head_gains_nothing_over_itself_and_something_over_a_worse_one() {
        let truth: Vec<usize> = (0..60).map(|i| i % 3).collect();
        let right = predictions(&truth, &truth);
        let worse: Vec<usize> =
            truth.iter().enumerate().map(|(i, &t)| if i % 2 == 0 { (t + 1) % 3 } else { t }).collect();
        let worse = predictions(&truth, &worse);
        let none = right.balanced_gain(&right);
        assert_eq!((none.low, none.high), (0.0, 0.0));
        let gain = right.balanced_gain(&worse);
        assert!(gain.low > 0.2 && gain.value <= gain.high, "{gain}");
    }

    #[test]
    fn rare_categories_can_be_left_out() {
        let found = predictions(&[0, 0, 0, 1], &[0, 0, 0, 0]);
        assert_eq!((found.occurring(), found.of_frequent(2).occurring()), (2, 1));
        assert!((found.of_frequent(2).balanced().value - 1.0).abs() < 1e-12);
    }

    #[test]
    fn nothing_labelled_gives_zeros() {
        let none = predictions(&[], &[]);
        assert_eq!(none.top_1().n, 0);
        assert_eq!(none.balanced().value, 0.0);
    }
}
