//! The best of the scan in the order of their float rows.

use super::Hit;
use clothingid_shared::embedding::cosine;

/// Rows of the scan whose order is decided by their float rows.
pub const RERANKED: usize = 100;

/// Puts hits in the order of the cosine of `query` (float, as the network gave it) and their float rows; of equals the earlier row first.
///
/// `float_row` gives the float row of a row's number. Where it has none, the hit keeps its int8 similarity.
///
/// # Errors
/// Those of `float_row`.
pub fn rerank<R: AsRef<[f32]>, E>(
    hits: Vec<Hit>,
    query: &[f32],
    mut float_row: impl FnMut(usize) -> Result<Option<R>, E>,
) -> Result<Vec<Hit>, E> {
    let mut ranked = Vec::with_capacity(hits.len());
    for hit in hits {
        let similarity = float_row(hit.row)?.map_or(hit.similarity, |row| cosine(query, row.as_ref()));
        ranked.push(Hit { row: hit.row, similarity });
    }
    ranked.sort_by(|a, b| b.similarity.total_cmp(&a.similarity).then(a.row.cmp(&b.row)));
    Ok(ranked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    #[test]
    fn the_float_rows_decide_and_a_missing_one_keeps_its_place_by_int8() {
        let rows: [Option<[f32; 2]>; 4] = [Some([0.0, 1.0]), Some([1.0, 0.0]), None, Some([1.0, 0.0])];
        let hits = (0..4).map(|row| Hit { row, similarity: 0.5 }).collect();
        let ranked = rerank(hits, &[1.0, 0.0], |row| Ok::<_, Infallible>(rows[row])).unwrap();
        let found: Vec<(usize, f32)> = ranked.iter().map(|hit| (hit.row, hit.similarity)).collect();
        assert_eq!(found, [(1, 1.0), (3, 1.0), (2, 0.5), (0, 0.0)]);
        assert!(rerank(ranked, &[1.0, 0.0], |_| Err::<Option<Vec<f32>>, _>("torn")).is_err());
    }
}
