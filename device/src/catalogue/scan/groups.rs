//! The best row of each group, and the best groups, kept while rows come by.

use super::best::{Hit, NOTHING, Worst, bar_of_none, sort_from};
use std::collections::{BinaryHeap, HashMap};

/// Keeps the best `count` groups, each with its best row.
#[derive(Debug)]
pub struct BestGroups {
    /// The best row of each kept group.
    best: HashMap<u32, Hit>,
    /// The same rows, and some that a better one of their group has replaced: those are dropped when they come up.
    heap: BinaryHeap<Worst>,
    count: usize,
    bar: f32,
}

impl BestGroups {
    /// Nothing yet.
    #[must_use]
    pub fn of(count: usize) -> Self {
        let room = count.min(1 << 16) + 1;
        let (best, heap) = (HashMap::with_capacity(room), BinaryHeap::with_capacity(2 * room));
        Self { best, heap, count, bar: bar_of_none(count) }
    }

    /// Begins again: nothing yet, and this many are to be kept.
    pub fn reset(&mut self, count: usize) {
        self.best.clear();
        self.heap.clear();
        self.count = count;
        self.bar = bar_of_none(count);
    }

    /// What a row must reach to change anything.
    #[must_use]
    pub fn bar(&self) -> f32 {
        self.bar
    }

    /// Takes a row, if it is the best of its group so far and the group is one of the best.
    pub fn take(&mut self, hit: Hit) {
        match self.best.get(&hit.group) {
            Some(known) if Worst(hit) >= Worst(*known) => return,
            Some(_) => {}
            None if self.best.len() < self.count => {}
            None => match self.worst() {
                Some(worst) if Worst(hit) < Worst(worst) => {
                    self.heap.pop();
                    self.best.remove(&worst.group);
                }
                _ => return,
            },
        }
        self.best.insert(hit.group, hit);
        self.heap.push(Worst(hit));
        // One group that gets better row by row must not fill the memory.
        if self.heap.len() > 2 * self.best.len() + 64 {
            self.heap.clear();
            self.heap.extend(self.best.values().copied().map(Worst));
        }
        if self.best.len() == self.count {
            self.bar = self.worst().map_or(NOTHING, |worst| worst.similarity);
        }
    }

    /// The kept group that goes first. It is the heap's first then.
    fn worst(&mut self) -> Option<Hit> {
        while let Some(Worst(hit)) = self.heap.peek() {
            if self.best.get(&hit.group).is_some_and(|best| best.id == hit.id) {
                return Some(*hit);
            }
            self.heap.pop();
        }
        None
    }

    /// Moves the best row of each kept group that `wants` says yes to to the end of `hits`, best group first.
    pub fn drain_into(&mut self, hits: &mut Vec<Hit>, wants: impl Fn(Hit) -> bool) {
        let start = hits.len();
        hits.extend(self.best.drain().map(|(_, hit)| hit).filter(|hit| wants(*hit)));
        sort_from(start, hits);
        self.heap.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::best::tests::{hits, sorted};
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn a_group_that_gets_better_row_by_row_takes_no_memory() {
        let mut best = BestGroups::of(2);
        for id in 0..10_000_u16 {
            best.take(Hit { id: i64::from(id), group: 7, similarity: f32::from(id) });
        }
        assert!(best.heap.len() < 100, "{}", best.heap.len());
        let mut kept = Vec::new();
        best.drain_into(&mut kept, |_| true);
        assert_eq!(kept[0].id, 9_999);
    }

    proptest! {
        /// The definition: sort all rows, keep the first of each group, then the first groups.
        #[test]
        fn keeps_what_a_sort_keeps(hits in hits(), count in 0_usize..12) {
            let mut best = BestGroups::of(3);
            best.take(Hit { id: -1, group: 0, similarity: 9.0 });
            best.reset(count);
            for hit in &hits {
                if hit.similarity >= best.bar() {
                    best.take(*hit);
                }
            }
            let mut taken = HashSet::new();
            let mut expected = sorted(hits);
            expected.retain(|hit| taken.insert(hit.group));
            expected.truncate(count);
            let mut kept = Vec::new();
            best.drain_into(&mut kept, |_| true);
            prop_assert_eq!(kept, expected);
        }
    }
}
