//! What a probability is worth: of the photographs of which "0.8" is said, are eight in ten right?

use clothingid_shared::metrics::{CalibrationBin, Interval, calibration_bins, wilson};
use serde::{Deserialize, Serialize};

use super::categories::{BINS, Predictions};
use super::figure::Figure;

/// A head's probabilities at one temperature against what came true.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reliability {
    /// What the logits were divided by.
    pub temperature: f64,
    /// Expected calibration error.
    pub ece: Figure,
    /// Mean negative log-likelihood, in nats.
    pub nll: Figure,
    /// Bins of equal width from 0 to 1, empty ones included.
    pub bins: Vec<Bin>,
}

/// Photographs of which a probability in one range was said.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Photographs.
    pub n: usize,
    /// Mean probability that was said; 0 without photographs.
    pub confidence: f64,
    /// Share of right answers; 0 without photographs.
    pub accuracy: f64,
    /// Score interval of that share, as if photographs were independent.
    pub interval: Interval,
}

impl Reliability {
    /// Of predictions that were made at `temperature`.
    #[must_use]
    pub fn of(predictions: &Predictions, temperature: f64) -> Self {
        let right: Vec<bool> =
            predictions.predicted.iter().zip(&predictions.truth).map(|(said, is)| said == is).collect();
        let bin = |CalibrationBin { n, confidence, right }: CalibrationBin| {
            let accuracy = right as f64 / n.max(1) as f64;
            Bin { n, confidence: confidence / n.max(1) as f64, accuracy, interval: wilson(accuracy, n) }
        };
        let bins = calibration_bins(&predictions.confidence, &right, BINS).into_iter().map(bin).collect();
        Self { temperature, ece: predictions.calibration(), nll: predictions.negative_log_likelihood(), bins }
    }
}

#[cfg(test)]
mod tests {
    use super::{BINS, Predictions, Reliability};

    #[test]
    fn the_bins_add_up_to_the_calibration_error() {
        let n = 60;
        let confidence: Vec<f64> = (0..n).map(|i| f64::from(i) / 59.0).collect();
        let predictions = Predictions {
            samples: (0..60).collect(),
            truth: (0..60).map(|i| i % 3).collect(),
            predicted: (0..60).map(|i| (i % 3 + usize::from(i % 4 == 0)) % 3).collect(),
            likelihood: confidence.iter().map(|p| p / 2.0).collect(),
            confidence,
            groups: (0..60).collect(),
            classes: 3,
        };
        let found = Reliability::of(&predictions, 1.5);
        assert_eq!(found.bins.len(), BINS);
        assert_eq!(found.bins.iter().map(|bin| bin.n).sum::<usize>(), 60);
        let gap = |bin: &super::Bin| (bin.accuracy - bin.confidence).abs() * bin.n as f64 / 60.0;
        let error: f64 = found.bins.iter().map(gap).sum();
        assert!((error - found.ece.value).abs() < 1e-12, "{error} {}", found.ece);
        assert!(found.ece.value > 0.1, "the case is not calibrated");
        assert!(found.nll.value > 0.0 && found.nll.value.is_finite(), "a likelihood of 0 is no infinity");
    }

    #[test]
    fn nothing_has_empty_bins() {
        let none = Reliability::of(&Predictions::default(), 1.0);
        assert!(none.bins.iter().all(|bin| bin.n == 0 && bin.interval.high > 0.99));
    }
}
