//! When to say "I don't know": the score of "a garment is the subject", the temperature of each head, and their thresholds.
//!
//! The score is fitted on the train part with its penalty chosen on the select part; everything else is set on the calibrate part.
//! No threshold is a constant: each is an operating point with the rates that it was measured to have.

use clothingid_shared::bundle::OperatingPoint;
use clothingid_shared::calibration::{RejectionScore, probabilities, rejection_features};

use super::error::EvaluateError;
use super::logistic::{Features, Logistic, Problem, balanced_weights};
use super::photos::Sample;
use crate::export::answers::{Answers, largest};

/// Penalties that are compared.
const PENALTIES: [f64; 6] = [1e-4, 1e-3, 1e-2, 3e-2, 0.1, 1.0];
/// Fewest photographs of other things than garments.
const NEGATIVES_MIN: usize = 8;
/// Fewest larger photographs of garments that a calibration may come from before thumbnails are taken too.
const LARGE_MIN: usize = 100;
/// Share of the garments that the garment threshold accepts.
const GARMENTS_ACCEPTED: f64 = 0.97;

/// Photographs with what a network answered.
#[derive(Debug, Clone, Copy)]
pub struct Answered<'a> {
    /// The photographs.
    pub samples: &'a [Sample],
    /// The answers, in the same order.
    pub answers: &'a [Answers],
}

impl Answered<'_> {
    fn features(&self) -> Features {
        let mut row = Vec::new();
        let mut narrow = Vec::new();
        let mut features = Features::default();
        for answer in self.answers {
            rejection_features(&answer.category14, &answer.category26, &answer.embedding, &mut row);
            narrow.clear();
            #[expect(clippy::cast_possible_truncation, reason = "they began as f32")]
            narrow.extend(row.iter().map(|&v| v as f32));
            features.values.extend_from_slice(&narrow);
            features.width = narrow.len();
        }
        features
    }

    fn is_garment(&self) -> Vec<usize> {
        self.samples.iter().map(|s| usize::from(s.is_garment)).collect()
    }

    /// Positions of what the score is calibrated and its threshold set on: all other things, and garments as a shop's camera sees them
    /// (larger than thumbnails, without the studio) where they are enough, else all garments. Thousands of studio thumbnails, on which the
    /// score is sure, would set the threshold for the rest.
    fn seen_by_a_camera(&self) -> Vec<usize> {
        let large = self.samples.iter().filter(|s| s.is_garment && s.is_large()).count();
        let counts = |s: &Sample| !s.is_garment || s.is_large() || large < LARGE_MIN;
        (0..self.samples.len()).filter(|&place| counts(&self.samples[place])).collect()
    }

    /// Whether there are photographs of other things to tell garments from.
    #[must_use]
    pub fn has_other_things(&self) -> bool {
        self.samples.iter().filter(|s| !s.is_garment).count() >= NEGATIVES_MIN
    }

    fn check(&self, what: &'static str) -> Result<(), EvaluateError> {
        let negatives = self.samples.iter().filter(|s| !s.is_garment).count();
        let positives = self.samples.len() - negatives;
        for (kind, found) in [("other things than garments", negatives), ("garments", positives)] {
            if found < NEGATIVES_MIN {
                return Err(EvaluateError::TooFew { what, kind, expected: NEGATIVES_MIN, found });
            }
        }
        Ok(())
    }
}

/// Mean negative log-likelihood at equal weight of garments and other things.
fn balanced_loss(logits: &[Vec<f32>], is_garment: &[usize]) -> f64 {
    let weights = balanced_weights(is_garment, 2);
    let total: f64 = weights.iter().sum();
    let one =
        |((logits, &label), w): ((&Vec<f32>, &usize), &f64)| -w * probabilities(logits, 1.0)[label].max(1e-12).ln();
    logits.iter().zip(is_garment).zip(&weights).map(one).sum::<f64>() / total
}

/// Fits the score on the train part, chooses its penalty on the select part, and calibrates it on the calibrate part (Platt 1999), each
/// with garments and other things at equal weight.
///
/// # Errors
/// [`EvaluateError::TooFew`].
pub fn fit_score(
    train: Answered<'_>,
    select: Answered<'_>,
    calibrate: Answered<'_>,
) -> Result<RejectionScore, EvaluateError> {
    train.check("the rejection score on the train part")?;
    select.check("the rejection score on the select part")?;
    calibrate.check("the rejection score on the calibrate part")?;
    let (features, labels) = (train.features(), train.is_garment());
    let row_weights = balanced_weights(&labels, 2);
    let (select_features, select_labels) = (select.features(), select.is_garment());
    let fit = |l2: f64| {
        let fitted =
            Logistic::fit(&Problem { features: &features, labels: &labels, row_weights: &row_weights, classes: 2, l2 });
        let loss = balanced_loss(&fitted.logits(&select_features), &select_labels);
        (loss, fitted)
    };
    let best = PENALTIES.into_iter().map(fit).min_by(|a, b| a.0.total_cmp(&b.0));
    let (_, fitted) = best.ok_or(EvaluateError::Nothing { what: "the rejection score" })?;
    let weights: Vec<f64> = fitted.weights[1].iter().zip(&fitted.weights[0]).map(|(a, b)| a - b).collect();
    let bias = fitted.bias[1] - fitted.bias[0];
    // Platt: one more regression, on the score alone.
    let seen = calibrate.seen_by_a_camera();
    let samples: Vec<Sample> = seen.iter().map(|&place| calibrate.samples[place].clone()).collect();
    let answers: Vec<Answers> = seen.iter().map(|&place| calibrate.answers[place].clone()).collect();
    let calibrate = Answered { samples: &samples, answers: &answers };
    let (features, labels) = (calibrate.features(), calibrate.is_garment());
    let raw = Logistic { weights: vec![weights.clone()], bias: vec![bias] }.logits(&features);
    let scores = Features::of(raw);
    let row_weights = balanced_weights(&labels, 2);
    let platt =
        Logistic::fit(&Problem { features: &scores, labels: &labels, row_weights: &row_weights, classes: 2, l2: 1e-3 });
    let slope = platt.weights[1][0] - platt.weights[0][0];
    let offset = platt.bias[1] - platt.bias[0];
    Ok(RejectionScore { weights: weights.iter().map(|w| w * slope).collect(), bias: bias * slope + offset })
}

/// The score that takes every photograph for a garment, and its operating point: where too few other things were seen, none can be told.
#[must_use]
pub fn everything_is_a_garment(embedding_values: usize) -> (RejectionScore, OperatingPoint) {
    // Four features stand beside the embedding's values; the logistic function of 20 is 1 - 2e-9.
    let score = RejectionScore { weights: vec![0.0; embedding_values + 4], bias: 20.0 };
    let meaning = format!(
        "not set: a part of the pack has fewer than {NEGATIVES_MIN} photographs of other things than garments, so that every photograph is \
         taken for a garment"
    );
    (score, OperatingPoint { true_accept: 1.0, false_accept: 1.0, ..operating_point(0.0, &[], &[], meaning) })
}

/// The probability that a garment is the subject.
#[must_use]
pub fn garment_probability(score: &RejectionScore, answer: &Answers) -> f64 {
    let mut features = Vec::new();
    rejection_features(&answer.category14, &answer.category26, &answer.embedding, &mut features);
    score.garment_probability(&features).unwrap_or(0.0)
}

/// The temperature at which the true categories are likeliest. Golden-section search; the likelihood has one maximum in `ln T`.
#[must_use]
pub fn fit_temperature(logits: &[&[f32]], truth: &[usize]) -> f64 {
    if truth.is_empty() {
        return 1.0;
    }
    let loss = |ln_t: f64| {
        let one = |(logits, &truth): (&&[f32], &usize)| {
            -probabilities(logits, ln_t.exp()).get(truth).map_or(0.0, |p| p.max(1e-12).ln())
        };
        logits.iter().zip(truth).map(one).sum::<f64>()
    };
    let ratio = (5f64.sqrt() - 1.0) / 2.0;
    let (mut low, mut high) = (0.05f64.ln(), 20f64.ln());
    while high - low > 1e-4 {
        let (a, b) = (high - ratio * (high - low), low + ratio * (high - low));
        if loss(a) < loss(b) { high = b } else { low = a }
    }
    f64::midpoint(low, high).exp()
}

/// The operating point of a threshold on scores of what should and should not be accepted.
#[expect(clippy::cast_precision_loss, reason = "counts of photographs")]
pub(super) fn operating_point(threshold: f64, positives: &[f64], negatives: &[f64], meaning: String) -> OperatingPoint {
    let share = |scores: &[f64]| scores.iter().filter(|s| **s >= threshold).count() as f64 / scores.len().max(1) as f64;
    OperatingPoint {
        threshold,
        meaning,
        true_accept: share(positives),
        false_accept: share(negatives),
        positives: positives.len(),
        negatives: negatives.len(),
        auroc: None,
    }
}

/// The largest threshold that still accepts `share` of the scores.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a place among scores"
)]
pub(super) fn accepting(scores: &[f64], share: f64) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(f64::total_cmp);
    let place = ((1.0 - share) * sorted.len() as f64).floor() as usize;
    sorted.get(place).or(sorted.last()).copied().unwrap_or(0.5)
}

/// The threshold of `garment`, on the calibrate part.
#[must_use]
pub fn garment_point(score: &RejectionScore, calibrate: Answered<'_>) -> OperatingPoint {
    let seen = calibrate.seen_by_a_camera();
    let of = |is_garment: bool| -> Vec<f64> {
        let kept = seen.iter().filter(|&&place| calibrate.samples[place].is_garment == is_garment);
        kept.map(|&place| garment_probability(score, &calibrate.answers[place])).collect()
    };
    let (positives, negatives) = (of(true), of(false));
    let threshold = accepting(&positives, GARMENTS_ACCEPTED);
    let meaning = format!(
        "photographs of garments accepted, larger than thumbnails and without myntra where there are enough, and photographs of other things \
         accepted; set to accept {:.0} % of the garments",
        GARMENTS_ACCEPTED * 100.0
    );
    operating_point(threshold, &positives, &negatives, meaning)
}

/// The threshold of `known`, on the calibrate part: where the share of right categories shown exceeds that of wrong ones by most. A
/// photograph that `garment` does not accept shows no category whatever this threshold is, and counts as not shown.
#[must_use]
pub fn known_point(
    temperature26: f64,
    score: &RejectionScore,
    garment: &OperatingPoint,
    calibrate: Answered<'_>,
) -> OperatingPoint {
    let (mut right, mut wrong) = (Vec::new(), Vec::new());
    for (sample, answer) in calibrate.samples.iter().zip(calibrate.answers) {
        // Thumbnails are easier than what a camera sees, and would set the threshold for it.
        let counts = if sample.is_garment { sample.is_large() && sample.category26.is_some() } else { true };
        if !counts {
            continue;
        }
        let best = largest(&answer.category26);
        let is_accepted = garment_probability(score, answer) >= garment.threshold;
        let probability = probabilities(&answer.category26, temperature26).get(best).copied().unwrap_or(0.0);
        let confidence = if is_accepted { probability } else { NOT_SHOWN };
        if sample.category26 == Some(best) { right.push(confidence) } else { wrong.push(confidence) }
    }
    let meaning = "right categories of 26 shown, and wrong ones or other things shown; of photographs larger than thumbnails without \
                   myntra, behind the threshold of `garment`, set where the two rates differ most"
        .to_owned();
    operating_point(widest_gap(&right, &wrong), &right, &wrong, meaning)
}

/// Below every threshold.
const NOT_SHOWN: f64 = -1.0;

/// The threshold at which the share of `right` at or above it exceeds that of `wrong` by most; 0.5 without any.
#[expect(clippy::cast_precision_loss, reason = "counts of photographs")]
fn widest_gap(right: &[f64], wrong: &[f64]) -> f64 {
    let (of_right, of_wrong) = (1.0 / right.len().max(1) as f64, -1.0 / wrong.len().max(1) as f64);
    let weighed = |scores: &[f64], weight: f64| scores.iter().map(move |&score| (score, weight)).collect::<Vec<_>>();
    let mut scores = [weighed(right, of_right), weighed(wrong, of_wrong)].concat();
    scores.retain(|&(score, _)| score > NOT_SHOWN);
    scores.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut gap, mut best) = (0.0, (f64::NEG_INFINITY, 0.5));
    for (place, &(score, weight)) in scores.iter().enumerate() {
        gap += weight;
        let is_last_of_equals = scores.get(place + 1).is_none_or(|next| next.0 < score);
        if is_last_of_equals && gap > best.0 {
            best = (gap, score);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sharp_head_is_flattened_and_a_flat_one_sharpened() {
        // Right two times of three, whatever the logit's size.
        let logits: Vec<Vec<f32>> = (0..30).map(|_| vec![8.0, 0.0]).collect();
        let rows: Vec<&[f32]> = logits.iter().map(Vec::as_slice).collect();
        let truth: Vec<usize> = (0..30).map(|i| usize::from(i % 3 == 0)).collect();
        let t = fit_temperature(&rows, &truth);
        let p = probabilities(&[8.0, 0.0], t)[0];
        assert!((p - 2.0 / 3.0).abs() < 0.01, "{t} {p}");
        assert_eq!(fit_temperature(&[], &[]), 1.0);
    }

    #[test]
    fn the_widest_gap_is_found_and_equals_stand_together() {
        assert_eq!(widest_gap(&[0.9, 0.8, 0.4], &[0.85, 0.3, NOT_SHOWN]), 0.4);
        assert_eq!(widest_gap(&[0.9, 0.9], &[0.9, 0.9, 0.1]), 0.9);
        assert_eq!(widest_gap(&[0.7], &[0.7]), 0.7);
        assert_eq!(widest_gap(&[], &[]), 0.5);
    }

    #[test]
    fn without_other_things_every_photograph_is_a_garment() {
        let (score, point) = everything_is_a_garment(3);
        let answer = Answers { category14: vec![0.0; 14], category26: vec![0.0; 26], embedding: vec![0.6, 0.8, 0.0] };
        assert!(garment_probability(&score, &answer) > 0.999 && point.threshold <= 0.0, "{point:?}");
        assert!(!Answered { samples: &[], answers: &[] }.has_other_things());
    }

    #[test]
    fn thresholds_accept_what_they_say() {
        let scores: Vec<f64> = (0..100).map(f64::from).collect();
        let point = operating_point(accepting(&scores, 0.97), &scores, &[1.0, 50.0], String::new());
        assert!((point.true_accept - 0.97).abs() < 1e-9, "{point:?}");
        assert!((point.false_accept - 0.5).abs() < 1e-9);
        assert_eq!(operating_point(0.5, &[], &[], String::new()).true_accept, 0.0);
    }
}
