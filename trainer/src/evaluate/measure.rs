//! All figures of one network on one set of photographs.

use std::collections::BTreeSet;

use clothingid_shared::bundle::Manifest;
use clothingid_shared::calibration::probabilities;
use serde::{Deserialize, Serialize};

use super::categories::{HeadFigures, Predictions};
use super::figure::{Figure, Named};
use super::matching::MatchingFigures;
use super::photos::Sample;
use super::rejection::garment_probability;
use super::retrieval::{Retrieval, RetrievalFigures};
use crate::export::answers::{Answers, largest};

/// What a bundle was measured to do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Photographs.
    pub n: usize,
    /// The head of the coarser categories, 14 of clothing.
    pub category14: HeadFigures,
    /// The head of the finer ones, 26 of clothing.
    pub category26: HeadFigures,
    /// Finding other photographs of the same garment; none without queries.
    pub retrieval: Option<RetrievalFigures>,
    /// Photographs of garments of which `garment` is said.
    pub garment_true_accept: Figure,
    /// The same of those larger than thumbnails, without myntra.
    pub garment_true_accept_large: Figure,
    /// Photographs of other things of which `garment` is said.
    pub garment_false_accept: Figure,
    /// How well the garment score tells garments from other things: the area under its ROC curve.
    pub garment_auroc: Figure,
    /// The same within sources that have both: one telephone, one room, a shirt or a shoe.
    pub garment_auroc_same_source: Figure,
    /// Larger photographs, without myntra, whose finer category is right and shown.
    pub known_true_accept: Figure,
    /// Of those whose category is wrong, the share that is shown all the same.
    pub known_false_accept: Figure,
    /// Of those shown, the share that is right.
    pub known_precision: Figure,
    /// What the thresholds on matches let through; none without queries, and in reports of before it was measured.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub matching: Option<MatchingFigures>,
}

impl Measured {
    /// What the thresholds on garments and categories let through, by name, in the order of tables.
    const REJECTION: [Named<Self>; 8] = [
        ("garments of which `garment` is said", |m| &m.garment_true_accept),
        ("the same, larger photographs", |m| &m.garment_true_accept_large),
        ("other things of which `garment` is said", |m| &m.garment_false_accept),
        ("garments told from other things, AUROC", |m| &m.garment_auroc),
        ("the same within sources that have both", |m| &m.garment_auroc_same_source),
        ("right answers of 26 that are shown, larger photographs", |m| &m.known_true_accept),
        ("wrong answers of 26 that are shown, larger photographs", |m| &m.known_false_accept),
        ("right ones among those shown, larger photographs", |m| &m.known_precision),
    ];

    /// What all thresholds let through, by name, in the order of tables.
    #[must_use]
    pub fn rejection(&self) -> Vec<(&'static str, &Figure)> {
        let matching = self.matching.iter().flat_map(MatchingFigures::named);
        Self::REJECTION.iter().map(|(name, get)| (*name, get(self))).chain(matching).collect()
    }
}

/// The predictions of both heads.
#[derive(Debug, Clone, PartialEq)]
pub struct Both {
    /// Of the coarser categories.
    pub category14: Predictions,
    /// Of the finer ones.
    pub category26: Predictions,
}

impl Both {
    /// Of a network with our heads.
    #[must_use]
    pub fn of(samples: &[Sample], answers: &[Answers], (temperature14, temperature26): (f64, f64)) -> Self {
        let classes = |of: fn(&Answers) -> &Vec<f32>| answers.first().map_or(0, |answer| of(answer).len());
        Self {
            category14: Predictions::new(
                samples,
                classes(|a| &a.category14),
                temperature14,
                |s| s.category14,
                |i| &answers[i].category14,
            ),
            category26: Predictions::new(
                samples,
                classes(|a| &a.category26),
                temperature26,
                |s| s.category26,
                |i| &answers[i].category26,
            ),
        }
    }

    /// On what a shop's camera sees.
    #[must_use]
    pub fn large(&self, samples: &[Sample]) -> Self {
        let keep = |head: &Predictions| head.keep(|place| samples[head.samples[place]].is_large());
        Self { category14: keep(&self.category14), category26: keep(&self.category26) }
    }
}

/// Embeddings of all answers.
#[must_use]
pub fn embeddings(answers: &[Answers]) -> Vec<&[f32]> {
    answers.iter().map(|answer| answer.embedding.as_slice()).collect()
}

/// Measures answers by the calibration and thresholds of a bundle.
#[must_use]
pub fn measure(manifest: &Manifest, samples: &[Sample], answers: &[Answers]) -> Measured {
    let both = Both::of(samples, answers, (manifest.category14.temperature, manifest.category26.temperature));
    let key14 = |index: usize| manifest.category14.taxonomy.key(index).unwrap_or_default().to_owned();
    let key26 = |index: usize| manifest.category26.taxonomy.key(index).unwrap_or_default().to_owned();
    let scores: Vec<f64> =
        answers.iter().map(|answer| garment_probability(&manifest.rejection.score, answer)).collect();
    let accepted: Vec<bool> = scores.iter().map(|score| *score >= manifest.rejection.garment.threshold).collect();
    let sources_of = |is_garment: bool| -> BTreeSet<&str> {
        samples.iter().filter(|s| s.is_garment == is_garment).map(|s| s.source.as_str()).collect()
    };
    let mixed: BTreeSet<&str> = sources_of(true).intersection(&sources_of(false)).copied().collect();
    // As the device does: a category is shown of garments only.
    let known: Vec<bool> = answers
        .iter()
        .zip(&accepted)
        .map(|(answer, &is_garment)| {
            let p = probabilities(&answer.category26, manifest.category26.temperature);
            let is_sure = p.get(largest(&answer.category26)).is_some_and(|p| *p >= manifest.rejection.known.threshold);
            is_garment && is_sure
        })
        .collect();
    let places = |keep: &dyn Fn(usize) -> bool| (0..samples.len()).filter(|&i| keep(i)).collect::<Vec<usize>>();
    let labelled = |i: usize| samples[i].is_large() && samples[i].category26.is_some();
    let is_right = |i: usize| samples[i].category26 == Some(largest(&answers[i].category26));
    Measured {
        n: samples.len(),
        category14: HeadFigures::of(&both.category14, samples, key14),
        category26: HeadFigures::of(&both.category26, samples, key26),
        retrieval: Retrieval::of(samples, &embeddings(answers)).figures(),
        garment_true_accept: share(samples, &places(&|i| samples[i].is_garment), |i| accepted[i]),
        garment_true_accept_large: share(samples, &places(&|i| samples[i].is_garment && samples[i].is_large()), |i| {
            accepted[i]
        }),
        garment_false_accept: share(samples, &places(&|i| !samples[i].is_garment), |i| accepted[i]),
        garment_auroc: told_apart(samples, &scores, &places(&|_| true)),
        garment_auroc_same_source: told_apart(
            samples,
            &scores,
            &places(&|i| mixed.contains(samples[i].source.as_str())),
        ),
        known_true_accept: share(samples, &places(&|i| labelled(i) && is_right(i)), |i| known[i]),
        known_false_accept: share(samples, &places(&|i| labelled(i) && !is_right(i)), |i| known[i]),
        known_precision: share(samples, &places(&|i| labelled(i) && known[i]), is_right),
        matching: MatchingFigures::of(samples, &embeddings(answers), &manifest.matching),
    }
}

/// Share of some photographs for which something holds.
fn share(samples: &[Sample], places: &[usize], holds: impl Fn(usize) -> bool) -> Figure {
    let groups: Vec<usize> = places.iter().map(|&i| samples[i].group).collect();
    Figure::share(&groups, |place| holds(places[place]))
}

/// How well scores tell garments from other things, among some photographs.
fn told_apart(samples: &[Sample], scores: &[f64], places: &[usize]) -> Figure {
    let groups: Vec<usize> = places.iter().map(|&i| samples[i].group).collect();
    let own: Vec<f64> = places.iter().map(|&i| scores[i]).collect();
    let is_garment: Vec<bool> = places.iter().map(|&i| samples[i].is_garment).collect();
    Figure::auroc(&groups, &own, &is_garment)
}

/// What changes between two arithmetic classes, on one head.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Changed {
    /// Photographs that the first class answers rightly and the second wrongly.
    pub right_to_wrong: usize,
    /// The other way round.
    pub wrong_to_right: usize,
    /// Top-1 of the second minus that of the first, with its paired interval.
    pub top_1_gain: Figure,
}

/// Compares two classes' predictions on the same photographs.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of photographs")]
pub fn changed(first: &Predictions, second: &Predictions) -> Changed {
    let right = |head: &Predictions, place: usize| head.predicted[place] == head.truth[place];
    let count = |a: &Predictions, b: &Predictions| (0..a.truth.len()).filter(|&p| right(a, p) && !right(b, p)).count();
    let share = |head: &Predictions, drawn: &[usize]| {
        drawn.iter().filter(|&&p| right(head, p)).count() as f64 / drawn.len().max(1) as f64
    };
    Changed {
        right_to_wrong: count(first, second),
        wrong_to_right: count(second, first),
        top_1_gain: Figure::measure(&first.groups, |drawn| share(second, drawn) - share(first, drawn)),
    }
}
