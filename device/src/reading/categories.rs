//! One head: logits to probabilities to a label.

use super::Labelled;
use clothingid_shared::bundle::Head;
use clothingid_shared::calibration::probabilities_into;

/// A head's labels and temperature.
#[derive(Debug, Clone)]
pub(super) struct Categories {
    keys: Vec<String>,
    temperature: f64,
}

impl Categories {
    pub(super) fn new(head: &Head) -> Self {
        let keys = head.taxonomy.categories.iter().map(|category| category.key.clone()).collect();
        Self { keys, temperature: head.temperature }
    }

    /// Calibrated probabilities of the logits, into memory that is used again.
    pub(super) fn probabilities(&self, logits: &[f32], probabilities: &mut Vec<f64>) {
        probabilities_into(logits, self.temperature, probabilities);
    }

    /// A category with its probability.
    pub(super) fn labelled(&self, index: usize, probabilities: &[f64]) -> Labelled {
        let mut labelled = Labelled::default();
        self.label_into(index, probabilities, &mut labelled);
        labelled
    }

    /// As [`Self::labelled`], into memory that is used again.
    pub(super) fn label_into(&self, index: usize, probabilities: &[f64], labelled: &mut Labelled) {
        let label = self.keys.get(index).map_or("", String::as_str);
        labelled.set(label, probabilities.get(index).copied().unwrap_or_default());
    }
}

/// Place of the largest probability, the first of equals.
pub(super) fn best(probabilities: &[f64]) -> usize {
    let mut best = (0, f64::NEG_INFINITY);
    for (index, probability) in probabilities.iter().enumerate() {
        if *probability > best.1 {
            best = (index, *probability);
        }
    }
    best.0
}

#[cfg(test)]
mod tests {
    use super::best;

    #[test]
    fn the_first_of_equals_is_best_and_nothing_is_no_panic() {
        assert_eq!(best(&[0.2, 0.4, 0.4]), 1);
        assert_eq!(best(&[]), 0);
        assert_eq!(best(&[f64::NAN, 0.1]), 1);
    }
}
