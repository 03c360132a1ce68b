//! Which photographs an epoch shows, and in what order.
//!
//! Each photograph has a weight; the epoch shows it as often as its share of the weights says, rounded up or down by one draw for all
//! (systematic sampling), so that no photograph is left out by bad luck and none comes twice before its weight allows.

use std::collections::BTreeMap;

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_pcg::Pcg32;
use serde::{Deserialize, Serialize};

use super::LoadError;
use crate::import::Part;
use crate::pack::index::THUMBNAIL_SIDE;
use crate::pack::{Pack, PackedRow};

/// Which photographs of a part take part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Include {
    /// All.
    Everything,
    /// Those that show a garment.
    Garments,
    /// Those with a category in at least one taxonomy.
    Labelled,
    /// Garments with several real photographs in the part.
    SeveralViews,
}

/// How an epoch is drawn. All factors multiply a photograph's weight.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Sampling {
    /// Which photographs take part.
    pub include: Include,
    /// Samples an epoch; none: as many as photographs take part.
    pub samples: Option<usize>,
    /// 1: sources by their counts; 0: sources equally often; between: counts to this power.
    pub source_power: f64,
    /// The same for the categories within each source, averaged over the two taxonomies: a category that one source has many of may be
    /// rare in another, and the network sees which source a photograph is from.
    pub class_power: f64,
    /// The same for the groups within each source: few senders gave most of the photographs that were taken at home, and their rooms
    /// are not the shop's.
    pub group_power: f64,
    /// A factor by source.
    pub sources: BTreeMap<String, f64>,
    /// Factor of photographs of items with several real views in this part.
    pub several_views: f64,
    /// Factor of photographs of at most [`THUMBNAIL_SIDE`] pixels.
    pub thumbnails: f64,
    /// Factor of photographs that show no garment.
    pub no_garments: f64,
    /// No photograph is shown more often than this an epoch (unless the epoch is longer than all of them so often).
    pub most_repeats: f64,
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            include: Include::Everything,
            samples: None,
            source_power: 1.0,
            class_power: 1.0,
            group_power: 1.0,
            sources: BTreeMap::new(),
            several_views: 1.0,
            thumbnails: 1.0,
            no_garments: 1.0,
            most_repeats: 4.0,
        }
    }
}

impl Sampling {
    /// Garments only; sources evened out, and items with several real views shown more often: what identification learns from.
    #[must_use]
    pub fn identification() -> Self {
        Self { include: Include::Garments, source_power: 0.6, several_views: 3.0, ..Self::default() }
    }

    /// Everything; sources and categories evened out, thumbnails held back.
    #[must_use]
    pub fn finetune() -> Self {
        Self { source_power: 0.6, class_power: 0.5, several_views: 2.0, thumbnails: 0.6, ..Self::default() }
    }

    fn check(&self) -> Result<(), LoadError> {
        let expected = "a finite number that is not negative";
        let named = [
            ("source_power", self.source_power),
            ("class_power", self.class_power),
            ("group_power", self.group_power),
            ("several_views", self.several_views),
            ("thumbnails", self.thumbnails),
            ("no_garments", self.no_garments),
            ("most_repeats", self.most_repeats),
        ];
        for (setting, value) in named.into_iter().chain(self.sources.values().map(|&factor| ("sources", factor))) {
            if !value.is_finite() || value < 0.0 {
                return Err(LoadError::setting(setting, expected, value));
            }
        }
        Ok(())
    }

    fn takes(&self, row: &PackedRow) -> bool {
        match self.include {
            Include::Everything => true,
            Include::Garments | Include::SeveralViews => row.is_garment,
            Include::Labelled => row.cat14.is_some() || row.cat26.is_some(),
        }
    }

    /// Rows of a part that take part, with their weights.
    ///
    /// # Errors
    /// When a setting makes no sense.
    pub fn weights(&self, pack: &Pack, part: Part) -> Result<Vec<(usize, f64)>, LoadError> {
        self.check()?;
        let mut rows: Vec<(usize, &PackedRow)> =
            pack.rows().iter().enumerate().filter(|(_, row)| row.part == part && self.takes(row)).collect();
        let mut by_item: BTreeMap<usize, usize> = BTreeMap::new();
        for (_, row) in &rows {
            *by_item.entry(row.item).or_default() += 1;
        }
        if self.include == Include::SeveralViews {
            rows.retain(|(_, row)| by_item.get(&row.item).is_some_and(|&count| count > 1));
        }
        let mut by_source: BTreeMap<usize, f64> = BTreeMap::new();
        for (_, row) in &rows {
            *by_source.entry(row.source).or_default() += 1.0;
        }
        let cells = |part_of: fn(&PackedRow) -> Option<usize>, power: f64| {
            balance(rows.iter().map(|(_, row)| part_of(row).map(|class| (row.source, class))), power)
        };
        let balance14 = cells(|row| row.cat14, self.class_power);
        let balance26 = cells(|row| row.cat26, self.class_power);
        let balance_groups = cells(|row| Some(row.group), self.group_power);
        let weigh = |row: &PackedRow| {
            let count = by_source.get(&row.source).copied().unwrap_or(1.0);
            let mut weight = count.powf(self.source_power - 1.0);
            if let Some(factor) = pack.sources().get(row.source).and_then(|source| self.sources.get(&source.key)) {
                weight *= factor;
            }
            let factor = |balance: &Cells, class: Option<usize>| balance.get(&(row.source, class?)).copied();
            weight *= factor(&balance_groups, Some(row.group)).unwrap_or(1.0);
            let classes = [factor(&balance14, row.cat14), factor(&balance26, row.cat26)];
            let classes: Vec<f64> = classes.into_iter().flatten().collect();
            if !classes.is_empty() {
                weight *= classes.iter().sum::<f64>() / classes.len() as f64;
            }
            if by_item.get(&row.item).is_some_and(|&count| count > 1) {
                weight *= self.several_views;
            }
            if row.long_side() <= THUMBNAIL_SIDE {
                weight *= self.thumbnails;
            }
            if !row.is_garment {
                weight *= self.no_garments;
            }
            weight
        };
        Ok(rows.iter().map(|&(index, row)| (index, weigh(row))).collect())
    }

    /// Rows of a part that are shown, with how often an epoch shows each.
    ///
    /// # Errors
    /// When a setting makes no sense, or no photograph takes part.
    pub fn expected(&self, pack: &Pack, part: Part) -> Result<Vec<(usize, f64)>, LoadError> {
        let mut weighted = self.weights(pack, part)?;
        weighted.retain(|&(_, weight)| weight > 0.0 && weight.is_finite());
        if weighted.is_empty() {
            return Err(LoadError::Nothing { part });
        }
        let samples = self.samples.unwrap_or(weighted.len());
        let weights: Vec<f64> = weighted.iter().map(|&(_, weight)| weight).collect();
        let shares = shares(&weights, samples, self.most_repeats);
        Ok(weighted.into_iter().zip(shares).map(|((row, _), share)| (row, share)).collect())
    }

    /// The rows of one epoch, in the order in which they are shown.
    ///
    /// # Errors
    /// When a setting makes no sense, or no photograph takes part.
    pub fn plan(&self, pack: &Pack, part: Part, seed: u64, epoch: u64) -> Result<Vec<usize>, LoadError> {
        let mut expected = self.expected(pack, part)?;
        let samples = self.samples.unwrap_or(expected.len());
        let mut random = generator(seed, epoch, u64::MAX, 0);
        expected.shuffle(&mut random);
        let mut plan = Vec::with_capacity(samples);
        let mut sum: f64 = random.random_range(0.0..1.0);
        let mut shown = 0.0;
        for &(row, share) in &expected {
            sum += share;
            while shown + 1.0 <= sum && plan.len() < samples {
                plan.push(row);
                shown += 1.0;
            }
        }
        // Rounding in the sum may leave the last one out.
        while let (true, Some(&(row, _))) = (plan.len() < samples, expected.last()) {
            plan.push(row);
        }
        plan.shuffle(&mut random);
        Ok(plan)
    }
}

/// The generator of one view of one sample.
#[must_use]
pub fn generator(seed: u64, epoch: u64, position: u64, view: u64) -> Pcg32 {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for value in [seed, epoch, position, view] {
        // SplitMix64's mixing step, one round a value.
        state = state.wrapping_add(value).wrapping_add(0x9e37_79b9_7f4a_7c15);
        state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        state ^= state >> 31;
    }
    Pcg32::new(state, 0x0a02_bdbf_7bb3_c0a7)
}

/// A factor for each class of each source.
type Cells = BTreeMap<(usize, usize), f64>;

/// A factor for each class of each source, count to the power minus one, with mean 1 over the rows of the source that have a class.
fn balance(classes: impl Iterator<Item = Option<(usize, usize)>>, power: f64) -> Cells {
    let mut counts = Cells::new();
    for class in classes.flatten() {
        *counts.entry(class).or_default() += 1.0;
    }
    let mut sums: BTreeMap<usize, (f64, f64)> = BTreeMap::new();
    for (&(source, _), count) in &counts {
        let (rows, sum) = sums.entry(source).or_default();
        *rows += count;
        *sum += count.powf(power);
    }
    let factor =
        |source: usize, count: f64| sums.get(&source).map_or(1.0, |(rows, sum)| count.powf(power - 1.0) * rows / sum);
    counts.iter().map(|(&(source, class), &count)| ((source, class), factor(source, count))).collect()
}

/// How often each is expected among `samples`: in proportion to the weights, but none above the cap.
fn shares(weights: &[f64], samples: usize, cap: f64) -> Vec<f64> {
    let samples = samples as f64;
    let cap = cap.max(samples / weights.len().max(1) as f64);
    let total = |scale: f64| weights.iter().map(|weight| (weight * scale).min(cap)).sum::<f64>();
    let (mut low, mut high) = (0.0, samples / weights.iter().sum::<f64>());
    while total(high) < samples * (1.0 - 1e-12) && high.is_finite() && high < 1e300 {
        low = high;
        high *= 2.0;
    }
    for _ in 0..80 {
        let middle = f64::midpoint(low, high);
        if total(middle) < samples { low = middle } else { high = middle }
    }
    weights.iter().map(|weight| (weight * high).min(cap)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{balance, shares};

    #[test]
    fn power_one_changes_nothing_and_power_zero_evens_out() {
        let classes = [Some((0, 0)), Some((0, 0)), Some((0, 0)), Some((0, 1)), None, Some((1, 0))];
        assert!(balance(classes.into_iter(), 1.0).values().all(|factor| (factor - 1.0).abs() < 1e-12));
        let even = balance(classes.into_iter(), 0.0);
        assert!((even[&(0, 0)] * 3.0 - even[&(0, 1)]).abs() < 1e-12);
        assert!((even[&(1, 0)] - 1.0).abs() < 1e-12, "another source's counts are no matter");
    }

    proptest! {
        #[test]
        fn shares_sum_to_the_samples_and_keep_the_cap(
            weights in prop::collection::vec(1e-3_f64..1e3, 1..60), samples in 1_usize..500, cap in 0.5_f64..10.0,
        ) {
            let shares = shares(&weights, samples, cap);
            let sum: f64 = shares.iter().sum();
            prop_assert!((sum - samples as f64).abs() < 1e-6 * samples as f64, "{sum}");
            let cap = cap.max(samples as f64 / weights.len() as f64);
            prop_assert!(shares.iter().all(|&share| share <= cap + 1e-9));
        }
    }
}
