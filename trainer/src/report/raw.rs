//! Every answer of a report: with them a difference of two reports is measured photograph by photograph.

use clothingid_shared::taxonomy::{Keys, Taxonomies};
use serde::{Deserialize, Serialize};

use super::slice::Slice;
use crate::evaluate::Sample;
use crate::evaluate::categories::{FREQUENT, Predictions};
use crate::evaluate::measure::Both;
use crate::evaluate::photos::size_words;
use crate::evaluate::retrieval::Retrieval;

/// Answers of the integer network, without pixels.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Raw {
    /// Each photograph of the report part.
    pub photos: Vec<RawPhoto>,
    /// Each query of the retrieval test.
    pub queries: Vec<RawQuery>,
    /// The keys of both heads' categories; none where they are clothing's, as they were before there were others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Keys>,
}

/// One photograph.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawPhoto {
    /// Path in its manifest, by which it is found in another report.
    pub path: String,
    /// Number of what must not be split.
    pub group: usize,
    /// Its source's key.
    pub source: String,
    /// Its size in words.
    pub size: String,
    /// Larger than a thumbnail, without myntra.
    pub is_large: bool,
    /// What was said of it, coarser category; none where it has no category.
    pub category14: Option<RawAnswer>,
    /// The finer one.
    pub category26: Option<RawAnswer>,
}

/// What was said of a photograph.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RawAnswer {
    /// The category that it has.
    pub truth: usize,
    /// The category that was said.
    pub said: usize,
    /// The probability that was said.
    pub probability: f64,
    /// The probability that was given to the category that it has.
    pub likelihood: f64,
}

/// One query.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RawQuery {
    /// Path in its manifest.
    pub path: String,
    /// Number of what must not be split.
    pub group: usize,
    /// Rank of the first right answer, from 0.
    pub rank: Option<usize>,
    /// Average precision.
    pub precision: f64,
}

impl Raw {
    /// Of what a network answered.
    #[must_use]
    pub fn of(samples: &[Sample], both: &Both, retrieval: &Retrieval) -> Self {
        let mut photos: Vec<RawPhoto> = samples
            .iter()
            .map(|sample| RawPhoto {
                path: sample.path.clone(),
                group: sample.group,
                source: sample.source.clone(),
                size: size_words(sample.long_side).to_owned(),
                is_large: sample.is_large(),
                category14: None,
                category26: None,
            })
            .collect();
        let answer = |of: &Predictions, place: usize| RawAnswer {
            truth: of.truth[place],
            said: of.predicted[place],
            probability: of.confidence[place],
            likelihood: of.likelihood[place],
        };
        for (place, &sample) in both.category14.samples.iter().enumerate() {
            photos[sample].category14 = Some(answer(&both.category14, place));
        }
        for (place, &sample) in both.category26.samples.iter().enumerate() {
            photos[sample].category26 = Some(answer(&both.category26, place));
        }
        let query = |(place, &query): (usize, &usize)| RawQuery {
            path: samples[query].path.clone(),
            group: samples[query].group,
            rank: retrieval.ranks[place],
            precision: retrieval.average_precision(place),
        };
        Self { photos, queries: retrieval.queries.iter().enumerate().map(query).collect(), categories: None }
    }

    /// With answers in these categories.
    #[must_use]
    pub fn of_categories(self, taxonomies: &Taxonomies) -> Self {
        Self { categories: (!taxonomies.is_clothing()).then(|| taxonomies.keys()), ..self }
    }

    /// The predictions of a head on some photographs; `samples` are places among [`Raw::photos`]. None where there is no such head.
    #[must_use]
    pub fn predictions(&self, head: &str, slice: &Slice) -> Option<Predictions> {
        type Get = fn(&RawPhoto) -> Option<RawAnswer>;
        let [coarser, finer] = self.categories.clone().unwrap_or_else(|| Taxonomies::clothing().keys());
        let (keys, get): (Vec<String>, Get) = match head {
            "category14" => (coarser, |photo| photo.category14),
            "category26" => (finer, |photo| photo.category26),
            _ => return None,
        };
        let is_of = |photo: &RawPhoto, answer: &RawAnswer| match slice {
            Slice::All => true,
            Slice::Larger | Slice::LargerFrequent => photo.is_large,
            Slice::Category(key) => photo.is_large && keys.get(answer.truth) == Some(key),
            Slice::Source(key) => photo.source == *key,
            Slice::Size(words) => photo.size == *words,
            Slice::Other(_) => false,
        };
        let mut found = Predictions { classes: keys.len(), ..Predictions::default() };
        for (place, photo) in self.photos.iter().enumerate() {
            // A file from outside may name categories that are none.
            let is_whole = |answer: &RawAnswer| answer.truth.max(answer.said) < keys.len();
            let Some(answer) = get(photo).filter(|answer| is_whole(answer) && is_of(photo, answer)) else { continue };
            found.samples.push(place);
            found.truth.push(answer.truth);
            found.predicted.push(answer.said);
            found.confidence.push(answer.probability);
            found.likelihood.push(answer.likelihood);
            found.groups.push(photo.group);
        }
        Some(if *slice == Slice::LargerFrequent { found.of_frequent(FREQUENT) } else { found })
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Raw, RawAnswer, RawPhoto, RawQuery, Slice};

    /// Twelve photographs of which `right` are answered rightly, and as many queries.
    pub(in super::super) fn raw(right: usize) -> Raw {
        let photo = |i: usize| {
            let truth = i % 2;
            let answer = RawAnswer {
                truth,
                said: if i < right { truth } else { 1 - truth },
                probability: 0.8,
                likelihood: if i < right { 0.8 } else { 0.1 },
            };
            RawPhoto {
                path: format!("{i}.jpg"),
                group: i / 2,
                source: "mine".to_owned(),
                size: "larger than 230 px".to_owned(),
                is_large: i < 8,
                category14: Some(answer),
                category26: (i < 6).then_some(answer),
            }
        };
        let query = |i: usize| RawQuery {
            path: format!("{i}.jpg"),
            group: i,
            rank: (i < right).then_some(i % 3),
            precision: 0.5,
        };
        Raw { photos: (0..12).map(photo).collect(), queries: (0..12).map(query).collect(), categories: None }
    }

    #[test]
    fn a_slice_takes_its_photographs_alone() {
        let raw = raw(12);
        let n = |head: &str, slice: Slice| raw.predictions(head, &slice).map(|found| found.samples.len());
        assert_eq!(n("category14", Slice::All), Some(12));
        assert_eq!(n("category14", Slice::Larger), Some(8));
        assert_eq!(n("category14", Slice::LargerFrequent), Some(0), "four of each are not frequent");
        assert_eq!(n("category26", Slice::All), Some(6));
        let first = clothingid_shared::taxonomy::Taxonomy::category14().key(0).unwrap().to_owned();
        assert_eq!(n("category14", Slice::Category(first)), Some(4));
        assert_eq!(n("category14", Slice::Source("other".into())), Some(0));
        assert_eq!(n("embedding", Slice::All), None);
    }

    #[test]
    fn a_category_that_is_none_is_left_out() {
        let mut raw = raw(12);
        raw.photos[0].category14.as_mut().unwrap().said = 14;
        assert_eq!(raw.predictions("category14", &Slice::All).unwrap().samples.len(), 11);
    }
}
