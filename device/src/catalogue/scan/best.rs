//! The best of many rows, kept while they come by.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// One row of the scan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The row's own number, which no other row has. Rows may come by in any order of them.
    pub id: i64,
    /// What there is one answer for, however many rows it has.
    pub group: u32,
    /// Cosine of its int8 form with the query's.
    pub similarity: f32,
}

/// Worst first, so that the heap gives up its worst. Of equals the larger number is worse: the answer is always the same.
#[derive(Debug, PartialEq)]
pub(super) struct Worst(pub(super) Hit);

impl Eq for Worst {}

impl Ord for Worst {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.similarity.total_cmp(&self.0.similarity).then(self.0.id.cmp(&other.0.id))
    }
}

impl PartialOrd for Worst {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// What a hit must reach to be looked at where nothing is kept at all.
pub(super) const NOTHING: f32 = f32::INFINITY;

/// What a hit must reach at first, where so many are kept.
pub(super) fn bar_of_none(count: usize) -> f32 {
    if count == 0 { NOTHING } else { f32::NEG_INFINITY }
}

/// Puts the hits from this place on in order, best first.
pub(super) fn sort_from(start: usize, hits: &mut [Hit]) {
    if let Some(new) = hits.get_mut(start..) {
        new.sort_unstable_by_key(|hit| Worst(*hit));
    }
}

/// Keeps the best `count` rows.
#[derive(Debug)]
pub struct Best {
    heap: BinaryHeap<Worst>,
    count: usize,
    bar: f32,
}

impl Best {
    /// Nothing yet.
    #[must_use]
    pub fn of(count: usize) -> Self {
        Self { heap: BinaryHeap::with_capacity(count.min(1 << 16) + 1), count, bar: bar_of_none(count) }
    }

    /// What a row must reach to be kept.
    #[must_use]
    pub fn bar(&self) -> f32 {
        self.bar
    }

    /// Begins again: nothing yet, and this many are to be kept.
    pub fn reset(&mut self, count: usize) {
        self.heap.clear();
        self.count = count;
        self.bar = bar_of_none(count);
    }

    /// Takes a row, if it is one of the best so far.
    pub fn take(&mut self, hit: Hit) {
        if self.heap.len() < self.count {
            self.heap.push(Worst(hit));
        } else if self.heap.peek().is_some_and(|worst| Worst(hit) < *worst) {
            self.heap.pop();
            self.heap.push(Worst(hit));
        }
        if self.heap.len() == self.count {
            self.bar = self.heap.peek().map_or(NOTHING, |worst| worst.0.similarity);
        }
    }

    /// The last of the kept rows, if there are as many as are kept: what was offered and is no worse is kept too.
    #[must_use]
    pub fn last(&self) -> Option<Hit> {
        self.heap.peek().map(|worst| worst.0).filter(|_| self.heap.len() == self.count)
    }

    /// Moves the kept ones to the end of `hits`, best first.
    pub fn drain_into(&mut self, hits: &mut Vec<Hit>) {
        let start = hits.len();
        hits.extend(self.heap.drain().map(|worst| worst.0));
        sort_from(start, hits);
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Few similarities and groups, so that many are equal; numbers in any order.
    pub(in crate::catalogue::scan) fn hits() -> impl Strategy<Value = Vec<Hit>> {
        let hits = prop::collection::vec((-3_i8..3, 0_u32..9), 0..60).prop_map(|all| {
            let hit = |(id, (similarity, group))| Hit { id, group, similarity: f32::from(similarity) };
            (0..).zip(all).map(hit).collect::<Vec<Hit>>()
        });
        hits.prop_shuffle()
    }

    /// By similarity, of equals the smaller number first.
    pub(in crate::catalogue::scan) fn sorted(mut hits: Vec<Hit>) -> Vec<Hit> {
        hits.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.id.cmp(&b.id)));
        hits
    }

    proptest! {
        #[test]
        fn keeps_what_a_sort_keeps(hits in hits(), count in 0_usize..12) {
            let mut best = Best::of(3);
            best.take(Hit { id: -1, group: 0, similarity: 9.0 });
            best.reset(count);
            for hit in &hits {
                if hit.similarity >= best.bar() {
                    best.take(*hit);
                }
            }
            let mut expected = sorted(hits);
            expected.truncate(count);
            prop_assert_eq!(best.last(), expected.last().copied().filter(|_| expected.len() == count));
            let mut kept = Vec::new();
            best.drain_into(&mut kept);
            prop_assert_eq!(kept, expected);
        }
    }
}
