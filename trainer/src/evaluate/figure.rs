//! A figure with its interval: nothing is reported without one.

use clothingid_shared::metrics::{Interval, auroc, bootstrap_by_group, wilson};
use serde::{Deserialize, Serialize};

/// Bootstrap rounds of an interval.
pub const ROUNDS: usize = 1000;
/// Level of an interval.
pub const LEVEL: f64 = 0.95;
/// Fewest groups whose bootstrap is believed.
const GROUPS_MIN: usize = 10;
/// Seed of every interval, so that the same answers give the same report.
const SEED: u64 = 0x0C10_7419;

/// How a figure of `T` is named in tables, and where it is.
pub type Named<T> = (&'static str, fn(&T) -> &Figure);

/// A measured value, its 95 % interval (bootstrap that resamples groups) and what it was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figure {
    /// The value.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Samples.
    pub n: usize,
    /// Independent groups among them.
    pub groups: usize,
}

impl Figure {
    /// Measures `figure` over the samples whose groups these are; it gets positions of samples.
    pub fn measure(groups: &[usize], figure: impl FnMut(&[usize]) -> f64) -> Self {
        Self::drawn(groups, ROUNDS, SEED, figure)
    }

    /// The same with rounds and seed of one's own. `figure` is asked for all samples first, then once a round.
    pub fn drawn(groups: &[usize], rounds: usize, seed: u64, mut figure: impl FnMut(&[usize]) -> f64) -> Self {
        let all: Vec<usize> = (0..groups.len()).collect();
        let value = figure(&all);
        let Interval { low, high } = bootstrap_by_group(groups, rounds, seed, LEVEL, figure);
        let mut distinct = groups.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        Self { value, low, high, n: groups.len(), groups: distinct.len() }
    }
}

impl Figure {
    /// Measures the share of samples for which something holds. Where the bootstrap says little (all samples alike, or few groups), the
    /// score interval of a share of as many trials as there are groups takes its place: groups are what is independent.
    pub fn share(groups: &[usize], holds: impl Fn(usize) -> bool) -> Self {
        let share =
            |drawn: &[usize]| drawn.iter().filter(|&&sample| holds(sample)).count() as f64 / drawn.len().max(1) as f64;
        let mut figure = Self::measure(groups, share);
        if figure.value <= 0.0 || figure.value >= 1.0 || figure.groups < GROUPS_MIN {
            let Interval { low, high } = wilson(figure.value, figure.groups);
            (figure.low, figure.high) = (figure.low.min(low), figure.high.max(high));
        }
        figure
    }

    /// Measures how well scores tell one kind of samples from the rest: the area under the ROC curve.
    pub fn auroc(groups: &[usize], scores: &[f64], is_kind: &[bool]) -> Self {
        Self::measure(groups, |drawn| {
            let own: Vec<f64> = drawn.iter().map(|&sample| scores[sample]).collect();
            let kinds: Vec<bool> = drawn.iter().map(|&sample| is_kind[sample]).collect();
            auroc(&own, &kinds)
        })
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3} [{:.3}, {:.3}]", self.value, self.low, self.high)
    }
}

#[cfg(test)]
mod tests {
    use super::Figure;

    #[test]
    fn a_share_of_nothing_is_not_certain() {
        let none = Figure::share(&(0..12).collect::<Vec<_>>(), |_| false);
        assert!(none.value == 0.0 && none.low == 0.0 && (none.high - 0.243).abs() < 1e-3, "{none}");
        let one_group = Figure::share(&[7; 40], |sample| sample % 2 == 0);
        assert!(one_group.low < 0.1 && one_group.high > 0.9, "{one_group}");
        assert_eq!(Figure::share(&[], |_| true).n, 0);
    }

    #[test]
    fn an_area_is_of_the_scores_and_not_of_their_order() {
        let groups: Vec<usize> = (0..40).collect();
        let is_kind: Vec<bool> = groups.iter().map(|i| i.is_multiple_of(2)).collect();
        let apart: Vec<f64> = is_kind.iter().map(|&kind| f64::from(u8::from(kind))).collect();
        let whole = Figure::auroc(&groups, &apart, &is_kind);
        assert!(whole.value == 1.0 && whole.low == 1.0 && whole.n == 40, "{whole}");
        let alike = Figure::auroc(&groups, &[0.5; 40], &is_kind);
        assert_eq!((alike.value, alike.low, alike.high), (0.5, 0.5, 0.5));
    }
}
