//! `bundle.json`: what the network's numbers mean, where they come from, and the hash of each file.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::BundleProblem;
use crate::calibration::RejectionScore;
use crate::embedding::ArithmeticClass;
use crate::picture::PictureContract;
use crate::taxonomy::{Taxonomies, Taxonomy};

/// The format that this version writes, and the newest that it reads.
pub const FORMAT: u64 = 1;

/// Everything about a bundle but the bytes of its files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the form, [`FORMAT`].
    pub format: u64,
    /// Program and version that wrote it.
    pub written_by: String,
    /// Name for people (`clothingid-mobilenetv2-160`).
    pub name: String,
    /// Identity of the pack of photographs that trained it, set its thresholds and reported on it, each with a part of its own; empty
    /// where it is not known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub pack: String,
    /// Day of the export, `YYYY-MM-DD`.
    pub created: String,
    /// How a photograph becomes the network's input.
    pub picture: PictureContract,
    /// The network.
    pub network: Network,
    /// The coarser head, of 14 categories for clothing. It has this name whatever the categories are.
    pub category14: Head,
    /// The finer head, of 26 for clothing.
    pub category26: Head,
    /// When to say "no garment" and "not one of these".
    pub rejection: Rejection,
    /// What may be said of a match.
    pub matching: Matching,
    /// How far a right engine may be from the golden answers, by arithmetic class.
    pub golden_tolerance: BTreeMap<ArithmeticClass, GoldenTolerance>,
    /// Whether the bundle may be used commercially, as far as its sources tell.
    pub licence_class: LicenceClass,
    /// What the weights were made from.
    pub sources: Vec<Source>,
    /// Hash and length of each other file, by name in the archive. Filled in when the bundle is written.
    #[serde(default)]
    pub files: BTreeMap<String, FileFacts>,
}

/// Facts about the network. Its input is `picture`, `uint8 [1, side, side, 3]`; its outputs are `category14` and `category26` (logits,
/// `float32 [1, n]`) and `embedding` (`float32 [1, embedding_values]`, unit length).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Network {
    /// Name of the backbone (`mobilenet_v2`).
    pub backbone: String,
    /// Values of an embedding.
    pub embedding_values: usize,
    /// How it was quantised, in words.
    pub quantisation: String,
}

/// One category head: what its outputs are called and how they become probabilities.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Head {
    /// Categories in the order of the logits.
    pub taxonomy: Taxonomy,
    /// Divides the logits before softmax; fitted on the calibrate part.
    pub temperature: f64,
}

/// A threshold with what it was measured to do, and on how many photographs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OperatingPoint {
    /// Values at or above are accepted.
    pub threshold: f64,
    /// What the two rates below are rates of, in words.
    pub meaning: String,
    /// Share of those that should be accepted that are.
    pub true_accept: f64,
    /// Share of those that should not be accepted that are.
    pub false_accept: f64,
    /// Photographs that should be accepted.
    pub positives: usize,
    /// Photographs that should not.
    pub negatives: usize,
    /// What the score behind the threshold is worth whatever the threshold; none in bundles of before it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auroc: Option<Separation>,
}

/// How well a score tells what should be accepted from what should not, on the report part: areas under its ROC curve.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Separation {
    /// Of all photographs.
    pub overall: Area,
    /// Of like with like, where the photograph itself gives nothing away: garments and other things of sources that have both; queries
    /// whose garment is in the gallery and the same queries without it. None where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like_with_like: Option<Area>,
}

/// An area under a ROC curve with its 95 % interval: the chance that of two photographs the right one has the higher score.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Area {
    /// The area.
    pub value: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end of the interval.
    pub high: f64,
    /// Photographs of both kinds.
    pub n: usize,
}

/// When to say "no garment" and "not one of these". Fitted and set on photographs outside the report part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rejection {
    /// Score of "a garment is the subject".
    pub score: RejectionScore,
    /// At or above: a garment is the subject.
    pub garment: OperatingPoint,
    /// At or above, the probability of the best finer category may be shown as the category.
    pub known: OperatingPoint,
}

/// What may be said of a match, by the cosine of query and best match.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Matching {
    /// At or above: it is the same garment.
    pub confident: OperatingPoint,
    /// At or above: the garment may be among the closest; below, nothing is like it. None in bundles of before it was set, and where no
    /// garment was photographed twice.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similar: Option<OperatingPoint>,
}

/// How far a right engine may be from the golden answers.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct GoldenTolerance {
    /// Largest absolute difference of a logit.
    pub logit: f32,
    /// Smallest cosine of the embeddings.
    pub cosine: f32,
}

/// What a bundle may be used for, by the strictest of its sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LicenceClass {
    /// Every source allows commercial use.
    Commercial,
    /// At least one source's terms were not verified; none is known to forbid commercial use.
    Unverified,
    /// At least one source allows research only.
    ResearchOnly,
}

/// Photographs or weights that entered the network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// Name (`clothing_cc0`).
    pub name: String,
    /// Licence, as its publisher states it.
    pub licence: String,
    /// Whom to name.
    pub attribution: String,
    /// What these terms mean for the bundle.
    pub class: LicenceClass,
    /// Photographs that trained; 0 for weights.
    pub photos: usize,
    /// Garments that trained; 0 for weights.
    pub items: usize,
}

/// What a file must be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// 64 hexadecimal digits.
    pub sha256: String,
    /// Length in bytes.
    pub bytes: u64,
}

pub(super) const NAME: &str = "bundle.json";

impl Manifest {
    /// The categories of both heads.
    #[must_use]
    pub fn taxonomies(&self) -> Taxonomies {
        Taxonomies::of(self.category14.taxonomy.clone(), self.category26.taxonomy.clone())
    }

    /// Reads the text of `bundle.json`: first the format alone, so that a newer one is told apart from a damaged one.
    pub(super) fn from_json(text: &[u8]) -> Result<Self, BundleProblem> {
        #[derive(Deserialize)]
        struct Form {
            format: u64,
            #[serde(default)]
            written_by: String,
        }
        let content =
            |error: serde_json::Error| BundleProblem::Content { name: NAME.to_owned(), detail: error.to_string() };
        let form: Form = serde_json::from_slice(text).map_err(content)?;
        if form.format > FORMAT {
            return Err(BundleProblem::Newer { found: form.format, written_by: form.written_by });
        }
        let manifest: Self = serde_json::from_slice(text).map_err(content)?;
        manifest.check()?;
        Ok(manifest)
    }

    /// What the hot path relies on: sizes that agree, numbers that are numbers.
    pub(super) fn check(&self) -> Result<(), BundleProblem> {
        let wrong = |detail: String| Err(BundleProblem::Content { name: NAME.to_owned(), detail });
        let side = self.picture.side;
        if side == 0 || side > PictureContract::MAX_SIDE {
            return wrong(format!("picture.side is {side}, expected 1 to {}", PictureContract::MAX_SIDE));
        }
        let values = self.network.embedding_values;
        if values == 0 || values > 4096 {
            return wrong(format!("network.embedding_values is {values}, expected 1 to 4096"));
        }
        for (name, head) in [("category14", &self.category14), ("category26", &self.category26)] {
            if let Err(problem) = head.taxonomy.check() {
                return wrong(format!("{name}: {problem}"));
            }
            if !(head.temperature.is_finite() && head.temperature > 0.0) {
                return wrong(format!("{name}.temperature is {}, expected a positive number", head.temperature));
            }
        }
        let score = &self.rejection.score;
        if score.weights.len() != values + 4 {
            return wrong(format!("rejection.score has {} weights, expected {}", score.weights.len(), values + 4));
        }
        let points = [&self.rejection.garment, &self.rejection.known, &self.matching.confident];
        let thresholds = points.into_iter().chain(&self.matching.similar).map(|p| &p.threshold);
        if score.weights.iter().chain([&score.bias]).chain(thresholds).any(|number| !number.is_finite()) {
            return wrong("rejection or matching holds a number that is not finite".to_owned());
        }
        Ok(())
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Area, Matching, OperatingPoint, Separation};

    pub(in crate::bundle) fn point(threshold: f64) -> OperatingPoint {
        let meaning = "a test".to_owned();
        OperatingPoint {
            threshold,
            meaning,
            true_accept: 0.9,
            false_accept: 0.1,
            positives: 10,
            negatives: 10,
            auroc: None,
        }
    }

    #[test]
    fn a_bundle_of_before_similar_was_set_is_read_and_written_alike() {
        let old = format!(r#"{{"confident":{}}}"#, serde_json::to_string(&point(0.7)).unwrap());
        let mut matching: Matching = serde_json::from_str(&old).unwrap();
        assert_eq!(matching.similar, None);
        assert_eq!(serde_json::to_string(&matching).unwrap(), old);
        matching.similar = Some(point(0.4));
        let text = serde_json::to_string(&matching).unwrap();
        assert_eq!(serde_json::from_str::<Matching>(&text).unwrap(), matching);
    }

    #[test]
    fn a_point_of_before_areas_were_measured_is_read_and_written_alike() {
        let old = r#"{"threshold":0.5,"meaning":"a test","true_accept":0.9,"false_accept":0.1,"positives":10,"negatives":10}"#;
        let mut point: OperatingPoint = serde_json::from_str(old).unwrap();
        assert_eq!(point.auroc, None);
        assert_eq!(serde_json::to_string(&point).unwrap(), old);
        let area = Area { value: 0.9, low: 0.8, high: 0.95, n: 20 };
        for like_with_like in [None, Some(area)] {
            point.auroc = Some(Separation { overall: area, like_with_like });
            let text = serde_json::to_string(&point).unwrap();
            assert_eq!(serde_json::from_str::<OperatingPoint>(&text).unwrap(), point);
            assert_eq!(text.contains("like_with_like"), like_with_like.is_some());
        }
    }
}
