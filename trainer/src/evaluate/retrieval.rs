//! Retrieval: does a query photograph find another photograph of the same garment in the gallery?

use clothingid_shared::metrics::{mean_average_precision, recall_at_k};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::figure::Figure;
use super::photos::Sample;
use crate::import::ViewSplit;

/// Answers to a query that are kept by name.
pub const SHOWN: usize = 20;

/// The answers to every query, best first.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Retrieval {
    /// Position of each query among the samples.
    pub queries: Vec<usize>,
    /// Rank of the first photograph of the right garment; none where it is not in the gallery.
    pub ranks: Vec<Option<usize>>,
    /// Of each query, whether each photograph of the gallery shows its garment, best first.
    relevance: Vec<Vec<bool>>,
    /// The [`SHOWN`] best photographs of each query, as positions among the samples.
    pub nearest: Vec<Vec<usize>>,
    /// Similarity of the best answer.
    pub best: Vec<f64>,
    /// Similarity of the best answer that shows another garment: what would be best without the query's own in the gallery.
    pub best_other: Vec<f64>,
    /// Group of each query.
    pub groups: Vec<usize>,
    /// Photographs in the gallery.
    pub gallery: usize,
}

/// Figures of retrieval.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RetrievalFigures {
    /// Photographs searched in.
    pub gallery: usize,
    /// Queries whose best answer is right.
    pub recall_at_1: Figure,
    /// Queries with a right answer among five.
    pub recall_at_5: Figure,
    /// Among ten.
    pub recall_at_10: Figure,
    /// Among twenty.
    pub recall_at_20: Figure,
    /// Mean average precision.
    pub map: Figure,
}

impl Retrieval {
    /// Searches the gallery's photographs with each query of a garment that the gallery has. Embeddings are compared by their cosine.
    #[must_use]
    pub fn of(samples: &[Sample], embeddings: &[&[f32]]) -> Self {
        let of = |split: ViewSplit| {
            (0..samples.len()).filter(move |&i| samples[i].is_garment && samples[i].view_split == split)
        };
        let gallery: Vec<usize> = of(ViewSplit::Gallery).collect();
        let has = |query: &usize| gallery.iter().any(|&g| samples[g].item == samples[*query].item);
        Self::search(samples, embeddings, of(ViewSplit::Query).filter(has).collect(), &gallery)
    }

    /// Searches a gallery with queries of one's own choice.
    #[must_use]
    pub fn search(samples: &[Sample], embeddings: &[&[f32]], queries: Vec<usize>, gallery: &[usize]) -> Self {
        let unit: Vec<Vec<f32>> = embeddings.iter().map(|values| normalise(values)).collect();
        let one = |&query: &usize| {
            let similarity = |g: usize| unit[query].iter().zip(&unit[g]).map(|(a, b)| a * b).sum::<f32>();
            let is_right = |g: usize| samples[g].item == samples[query].item;
            let mut found: Vec<(f32, usize)> =
                gallery.iter().filter(|&&g| g != query).map(|&g| (similarity(g), g)).collect();
            // What is no number is furthest, and of equals the wrong one comes first: a network that gives the same to everything finds nothing.
            found.iter_mut().filter(|(similarity, _)| similarity.is_nan()).for_each(|(s, _)| *s = f32::NEG_INFINITY);
            found.sort_by(|a, b| b.0.total_cmp(&a.0).then(is_right(a.1).cmp(&is_right(b.1))));
            let similarity_of = |answer: Option<&(f32, usize)>| answer.map_or(-1.0, |(s, _)| f64::from(*s));
            let best = [found.first(), found.iter().find(|(_, g)| !is_right(*g))].map(similarity_of);
            let nearest = found.iter().take(SHOWN).map(|(_, g)| *g).collect();
            (found.iter().map(|(_, g)| is_right(*g)).collect(), nearest, best)
        };
        let answers: Vec<(Vec<bool>, Vec<usize>, [f64; 2])> = queries.par_iter().map(one).collect();
        let mut retrieval = Self {
            groups: queries.iter().map(|&q| samples[q].group).collect(),
            queries,
            gallery: gallery.len(),
            ..Self::default()
        };
        for (relevance, nearest, [best, best_other]) in answers {
            retrieval.ranks.push(relevance.iter().position(|is_right| *is_right));
            retrieval.relevance.push(relevance);
            retrieval.nearest.push(nearest);
            retrieval.best.push(best);
            retrieval.best_other.push(best_other);
        }
        retrieval
    }

    /// Share of the queries with a right answer among `k`, among some positions.
    #[must_use]
    pub fn recall_of(&self, k: usize, drawn: &[usize]) -> f64 {
        recall_at_k(&drawn.iter().map(|&p| self.ranks[p]).collect::<Vec<_>>(), k)
    }

    /// The same with its interval.
    #[must_use]
    pub fn recall(&self, k: usize) -> Figure {
        Figure::measure(&self.groups, |drawn| self.recall_of(k, drawn))
    }

    /// How many more queries are answered rightly among `k` than by another embedding, with its paired interval.
    #[must_use]
    pub fn recall_gain(&self, k: usize, other: &Self) -> Figure {
        Figure::measure(&self.groups, |drawn| self.recall_of(k, drawn) - other.recall_of(k, drawn))
    }

    /// Average precision of the query at a position.
    #[must_use]
    pub fn average_precision(&self, place: usize) -> f64 {
        let right = self.relevance[place].iter().filter(|is_right| **is_right).count();
        mean_average_precision(std::slice::from_ref(&self.relevance[place]), &[right])
    }

    /// All figures; none without queries.
    #[must_use]
    pub fn figures(&self) -> Option<RetrievalFigures> {
        if self.queries.is_empty() {
            return None;
        }
        let precision: Vec<f64> = (0..self.queries.len()).map(|place| self.average_precision(place)).collect();
        #[expect(clippy::cast_precision_loss, reason = "a count of queries")]
        let mean = |drawn: &[usize]| drawn.iter().map(|&p| precision[p]).sum::<f64>() / drawn.len().max(1) as f64;
        Some(RetrievalFigures {
            gallery: self.gallery,
            recall_at_1: self.recall(1),
            recall_at_5: self.recall(5),
            recall_at_10: self.recall(10),
            recall_at_20: self.recall(20),
            map: Figure::measure(&self.groups, mean),
        })
    }
}

fn normalise(values: &[f32]) -> Vec<f32> {
    let norm = values.iter().map(|v| v * v).sum::<f32>().sqrt().max(1e-30);
    values.iter().map(|v| v / norm).collect()
}

#[cfg(test)]
mod tests {
    use super::Retrieval;
    use crate::evaluate::Photos;
    use crate::pack::{Pack, sample};

    #[test]
    fn an_embedding_that_tells_nothing_apart_finds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("pack");
        sample::pack(&sample::manifest(folder.path(), 20), &out).unwrap();
        let pack = Pack::open(&out).unwrap();
        let samples = Photos::of_pack(&pack, &(0..pack.rows().len()).collect::<Vec<_>>()).unwrap().samples;
        let own: Vec<Vec<f32>> =
            samples.iter().map(|s| (0..pack.items()).map(|i| f32::from(u8::from(i == s.item))).collect()).collect();
        let recall = |rows: Vec<&[f32]>| {
            let found = Retrieval::of(&samples, &rows);
            assert!(found.gallery > 1 && !found.queries.is_empty());
            found.recall(1).value
        };
        assert!((recall(own.iter().map(Vec::as_slice).collect()) - 1.0).abs() < 1e-12);
        assert_eq!(recall(vec![&[0.6, 0.8]; samples.len()]), 0.0);
        assert_eq!(recall(vec![&[f32::NAN, 1.0]; samples.len()]), 0.0);
    }
}
