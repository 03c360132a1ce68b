//! Divides photographs into four parts that share no group: *train*, *select*, *calibrate*, *report*.
//!
//! Rows that share a group or an item, or that the caller joins (near-duplicates), stay together, transitively. Each such cluster
//! goes whole into one part. The fractions hold within each stratum, which is a source with or without several views an item, so
//! that no part lacks a source or the retrieval test.
//!
//! Within a stratum clusters are taken large ones first, equals in the order of a seeded hash of their name, and each goes to the
//! part that is furthest below its share. A plain draw would miss the shares: the five largest senders of `clothing_cc0` have a
//! quarter of its photographs. The largest clusters therefore land in *train*, and the test parts get many small ones, which also
//! narrows intervals that resample groups.
//!
//! A cluster that the manifest's column `part` assigns goes where it says and counts for that part's share.

use std::borrow::Borrow;
use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use super::manifest::Row;

/// What a photograph may be used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Learned from.
    Train,
    /// Epochs, hyper-parameters and clipping are chosen by it.
    Select,
    /// Temperature and thresholds are set on it.
    Calibrate,
    /// The figures come from it, and nothing else does.
    Report,
}

impl Part {
    /// All parts, in their order.
    pub const ALL: [Self; 4] = [Self::Train, Self::Select, Self::Calibrate, Self::Report];

    /// The part of a name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|part| part.name() == name)
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Train => "train",
            Self::Select => "select",
            Self::Calibrate => "calibrate",
            Self::Report => "report",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The share of each part. Shares are relative: only their ratios matter.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fractions {
    /// Share of *train*.
    pub train: f64,
    /// Share of *select*.
    pub select: f64,
    /// Share of *calibrate*.
    pub calibrate: f64,
    /// Share of *report*.
    pub report: f64,
}

impl Default for Fractions {
    fn default() -> Self {
        Self { train: 0.60, select: 0.08, calibrate: 0.12, report: 0.20 }
    }
}

impl Fractions {
    /// The shares in the order of [`Part::ALL`], summing to one; negative or non-finite ones count as zero, and all zero as all train.
    #[must_use]
    pub fn shares(&self) -> [f64; 4] {
        let raw = [self.train, self.select, self.calibrate, self.report]
            .map(|share| if share.is_finite() { share.max(0.0) } else { 0.0 });
        let sum: f64 = raw.iter().sum();
        if sum > 0.0 { raw.map(|share| share / sum) } else { [1.0, 0.0, 0.0, 0.0] }
    }
}

/// The outcome: for each row its part, and the number of the cluster that was kept together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Part of each row.
    pub parts: Vec<Part>,
    /// Cluster of each row, numbered from 0 in the order of first appearance.
    pub clusters: Vec<usize>,
}

/// Splits rows. `joined` names pairs of rows that must stay together beyond their groups and items.
///
/// Where rows of a cluster are assigned to two parts ([`collision`]), the first row's holds.
#[must_use]
pub fn split<R: Borrow<Row>>(rows: &[R], joined: &[(usize, usize)], fractions: Fractions, seed: u64) -> Split {
    let rows: Vec<&Row> = rows.iter().map(Borrow::borrow).collect();
    let clusters = clusters(&rows, joined);
    let count = clusters.iter().max().map_or(0, |last| last + 1);
    let mut sizes = vec![0_usize; count];
    let mut names: Vec<&str> = vec![""; count];
    let mut strata: Vec<Option<(String, bool, bool)>> = vec![None; count];
    let mut assigned: Vec<Option<Part>> = vec![None; count];
    let several = items_with_several(&rows);
    for (&row, &cluster) in rows.iter().zip(&clusters) {
        if let Some(part) = assigned.get_mut(cluster) {
            *part = part.or_else(|| row.assigned());
        }
        if let (Some(size), Some(name), Some(stratum)) =
            (sizes.get_mut(cluster), names.get_mut(cluster), strata.get_mut(cluster))
        {
            *size += 1;
            // The smallest name stands for the cluster, so that the order of the rows does not matter.
            if name.is_empty() || row.group.as_str() < *name {
                *name = &row.group;
            }
            let is_several = several.get(row.item_id.as_str()).copied().unwrap_or(false);
            let own = (row.source.clone(), row.is_garment(), is_several);
            // A cluster over several strata counts for the one that is rarest: items with several views.
            let replace = stratum.as_ref().is_none_or(|held| (own.2, &own.0, own.1) > (held.2, &held.0, held.1));
            if replace {
                *stratum = Some(own);
            }
        }
    }
    let mut by_stratum: BTreeMap<(String, bool, bool), Vec<usize>> = BTreeMap::new();
    for (cluster, stratum) in strata.into_iter().enumerate() {
        if let Some(stratum) = stratum {
            by_stratum.entry(stratum).or_default().push(cluster);
        }
    }
    let shares = fractions.shares();
    let mut part_of = vec![Part::Train; count];
    for members in by_stratum.values() {
        let cluster = |&number: &usize| Cluster {
            size: sizes[number],
            name: names[number],
            assigned: assigned[number].map(|part| part as usize),
        };
        let named: Vec<Cluster<'_>> = members.iter().map(cluster).collect();
        for (&number, part) in members.iter().zip(divide(&named, &shares, seed)) {
            part_of[number] = Part::ALL[part];
        }
    }
    let parts = clusters.iter().map(|&cluster| part_of[cluster]).collect();
    Split { parts, clusters }
}

/// Rows that stay together, as they are divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cluster<'a> {
    /// How many rows.
    pub size: usize,
    /// What they are ordered by.
    pub name: &'a str,
    /// The share that they must go to, where it is given.
    pub assigned: Option<usize>,
}

/// Divides the clusters of one stratum by `shares`; says of each which share it went to. Those that are given come first, then large
/// ones, equals in the order of a seeded hash of their names, each where most is missing.
#[must_use]
pub fn divide(clusters: &[Cluster<'_>], shares: &[f64], seed: u64) -> Vec<usize> {
    let total: usize = clusters.iter().map(|cluster| cluster.size).sum();
    let mut short: Vec<f64> = shares.iter().map(|share| share * total as f64).collect();
    let mut chosen = vec![0; clusters.len()];
    for (place, cluster) in clusters.iter().enumerate() {
        if let Some((share, short)) = cluster.assigned.and_then(|share| Some((share, short.get_mut(share)?))) {
            chosen[place] = share;
            *short -= cluster.size as f64;
        }
    }
    let free = clusters.iter().enumerate().filter(|(_, cluster)| cluster.assigned.is_none());
    let mut order: Vec<(usize, u64, &str, usize)> =
        free.map(|(place, cluster)| (cluster.size, hash(seed, cluster.name), cluster.name, place)).collect();
    order.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(b.2)));
    for (size, _, _, place) in order {
        let mut best = 0;
        for share in 1..short.len() {
            if short[share] > short[best] {
                best = share;
            }
        }
        chosen[place] = best;
        short[best] -= size as f64;
    }
    chosen
}

/// Two rows of one cluster that the manifest assigns to two parts, if there are any: the first in the order of the rows.
#[must_use]
pub fn collision<R: Borrow<Row>>(rows: &[R], clusters: &[usize]) -> Option<(usize, usize)> {
    let mut first_of: BTreeMap<usize, (usize, Part)> = BTreeMap::new();
    for (index, (row, &cluster)) in rows.iter().zip(clusters).enumerate() {
        if let Some(part) = row.borrow().assigned() {
            let &mut (first, held) = first_of.entry(cluster).or_insert((index, part));
            if held != part {
                return Some((first, index));
            }
        }
    }
    None
}

/// For each item: has it several photographs?
fn items_with_several<'a>(rows: &[&'a Row]) -> BTreeMap<&'a str, bool> {
    let mut several = BTreeMap::new();
    for row in rows {
        several.entry(row.item_id.as_str()).and_modify(|is_several| *is_several = true).or_insert(false);
    }
    several
}

/// Numbers the sets of rows that share a group, an item or a join.
fn clusters(rows: &[&Row], joined: &[(usize, usize)]) -> Vec<usize> {
    let mut forest: Vec<usize> = (0..rows.len()).collect();
    let mut first_of_group: BTreeMap<&str, usize> = BTreeMap::new();
    let mut first_of_item: BTreeMap<&str, usize> = BTreeMap::new();
    for (index, row) in rows.iter().enumerate() {
        let with_group = *first_of_group.entry(row.group.as_str()).or_insert(index);
        let with_item = *first_of_item.entry(row.item_id.as_str()).or_insert(index);
        union(&mut forest, index, with_group);
        union(&mut forest, index, with_item);
    }
    for &(a, b) in joined {
        if a < rows.len() && b < rows.len() {
            union(&mut forest, a, b);
        }
    }
    let mut numbers: BTreeMap<usize, usize> = BTreeMap::new();
    (0..rows.len())
        .map(|index| {
            let root = find(&mut forest, index);
            let next = numbers.len();
            *numbers.entry(root).or_insert(next)
        })
        .collect()
}

fn find(forest: &mut [usize], mut index: usize) -> usize {
    while forest[index] != index {
        forest[index] = forest[forest[index]];
        index = forest[index];
    }
    index
}

fn union(forest: &mut [usize], a: usize, b: usize) {
    let (a, b) = (find(forest, a), find(forest, b));
    if a != b {
        forest[a.max(b)] = a.min(b);
    }
}

/// FNV-1a over the seed and the name, with a final mix (the plain hash has weak high bits for short names).
fn hash(seed: u64, name: &str) -> u64 {
    let mut state = 0xcbf2_9ce4_8422_2325_u64;
    for byte in seed.to_le_bytes().into_iter().chain(name.bytes()) {
        state = (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    state = (state ^ (state >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    state ^ (state >> 33)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::{Fractions, Part, collision, split};
    use crate::import::manifest::Row;

    fn row(source: &str, item: &str, group: &str) -> Row {
        Row {
            path: format!("{source}/{item}"),
            source: source.into(),
            item_id: item.into(),
            group: group.into(),
            ..Row::default()
        }
    }

    fn count(parts: &[Part], part: Part) -> usize {
        parts.iter().filter(|&&own| own == part).count()
    }

    #[test]
    fn nothing_splits_into_nothing() {
        assert!(split::<Row>(&[], &[], Fractions::default(), 1).parts.is_empty());
    }

    #[test]
    fn an_item_in_two_groups_and_a_near_duplicate_join_them() {
        let rows =
            [row("s", "a", "g1"), row("s", "b", "g1"), row("s", "b", "g2"), row("s", "c", "g3"), row("s", "d", "g4")];
        let split = split(&rows, &[(3, 4)], Fractions::default(), 7);
        assert_eq!(split.clusters, [0, 0, 0, 1, 1]);
        assert_eq!(split.parts[0], split.parts[2]);
        assert_eq!(split.parts[3], split.parts[4]);
    }

    #[test]
    fn an_assigned_cluster_goes_where_it_is_sent_and_counts_for_that_share() {
        let mut rows: Vec<Row> =
            (0..100).map(|index| row("s", &format!("i{index}"), &format!("g{}", index / 2))).collect();
        for assigned in rows.iter_mut().take(20).step_by(2) {
            assigned.part = "report".into();
        }
        let outcome = split(&rows, &[], Fractions::default(), 3);
        assert!(outcome.parts[..20].iter().all(|&part| part == Part::Report));
        assert_eq!(count(&outcome.parts, Part::Report), 20, "the share was full");
        assert_eq!(collision(&rows, &outcome.clusters), None);
        rows[3].part = "train".into();
        assert_eq!(collision(&rows, &outcome.clusters), Some((2, 3)));
        assert_eq!(split(&rows, &[], Fractions::default(), 3).parts, outcome.parts);
    }

    #[test]
    fn shares_hold_in_each_stratum_in_spite_of_large_groups() {
        let mut rows = Vec::new();
        for index in 0..1000 {
            // Half of the photographs are of two senders.
            let group = if index < 300 {
                "big".into()
            } else if index < 500 {
                "large".into()
            } else {
                format!("g{index}")
            };
            rows.push(row("home", &format!("i{index}"), &group));
        }
        for index in 0..100 {
            rows.push(row("studio", &format!("s{index}"), &format!("s{index}")));
            rows.push(row("studio", &format!("v{}", index / 2), &format!("v{}", index / 2)));
        }
        let split = split(&rows, &[], Fractions::default(), 1);
        let home: Vec<_> = split.parts[..1000].to_vec();
        for (part, share) in Part::ALL.into_iter().zip([600_usize, 80, 120, 200]) {
            assert!(count(&home, part).abs_diff(share) <= 2, "{part}: {}", count(&home, part));
        }
        let several: Vec<_> = split.parts[1000..].iter().copied().skip(1).step_by(2).collect();
        for (part, share) in Part::ALL.into_iter().zip([60_usize, 8, 12, 20]) {
            assert!(count(&several, part).abs_diff(share) <= 2, "{part}: {}", count(&several, part));
        }
    }

    #[test]
    fn shares_that_make_no_sense_are_all_train() {
        let rows = [row("s", "a", "a"), row("s", "b", "b")];
        let none = Fractions { train: f64::NAN, select: -1.0, calibrate: 0.0, report: 0.0 };
        assert_eq!(split(&rows, &[], none, 1).parts, [Part::Train, Part::Train]);
    }

    proptest! {
        #[test]
        fn groups_and_items_are_never_split_and_the_order_of_rows_does_not_matter(
            picks in prop::collection::vec((0_u8..3, 0_u8..40, 0_u8..30), 1..150), seed in any::<u64>(), turn in 0_usize..150,
        ) {
            let rows: Vec<Row> = picks.iter().map(|(source, item, group)| row(&format!("s{source}"), &format!("i{item}"), &format!("g{group}"))).collect();
            let first = split(&rows, &[], Fractions::default(), seed);
            let mut by_group: BTreeMap<&str, Part> = BTreeMap::new();
            let mut by_item: BTreeMap<&str, Part> = BTreeMap::new();
            for (row, &part) in rows.iter().zip(&first.parts) {
                prop_assert_eq!(*by_group.entry(&row.group).or_insert(part), part);
                prop_assert_eq!(*by_item.entry(&row.item_id).or_insert(part), part);
            }
            let mut turned = rows.clone();
            let middle = turn % rows.len();
            turned.rotate_left(middle);
            let mut second = split(&turned, &[], Fractions::default(), seed).parts;
            second.rotate_right(middle);
            prop_assert_eq!(first.parts, second);
        }
    }
}
