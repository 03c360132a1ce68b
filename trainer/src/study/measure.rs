//! What two arms are compared by, on photographs that every one of them was tested on once.

use serde::{Deserialize, Serialize};

use super::pooled::Pooled;

/// A measure. "Larger" photographs are those that a shop's camera sees: larger than thumbnails, without myntra.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Mean recall over the categories of the 14 that have enough larger photographs.
    #[serde(rename = "balanced_14")]
    Balanced14,
    /// The same of the 26.
    #[serde(rename = "balanced_26")]
    Balanced26,
    /// Share of right answers of the 14, larger photographs.
    #[serde(rename = "top_1_of_14")]
    Top1Of14,
    /// The same of the 26.
    #[serde(rename = "top_1_of_26")]
    Top1Of26,
    /// Share of right answers of the 14, all photographs.
    #[serde(rename = "all_top_1_of_14")]
    AllTop1Of14,
    /// The same of the 26.
    #[serde(rename = "all_top_1_of_26")]
    AllTop1Of26,
    /// Queries whose garment is the best answer of the held-out gallery.
    #[serde(rename = "recall_at_1")]
    RecallAt1,
    /// Among the best 5.
    #[serde(rename = "recall_at_5")]
    RecallAt5,
    /// Among the best 10.
    #[serde(rename = "recall_at_10")]
    RecallAt10,
    /// Among the best 20.
    #[serde(rename = "recall_at_20")]
    RecallAt20,
    /// Mean average precision.
    Map,
    /// R@1 in a gallery that also has every larger held-out photograph of garments with a single photograph.
    #[serde(rename = "recall_at_1_among_strangers")]
    RecallAt1AmongStrangers,
}

impl Measure {
    /// Those of the categories, in the order of tables.
    pub const ACCURACY: [Self; 6] =
        [Self::Balanced14, Self::Balanced26, Self::Top1Of14, Self::Top1Of26, Self::AllTop1Of14, Self::AllTop1Of26];
    /// Those of retrieval, in the order of tables.
    pub const RETRIEVAL: [Self; 6] = [
        Self::RecallAt1,
        Self::RecallAt5,
        Self::RecallAt10,
        Self::RecallAt20,
        Self::Map,
        Self::RecallAt1AmongStrangers,
    ];

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Balanced14 => "balanced accuracy of 14",
            Self::Balanced26 => "balanced accuracy of 26",
            Self::Top1Of14 => "top-1 of 14",
            Self::Top1Of26 => "top-1 of 26",
            Self::AllTop1Of14 => "top-1 of 14, thumbnails too",
            Self::AllTop1Of26 => "top-1 of 26, thumbnails too",
            Self::RecallAt1 => "R@1",
            Self::RecallAt5 => "R@5",
            Self::RecallAt10 => "R@10",
            Self::RecallAt20 => "R@20",
            Self::Map => "mAP",
            Self::RecallAt1AmongStrangers => "R@1 among strangers",
        }
    }

    /// What an arm scored, by sample.
    #[must_use]
    pub fn scores(self, pooled: &Pooled<'_>, least_photos: usize) -> Scores {
        match self {
            Self::Balanced14 => pooled.categories(0, true).balanced(least_photos),
            Self::Balanced26 => pooled.categories(1, true).balanced(least_photos),
            Self::Top1Of14 => pooled.categories(0, true),
            Self::Top1Of26 => pooled.categories(1, true),
            Self::AllTop1Of14 => pooled.categories(0, false),
            Self::AllTop1Of26 => pooled.categories(1, false),
            Self::RecallAt1 => pooled.recall(1),
            Self::RecallAt5 => pooled.recall(5),
            Self::RecallAt10 => pooled.recall(10),
            Self::RecallAt20 => pooled.recall(20),
            Self::Map => pooled.precision(),
            Self::RecallAt1AmongStrangers => pooled.recall_among_strangers(),
        }
    }
}

/// A score for each sample, and how they become one figure.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scores {
    /// Row of each sample in the pack, by which two arms are paired.
    pub rows: Vec<usize>,
    /// Group of each sample.
    pub groups: Vec<usize>,
    /// 1 for a right answer, 0 for a wrong one, or a share.
    pub values: Vec<f64>,
    /// Category of each sample.
    pub categories: Vec<usize>,
    /// Whether the figure is the mean over categories of their means, and not the mean.
    pub is_balanced: bool,
}

impl Scores {
    /// With every category weighing the same; those of fewer than `least` samples are left out.
    #[must_use]
    pub fn balanced(self, least: usize) -> Self {
        let counts = self.counts();
        let mut kept = self.keep(|place, all| counts[all.categories[place]] >= least);
        kept.is_balanced = true;
        kept
    }

    /// Samples of each category, up to the last that occurs.
    #[must_use]
    pub fn counts(&self) -> Vec<usize> {
        let mut counts = vec![0; self.categories.iter().max().map_or(0, |last| last + 1)];
        self.categories.iter().for_each(|&category| counts[category] += 1);
        counts
    }

    /// Some of the samples.
    #[must_use]
    pub fn keep(&self, is_wanted: impl Fn(usize, &Self) -> bool) -> Self {
        let places: Vec<usize> = (0..self.rows.len()).filter(|&place| is_wanted(place, self)).collect();
        let take = |from: &[usize]| places.iter().filter_map(|&place| from.get(place).copied()).collect::<Vec<_>>();
        Self {
            rows: take(&self.rows),
            groups: take(&self.groups),
            values: places.iter().map(|&place| self.values[place]).collect(),
            categories: take(&self.categories),
            is_balanced: self.is_balanced,
        }
    }

    /// The figure over all samples.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.figure(&(0..self.rows.len()).collect::<Vec<_>>())
    }

    /// The figure over some of the samples.
    #[must_use]
    pub fn figure(&self, drawn: &[usize]) -> f64 {
        if !self.is_balanced {
            return drawn.iter().map(|&place| self.values[place]).sum::<f64>() / drawn.len().max(1) as f64;
        }
        let classes = self.categories.iter().max().map_or(0, |last| last + 1);
        let mut sums = vec![(0.0, 0.0); classes];
        for &place in drawn {
            let (sum, count) = &mut sums[self.categories[place]];
            *sum += self.values[place];
            *count += 1.0;
        }
        let shares: Vec<f64> = sums.into_iter().filter(|(_, count)| *count > 0.0).map(|(s, n)| s / n).collect();
        shares.iter().sum::<f64>() / shares.len().max(1) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::Scores;

    #[test]
    fn a_balanced_figure_is_the_mean_over_the_categories_that_are_frequent() {
        let scores = Scores {
            rows: vec![0, 1, 2, 3, 4],
            groups: vec![0, 1, 2, 3, 4],
            values: vec![1.0, 1.0, 0.0, 0.0, 1.0],
            categories: vec![0, 0, 0, 2, 2],
            is_balanced: false,
        };
        let all = [0, 1, 2, 3, 4];
        assert!((scores.figure(&all) - 0.6).abs() < 1e-12);
        assert!((scores.clone().balanced(1).figure(&all) - (2.0 / 3.0 + 0.5) / 2.0).abs() < 1e-12);
        let frequent = scores.balanced(3);
        assert_eq!(frequent.rows, [0, 1, 2]);
        assert!((frequent.figure(&[0, 1, 2]) - 2.0 / 3.0).abs() < 1e-12);
        assert!((frequent.figure(&[]) - 0.0).abs() < 1e-12);
    }
}
