//! Bootstrap intervals that resample groups: photographs of one garment, sender or street picture are not independent.

use std::collections::BTreeMap;

/// A range that a figure lies in at the stated level.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
}

/// Percentile bootstrap (Efron 1979) over groups: each round draws as many groups as there are, with replacement, and takes all samples of
/// each; `figure` gets the positions of the samples drawn.
///
/// `groups[i]` is the group of sample `i`. The same seed gives the same interval. With no sample the interval is 0 to 0.
pub fn bootstrap_by_group(
    groups: &[usize],
    rounds: usize,
    seed: u64,
    level: f64,
    mut figure: impl FnMut(&[usize]) -> f64,
) -> Interval {
    let mut members: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (sample, group) in groups.iter().enumerate() {
        members.entry(*group).or_default().push(sample);
    }
    let members: Vec<Vec<usize>> = members.into_values().collect();
    if members.is_empty() || rounds == 0 {
        return Interval { low: 0.0, high: 0.0 };
    }
    let mut random = SplitMix(seed);
    let mut drawn = Vec::with_capacity(groups.len());
    let mut figures = Vec::with_capacity(rounds);
    for _ in 0..rounds {
        drawn.clear();
        for _ in 0..members.len() {
            if let Some(group) = members.get(random.below(members.len())) {
                drawn.extend_from_slice(group);
            }
        }
        figures.push(figure(&drawn));
    }
    figures.sort_by(f64::total_cmp);
    let tail = (1.0 - level.clamp(0.0, 1.0)) / 2.0;
    Interval { low: quantile(&figures, tail), high: quantile(&figures, 1.0 - tail) }
}

/// Score interval of a share of `n` independent trials (Wilson 1927, "Probable Inference, the Law of Succession, and Statistical
/// Inference"), at 95 %. Where all trials end alike a bootstrap has no width, and this one has.
///
/// With no trial the interval is 0 to 1.
#[must_use]
pub fn wilson(share: f64, n: usize) -> Interval {
    if n == 0 {
        return Interval { low: 0.0, high: 1.0 };
    }
    // The 97.5 % point of the normal distribution.
    let (z, n) = (1.959_964_f64, n as f64);
    let middle = share + z * z / (2.0 * n);
    let half = z * (share * (1.0 - share) / n + z * z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + z * z / n;
    Interval { low: ((middle - half) / scale).max(0.0), high: ((middle + half) / scale).min(1.0) }
}

fn quantile(sorted: &[f64], share: f64) -> f64 {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ share ≤ 1")]
    let position = (share * (sorted.len().saturating_sub(1)) as f64).round() as usize;
    sorted.get(position).or(sorted.last()).copied().unwrap_or(0.0)
}

/// `SplitMix64` (Steele et al. 2014): ten lines, so that an interval can be computed again by anyone from this file alone.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`; the bias of multiply-shift is below 2⁻³² here.
    fn below(&mut self, bound: usize) -> usize {
        let product = u128::from(self.next()) * bound as u128;
        usize::try_from(product >> 64).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::{bootstrap_by_group, wilson};

    #[test]
    fn shares_of_nothing_and_of_all_have_a_width() {
        // Newcombe 1998, "Two-sided confidence intervals for the single proportion", table I, method 3: 0 of 20 and 81 of 263.
        let none = wilson(0.0, 20);
        assert!(none.low.abs() < 1e-12 && (none.high - 0.1611).abs() < 1e-4, "{none:?}");
        let some = wilson(81.0 / 263.0, 263);
        assert!((some.low - 0.2553).abs() < 1e-4 && (some.high - 0.3662).abs() < 1e-4, "{some:?}");
        assert!((wilson(1.0, 20).low - 0.8389).abs() < 1e-4);
        assert_eq!((wilson(0.0, 0).low, wilson(0.0, 0).high), (0.0, 1.0));
    }

    fn mean(values: &[f64]) -> impl FnMut(&[usize]) -> f64 + '_ {
        |drawn| drawn.iter().map(|i| values[*i]).sum::<f64>() / drawn.len() as f64
    }

    #[test]
    fn close_to_the_normal_interval() {
        // 400 independent coin flips: 0.5 ± 1.96 · 0.025.
        let values: Vec<f64> = (0..400).map(|i| f64::from(i % 2)).collect();
        let groups: Vec<usize> = (0..400).collect();
        let interval = bootstrap_by_group(&groups, 2000, 1, 0.95, mean(&values));
        assert!((interval.low - 0.451).abs() < 0.01 && (interval.high - 0.549).abs() < 0.01, "{interval:?}");
    }

    #[test]
    fn samples_of_one_group_widen_it() {
        let values: Vec<f64> = (0..400).map(|i| f64::from(i / 20 % 2)).collect();
        let apart: Vec<usize> = (0..400).collect();
        let together: Vec<usize> = (0..400).map(|i| i / 20).collect();
        let narrow = bootstrap_by_group(&apart, 1000, 1, 0.95, mean(&values));
        let wide = bootstrap_by_group(&together, 1000, 1, 0.95, mean(&values));
        assert!(wide.high - wide.low > 2.0 * (narrow.high - narrow.low), "{wide:?} against {narrow:?}");
    }

    #[test]
    fn nothing_and_repeatability() {
        let empty = bootstrap_by_group(&[], 100, 1, 0.95, |_| 1.0);
        assert!(empty.low.abs() < 1e-12 && empty.high.abs() < 1e-12);
        let groups: Vec<usize> = (0..50).collect();
        let once = |seed| bootstrap_by_group(&groups, 200, seed, 0.95, |d| d.iter().sum::<usize>() as f64);
        assert_eq!(once(3), once(3));
        assert_ne!(once(3), once(4));
    }
}
