//! "Is a garment the subject?": a logistic score over what the network already says.

use serde::{Deserialize, Serialize};

/// Logistic regression over [`rejection_features`], fitted by the trainer on photographs of garments and of other things.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RejectionScore {
    /// One weight a feature.
    pub weights: Vec<f64>,
    /// The score of a feature vector of zeros.
    pub bias: f64,
}

impl RejectionScore {
    /// Probability that a garment is the subject; `None` where the number of features is another.
    #[must_use]
    pub fn garment_probability(&self, features: &[f64]) -> Option<f64> {
        if features.len() != self.weights.len() {
            return None;
        }
        let score = self.bias + self.weights.iter().zip(features).map(|(w, x)| w * x).sum::<f64>();
        Some(1.0 / (1.0 + (-score).exp()))
    }
}

/// What the score sees: the embedding, then of each head the log-sum-exp (the free energy of Liu et al. 2020) and the largest logit.
///
/// **Shapes**: `embedding.len() + 4` values, into memory that is used again.
pub fn rejection_features(category14: &[f32], category26: &[f32], embedding: &[f32], features: &mut Vec<f64>) {
    features.clear();
    features.extend(embedding.iter().map(|value| f64::from(*value)));
    for logits in [category14, category26] {
        let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f64 = logits.iter().map(|logit| (f64::from(*logit) - f64::from(largest)).exp()).sum();
        features.push(f64::from(largest) + sum.ln());
        features.push(f64::from(largest));
    }
}

#[cfg(test)]
mod tests {
    use super::{RejectionScore, rejection_features};

    #[test]
    fn features_are_embedding_energy_and_largest_logit() {
        let mut features = Vec::new();
        rejection_features(&[0.0, 0.0], &[1.0, -40.0], &[0.6, 0.8], &mut features);
        let expected = [0.6, 0.8, 2f64.ln(), 0.0, 1.0, 1.0];
        assert_eq!(features.len(), expected.len());
        for (found, expected) in features.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{features:?}");
        }
    }

    #[test]
    fn a_score_of_zero_is_one_half_and_a_wrong_length_is_none() {
        let score = RejectionScore { weights: vec![1.0, -1.0], bias: 0.0 };
        assert_eq!(score.garment_probability(&[2.0, 2.0]), Some(0.5));
        assert_eq!(score.garment_probability(&[2.0]), None);
    }
}
