//! Which epoch's weights are kept, and when a stage has gone on for long enough.

use serde::{Deserialize, Serialize};

use super::select::SelectFigures;

/// Which of the stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageName {
    /// Tell garments apart.
    Identify,
    /// Tell categories.
    Finetune,
    /// Find the same garment again: identification once more, mostly on garments with several photographs.
    Retrieve,
}

impl StageName {
    /// As files and messages have it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Finetune => "finetune",
            Self::Retrieve => "retrieve",
        }
    }

    /// The figure by which this stage chooses an epoch where its recipe says nothing else.
    #[must_use]
    pub fn score(self, figures: &SelectFigures) -> f64 {
        match self {
            Self::Identify | Self::Retrieve => figures.recall_at_1,
            Self::Finetune => 0.5 * (figures.balanced_14 + figures.balanced_26),
        }
    }
}

/// By which figure on the select part an epoch is chosen; the later of equals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Recall@1 for identification and retrieval, balanced accuracy for fine-tuning.
    #[default]
    Stage,
    /// Accuracy, mean over the categories and then over both taxonomies. Jumps where a category has few photographs.
    BalancedAccuracy,
    /// Logarithm of the probability of the right category, with the same means. Smooth, and sees a category being learnt by heart before
    /// its accuracy does.
    Likelihood,
    /// Recall@1.
    Recall,
    /// The last epoch, whatever its figures.
    Last,
}

impl Choice {
    /// The figure; larger is better.
    #[must_use]
    pub fn score(self, stage: StageName, figures: &SelectFigures) -> f64 {
        match self {
            Self::Stage => stage.score(figures),
            Self::BalancedAccuracy => StageName::Finetune.score(figures),
            Self::Likelihood => 0.5 * (figures.likelihood_14 + figures.likelihood_26),
            Self::Recall => figures.recall_at_1,
            Self::Last => 0.0,
        }
    }
}

/// Whether a stage ends before epoch `epoch` (counted from 0): none of the last `patience` epochs was better than the epoch `best` done
/// before them.
#[must_use]
pub fn is_over(patience: Option<u64>, best: Option<u64>, epoch: u64) -> bool {
    matches!((patience, best), (Some(patience), Some(best)) if epoch >= best + patience)
}

#[cfg(test)]
mod tests {
    use super::{Choice, SelectFigures, StageName, is_over};

    #[test]
    fn each_choice_follows_its_own_figure() {
        let low = SelectFigures { recall_at_1: 0.5, balanced_14: 0.5, likelihood_26: -2.0, ..SelectFigures::default() };
        let prefers =
            |choice: Choice, stage, figures: &SelectFigures| choice.score(stage, figures) > choice.score(stage, &low);
        let recall = SelectFigures { recall_at_1: 0.6, ..low.clone() };
        let accuracy = SelectFigures { balanced_14: 0.6, ..low.clone() };
        let likelihood = SelectFigures { likelihood_26: -1.0, ..low.clone() };
        for (choice, stage, expected) in [
            (Choice::Stage, StageName::Identify, [true, false, false]),
            (Choice::Stage, StageName::Finetune, [false, true, false]),
            (Choice::Recall, StageName::Finetune, [true, false, false]),
            (Choice::BalancedAccuracy, StageName::Identify, [false, true, false]),
            (Choice::Likelihood, StageName::Finetune, [false, false, true]),
            (Choice::Last, StageName::Finetune, [false, false, false]),
        ] {
            assert_eq!([&recall, &accuracy, &likelihood].map(|figures| prefers(choice, stage, figures)), expected);
        }
    }

    #[test]
    fn a_stage_waits_for_its_patience_and_without_one_for_its_end() {
        assert!(!is_over(None, Some(1), 100) && !is_over(Some(2), None, 100));
        assert_eq!([3, 4, 5].map(|epoch| is_over(Some(2), Some(3), epoch)), [false, false, true]);
    }
}
