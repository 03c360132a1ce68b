//! What a scan keeps for the re-rank: the best rows, and enough different groups.
//!
//! The best rows are what the float rows put into their order. One product with hundreds of photographs can fill them all; the best row of
//! each of the best groups is kept beside them, so that one pass finds as many different products as were asked for.

use super::best::{Best, Hit, NOTHING, Worst};
use super::groups::BestGroups;

/// The best rows and the best groups of a scan.
#[derive(Debug)]
pub struct Candidates {
    rows: Best,
    groups: BestGroups,
    bar: f32,
}

impl Candidates {
    /// Keeps this many rows, and the best row of each of this many groups.
    #[must_use]
    pub fn of(rows: usize, groups: usize) -> Self {
        let (rows, groups) = (Best::of(rows), BestGroups::of(groups));
        let bar = rows.bar().min(groups.bar());
        Self { rows, groups, bar }
    }

    /// Begins again: nothing yet, and so many rows and groups are to be kept.
    pub fn reset(&mut self, rows: usize, groups: usize) {
        self.rows.reset(rows);
        self.groups.reset(groups);
        self.bar = self.rows.bar().min(self.groups.bar());
    }

    /// Whether a row of this similarity may change anything: the one comparison of almost all rows.
    #[must_use]
    pub fn wants(&self, similarity: f32) -> bool {
        similarity >= self.bar
    }

    /// Takes a row.
    pub fn take(&mut self, hit: Hit) {
        if hit.similarity >= self.rows.bar() {
            self.rows.take(hit);
        }
        if hit.similarity >= self.groups.bar() {
            self.groups.take(hit);
        }
        self.bar = self.rows.bar().min(self.groups.bar());
    }

    /// Moves the kept rows into `hits`, in place of what is there, each once: the best ones first, then those that are here for their group alone.
    pub fn drain_into(&mut self, hits: &mut Vec<Hit>) {
        hits.clear();
        let (has_rows, last) = (self.rows.bar() < NOTHING, self.rows.last());
        self.rows.drain_into(hits);
        // Where fewer rows came by than are kept, each is among them already.
        let is_lone = |hit| last.map_or(!has_rows, |last| Worst(hit) > Worst(last));
        self.groups.drain_into(hits, is_lone);
    }

    /// The same, for one scan alone.
    #[must_use]
    pub fn into_hits(mut self) -> Vec<Hit> {
        let mut hits = Vec::new();
        self.drain_into(&mut hits);
        hits
    }
}

impl Default for Candidates {
    /// Keeps nothing.
    fn default() -> Self {
        Self::of(0, 0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::best::tests::{hits, sorted};
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn the_best_rows_and_the_best_of_each_group(hits in hits(), rows in 0_usize..12, groups in 0_usize..12) {
            let mut candidates = Candidates::of(1, 3);
            candidates.take(Hit { id: -1, group: 0, similarity: 9.0 });
            candidates.reset(rows, groups);
            for hit in &hits {
                if candidates.wants(hit.similarity) {
                    candidates.take(*hit);
                }
            }
            let all = sorted(hits);
            let mut taken = HashSet::new();
            let firsts = all.iter().filter(|hit| taken.insert(hit.group)).take(groups);
            let mut expected: Vec<Hit> = all.iter().take(rows).copied().collect();
            for hit in firsts {
                if !expected.contains(hit) {
                    expected.push(*hit);
                }
            }
            let mut kept = vec![Hit { id: -2, group: 0, similarity: 9.0 }];
            candidates.drain_into(&mut kept);
            prop_assert_eq!(kept, expected);
        }
    }
}
