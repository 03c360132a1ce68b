//! Whether a garment is the subject, and whether its category may be shown.

use crate::network::Answer;
use clothingid_shared::bundle::Rejection;
use clothingid_shared::calibration::{RejectionScore, rejection_features};

/// The bundle's rejection score and its two operating points.
#[derive(Debug, Clone)]
pub(super) struct Unknown {
    score: RejectionScore,
    garment: f64,
    known: f64,
}

impl Unknown {
    pub(super) fn new(rejection: &Rejection) -> Self {
        Self { score: rejection.score.clone(), garment: rejection.garment.threshold, known: rejection.known.threshold }
    }

    /// How many features the score wants.
    pub(super) fn features(&self) -> usize {
        self.score.weights.len()
    }

    /// Probability that a garment is the subject. `features` is memory that is used again.
    pub(super) fn garment(&self, answer: &Answer, features: &mut Vec<f64>) -> f64 {
        rejection_features(&answer.category14, &answer.category26, &answer.embedding, features);
        // Another length is refused when the reader is made; nothing is claimed of it here.
        self.score.garment_probability(features).unwrap_or(0.0)
    }

    /// Whether the category may be shown: a garment is the subject, and the best of 26 is likely enough.
    /// `slack` is taken off both thresholds.
    pub(super) fn is_known(&self, garment: f64, best26: f64, slack: f64) -> bool {
        garment >= self.garment - slack && best26 >= self.known - slack
    }
}
