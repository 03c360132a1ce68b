//! All int8 rows, one after the other.

use super::best::{Best, Hit};
use super::kernels::{BLOCK, MOST_VALUES, Query, STEP, byte};
use crate::processor::InstructionSet;
use clothingid_shared::embedding::Embedding;

/// `[rows, value_count]` int8 values, and one scale a row.
#[derive(Debug, Clone, Default)]
pub struct Rows {
    /// Whole blocks of padded rows, each value with 128 added.
    bytes: Vec<u8>,
    scales: Vec<f32>,
    value_count: usize,
}

impl Rows {
    /// No rows yet, of this many values each (at most 65,536).
    #[must_use]
    pub fn new(value_count: usize) -> Self {
        Self { bytes: Vec::new(), scales: Vec::new(), value_count: value_count.min(MOST_VALUES) }
    }

    /// Adds a row. One of another length is not taken: `false`.
    #[must_use]
    pub fn push(&mut self, row: &Embedding) -> bool {
        let (start, stride) = (self.len() * self.stride(), self.stride());
        if row.values.len() != self.value_count || stride == 0 {
            return false;
        }
        if self.len().is_multiple_of(BLOCK) {
            self.bytes.resize(start + BLOCK * stride, 0);
        }
        for (into, value) in self.bytes.iter_mut().skip(start).zip(&row.values) {
            *into = byte(*value);
        }
        self.scales.push(row.scale);
        true
    }

    /// Bytes of a row with its padding.
    fn stride(&self) -> usize {
        self.value_count.next_multiple_of(STEP)
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

    /// The rows as they lie in memory, for a bench that reads them.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The `count` rows most like the query, best first; of equals the earlier row first. None for a query of another length.
    #[must_use]
    pub fn best(&self, query: &Embedding, count: usize) -> Vec<Hit> {
        let mut best = Best::of(count);
        if query.values.len() != self.value_count {
            return Vec::new();
        }
        let kernel = Query::new(&query.values, InstructionSet::fastest());
        let blocks = self.bytes.chunks_exact((BLOCK * self.stride()).max(1)).zip(self.scales.chunks(BLOCK));
        for (block, (bytes, scales)) in blocks.enumerate() {
            let sums = kernel.sums(bytes);
            let mut similarities = [f32::NEG_INFINITY; BLOCK];
            for ((similarity, sum), scale) in similarities.iter_mut().zip(sums).zip(scales) {
                #[expect(clippy::cast_precision_loss, reason = "one rounding to float32, far below a step of int8")]
                let sum = sum as f32;
                *similarity = sum * *scale * query.scale;
            }
            // Almost always none: one comparison a block.
            if similarities.iter().any(|similarity| best.wants(*similarity)) {
                for (place, similarity) in similarities.into_iter().enumerate().take(scales.len()) {
                    best.take(Hit { row: block * BLOCK + place, similarity });
                }
            }
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
            let hits = rows.best(&query, gallery.len());
            prop_assert_eq!(hits.len(), gallery.len());
            for hit in hits {
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
