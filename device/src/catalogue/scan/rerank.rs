//! The best of the scan in the order of their float rows.

use super::best::{Hit, sort_from};
use clothingid_shared::embedding::l2_normalise;

/// Rows of the scan whose order is decided by their float rows.
pub const RERANKED: usize = 100;

/// Sums that [`dot`] adds to side by side: two vectors of any processor's.
const LANES: usize = 8;

/// Puts hits in the order of their float rows, in memory that it keeps from one search to the next.
#[derive(Debug, Default)]
pub struct Rerank {
    query: Vec<f32>,
    row: Vec<f32>,
}

impl Rerank {
    /// Puts hits in the order of the cosine of `query` (float, as the network gave it) and their float rows, which are of length one; of equals
    /// the smaller number first.
    ///
    /// `float_row` puts the float row of a row's number ([`Hit::id`]) into memory that is used for all of them, and says whether there is one.
    /// Where there is none, the hit keeps its int8 similarity.
    ///
    /// # Errors
    /// Those of `float_row`.
    pub fn order<E>(
        &mut self,
        hits: &mut [Hit],
        query: &[f32],
        mut float_row: impl FnMut(i64, &mut Vec<f32>) -> Result<bool, E>,
    ) -> Result<(), E> {
        self.query.clear();
        self.query.extend_from_slice(query);
        l2_normalise(&mut self.query);
        for hit in &mut *hits {
            if float_row(hit.id, &mut self.row)? {
                hit.similarity = dot(&self.query, &self.row);
            }
        }
        sort_from(0, hits);
        Ok(())
    }
}

/// The product of two vectors, over the shorter one; in lanes, which the compiler makes vectors of.
fn dot(a: &[f32], b: &[f32]) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut sums = [0.0; LANES];
    for (a, b) in a.iter().zip(b) {
        for (sum, (a, b)) in sums.iter_mut().zip(a.iter().zip(b)) {
            *sum += a * b;
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    sums.iter().sum::<f32>() + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn products_are_those_of_plain_loops() {
        for len in [0, 1, 7, 8, 9, 256, 257] {
            let [a, b] = [0.3_f32, 0.7].map(|step| (0..len).map(|i| (i as f32 * step).sin()).collect::<Vec<f32>>());
            let plain: f64 = a.iter().zip(&b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            assert!((f64::from(dot(&a, &b)) - plain).abs() < 1e-4, "{len}");
        }
    }

    #[test]
    fn the_float_rows_decide_and_a_missing_one_keeps_its_place_by_int8() {
        let rows: [Option<[f32; 2]>; 4] = [Some([0.0, 1.0]), Some([1.0, 0.0]), None, Some([1.0, 0.0])];
        let mut hits: Vec<Hit> = (0..4).map(|id| Hit { id, group: 0, similarity: 0.5 }).collect();
        let mut rerank = Rerank::default();
        let float_row = |id: i64, row: &mut Vec<f32>| {
            let found = rows[usize::try_from(id).unwrap()];
            row.clear();
            row.extend(found.into_iter().flatten());
            Ok::<_, Infallible>(found.is_some())
        };
        rerank.order(&mut hits, &[1.0, 0.0], float_row).unwrap();
        let found: Vec<(i64, f32)> = hits.iter().map(|hit| (hit.id, hit.similarity)).collect();
        assert_eq!(found, [(1, 1.0), (3, 1.0), (2, 0.5), (0, 0.0)]);
        let mut longer = [Hit { id: 1, group: 0, similarity: 0.0 }];
        rerank.order(&mut longer, &[3.0, 4.0], float_row).unwrap();
        assert!((longer[0].similarity - 0.6).abs() < 1e-6, "the query's length does not matter");
        assert!(rerank.order(&mut hits, &[1.0, 0.0], |_, _| Err("torn")).is_err());
    }
}
