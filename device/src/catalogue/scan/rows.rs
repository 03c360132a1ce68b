//! All int8 rows, one after the other.

use super::best::Hit;
use super::candidates::Candidates;
use super::gathered::Gathered;
use super::kernels::{BLOCK, MOST_VALUES, STEP, byte};
use super::mask::Mask;
use super::query::Query;
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

    /// No rows yet, and room for so many.
    #[must_use]
    pub fn with_room(value_count: usize, rows: usize) -> Self {
        let mut new = Self::new(value_count);
        new.bytes.reserve_exact(Self::byte_len(rows, new.value_count).unwrap_or(0));
        new.scales.reserve_exact(rows);
        new
    }

    /// Gives back the room that was taken for more.
    pub fn settle(&mut self) {
        self.bytes.shrink_to_fit();
        self.scales.shrink_to_fit();
    }

    /// Rows that were written as [`bytes`](Self::bytes) and [`scales`](Self::scales); nothing where those do not fit each other.
    #[must_use]
    pub fn from_parts(bytes: Vec<u8>, scales: Vec<f32>, value_count: usize) -> Option<Self> {
        let rows = Self { bytes, scales, value_count };
        let fits = value_count <= MOST_VALUES && Some(rows.bytes.len()) == Self::byte_len(rows.len(), value_count);
        fits.then_some(rows)
    }

    /// Bytes of so many rows of so many values; nothing where that is more than a number can say.
    #[must_use]
    pub fn byte_len(rows: usize, value_count: usize) -> Option<usize> {
        value_count.checked_next_multiple_of(STEP)?.checked_mul(rows.checked_next_multiple_of(BLOCK)?)
    }

    /// Adds a row of other rows of the same length; `false` where there is none.
    #[must_use]
    pub fn push_from(&mut self, other: &Self, row: usize) -> bool {
        let (start, stride) = (self.len() * self.stride(), self.stride());
        let (Some(bytes), Some(scale)) = (other.row_bytes(row), other.scales.get(row)) else { return false };
        if other.value_count != self.value_count {
            return false;
        }
        if self.len().is_multiple_of(BLOCK) {
            self.bytes.resize(start + BLOCK * stride, 0);
        }
        if let Some(into) = self.bytes.get_mut(start..start + stride) {
            into.copy_from_slice(bytes);
        }
        self.scales.push(*scale);
        true
    }

    /// Whether a row is this embedding.
    #[must_use]
    pub fn is(&self, row: usize, embedding: &Embedding) -> bool {
        let same_scale = self.scales.get(row).is_some_and(|scale| scale.to_bits() == embedding.scale.to_bits());
        let values = embedding.values.iter().map(|value| byte(*value));
        same_scale
            && embedding.values.len() == self.value_count
            && self.row_bytes(row).is_some_and(|bytes| bytes.iter().copied().take(self.value_count).eq(values))
    }

    /// A row with its padding.
    fn row_bytes(&self, row: usize) -> Option<&[u8]> {
        let start = row.checked_mul(self.stride())?;
        self.bytes.get(start..start + self.stride()).filter(|_| row < self.len())
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

    /// The rows as they lie in memory: whole blocks of padded rows.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// One scale a row.
    #[must_use]
    pub fn scales(&self) -> &[f32] {
        &self.scales
    }

    /// Gives the rows of the mask to `candidates`, each with the number and group that `label` says of a row and its similarity; those of which
    /// it says nothing are none. None for a query of another length.
    pub fn scan(
        &self,
        query: &mut Query,
        mask: &Mask,
        label: impl Fn(usize, f32) -> Option<(i64, u32)>,
        candidates: &mut Candidates,
    ) {
        if query.value_count() != self.value_count {
            return;
        }
        let query_scale = query.scale();
        let Query { kernel, gathered, .. } = query;
        gathered.reset(self.stride());
        // Memory is read ahead where it is read in order: a block stepped over here and there costs more than it spares.
        let steps_over = mask.empty_blocks() > mask.words().len() / 2;
        let bytes = self.bytes.chunks_exact((BLOCK * self.stride()).max(1));
        let blocks = bytes.zip(self.scales.chunks(BLOCK)).zip(mask.words());
        for (block, ((bytes, scales), mask)) in blocks.enumerate() {
            if Gathered::takes(*mask, self.bytes.len()) {
                let mut left = *mask;
                while left != 0 {
                    let row = block * BLOCK + left.trailing_zeros() as usize;
                    left &= left - 1;
                    gathered.push(row, self.row_bytes(row).unwrap_or_default());
                    if gathered.is_full() {
                        self.offer(&kernel.sums(gathered.bytes()), gathered.rows(), query_scale, &label, candidates);
                        gathered.clear();
                    }
                }
                continue;
            }
            if *mask == 0 && steps_over {
                continue;
            }
            let sums = kernel.sums(bytes);
            let mut similarities = [f32::NEG_INFINITY; BLOCK];
            for ((similarity, sum), scale) in similarities.iter_mut().zip(sums).zip(scales) {
                *similarity = scaled(sum, *scale, query_scale);
            }
            // Almost always none: one comparison a block.
            if similarities.iter().any(|similarity| candidates.wants(*similarity)) {
                for (place, similarity) in similarities.into_iter().enumerate().take(scales.len()) {
                    if mask >> place & 1 == 1
                        && candidates.wants(similarity)
                        && let Some((id, group)) = label(block * BLOCK + place, similarity)
                    {
                        candidates.take(Hit { id, group, similarity });
                    }
                }
            }
        }
        self.offer(&kernel.sums(gathered.bytes()), gathered.rows(), query_scale, &label, candidates);
    }

    /// Gives rows to the candidates by their sums.
    fn offer(
        &self,
        sums: &[i32],
        rows: &[usize],
        query_scale: f32,
        label: impl Fn(usize, f32) -> Option<(i64, u32)>,
        candidates: &mut Candidates,
    ) {
        for (sum, row) in sums.iter().zip(rows) {
            let similarity = scaled(*sum, self.scales.get(*row).copied().unwrap_or_default(), query_scale);
            if candidates.wants(similarity)
                && let Some((id, group)) = label(*row, similarity)
            {
                candidates.take(Hit { id, group, similarity });
            }
        }
    }

    /// The `count` rows most like the query, best first, each with its place for a number; of equals the earlier row first.
    #[must_use]
    pub fn best(&self, query: &Embedding, count: usize) -> Vec<Hit> {
        let mut best = Candidates::of(count, 0);
        let place = |row, _| Some((i64::try_from(row).unwrap_or(i64::MAX), 0));
        self.scan(&mut Query::from(query), &Mask::all(self.len()), place, &mut best);
        best.into_hits()
    }
}

/// The similarity that a sum of products stands for.
fn scaled(sum: i32, scale: f32, query_scale: f32) -> f32 {
    #[expect(clippy::cast_precision_loss, reason = "one rounding to float32, far below a step of int8")]
    let sum = sum as f32;
    sum * scale * query_scale
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
        assert_eq!(best.iter().map(|h| h.id).collect::<Vec<_>>(), [0, 1]);
        assert!(rows.best(&embedding(&[1.0, 0.0]), 0).is_empty());
        assert!(Rows::new(0).best(&embedding(&[1.0]), 1).is_empty());
    }

    /// More bytes than are put together, with lone blocks in which nothing counts and with many.
    #[test]
    fn a_mask_counts_in_a_large_scan_too() {
        let row = |seed: usize| {
            let value = |i: usize| f32::from(u8::try_from(i * (seed + 3) % 17).unwrap()) - 8.0;
            embedding(&(0..MOST_VALUES).map(value).collect::<Vec<f32>>())
        };
        let seven: Vec<Embedding> = (0..7).map(row).collect();
        let (mut rows, count) = (Rows::new(MOST_VALUES), 530);
        for place in 0..count {
            assert!(rows.push(&seven[place % 7]));
        }
        let all = rows.best(&seven[3], count);
        let masks: [fn(usize) -> bool; 2] = [|row| row / BLOCK % 4 != 1 && row % 5 == 0, |row| row / BLOCK % 4 == 1];
        for counts in masks {
            let mut best = Candidates::of(count, 0);
            let mask = Mask::of((0..count).map(counts));
            rows.scan(&mut (&seven[3]).into(), &mask, |row, _| Some((i64::try_from(row).unwrap(), 0)), &mut best);
            let mut expected = all.clone();
            expected.retain(|hit| counts(usize::try_from(hit.id).unwrap()));
            assert_eq!(best.into_hits(), expected);
        }
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
                let expected = similarity(&query, &embedding(&gallery[usize::try_from(hit.id).unwrap()])).value();
                prop_assert!((hit.similarity.clamp(-1.0, 1.0) - expected).abs() < 1e-6);
            }
        }

        /// Rows that the mask leaves out are as if they were not there, and a copy of the rows is the same rows.
        #[test]
        fn only_rows_of_the_mask_count(all in vectors(20), seeds in any::<(u64, u64)>(), are_few in any::<bool>()) {
            let (query, gallery) = all.split_first().unwrap();
            let seed = if are_few { seeds.0 & seeds.1 } else { seeds.0 | seeds.1 };
            let counts = |row: usize| seed >> (row % 64) & 1 == 1;
            let (mut rows, mut copy) = (Rows::new(20), Rows::new(20));
            for (row, values) in gallery.iter().enumerate() {
                prop_assert!(rows.push(&embedding(values)) && copy.push_from(&rows, row));
                prop_assert!(rows.is(row, &embedding(values)) && !rows.is(row + 1, &embedding(values)));
            }
            let copy = Rows::from_parts(copy.bytes().to_vec(), copy.scales().to_vec(), 20).unwrap();
            prop_assert!(Rows::from_parts(copy.bytes().to_vec(), copy.scales()[1..].to_vec(), 200).is_none());
            let mut best = Candidates::of(5, 0);
            let mask = Mask::of((0..gallery.len()).map(counts));
            copy.scan(&mut (&embedding(query)).into(), &mask, |row, _| Some((i64::try_from(row).unwrap(), 0)), &mut best);
            let mut expected = rows.best(&embedding(query), gallery.len());
            expected.retain(|hit| counts(usize::try_from(hit.id).unwrap()));
            expected.truncate(5);
            prop_assert_eq!(best.into_hits(), expected);
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
            prop_assert!(cosine(query, &gallery[usize::try_from(first.id).unwrap()]) >= nearest - 0.03);
        }
    }
}
