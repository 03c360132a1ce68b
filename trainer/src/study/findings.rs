//! Everything that a study says, computed from its records alone.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::contrast::{Difference, correct, difference};
use super::measure::{Measure, Scores};
use super::photos::Photo;
use super::pooled::Pooled;
use super::power::smallest_difference;
use super::recipe::{Contrast, Course, StudyRecipe};
use super::record::CellRecord;
use crate::evaluate::figure::Figure;
use crate::evaluate::photos::size_words;

/// Fewest samples of a slice that gets a figure.
const SLICE_MIN: usize = 20;

/// What a study found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// Its name.
    pub study: String,
    /// Cells that are finished.
    pub cells_done: usize,
    /// Cells of the recipe.
    pub cells: usize,
    /// Folds of the recipe.
    pub folds: usize,
    /// The photographs.
    pub data: Data,
    /// Each arm's figures.
    pub arms: Vec<ArmFindings>,
    /// The question that the study was made for.
    pub primary: Vec<Difference>,
    /// The other questions.
    pub secondary: Vec<Difference>,
    /// The arm of the primary question against the arm that trains nothing. Not a question of the recipe, so not corrected.
    pub above_raw: Vec<Difference>,
    /// The smallest difference that each primary measure could show: with photographs of a group independent, and with them all alike.
    pub smallest: Vec<(Measure, f64, f64)>,
    /// The primary contrast by source, photo size and views of the garment.
    pub slices: Vec<Slice>,
}

/// The photographs of the study: the poster's Table 1.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Data {
    /// Garments, photographs of them.
    pub identification: (usize, usize),
    /// Photographs with a category of the 14, larger ones among them.
    pub of_14: (usize, usize),
    /// Photographs with a category of the 26, larger ones among them.
    pub of_26: (usize, usize),
    /// Queries and gallery of the retrieval test.
    pub retrieval: (usize, usize),
    /// Photographs that show no garment.
    pub others: usize,
    /// Categories with enough larger photographs for balanced accuracy, of 14 and of 26.
    pub balanced: (usize, usize),
}

/// Figures of one arm.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ArmFindings {
    /// Its name.
    pub name: String,
    /// Folds that are finished.
    pub folds: usize,
    /// Each measure with its interval.
    pub figures: Vec<(Measure, Figure)>,
    /// The rate that each fold chose.
    pub rates: Vec<Option<f64>>,
    /// Hours that all its cells took.
    pub hours: f64,
    /// Photographs in the gallery and strangers beside them, mean over folds.
    pub gallery: (f64, f64),
}

/// The primary contrast on some of the samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Slice {
    /// By what they were taken.
    pub by: &'static str,
    /// Which they are.
    pub name: String,
    /// By what the arms are compared.
    pub measure: Measure,
    /// Of the arm thought to be better.
    pub value: f64,
    /// Of the other.
    pub other: f64,
    /// First minus second.
    pub gain: Figure,
}

impl Findings {
    /// Of finished cells, by arm.
    #[must_use]
    pub fn of(recipe: &StudyRecipe, photos: &[Photo], records: &[CellRecord]) -> Self {
        let pooled = |name: &str| Pooled::new(photos, records.iter().filter(|record| record.settings.arm.name == name));
        let arms = recipe.arms.iter().map(|arm| arm_findings(&arm.name, &pooled(&arm.name), recipe)).collect();
        let differences = |contrast: &Contrast| -> Vec<Difference> {
            let (better, against) = paired(&pooled(&contrast.better), &pooled(&contrast.against));
            contrast
                .measures
                .iter()
                .filter_map(|&m| compare(contrast, m, &better, &against, recipe.least_photos))
                .collect()
        };
        let mut primary = differences(&recipe.primary);
        let mut secondary: Vec<Difference> = recipe.contrasts.iter().flat_map(differences).collect();
        correct(&mut primary);
        correct(&mut secondary);
        let raw = recipe.arms.iter().find(|arm| arm.course == Course::Frozen).map(|arm| Contrast {
            better: recipe.primary.better.clone(),
            against: arm.name.clone(),
            measures: vec![Measure::Balanced14, Measure::Balanced26, Measure::RecallAt1, Measure::Map],
        });
        let (better, against) = paired(&pooled(&recipe.primary.better), &pooled(&recipe.primary.against));
        Self {
            study: recipe.name.clone(),
            cells_done: records.len(),
            cells: recipe.arms.len() * recipe.folds,
            folds: recipe.folds,
            data: Data::of(photos, recipe.least_photos),
            arms,
            primary,
            secondary,
            above_raw: raw.as_ref().map(differences).unwrap_or_default(),
            smallest: smallest(recipe, photos),
            slices: slices(&better, &against),
        }
    }
}

impl Data {
    /// Of a study's photographs.
    #[must_use]
    pub fn of(photos: &[Photo], least_photos: usize) -> Self {
        let count = |keep: &dyn Fn(&Photo) -> bool| photos.iter().filter(|photo| keep(photo)).count();
        let with = |head: usize| {
            let has = move |photo: &Photo| photo.category(head).is_some();
            (count(&has), count(&|photo| has(photo) && photo.is_large()))
        };
        let garments: BTreeSet<usize> = photos.iter().filter(|p| p.is_garment).map(|photo| photo.item).collect();
        let frequent = |head: usize| {
            let scores = expected(photos, head);
            scores.counts().into_iter().filter(|&count| count >= least_photos.max(1)).count()
        };
        Self {
            identification: (garments.len(), count(&|photo| photo.is_garment)),
            of_14: with(0),
            of_26: with(1),
            retrieval: (count(&|photo| photo.is_query), count(&|photo| photo.is_gallery)),
            others: count(&|photo| !photo.is_garment),
            balanced: (frequent(0), frequent(1)),
        }
    }
}

/// The samples of a head's balanced accuracy before anything is measured.
fn expected(photos: &[Photo], head: usize) -> Scores {
    let mut scores = Scores::default();
    for (row, photo) in photos.iter().enumerate().filter(|(_, photo)| photo.is_large()) {
        let Some(category) = photo.category(head) else { continue };
        scores.rows.push(row);
        scores.groups.push(photo.group);
        scores.values.push(0.0);
        scores.categories.push(category);
    }
    scores
}

/// The smallest difference that each primary measure can show, from the photographs alone.
#[must_use]
pub fn smallest(recipe: &StudyRecipe, photos: &[Photo]) -> Vec<(Measure, f64, f64)> {
    let queries = || {
        let rows: Vec<usize> = (0..photos.len()).filter(|&row| photos[row].is_query).collect();
        let groups = rows.iter().map(|&row| photos[row].group).collect();
        Scores { values: vec![0.0; rows.len()], categories: Vec::new(), is_balanced: false, groups, rows }
    };
    let scores = |measure: Measure| match measure {
        Measure::Balanced14 => expected(photos, 0).balanced(recipe.least_photos),
        Measure::Balanced26 => expected(photos, 1).balanced(recipe.least_photos),
        Measure::Top1Of14 | Measure::AllTop1Of14 => expected(photos, 0),
        Measure::Top1Of26 | Measure::AllTop1Of26 => expected(photos, 1),
        _ => queries(),
    };
    let of = |&measure: &Measure| {
        let (own, alike) = smallest_difference(&scores(measure), recipe.discordant);
        (measure, own, alike)
    };
    recipe.primary.measures.iter().map(of).collect()
}

fn arm_findings(name: &str, pooled: &Pooled<'_>, recipe: &StudyRecipe) -> ArmFindings {
    let records = pooled.records();
    let figure = |measure: Measure| {
        let scores = measure.scores(pooled, recipe.least_photos);
        (measure, Figure::measure(&scores.groups, |drawn| scores.figure(drawn)))
    };
    let mean = |value: &dyn Fn(&CellRecord) -> usize| {
        records.iter().map(|record| value(record) as f64).sum::<f64>() / records.len().max(1) as f64
    };
    ArmFindings {
        name: name.to_owned(),
        folds: records.len(),
        figures: if records.is_empty() {
            Vec::new()
        } else {
            Measure::ACCURACY.into_iter().chain(Measure::RETRIEVAL).map(figure).collect()
        },
        rates: records.iter().map(|record| record.rate).collect(),
        hours: records.iter().flat_map(|record| &record.seconds).fold(0.0, |sum, (_, seconds)| sum + seconds / 3600.0),
        gallery: (mean(&|r| r.retrieval.gallery), mean(&|r| r.retrieval.strangers)),
    }
}

/// Both arms on the folds that both have.
fn paired<'a>(first: &Pooled<'a>, second: &Pooled<'a>) -> (Pooled<'a>, Pooled<'a>) {
    let folds: BTreeSet<usize> = first.folds().intersection(&second.folds()).copied().collect();
    (first.only(&folds), second.only(&folds))
}

fn compare(
    contrast: &Contrast,
    measure: Measure,
    better: &Pooled<'_>,
    against: &Pooled<'_>,
    least_photos: usize,
) -> Option<Difference> {
    let [first, second] = [better, against].map(|pooled| measure.scores(pooled, least_photos));
    if first.rows.is_empty() {
        return None;
    }
    let (gain, p) = difference(&first, &second);
    Some(Difference {
        better: contrast.better.clone(),
        against: contrast.against.clone(),
        measure,
        value: first.total(),
        other: second.total(),
        gain,
        folds: better.folds().len(),
        p,
        p_corrected: p,
    })
}

/// The primary contrast by source and photo size (top-1 of 26, thumbnails too), and by source and views of the garment (R@1).
fn slices(better: &Pooled<'_>, against: &Pooled<'_>) -> Vec<Slice> {
    let source = |photo: &Photo| photo.source.clone();
    let size = |photo: &Photo| size_words(photo.long_side).to_owned();
    let views = |photo: &Photo| match photo.views {
        0..=2 => "2 views".to_owned(),
        3 => "3 views".to_owned(),
        _ => "4 views or more".to_owned(),
    };
    let mut slices = Vec::new();
    let mut slice = |measure: Measure, by: &'static str, name: &dyn Fn(&Photo) -> String| {
        let [first, second] = [better, against].map(|pooled| measure.scores(pooled, 0));
        let name_of = |row: usize| better.photos().get(row).map(name).unwrap_or_default();
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        first.rows.iter().for_each(|&row| *counts.entry(name_of(row)).or_default() += 1);
        for (name, _) in counts.into_iter().filter(|(_, count)| *count >= SLICE_MIN) {
            let [first, second] =
                [&first, &second].map(|scores| scores.keep(|place, all| name_of(all.rows[place]) == name));
            let (gain, _) = difference(&first, &second);
            slices.push(Slice { by, name, measure, value: first.total(), other: second.total(), gain });
        }
    };
    slice(Measure::AllTop1Of26, "source", &source);
    slice(Measure::AllTop1Of26, "photo size", &size);
    slice(Measure::RecallAt1, "source", &source);
    slice(Measure::RecallAt1, "views of the garment", &views);
    slices
}
