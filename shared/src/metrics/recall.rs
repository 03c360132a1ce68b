//! Recall@k of retrieval: how often a right answer is among the first k.

use super::top_k::ratio;

/// Share of queries whose first right answer stands among the first `k`.
///
/// `ranks` holds, for each query, the rank of its first right answer from 0, or `None` where there was none.
#[must_use]
pub fn recall_at_k(ranks: &[Option<usize>], k: usize) -> f64 {
    ratio(ranks.iter().filter(|rank| rank.is_some_and(|rank| rank < k)).count(), ranks.len())
}

#[cfg(test)]
mod tests {
    use super::recall_at_k;

    #[test]
    fn ranks_count_from_zero() {
        let ranks = [Some(0), Some(4), None, Some(5)];
        for (k, expected) in [(0, 0.0), (1, 0.25), (5, 0.5), (6, 0.75)] {
            assert!((recall_at_k(&ranks, k) - expected).abs() < 1e-12, "k = {k}");
        }
        assert!(recall_at_k(&[], 1).abs() < 1e-12);
    }
}
