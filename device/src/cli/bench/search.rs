//! Search alone: the scan of the int8 rows and the re-rank of the best by their float rows, on made-up garments.
//!
//! Rows lie around a thousand centres, as garments of a shop do; queries lie around the same centres. The appliance
//! reads the hundred float rows from its store; here they are in memory, so the store's share is not in the figure.

use super::least_read;
use crate::catalogue::scan::{RERANKED, Rerank, Rows};
use clothingid_shared::embedding::{Embedding, cosine, l2_normalise};
use std::collections::TryReserveError;
use std::convert::Infallible;
use std::hint::black_box;
use std::time::Duration;

const CENTRES: usize = 1000;
/// Queries whose answers are compared with an exact float scan.
const JUDGED: usize = 20;

/// A made-up catalogue with its float rows.
pub(super) struct Garments {
    rows: Rows,
    floats: Vec<f32>,
    queries: Vec<(Vec<f32>, Embedding)>,
    dims: usize,
}

impl Garments {
    /// Makes `rows` rows of `dims` values; always the same.
    ///
    /// # Errors
    /// They do not fit into the memory.
    pub(super) fn new(rows: usize, dims: usize) -> Result<Self, TryReserveError> {
        let mut floats = Vec::new();
        floats.try_reserve_exact(rows.saturating_mul(dims))?;
        let mut source = Source::new(dims);
        let queries = (0..64)
            .map(|i| source.near(i * 7))
            .filter_map(|q| Some((q.clone(), Embedding::quantise(&q).ok()?)))
            .collect();
        let mut scan = Rows::new(dims);
        for i in 0..rows {
            let row = source.near(i);
            if Embedding::quantise(&row).is_ok_and(|embedding| scan.push(&embedding)) {
                floats.extend_from_slice(&row);
            }
        }
        Ok(Self { rows: scan, floats, queries, dims })
    }

    /// The ten nearest rows to a query, found by the catalogue's own scan and re-rank.
    fn nearest(&self, query: &(Vec<f32>, Embedding)) -> Vec<usize> {
        let mut hits = self.rows.best(&query.1, RERANKED);
        let Ok(()) = Rerank::default().order(&mut hits, &query.0, |row, floats| {
            floats.clear();
            let found = self.float_row(place(row)).map(|found| floats.extend_from_slice(found));
            Ok::<_, Infallible>(found.is_some())
        });
        hits.into_iter().take(10).map(|hit| place(hit.id)).collect()
    }

    fn float_row(&self, row: usize) -> Option<&[f32]> {
        self.floats.chunks_exact(self.dims).nth(row)
    }

    /// One query; `turn` chooses which.
    pub(super) fn search(&self, turn: usize) {
        if let Some(query) = self.queries.get(turn % self.queries.len().max(1)) {
            black_box(self.nearest(query));
        }
    }

    /// The least time of five to read all int8 rows from memory.
    pub(super) fn memory_read(&self) -> Duration {
        least_read(self.rows.bytes(), 5)
    }

    /// Share of the true ten nearest (an exact float scan) that the search finds.
    pub(super) fn recall_at_10(&self) -> f64 {
        let (mut found, mut wanted) = (0, 0);
        for query in self.queries.iter().take(JUDGED) {
            let truth = ten_best(&query.0, self.floats.chunks_exact(self.dims).enumerate());
            let answer = self.nearest(query);
            found += truth.iter().filter(|row| answer.contains(row)).count();
            wanted += truth.len();
        }
        found as f64 / f64::from(u32::try_from(wanted).unwrap_or(u32::MAX).max(1))
    }
}

/// Which row a number of the scan names.
fn place(id: i64) -> usize {
    usize::try_from(id).unwrap_or(usize::MAX)
}

fn ten_best<'a>(query: &[f32], rows: impl Iterator<Item = (usize, &'a [f32])>) -> Vec<usize> {
    let mut all: Vec<(usize, f32)> = rows.map(|(row, values)| (row, cosine(query, values))).collect();
    all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    all.into_iter().take(10).map(|(row, _)| row).collect()
}

/// Makes directions around the centres; always the same ones.
pub(super) struct Source {
    chance: Chance,
    centres: Vec<Vec<f32>>,
    dims: usize,
}

impl Source {
    pub(super) fn new(dims: usize) -> Self {
        let mut chance = Chance(0x9e37_79b9_7f4a_7c15);
        let centres = (0..CENTRES).map(|_| chance.direction(dims, None)).collect();
        Self { chance, centres, dims }
    }

    /// One around the centre that garment `i` has.
    pub(super) fn near(&mut self, i: usize) -> Vec<f32> {
        self.chance.direction(self.dims, self.centres.get(i % CENTRES).map(Vec::as_slice))
    }
}

/// A seeded generator (xorshift64*, Vigna 2016): the bench is the same everywhere.
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> f32 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 40;
        bits as f32 / (1_u32 << 23) as f32 - 1.0
    }

    /// A vector of length one, around a centre or anywhere.
    fn direction(&mut self, dims: usize, centre: Option<&[f32]>) -> Vec<f32> {
        let spread = if centre.is_some() { 1.2 / (dims.max(1) as f32).sqrt() } else { 1.0 };
        let mut values: Vec<f32> = (0..dims).map(|_| self.next() * spread).collect();
        for (value, middle) in values.iter_mut().zip(centre.unwrap_or_default()) {
            *value += middle;
        }
        l2_normalise(&mut values);
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nearly_all_of_the_true_nearest_are_found() {
        let garments = Garments::new(3000, 64).unwrap();
        assert!(garments.recall_at_10() > 0.98, "{}", garments.recall_at_10());
        assert_eq!(garments.nearest(&garments.queries[0]).len(), 10);
    }

    #[test]
    fn a_row_finds_itself() {
        let garments = Garments::new(500, 32).unwrap();
        let row = garments.float_row(321).unwrap().to_vec();
        let query = (row.clone(), Embedding::quantise(&row).unwrap());
        assert_eq!(garments.nearest(&query)[0], 321);
    }

    #[test]
    fn more_than_the_memory_is_an_error() {
        assert!(Garments::new(usize::MAX, 2).is_err());
    }

    #[test]
    fn no_rows_are_no_panic() {
        let garments = Garments::new(0, 16).unwrap();
        garments.search(3);
        assert_eq!(garments.recall_at_10(), 0.0);
    }
}
