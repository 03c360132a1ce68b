//! When a match may be called confident, and when nothing is like a garment: two thresholds on the similarity of a query and its best match,
//! set on the calibrate part, and what they let through on the report part, where nothing was chosen.
//!
//! The gallery holds the gallery photographs and one half of the garments with a single photograph. It is asked for what it has, and for
//! what it has not in two ways: by the other half, *strangers*, of which there are many but from other sources than most queries; and by the
//! very queries whose garment it has, with that garment *left out*, where only the garment makes the difference. Every photograph is larger
//! than a thumbnail and not of myntra: what a shop's camera sees.

use clothingid_shared::bundle::{Area, Matching, OperatingPoint, Separation};
use serde::{Deserialize, Serialize};

use super::figure::{Figure, Named};
use super::measure::{Measured, embeddings};
use super::photos::Sample;
use super::rejection::{Answered, accepting, operating_point};
use super::retrieval::Retrieval;
use crate::import::ViewSplit;

/// Share of the strangers that the threshold of `confident` accepts.
const FALSE_MATCHES: f64 = 0.05;
/// Share of the queries whose garment is in the gallery that the threshold of `similar` accepts.
const NOT_TURNED_AWAY: f64 = 0.95;

/// What was found for queries whose garment is in the gallery, and for strangers.
#[derive(Debug, Clone, PartialEq)]
struct Asked {
    present: Retrieval,
    strangers: Retrieval,
}

impl Asked {
    fn of(samples: &[Sample], embeddings: &[&[f32]]) -> Self {
        let large = |i: &usize| samples[*i].is_garment && samples[*i].is_large();
        let of = |split: ViewSplit| (0..samples.len()).filter(move |&i| samples[i].view_split == split).filter(large);
        let (stock, others): (Vec<usize>, Vec<usize>) =
            of(ViewSplit::None).partition(|i| samples[*i].group.is_multiple_of(2));
        let gallery: Vec<usize> = of(ViewSplit::Gallery).chain(stock).collect();
        let has = |query: &usize| gallery.iter().any(|&g| samples[g].item == samples[*query].item);
        let strangers = others.into_iter().filter(|i| !has(i)).collect();
        Self {
            present: Retrieval::search(samples, embeddings, of(ViewSplit::Query).filter(has).collect(), &gallery),
            strangers: Retrieval::search(samples, embeddings, strangers, &gallery),
        }
    }
}

/// Both thresholds, on the calibrate part.
#[must_use]
pub fn matching_points(calibrate: Answered<'_>) -> Matching {
    let asked = Asked::of(calibrate.samples, &embeddings(calibrate.answers));
    Matching { confident: confident_point(&asked), similar: similar_point(&asked) }
}

fn confident_point(Asked { present, strangers }: &Asked) -> OperatingPoint {
    // A wrong best answer counts as not accepted, whatever its similarity.
    let right = present.ranks.iter().zip(&present.best).map(|(rank, best)| if *rank == Some(0) { *best } else { -1.0 });
    let right: Vec<f64> = right.collect();
    let threshold =
        if strangers.best.is_empty() { accepting(&right, 0.5) } else { accepting(&strangers.best, FALSE_MATCHES) };
    // `accepting` takes those at the threshold too; step over the last one that must not be.
    let meaning = format!(
        "queries whose garment is in a gallery of {} photographs that are answered rightly and accepted, and queries of other garments accepted; \
         set to accept {:.0} % of the latter",
        strangers.gallery,
        FALSE_MATCHES * 100.0
    );
    operating_point(threshold, &right, &strangers.best, meaning)
}

/// None without a query whose garment is in the gallery. Below the threshold people are told that nothing is like their garment, which is wrong
/// of every garment that the gallery has, at whatever rank it is found: so all such queries count, and not only those answered rightly, whose
/// similarities are higher and whose threshold would look better.
fn similar_point(Asked { present, strangers }: &Asked) -> Option<OperatingPoint> {
    let meaning = format!(
        "queries whose garment is in a gallery of {} photographs accepted, whether the best match is right or not, and queries of other garments \
         accepted; set to accept {:.0} % of the former",
        present.gallery,
        NOT_TURNED_AWAY * 100.0
    );
    let threshold = accepting(&present.best, NOT_TURNED_AWAY);
    (!present.best.is_empty()).then(|| operating_point(threshold, &present.best, &strangers.best, meaning))
}

/// What the threshold of `similar` lets through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SimilarFigures {
    /// Queries whose garment is in the gallery, accepted.
    pub true_accept: Figure,
    /// Those of them that are answered rightly, accepted.
    pub right_accept: Figure,
    /// The same queries accepted although their garment was left out of the gallery.
    pub false_accept_left_out: Figure,
    /// Garments that are not in the gallery and have a single photograph, accepted.
    pub false_accept_strangers: Figure,
}

impl SimilarFigures {
    /// All figures by name, in the order of tables.
    pub const NAMED: [Named<Self>; 4] = [
        ("queries of garments in the gallery, `similar` or better", |s| &s.true_accept),
        ("those of them answered rightly, `similar` or better", |s| &s.right_accept),
        ("the same queries with their garment left out, `similar` or better", |s| &s.false_accept_left_out),
        ("garments that the gallery does not have, `similar` or better", |s| &s.false_accept_strangers),
    ];

    fn of(Asked { present, strangers }: &Asked, threshold: f64) -> Self {
        let places = 0..present.queries.len();
        let right: Vec<usize> = places.filter(|&place| present.ranks[place] == Some(0)).collect();
        let groups_of_right: Vec<usize> = right.iter().map(|&place| present.groups[place]).collect();
        Self {
            true_accept: Figure::share(&present.groups, |place| present.best[place] >= threshold),
            right_accept: Figure::share(&groups_of_right, |place| present.best[right[place]] >= threshold),
            false_accept_left_out: Figure::share(&present.groups, |place| present.best_other[place] >= threshold),
            false_accept_strangers: Figure::share(&strangers.groups, |place| strangers.best[place] >= threshold),
        }
    }
}

/// What the thresholds let through, and what the similarity behind them is worth.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MatchingFigures {
    /// Photographs searched in.
    pub gallery: usize,
    /// Queries whose garment is in the gallery that are answered rightly and accepted.
    pub true_accept: Figure,
    /// The same queries answered wrongly and accepted.
    pub wrong_accept: Figure,
    /// The same queries accepted although their garment was left out of the gallery.
    pub false_accept_left_out: Figure,
    /// Garments that are not in the gallery and have a single photograph, accepted.
    pub false_accept_strangers: Figure,
    /// How well the similarity of the best match tells queries whose garment is in the gallery from strangers: area under the ROC curve.
    pub auroc_strangers: Figure,
    /// From the same queries with their garment left out.
    pub auroc_left_out: Figure,
    /// What `similar` lets through; none of bundles without such a threshold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub similar: Option<SimilarFigures>,
}

impl MatchingFigures {
    /// The figures of `confident` and of the similarity by name, in the order of tables.
    pub const NAMED: [Named<Self>; 6] = [
        ("queries of garments in the gallery, right and `confident`", |m| &m.true_accept),
        ("the same queries, wrong and `confident`", |m| &m.wrong_accept),
        ("the same queries with their garment left out, `confident`", |m| &m.false_accept_left_out),
        ("garments that the gallery does not have, `confident`", |m| &m.false_accept_strangers),
        ("queries told from garments that the gallery does not have, AUROC", |m| &m.auroc_strangers),
        ("the same from themselves with their garment left out", |m| &m.auroc_left_out),
    ];

    /// All figures by name, in the order of tables.
    #[must_use]
    pub fn named(&self) -> Vec<(&'static str, &Figure)> {
        let similar = self.similar.iter().flat_map(|s| SimilarFigures::NAMED.map(|(name, get)| (name, get(s))));
        Self::NAMED.iter().map(|(name, get)| (*name, get(self))).chain(similar).collect()
    }

    /// Measures embeddings by thresholds; none without a query whose garment is in the gallery.
    #[must_use]
    pub fn of(samples: &[Sample], embeddings: &[&[f32]], matching: &Matching) -> Option<Self> {
        let asked = Asked::of(samples, embeddings);
        let similar = matching.similar.as_ref().map(|point| SimilarFigures::of(&asked, point.threshold));
        let Asked { present, strangers } = asked;
        if present.queries.is_empty() {
            return None;
        }
        let threshold = matching.confident.threshold;
        let is_right = |place: usize| present.ranks[place] == Some(0);
        let is_accepted = |place: usize| present.best[place] >= threshold;
        let of_present = |holds: &dyn Fn(usize) -> bool| Figure::share(&present.groups, holds);
        Some(Self {
            gallery: present.gallery,
            true_accept: of_present(&|place| is_accepted(place) && is_right(place)),
            wrong_accept: of_present(&|place| is_accepted(place) && !is_right(place)),
            false_accept_left_out: of_present(&|place| present.best_other[place] >= threshold),
            false_accept_strangers: Figure::share(&strangers.groups, |place| strangers.best[place] >= threshold),
            auroc_strangers: told_apart(&present, (&strangers.best, &strangers.groups)),
            auroc_left_out: told_apart(&present, (&present.best_other, &present.groups)),
            similar,
        })
    }

    /// The areas, for the bundle.
    #[must_use]
    pub fn separation(&self) -> Option<Separation> {
        (self.false_accept_strangers.n > 0).then(|| Separation {
            overall: area(&self.auroc_strangers),
            like_with_like: Some(area(&self.auroc_left_out)),
        })
    }
}

/// How well the best similarity tells queries whose garment is in the gallery from others, given by similarity and group.
fn told_apart(present: &Retrieval, (others, groups): (&[f64], &[usize])) -> Figure {
    let scores = [&present.best, others].concat();
    let is_present: Vec<bool> = (0..scores.len()).map(|place| place < present.best.len()).collect();
    Figure::auroc(&[&present.groups, groups].concat(), &scores, &is_present)
}

/// The areas of the garment score, for the bundle; none where one of both kinds is missing.
#[must_use]
pub fn garment_separation(measured: &Measured) -> Option<Separation> {
    let has_both = measured.garment_true_accept.n > 0 && measured.garment_false_accept.n > 0;
    has_both.then(|| Separation {
        overall: area(&measured.garment_auroc),
        like_with_like: Some(&measured.garment_auroc_same_source).filter(|figure| figure.n > 0).map(area),
    })
}

fn area(figure: &Figure) -> Area {
    Area { value: figure.value, low: figure.low, high: figure.high, n: figure.n }
}

#[cfg(test)]
mod tests {
    use clothingid_shared::bundle::Matching;

    use super::{Asked, MatchingFigures, matching_points};
    use crate::evaluate::photos::Sample;
    use crate::evaluate::rejection::{Answered, operating_point};
    use crate::evaluate::{Photos, measure};
    use crate::export::answers::Answers;
    use crate::pack::{Pack, sample};

    /// Every photograph of a small pack, with an embedding of its garment alone.
    fn answered(spoil: impl Fn(&Sample, &mut Vec<f32>)) -> (Vec<Sample>, Vec<Answers>) {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("pack");
        sample::pack(&sample::manifest(folder.path(), 60), &out).unwrap();
        let pack = Pack::open(&out).unwrap();
        let samples = Photos::of_pack(&pack, &(0..pack.rows().len()).collect::<Vec<_>>()).unwrap().samples;
        let answers = samples
            .iter()
            .map(|sample| {
                let mut embedding: Vec<f32> =
                    (0..pack.items()).map(|item| f32::from(u8::from(item == sample.item))).collect();
                spoil(sample, &mut embedding);
                Answers { embedding, ..Answers::default() }
            })
            .collect();
        (samples, answers)
    }

    fn matching(confident: f64, similar: f64) -> Matching {
        let point = |threshold| operating_point(threshold, &[], &[], String::new());
        Matching { confident: point(confident), similar: Some(point(similar)) }
    }

    fn figures(samples: &[Sample], answers: &[Answers], confident: f64) -> MatchingFigures {
        MatchingFigures::of(samples, &measure::embeddings(answers), &matching(confident, 0.25)).unwrap()
    }

    #[test]
    fn an_embedding_that_knows_its_garment_accepts_it_and_nothing_else() {
        let (samples, answers) = answered(|_, _| {});
        let found = figures(&samples, &answers, 0.5);
        assert!(found.true_accept.n > 5 && found.false_accept_strangers.n > 5, "{found:?}");
        assert_eq!((found.true_accept.value, found.wrong_accept.value), (1.0, 0.0));
        assert_eq!((found.false_accept_left_out.value, found.false_accept_strangers.value), (0.0, 0.0));
        assert_eq!((found.auroc_strangers.value, found.auroc_left_out.value), (1.0, 1.0));
        let separation = found.separation().unwrap();
        assert_eq!(separation.overall.n, found.true_accept.n + found.false_accept_strangers.n);
        assert!(separation.like_with_like.is_some());
        let similar = found.similar.unwrap();
        assert_eq!((similar.true_accept.value, similar.right_accept.value), (1.0, 1.0));
        assert_eq!((similar.false_accept_left_out.value, similar.false_accept_strangers.value), (0.0, 0.0));
    }

    #[test]
    fn an_embedding_that_tells_nothing_apart_accepts_all_or_none_and_its_area_is_a_half() {
        let (samples, answers) = answered(|_, embedding| embedding.fill(1.0));
        let found = figures(&samples, &answers, 0.5);
        assert_eq!((found.true_accept.value, found.wrong_accept.value), (0.0, 1.0));
        assert_eq!((found.false_accept_left_out.value, found.false_accept_strangers.value), (1.0, 1.0));
        assert_eq!((found.auroc_strangers.value, found.auroc_left_out.value), (0.5, 0.5));
        assert_eq!(figures(&samples, &answers, 1.5).false_accept_strangers.value, 0.0);
    }

    #[test]
    fn the_threshold_lets_through_what_it_says_where_it_was_set() {
        // A stranger is as like to the gallery as its number says.
        let (samples, answers) = answered(|sample, embedding| {
            embedding.fill(0.0);
            let angle = if sample.item % 4 == 0 { 0.0 } else { f32::from(u16::try_from(sample.item).unwrap()) * 0.02 };
            (embedding[0], embedding[1]) = (angle.cos(), angle.sin());
        });
        let points = matching_points(Answered { samples: &samples, answers: &answers });
        let measured = MatchingFigures::of(&samples, &measure::embeddings(&answers), &points).unwrap();
        let point = points.confident;
        assert!((point.false_accept - measured.false_accept_strangers.value).abs() < 1e-12, "{point:?} {measured:?}");
        assert!((point.true_accept - measured.true_accept.value).abs() < 1e-12);
        assert_eq!((point.positives, point.negatives), (measured.true_accept.n, measured.false_accept_strangers.n));
        let (point, similar) = (points.similar.unwrap(), measured.similar.unwrap());
        assert!(point.true_accept >= 0.95 && point.threshold <= points_of_present(&samples, &answers)[1], "{point:?}");
        assert!((point.true_accept - similar.true_accept.value).abs() < 1e-12);
        assert!((point.false_accept - similar.false_accept_strangers.value).abs() < 1e-12);
        assert_eq!((point.positives, point.negatives), (similar.true_accept.n, similar.false_accept_strangers.n));
    }

    /// Similarities of the queries whose garment is in the gallery, smallest first.
    fn points_of_present(samples: &[Sample], answers: &[Answers]) -> Vec<f64> {
        let mut best = Asked::of(samples, &measure::embeddings(answers)).present.best;
        best.sort_by(f64::total_cmp);
        best
    }

    #[test]
    fn without_a_garment_of_two_photographs_nothing_is_said_of_what_is_like_it() {
        let points = matching_points(Answered { samples: &[], answers: &[] });
        assert_eq!(points.similar, None);
        let (samples, answers) = answered(|_, _| {});
        let old = Matching { similar: None, ..matching(0.5, 0.0) };
        let found = MatchingFigures::of(&samples, &measure::embeddings(&answers), &old).unwrap();
        assert_eq!((found.similar.clone(), found.named().len()), (None, MatchingFigures::NAMED.len()));
    }

    #[test]
    fn no_photograph_of_the_strangers_is_of_the_gallery() {
        let (samples, answers) = answered(|_, _| {});
        let Asked { present, strangers } = Asked::of(&samples, &measure::embeddings(&answers));
        assert!(present.ranks.iter().all(Option::is_some) && strangers.ranks.iter().all(Option::is_none));
        let found = figures(&samples, &answers, 0.5);
        assert_eq!(found.gallery, strangers.gallery);
        assert_eq!(MatchingFigures::of(&[], &[], &matching(0.5, 0.1)), None);
    }
}
