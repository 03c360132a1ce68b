//! The best of many, kept while they come by.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// One row of the scan.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hit {
    /// The row's number.
    pub row: usize,
    /// Cosine of its int8 form with the query's.
    pub similarity: f32,
}

/// Worst first, so that the heap gives up its worst. Of equals the later row is worse: the answer is always the same.
#[derive(PartialEq)]
struct Worst(Hit);

impl Eq for Worst {}

impl Ord for Worst {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.similarity.total_cmp(&self.0.similarity).then(self.0.row.cmp(&other.0.row))
    }
}

impl PartialOrd for Worst {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Keeps the best `count` hits.
pub struct Best {
    heap: BinaryHeap<Worst>,
    count: usize,
    /// What a hit must exceed to be kept, once the heap is full.
    bar: f32,
}

impl Best {
    /// Nothing yet.
    #[must_use]
    pub fn of(count: usize) -> Self {
        let bar = if count == 0 { f32::INFINITY } else { f32::NEG_INFINITY };
        Self { heap: BinaryHeap::with_capacity(count.min(1 << 16) + 1), count, bar }
    }

    /// Whether a later hit of this similarity would be kept.
    #[must_use]
    pub fn wants(&self, similarity: f32) -> bool {
        similarity > self.bar
    }

    /// Takes a hit. Rows must come in ascending order.
    pub fn take(&mut self, hit: Hit) {
        if self.heap.len() < self.count {
            self.heap.push(Worst(hit));
        } else if self.wants(hit.similarity) {
            self.heap.pop();
            self.heap.push(Worst(hit));
        } else {
            return;
        }
        if self.heap.len() == self.count {
            self.bar = self.heap.peek().map_or(f32::INFINITY, |worst| worst.0.similarity);
        }
    }

    /// The kept ones, best first.
    #[must_use]
    pub fn into_sorted(self) -> Vec<Hit> {
        self.heap.into_sorted_vec().into_iter().map(|w| w.0).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn keeps_what_a_sort_keeps(similarities in prop::collection::vec(-3_i8..3, 0..40), count in 0_usize..12) {
            let hits: Vec<Hit> = similarities
                .iter()
                .enumerate()
                .map(|(row, s)| Hit { row, similarity: f32::from(*s) })
                .collect();
            let mut best = Best::of(count);
            hits.iter().for_each(|h| best.take(*h));
            let mut sorted = hits;
            // A stable sort: of equals the earlier row comes first.
            sorted.sort_by(|a, b| b.similarity.total_cmp(&a.similarity));
            sorted.truncate(count);
            prop_assert_eq!(best.into_sorted(), sorted);
        }
    }
}
