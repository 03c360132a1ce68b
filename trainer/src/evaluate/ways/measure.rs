//! Which way finds most where it may be chosen, and what it finds where nothing was.

use serde::Serialize;

use super::gallery::{Gain, Gallery, inverse_place};
use super::known::Known;
use super::looks::Look;
use super::way::Way;
use crate::evaluate::compared::mean;
use crate::import::ViewSplit;

/// Weights of the agreement of categories that are compared.
const WEIGHTS: [f64; 6] = [0.0, 0.02, 0.05, 0.1, 0.2, 0.5];

/// What is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// Does looking at the query several times help?
    QueryLooks,
    /// Do the categories help?
    CategoryAgreement,
    /// How are a product's photographs best taken together?
    ProductPhotos,
}

impl Question {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::QueryLooks, Self::CategoryAgreement, Self::ProductPhotos];

    /// The question in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::QueryLooks => "the query looked at several times",
            Self::CategoryAgreement => "the categories of query and photograph",
            Self::ProductPhotos => "the photographs of a product together",
        }
    }

    /// The answers that are compared; the first is what the device does.
    fn ways(self) -> Vec<Way> {
        match self {
            Self::QueryLooks => {
                let of = |others: &[Look]| Way::Looks([&[Look::Plain], others].concat());
                vec![
                    Way::Plain,
                    of(&[Look::Mirrored]),
                    of(&[Look::Near]),
                    of(&[Look::Near, Look::Nearer]),
                    of(&[Look::Mirrored, Look::Near]),
                ]
            }
            Self::CategoryAgreement => WEIGHTS.into_iter().map(Way::Agreement).collect(),
            Self::ProductPhotos => vec![Way::Plain, Way::Mean, Way::BestAndMean],
        }
    }

    /// The gallery: one photograph of each garment, or, where they are to be taken together, all. Its own photographs are hidden from a query that
    /// is one of them.
    fn gallery(self, known: &Known) -> Gallery {
        let has_several = self == Self::ProductPhotos;
        let is_shown = |&photo: &usize| has_several || known.samples[photo].view_split != ViewSplit::Query;
        Gallery::of(&known.samples, (0..known.samples.len()).filter(is_shown))
    }

    /// The queries: all, or those of garments of which two more photographs are left.
    fn queries(self, known: &Known, gallery: &Gallery) -> Vec<usize> {
        let mut queries = known.queries();
        if self == Self::ProductPhotos {
            queries.retain(|&query| gallery.of_item(known.samples[query].item).len() > 2);
        }
        queries
    }
}

/// Ranks of the same queries, a row a way.
struct Ranked {
    ways: Vec<Way>,
    ranks: Vec<Vec<usize>>,
    queries: Vec<usize>,
    photos: usize,
}

impl Ranked {
    fn of(question: Question, known: &Known) -> Self {
        let (gallery, ways) = (question.gallery(known), question.ways());
        let queries = question.queries(known, &gallery);
        let others = |query: usize, own: &[usize]| own.iter().copied().filter(|&photo| photo != query).collect();
        let ranks = ways.iter().map(|way| gallery.ranks(known, way, &queries, others)).collect();
        Self { ways, ranks, queries, photos: gallery.photos() }
    }

    /// Mean average precision of each way.
    fn precisions(&self) -> Vec<f64> {
        let all: Vec<usize> = (0..self.queries.len()).collect();
        self.ranks.iter().map(|ranks| mean(&all, |query| inverse_place(ranks[query]))).collect()
    }
}

/// One way on the report part, beside what the device does.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WayFigures {
    /// The way, in words.
    pub way: String,
    /// Its mAP where it was chosen.
    pub chosen_by: f64,
    /// Whether it was chosen: best there, and of equals the first.
    pub is_chosen: bool,
    /// R@1, R@5 and mAP.
    pub measures: Vec<Gain>,
}

/// The answer to a question.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct QuestionFigures {
    /// Which.
    pub question: Question,
    /// Queries that chose.
    pub choosing_queries: usize,
    /// Queries that report.
    pub queries: usize,
    /// Garments among them.
    pub garments: usize,
    /// Photographs that are searched.
    pub gallery: usize,
    /// Every way.
    pub ways: Vec<WayFigures>,
}

/// Answers a question: the way is chosen by `choose`, and all are measured on `report`. None without queries.
#[must_use]
pub fn measure(question: Question, choose: &Known, report: &Known) -> Option<QuestionFigures> {
    let (choosing, reporting) = (Ranked::of(question, choose), Ranked::of(question, report));
    if reporting.queries.is_empty() {
        return None;
    }
    let precisions = choosing.precisions();
    let best = precisions.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let chosen = precisions.iter().position(|precision| *precision >= best).unwrap_or(0);
    let groups: Vec<usize> = reporting.queries.iter().map(|&query| report.samples[query].group).collect();
    let ways = reporting.ways.iter().enumerate().map(|(place, way)| WayFigures {
        way: way.words(),
        chosen_by: precisions[place],
        is_chosen: place == chosen,
        measures: Gain::of(&groups, &reporting.ranks[0], &reporting.ranks[place]),
    });
    Some(QuestionFigures {
        question,
        choosing_queries: choosing.queries.len(),
        queries: reporting.queries.len(),
        garments: garments(report, &reporting.queries),
        gallery: reporting.photos,
        ways: ways.collect(),
    })
}

/// Garments of some queries.
pub(super) fn garments(known: &Known, queries: &[usize]) -> usize {
    let mut items: Vec<usize> = queries.iter().map(|&query| known.samples[query].item).collect();
    items.sort_unstable();
    items.dedup();
    items.len()
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Question, measure};
    use crate::evaluate::Photos;
    use crate::evaluate::ways::known::{Known, unit};
    use crate::evaluate::ways::looks::Look;
    use crate::pack::{Pack, sample};

    /// The garments of a small pack, of which every fourth has three photographs: each is known but for what `spoil` does to an embedding.
    pub(crate) fn known(spoil: impl Fn(usize, usize, &mut Vec<f32>)) -> Known {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("pack");
        sample::pack(&sample::manifest(folder.path(), 60), &out).unwrap();
        let pack = Pack::open(&out).unwrap();
        let mut samples = Photos::of_pack(&pack, &(0..pack.rows().len()).collect::<Vec<_>>()).unwrap().samples;
        samples.retain(|s| s.is_garment);
        let items = samples.iter().map(|s| s.item).max().unwrap() + 1;
        let embeddings = samples.iter().enumerate().map(|(place, s)| {
            let mut own: Vec<f32> = (0..items).map(|item| f32::from(u8::from(item == s.item))).collect();
            spoil(place, s.item, &mut own);
            unit(&own)
        });
        let embeddings: Vec<Vec<f32>> = embeddings.collect();
        let mut known = Known { categories: vec![vec![1.0]; samples.len()], samples, embeddings, ..Known::default() };
        for query in known.queries() {
            for look in Look::OTHERS {
                known.looks.insert((query, look), known.embeddings[query].clone());
            }
        }
        known
    }

    #[test]
    fn a_way_that_helps_is_chosen_and_its_gain_is_measured() {
        // Every query is taken for its neighbour's; its mirror image is not.
        let mut spoilt = known(|_, _, _| {});
        for query in spoilt.queries() {
            let own = spoilt.embeddings[query].clone();
            spoilt.embeddings[query].rotate_right(1);
            spoilt.looks.insert((query, Look::Mirrored), own.iter().map(|v| v * 2.0).collect());
        }
        let found = measure(Question::QueryLooks, &spoilt, &spoilt).unwrap();
        assert!(found.queries > 8 && found.garments * 2 == found.queries && found.gallery > found.garments);
        let chosen: Vec<&str> = found.ways.iter().filter(|w| w.is_chosen).map(|w| w.way.as_str()).collect();
        assert_eq!(chosen, ["mean of as it is, mirror image"]);
        let gain = &found.ways[1].measures[0];
        assert!(gain.before.value < 0.5 && gain.after.value > 0.99 && gain.gain.low > 0.3, "{gain:?}");
    }

    #[test]
    fn where_nothing_helps_the_device_stays_as_it_is() {
        let known = known(|_, _, _| {});
        for question in Question::ALL {
            let found = measure(question, &known, &known).unwrap();
            assert!(found.ways[0].is_chosen && found.ways.iter().filter(|way| way.is_chosen).count() == 1);
            assert!(found.ways.iter().all(|way| way.measures[0].after.value == 1.0), "{found:?}");
        }
        assert_eq!(measure(Question::QueryLooks, &known, &Known::default()), None);
    }

    #[test]
    fn categories_tell_garments_apart_that_look_alike() {
        // All embeddings are equal, and each garment is of a category of its own.
        let mut alike = known(|_, _, own| own.fill(1.0));
        let items = alike.samples.iter().map(|s| s.item).max().unwrap() + 1;
        let own = |item: usize| (0..items).map(|c| f64::from(u8::from(c == item))).collect();
        alike.categories = alike.samples.iter().map(|s| own(s.item)).collect();
        let found = measure(Question::CategoryAgreement, &alike, &alike).unwrap();
        assert!(found.ways[1].is_chosen && found.ways[1].way.contains("0.02"), "{found:?}");
        assert_eq!((found.ways[0].measures[0].after.value, found.ways[1].measures[0].after.value), (0.0, 1.0));
    }

    #[test]
    fn photographs_taken_together_find_what_none_of_them_does() {
        // A garment's first, second and third photograph each lean to a side of their own, more than to the garment.
        let plain = known(|_, _, _| {});
        let nth: Vec<usize> = (0..plain.samples.len())
            .map(|place| plain.samples[..place].iter().filter(|s| s.item == plain.samples[place].item).count())
            .collect();
        let several = |item: usize| plain.samples.iter().filter(|s| s.item == item).count() > 1;
        let leaning = known(|place, item, own| {
            let side = |n: usize| if several(item) && nth[place] == n { 1.5 } else { 0.0 };
            own.extend([side(0), side(1), side(2)]);
        });
        let found = measure(Question::ProductPhotos, &leaning, &leaning).unwrap();
        assert!(found.ways[1].is_chosen && found.ways[1].measures[0].gain.low > 0.5, "{found:?}");
        let all = measure(Question::QueryLooks, &leaning, &leaning).unwrap();
        assert_eq!(found.queries, all.queries, "every garment of the pack has three photographs or one");
        assert!(found.gallery > all.gallery);
    }
}
