//! The smallest difference that a study can see, from its photographs alone and before it runs.
//!
//! Two arms differ on a share *d* of the samples, one right and one wrong; without a real difference either is as likely. The difference
//! of two shares over *n* samples then has variance *d/n* (McNemar 1947), and of two means over *K* categories `d/K² · Σ 1/n_k`.
//! A difference is seen in four of five studies, at 5 % two-sided, if it is 2.8 standard errors or more.

use super::measure::Scores;

/// Sum of the 97.5 % and the 80 % point of the normal distribution.
const POINTS: f64 = 1.959_964 + 0.841_621;

/// The smallest difference that `scores` can show, where the photographs of a group count for themselves, and where each group counts as
/// one photograph: the truth lies between. `discordant` is the share that two arms answer differently.
#[must_use]
pub fn smallest_difference(scores: &Scores, discordant: f64) -> (f64, f64) {
    let of = |counts: &[f64]| {
        let kept: Vec<f64> = counts.iter().copied().filter(|&count| count > 0.0).collect();
        let k = kept.len().max(1) as f64;
        POINTS * (discordant * kept.iter().map(|count| 1.0 / count).sum::<f64>()).sqrt() / k
    };
    let categories = if scores.is_balanced { scores.categories.clone() } else { vec![0; scores.rows.len()] };
    let classes = categories.iter().max().map_or(0, |last| last + 1);
    let mut by_category = vec![std::collections::BTreeMap::<usize, f64>::new(); classes];
    for (&category, &group) in categories.iter().zip(&scores.groups) {
        *by_category[category].entry(group).or_default() += 1.0;
    }
    let all: Vec<f64> = by_category.iter().map(|groups| groups.values().sum()).collect();
    // Kish 1965: n photographs in groups of m are worth n² / Σ m² where those of a group are all alike.
    let alike: Vec<f64> = by_category
        .iter()
        .map(|groups| groups.values().sum::<f64>().powi(2) / groups.values().map(|m| m * m).sum::<f64>().max(1.0))
        .collect();
    (of(&all), of(&alike))
}

#[cfg(test)]
mod tests {
    use super::{Scores, smallest_difference};

    #[test]
    fn more_photographs_show_smaller_differences_and_few_groups_larger_ones() {
        let scores = |n: usize, m: usize| Scores {
            rows: (0..n).collect(),
            groups: (0..n).map(|i| i / m).collect(),
            values: vec![0.0; n],
            categories: vec![0; n],
            is_balanced: false,
        };
        let (own, group) = smallest_difference(&scores(294, 1), 0.2);
        // 2.80 · √(0.2 / 294)
        assert!((own - 0.0731).abs() < 1e-4 && (own - group).abs() < 1e-12, "{own} {group}");
        let (own, group) = smallest_difference(&scores(300, 3), 0.2);
        assert!((group / own - 3_f64.sqrt()).abs() < 1e-9);
        let mut two = scores(110, 1);
        (two.is_balanced, two.categories) = (true, (0..110).map(|i| usize::from(i < 10)).collect());
        let (balanced, _) = smallest_difference(&two, 0.2);
        assert!((balanced - 2.801_585 * (0.2 * (0.1 + 0.01_f64)).sqrt() / 2.0).abs() < 1e-6, "{balanced}");
    }
}
