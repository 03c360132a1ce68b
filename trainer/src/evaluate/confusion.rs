//! What is taken for what: photographs by the category that they have and the category that was said.

use serde::{Deserialize, Serialize};

use super::categories::Predictions;

/// Counts of photographs, `counts[truth][said]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confusion {
    /// A row for each category that a photograph may have, a column for each that may be said.
    pub counts: Vec<Vec<usize>>,
}

impl Confusion {
    /// Of some predictions.
    #[must_use]
    pub fn of(predictions: &Predictions) -> Self {
        let mut counts = vec![vec![0; predictions.classes]; predictions.classes];
        for (&truth, &said) in predictions.truth.iter().zip(&predictions.predicted) {
            counts[truth][said] += 1;
        }
        Self { counts }
    }

    /// Photographs of a category.
    #[must_use]
    pub fn of_truth(&self, truth: usize) -> usize {
        self.counts.get(truth).map_or(0, |row| row.iter().sum())
    }

    /// Photographs of which a category was said.
    #[must_use]
    pub fn of_said(&self, said: usize) -> usize {
        self.counts.iter().filter_map(|row| row.get(said)).sum()
    }

    /// Share of a category's photographs of which another (or the same) was said; 0 where there are none.
    #[must_use]
    pub fn share(&self, truth: usize, said: usize) -> f64 {
        let count = self.counts.get(truth).and_then(|row| row.get(said)).copied().unwrap_or(0);
        count as f64 / self.of_truth(truth).max(1) as f64
    }

    /// The commonest confusions, most photographs first: truth, said, photographs.
    #[must_use]
    pub fn commonest(&self, at_most: usize) -> Vec<(usize, usize, usize)> {
        let mut pairs: Vec<(usize, usize, usize)> = Vec::new();
        for (truth, row) in self.counts.iter().enumerate() {
            let others = row.iter().enumerate().filter(|&(said, &count)| said != truth && count > 0);
            pairs.extend(others.map(|(said, &count)| (truth, said, count)));
        }
        pairs.sort_by_key(|&(truth, said, count)| (std::cmp::Reverse(count), truth, said));
        pairs.truncate(at_most);
        pairs
    }
}

#[cfg(test)]
mod tests {
    use super::{Confusion, Predictions};

    #[test]
    fn each_photograph_is_counted_once_in_its_row() {
        let found = Confusion::of(&Predictions {
            truth: vec![0, 0, 0, 1, 2, 2],
            predicted: vec![0, 1, 1, 1, 0, 2],
            classes: 4,
            ..Predictions::default()
        });
        assert_eq!(found.counts, [[1, 2, 0, 0], [0, 1, 0, 0], [1, 0, 1, 0], [0, 0, 0, 0]]);
        assert_eq!((found.of_truth(0), found.of_said(1), found.of_truth(3)), (3, 3, 0));
        assert!((found.share(0, 1) - 2.0 / 3.0).abs() < 1e-12);
        assert!(found.share(3, 0).abs() < 1e-12, "a category without photographs");
        assert_eq!(found.commonest(1), [(0, 1, 2)]);
        assert_eq!(found.commonest(9).len(), 2, "right answers are no confusions");
    }
}
