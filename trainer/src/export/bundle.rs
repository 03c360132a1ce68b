//! The whole export: fold, calibrate, choose, set thresholds, measure, gather, gate.

use std::collections::BTreeMap;
use std::time::SystemTime;

use clothingid_shared::bundle::{Bundle, FORMAT, GoldenTolerance, Head, LicenceClass, Manifest, Network, Rejection};
use clothingid_shared::day::day_of;
use clothingid_shared::embedding::ArithmeticClass;
use clothingid_shared::picture::PictureContract;
use serde::Serialize;

use super::answers::{Agreement, Answers, Gate, take_all};
use super::choose::{Candidate, Reference, choose};
use super::float::FloatRunner;
use super::fold::float_network;
use super::golden::golden;
use super::layers::{LayerLoss, layer_losses};
use super::onnx::{to_bytes, write_quantised};
use super::quantised::QuantisedNetwork;
use super::simulate::Simulation;
use super::simulate::batched::Batched;
use super::sources::{LICENCES, notices, sources, training_story};
use crate::evaluate::engine::answer;
use crate::evaluate::matching::{MatchingFigures, garment_separation, matching_points};
use crate::evaluate::measure::{Both, changed, measure};
use crate::evaluate::rejection::{
    Answered, everything_is_a_garment, fit_score, fit_temperature, garment_point, known_point,
};
use crate::evaluate::report::{QuantisationFacts, SideBySide, model_card};
use crate::evaluate::{Engine, EvaluateError, Photos, Sample};
use crate::import::Part;
use crate::import::progress::Progress;
use crate::network::{Graph, Weights};
use crate::pack::Pack;

/// Photographs of the train part that ranges come from.
const CALIBRATION_PHOTOS: usize = 256;
/// Photographs of the select part that ways to quantise are compared on.
const CHOICE_PHOTOS: usize = 256;
/// Photographs that the losses of layers come from.
const LAYER_PHOTOS: usize = 16;
/// Garments of the train part that the rejection score is fitted on, beside all photographs of other things.
const SCORE_GARMENTS: usize = 3000;
/// Fewest photographs that a temperature may come from before thumbnails are taken too.
const TEMPERATURE_PHOTOS: usize = 100;

/// What is exported, and how.
#[derive(Debug)]
pub struct Export<'a> {
    /// The trained graph.
    pub graph: &'a Graph,
    /// Its weights.
    pub weights: &'a Weights,
    /// The photographs that it was trained on, in parts.
    pub pack: &'a Pack,
    /// How a photograph becomes a picture.
    pub contract: PictureContract,
    /// Name for people.
    pub name: String,
    /// What else the card says of how it was made, markdown, may be empty.
    pub story: String,
    /// The bounds against float.
    pub gate: Gate,
}

/// Everything that the export found out, for `OUT.export.json`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Findings {
    /// Every way to quantise, nearest to float first.
    pub candidates: Vec<Candidate>,
    /// The chosen one against float, on the calibrate part.
    pub agreement: Agreement,
    /// Every layer, worst first.
    pub layers: Vec<LayerLoss>,
    /// The figures of the card.
    pub figures: SideBySide,
    /// What the bundle cannot do, and what would help.
    pub warnings: Vec<String>,
}

/// Takes `count` positions, from each source in turn and evenly over it, so that no source is missing.
#[must_use]
pub fn spread(samples: &[Sample], count: usize, keep: impl Fn(&Sample) -> bool) -> Vec<usize> {
    let mut by_source: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (place, sample) in samples.iter().enumerate().filter(|(_, sample)| keep(sample)) {
        by_source.entry(&sample.source).or_default().push(place);
    }
    // Small sources give all they have; the rest is shared by the others.
    let mut quota: BTreeMap<&str, usize> = BTreeMap::new();
    let mut left = count;
    let mut sources: Vec<(&str, usize)> = by_source.iter().map(|(source, places)| (*source, places.len())).collect();
    sources.sort_by_key(|(_, places)| *places);
    for (index, (source, places)) in sources.iter().enumerate() {
        let share = (left / (sources.len() - index)).min(*places);
        quota.insert(source, share);
        left -= share;
    }
    let mut taken = Vec::new();
    for (source, places) in &by_source {
        let share = quota.get(source).copied().unwrap_or(0);
        taken.extend((0..share).map(|i| places[i * places.len() / share]));
    }
    taken.sort_unstable();
    taken
}

/// Every second one first, so that the first half is spread as the whole is.
fn alternate(places: &[usize]) -> Vec<usize> {
    places.iter().step_by(2).chain(places.iter().skip(1).step_by(2)).copied().collect()
}

/// Photographs of some positions.
fn subset<'a>(
    photos: &Photos<'a>,
    pack: &'a Pack,
    part: &[usize],
    places: &[usize],
) -> Result<Photos<'a>, EvaluateError> {
    let rows: Vec<usize> = places.iter().map(|&place| part[place]).collect();
    debug_assert!(places.iter().all(|&place| place < photos.samples.len()));
    Photos::of_pack(pack, &rows)
}

/// Runs the whole export.
///
/// # Errors
/// The weights cannot be exported, photographs are too few or unreadable, or the quantised network is beyond the gate.
pub fn export(plan: &Export<'_>, progress: &Progress) -> Result<(Bundle, Findings), EvaluateError> {
    let Export { graph, weights, pack, contract, .. } = plan;
    let side = usize::try_from(contract.side).unwrap_or(0);
    let float = FloatRunner::new(float_network(graph, weights, side)?)?;
    let part = |part: Part| -> Result<(Vec<usize>, Photos<'_>), EvaluateError> {
        let rows = pack.rows_in(part);
        let photos = Photos::of_pack(pack, &rows)?;
        Ok((rows, photos))
    };
    let (train_rows, train) = part(Part::Train)?;
    let (_, select) = part(Part::Select)?;
    let (_, calibrate) = part(Part::Calibrate)?;
    let (_, report) = part(Part::Report)?;

    let (network, candidates, layers) = quantised(&float, (&train, &select), contract, progress)?;
    let float_engine = Engine::Float(Box::new(float));
    let int8_engine = Engine::Integer(Box::new(Batched::new(Simulation::new(network.clone())?)?));

    let mut both =
        answer(&[&float_engine, &int8_engine], &calibrate, contract, "answers to the calibrate part", progress)?
            .into_iter();
    let mut next = || take_all(both.next().unwrap_or_default());
    let (trained_answers, calibrate_answers) = (next()?, next()?);
    let agreement = Agreement::of(&trained_answers, &calibrate_answers);
    plan.gate.check(&agreement)?;

    let mut score_places = spread(&train.samples, SCORE_GARMENTS, |sample| sample.is_garment);
    score_places.extend((0..train.samples.len()).filter(|&place| !train.samples[place].is_garment));
    let score_photos = subset(&train, pack, &train_rows, &score_places)?;
    let int8 = |photos: &Photos<'_>, phase: &str| -> Result<Vec<Answers>, EvaluateError> {
        let answers = answer(&[&int8_engine], photos, contract, phase, progress)?;
        Ok(take_all(answers.into_iter().flatten().collect())?)
    };
    let score_answers = int8(&score_photos, "answers to the train part")?;
    let select_answers = int8(&select, "answers to the select part")?;
    let on_calibrate = Answered { samples: &calibrate.samples, answers: &calibrate_answers };
    let on_train = Answered { samples: &score_photos.samples, answers: &score_answers };
    let on_select = Answered { samples: &select.samples, answers: &select_answers };
    let (score, garment) = if [on_train, on_select, on_calibrate].iter().all(Answered::has_other_things) {
        let score = fit_score(on_train, on_select, on_calibrate)?;
        let point = garment_point(&score, on_calibrate);
        (score, point)
    } else {
        everything_is_a_garment(calibrate_answers.first().map_or(0, |a| a.embedding.len()))
    };
    let temperature14 = temperature(on_calibrate, |a| &a.category14, |s| s.category14);
    let temperature26 = temperature(on_calibrate, |a| &a.category26, |s| s.category26);

    let sources = sources(pack, weights.provenance.as_ref());
    let licence_class = sources.iter().map(|s| s.class).max().unwrap_or(LicenceClass::Unverified);
    let golden_photos = golden(&network, &report, contract)?;
    let mut manifest = Manifest {
        format: FORMAT,
        written_by: concat!("clothingid-train ", env!("CARGO_PKG_VERSION")).to_owned(),
        name: plan.name.clone(),
        pack: pack.identity().to_owned(),
        created: day_of(SystemTime::now()),
        picture: contract.clone(),
        network: Network {
            backbone: graph.backbone.clone(),
            embedding_values: calibrate_answers.first().map_or(0, |a| a.embedding.len()),
            quantisation: candidates.first().map(Candidate::words).unwrap_or_default(),
        },
        category14: Head { taxonomy: pack.taxonomies().category14.clone(), temperature: temperature14 },
        category26: Head { taxonomy: pack.taxonomies().category26.clone(), temperature: temperature26 },
        rejection: Rejection { known: known_point(temperature26, &score, &garment, on_calibrate), garment, score },
        matching: matching_points(on_calibrate),
        golden_tolerance: golden_tolerance(),
        licence_class,
        sources,
        files: BTreeMap::new(),
    };

    // The figures are those of the file: float arithmetic on its integer weights, and integers.
    let file_float = Engine::Float(Box::new(FloatRunner::new(network.dequantise())?));
    let mut both =
        answer(&[&file_float, &int8_engine], &report, contract, "answers to the report part", progress)?.into_iter();
    let mut next = || take_all(both.next().unwrap_or_default());
    let figures = side_by_side(&manifest, &report.samples, &next()?, &next()?);
    if manifest.rejection.garment.threshold > 0.0 {
        manifest.rejection.garment.auroc = garment_separation(&figures.int8);
    }
    manifest.matching.confident.auroc = figures.int8.matching.as_ref().and_then(MatchingFigures::separation);
    let mut warnings = Vec::new();
    if manifest.rejection.garment.threshold <= 0.0 {
        warnings.push(format!(
            "`garment` is {}; add photographs of what a camera sees when there is none, about a hundred, in a folder `no_garment/`",
            manifest.rejection.garment.meaning
        ));
    }
    let findings = Findings { candidates, agreement, layers, figures, warnings };
    let facts = QuantisationFacts {
        candidates: &findings.candidates,
        agreement: &findings.agreement,
        layers: &findings.layers,
    };
    let model_card = model_card(
        &manifest,
        &findings.figures,
        &facts,
        &(training_story(weights.provenance.as_ref(), pack) + &plan.story),
    );
    let mut licences: BTreeMap<String, String> =
        LICENCES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    licences.insert("SOURCES.md".to_owned(), notices(&manifest));
    let network = to_bytes(&write_quantised(&network));
    Ok((Bundle { manifest, network, golden: golden_photos, model_card, licences }, findings))
}

/// Calibrates and chooses.
fn quantised(
    float: &FloatRunner,
    (train, select): (&Photos<'_>, &Photos<'_>),
    contract: &PictureContract,
    progress: &Progress,
) -> Result<(QuantisedNetwork, Vec<Candidate>, Vec<LayerLoss>), EvaluateError> {
    let pictures = |count: usize, photos: &Photos<'_>| {
        photos.pictures(&alternate(&spread(&photos.samples, count, |_| true)), contract)
    };
    let calibration = pictures(CALIBRATION_PHOTOS, train)?;
    let choice = pictures(CHOICE_PHOTOS, select)?;
    // The layers are looked at one by one on this thread; see `workers.rs` for why libtorch's own threads stay away.
    tch::set_num_threads(1);
    let answers = take_all(float.run_all(&choice, |_| {})?)?;
    let (network, candidates) =
        choose(float.network(), &calibration, Reference { pictures: &choice, answers: &answers }, progress)?;
    let simulation = Simulation::new(network.clone())?;
    let layers = layer_losses(float, &simulation, &choice[..LAYER_PHOTOS.min(choice.len())])?;
    Ok((network, candidates, layers))
}

/// Figures of both classes, and what changes between them.
#[must_use]
pub fn side_by_side(manifest: &Manifest, samples: &[Sample], float: &[Answers], int8: &[Answers]) -> SideBySide {
    let temperatures = (manifest.category14.temperature, manifest.category26.temperature);
    let (f, i) = (Both::of(samples, float, temperatures), Both::of(samples, int8, temperatures));
    SideBySide {
        float: measure(manifest, samples, float),
        int8: measure(manifest, samples, int8),
        category14_changed: changed(&f.category14, &i.category14),
        category26_changed: changed(&f.category26, &i.category26),
    }
}

/// The temperature of a head, on the larger photographs of the calibrate part where they are enough.
fn temperature(on: Answered<'_>, logits: impl Fn(&Answers) -> &[f32], truth: impl Fn(&Sample) -> Option<usize>) -> f64 {
    let take = |large_only: bool| -> (Vec<&[f32]>, Vec<usize>) {
        let kept = on.samples.iter().zip(on.answers).filter(|(s, _)| !large_only || s.is_large());
        kept.filter_map(|(s, a)| truth(s).map(|t| (logits(a), t))).unzip()
    };
    let (mut rows, mut labels) = take(true);
    if labels.len() < TEMPERATURE_PHOTOS {
        (rows, labels) = take(false);
    }
    fit_temperature(&rows, &labels)
}

/// What a right engine may differ by from the golden answers.
///
/// `float`: engines add up to 1,280 products in another order (4e-5 measured), and half precision keeps 11 bits over 52 layers. `int8`:
/// the rounding of every layer is defined, so that engines of ours are equal; one whose residual sums round a tie the other way was
/// measured at 0.18.
fn golden_tolerance() -> BTreeMap<ArithmeticClass, GoldenTolerance> {
    BTreeMap::from([
        (ArithmeticClass::Float, GoldenTolerance { logit: 0.05, cosine: 0.999 }),
        (ArithmeticClass::Int8, GoldenTolerance { logit: 0.5, cosine: 0.99 }),
    ])
}
