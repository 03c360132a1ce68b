//! A figure with its interval: nothing is reported without one.

use clothingid_shared::metrics::{Interval, bootstrap_by_group};
use serde::Serialize;

/// Bootstrap rounds of an interval.
pub const ROUNDS: usize = 1000;
/// Level of an interval.
pub const LEVEL: f64 = 0.95;
/// Seed of every interval, so that the same answers give the same report.
const SEED: u64 = 0x0C10_7419;

/// A measured value, its 95 % interval (bootstrap that resamples groups) and what it was measured on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
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
    pub fn measure(groups: &[usize], mut figure: impl FnMut(&[usize]) -> f64) -> Self {
        let all: Vec<usize> = (0..groups.len()).collect();
        let value = figure(&all);
        let Interval { low, high } = bootstrap_by_group(groups, ROUNDS, SEED, LEVEL, figure);
        let mut distinct = groups.to_vec();
        distinct.sort_unstable();
        distinct.dedup();
        Self { value, low, high, n: groups.len(), groups: distinct.len() }
    }
}

impl std::fmt::Display for Figure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.3} [{:.3}, {:.3}]", self.value, self.low, self.high)
    }
}
