//! All int8 rows, one after the other.

use super::best::{Best, Hit};
use super::portable::{MOST_VALUES, dot, widened};
use clothingid_shared::embedding::Embedding;

/// `[rows, value_count]` int8 values, and one scale a row.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    values: Vec<i8>,
    scales: Vec<f32>,
    value_count: usize,
}

impl Rows {
    /// No rows yet, of this many values each (at most 100,000).
    #[must_use]
    pub fn new(value_count: usize) -> Self {
        Self { values: Vec::new(), scales: Vec::new(), value_count: value_count.min(MOST_VALUES) }
    }

    /// Adds a row. One of another length is not taken: `false`.
    #[must_use]
    pub fn push(&mut self, row: &Embedding) -> bool {
        let fits = row.values.len() == self.value_count;
        if fits {
            self.values.extend_from_slice(&row.values);
            self.scales.push(row.scale);
        }
        fits
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.scales.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.scales.is_empty()
    }

    /// How many values a row has.
    #[must_use]
    pub fn value_count(&self) -> usize {
        self.value_count
    }

    /// The rows' values, for a bench that reads them.
    #[must_use]
    pub fn values(&self) -> &[i8] {
        &self.values
    }

    /// The `count` rows most like the query, best first; of equals the earlier row first.
    #[must_use]
    pub fn best(&self, query: &Embedding, count: usize) -> Vec<Hit> {
        let mut best = Best::of(count);
        let wide = widened(&query.values);
        let rows = self.values.chunks_exact(self.value_count.max(1)).zip(&self.scales);
        for (row, (values, scale)) in rows.enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "one rounding to float32, far below a step of int8")]
            let similarity = dot(&wide, values) as f32 * *scale * query.scale;
            best.take(Hit { row, similarity });
        }
        best.into_sorted()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::embedding::{cosine, similarity};
    use proptest::prelude::*;

    fn embedding(values: &[f32]) -> Embedding {
        Embedding::quantise(values).unwrap()
    }

    #[test]
    fn edges() {
        let mut rows = Rows::new(2);
        assert!(rows.is_empty() && rows.best(&embedding(&[1.0, 0.0]), 3).is_empty());
        assert!(!rows.push(&embedding(&[1.0])), "another length");
        assert!(rows.push(&embedding(&[1.0, 0.0])) && rows.push(&embedding(&[-1.0, 0.0])));
        assert_eq!(rows.len(), 2);
        let best = rows.best(&embedding(&[1.0, 0.0]), 3);
        assert_eq!(best.iter().map(|h| h.row).collect::<Vec<_>>(), [0, 1]);
        assert!(rows.best(&embedding(&[1.0, 0.0]), 0).is_empty());
        assert!(Rows::new(0).best(&embedding(&[1.0]), 1).is_empty());
    }

    #[test]
    fn the_largest_products_do_not_overflow() {
        let largest = Embedding { values: vec![-127; MOST_VALUES], scale: 1.0 };
        assert_eq!(dot(&widened(&largest.values), &largest.values), 127 * 127 * 100_000);
    }

    fn vectors(values: usize) -> impl Strategy<Value = Vec<Vec<f32>>> {
        let vector = prop::collection::vec(-1.0_f32..1.0, values);
        prop::collection::vec(vector.prop_filter("a direction", |v| v.iter().any(|x| x.abs() > 0.01)), 2..40)
    }

    proptest! {
        /// Against the shared definition of similarity, row by row.
        #[test]
        fn scores_are_the_similarity(all in (1_usize..70).prop_flat_map(vectors)) {
            let (query, gallery) = all.split_first().unwrap();
            let query = embedding(query);
            let mut rows = Rows::new(query.values.len());
            for row in gallery {
                prop_assert!(rows.push(&embedding(row)));
            }
            for hit in rows.best(&query, gallery.len()) {
                let expected = similarity(&query, &embedding(&gallery[hit.row])).value();
                prop_assert!((hit.similarity.clamp(-1.0, 1.0) - expected).abs() < 1e-6);
            }
        }

        /// Against a naive float scan: what int8 puts first is as near as the nearest, within both quantisation steps.
        #[test]
        fn the_nearest_is_found(all in vectors(64)) {
            let (query, gallery) = all.split_first().unwrap();
            let mut rows = Rows::new(64);
            for row in gallery {
                prop_assert!(rows.push(&embedding(row)));
            }
            let nearest = gallery.iter().map(|g| cosine(query, g)).fold(f32::NEG_INFINITY, f32::max);
            let first = rows.best(&embedding(query), 1)[0];
            // Half a step of at most 1/127 on each of two unit vectors of 64 values, taken as a random walk, times four.
            prop_assert!(cosine(query, &gallery[first.row]) >= nearest - 0.03);
        }
    }
}
