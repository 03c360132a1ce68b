//! One cell from its start to its record.
//!
//! Each step is a training run in a folder of its own, so that a cell that was stopped goes on where it was. Nothing of a cell comes from
//! another one: neither its learning rate nor its pre-training.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use clothingid_shared::files;
use tch::Device;

use super::StudyError;
use super::frozen;
use super::photos::Photo;
use super::recipe::{Arm, Course, Start, StudyRecipe};
use super::record::{CategoryAnswers, CellRecord, RetrievalAnswers, Settings, recipe_identity};
use crate::evaluate::Photos;
use crate::evaluate::retrieval::Retrieval;
use crate::export::answers::largest;
use crate::import::Part;
use crate::learn::LearnError;
use crate::learn::ask::{Asked, ask};
use crate::learn::finetune;
use crate::learn::objective::Objective;
use crate::learn::recipe::Stage;
use crate::learn::record::Record;
use crate::learn::select::SelectFigures;
use crate::learn::shards::Shards;
use crate::learn::training::{self, Ended, Setup, StageName, train};
use crate::network::backbones::BackboneName;
use crate::network::parameters::to_vec;
use crate::network::{Graph, Network, Provenance, Statistics, Weights, device, heads};
use crate::pack::{Fold, Pack};

/// What all cells of a study share.
#[derive(Debug)]
pub struct Bench<'a> {
    /// What is compared.
    pub recipe: &'a StudyRecipe,
    /// The photographs, as they were packed.
    pub pack: &'a Pack,
    /// What is known of them, by row.
    pub photos: &'a [Photo],
    /// ImageNet weights of the backbones that some arm starts from.
    pub imagenet: &'a [(BackboneName, Weights)],
    /// Where the network runs.
    pub device: Device,
    /// Threads of the network.
    pub threads: usize,
    /// Where unfinished cells lie.
    pub work: &'a Path,
    /// Set from outside to stop.
    pub interrupted: &'a AtomicBool,
}

/// A cell under way.
struct Cell<'a> {
    bench: &'a Bench<'a>,
    arm: &'a Arm,
    pack: Arc<Pack>,
    graph: Graph,
    seed: u64,
    folder: PathBuf,
    record: CellRecord,
}

/// Weights with the figures by which they were kept.
type Kept = (Weights, SelectFigures);

impl Bench<'_> {
    /// What the numbers of a cell hang on.
    #[must_use]
    pub fn settings(&self, arm: &Arm, fold: usize) -> Settings {
        Settings {
            study: self.recipe.name.clone(),
            arm: arm.clone(),
            fold,
            recipe: recipe_identity(self.recipe),
            pack: self.pack.identity().to_owned(),
            device: device::name(self.device),
            threads: self.threads,
            program: format!("clothingid-train {}", env!("CARGO_PKG_VERSION")),
        }
    }

    /// The pack as a fold divides it.
    ///
    /// # Errors
    /// There is no such fold, or the pack cannot be opened.
    pub fn fold(&self, number: usize) -> Result<Pack, StudyError> {
        let StudyRecipe { folds, select, seed, .. } = self.recipe;
        Ok(self.pack.fold(&Fold { number, of: *folds, select: *select, calibrate: 0.0, seed: *seed })?)
    }

    /// Runs a cell; none if it was interrupted. `watch` hears the name of the step and what happens in it.
    ///
    /// # Errors
    /// A photograph or a file cannot be read or written, there are no weights to start from, or a loss is not finite.
    pub fn run(
        &self,
        arm: &Arm,
        fold: usize,
        mut watch: impl FnMut(&str, training::Event<'_>),
    ) -> Result<Option<CellRecord>, StudyError> {
        let pack = Arc::new(self.fold(fold)?);
        let record = CellRecord::begin(self.settings(arm, fold));
        if arm.course == Course::Frozen {
            return frozen::run(self, &pack, record).map(Some);
        }
        let cell = Cell {
            bench: self,
            arm,
            pack,
            graph: heads::with_heads(arm.backbone.build(), self.pack.taxonomies().classes()),
            seed: self.recipe.seed + fold as u64,
            folder: self.work.join(&arm.name).join(format!("fold-{fold}")),
            record,
        };
        cell.run(&mut watch)
    }

    /// The ImageNet weights of an arm's backbone.
    ///
    /// # Errors
    /// There are none.
    pub fn imagenet(&self, arm: &Arm) -> Result<Weights, StudyError> {
        let weights =
            self.imagenet.iter().find(|(backbone, _)| *backbone == arm.backbone).map(|(_, weights)| weights.clone());
        weights.ok_or_else(|| StudyError::NoWeights { arm: arm.name.clone(), backbone: arm.backbone.to_string() })
    }

    /// The weights of an arm on a fold before any training.
    ///
    /// # Errors
    /// There are no ImageNet weights, or they do not fit.
    pub fn start(&self, arm: &Arm, fold: usize, graph: &Graph) -> Result<Weights, StudyError> {
        let seed = self.recipe.seed + fold as u64;
        let (weights, said) = match arm.start {
            Start::Random => (heads::random(graph, seed), Provenance::RANDOM),
            Start::Imagenet => (self.imagenet(arm)?, Provenance::IMAGENET),
        };
        let mut weights = finetune::start(graph, weights.made_from(Provenance::of_start(said)), seed);
        // With random heads the first of few steps go into unlearning them.
        finetune::zero_heads(&mut weights)?;
        Ok(weights)
    }
}

impl Cell<'_> {
    fn run(mut self, watch: &mut impl FnMut(&str, training::Event<'_>)) -> Result<Option<CellRecord>, StudyError> {
        let recipe = self.bench.recipe;
        let mut start = self.bench.start(self.arm, self.record.settings.fold, &self.graph)?;
        if let Some(stage) = recipe.pretraining(self.arm) {
            let name = if self.arm.course == Course::Categories { StageName::Finetune } else { StageName::Identify };
            let Some((weights, figures)) = self.stage("pretrain", name, &stage, &start, watch)? else {
                return Ok(None);
            };
            self.record.select.push(("pretrain".to_owned(), figures));
            start = weights;
        }
        let Some(rate) = self.choose_rate(&start, watch)? else { return Ok(None) };
        self.record.rate = Some(rate);
        let tunings =
            [("finetune", StageName::Finetune, &recipe.finetune), ("retrieve", StageName::Retrieve, &recipe.retrieve)];
        let mut tuned = Vec::new();
        for (folder, name, stage) in tunings {
            let stage = recipe.tuning(self.arm, stage, rate);
            let Some((weights, figures)) = self.stage(folder, name, &stage, &start, watch)? else { return Ok(None) };
            self.record.select.push((folder.to_owned(), figures));
            tuned.push(weights);
        }
        let began = Instant::now();
        if let [for_categories, for_retrieval] = tuned.as_slice() {
            let rows = self.pack.rows_in(Part::Report);
            let asked = self.ask(for_categories, &rows)?;
            self.record.categories = categories(self.bench.photos, &rows, &asked, self.pack.taxonomies().classes());
            let embeddings = to_vec(&self.ask(for_retrieval, &rows)?.embeddings);
            let embeddings: Vec<&[f32]> = embeddings.chunks_exact(heads::EMBEDDING_DIMS).collect();
            self.record.retrieval = retrieval(self.bench, &self.pack, &rows, &embeddings)?;
        }
        self.record.seconds.push(("measure".to_owned(), began.elapsed().as_secs_f64()));
        Ok(Some(self.record))
    }

    /// The rate of the fine-tunings: that of the short fine-tuning that does best on the select part. None if interrupted.
    fn choose_rate(
        &mut self,
        start: &Weights,
        watch: &mut impl FnMut(&str, training::Event<'_>),
    ) -> Result<Option<f64>, StudyError> {
        let recipe = self.bench.recipe;
        if let [only] = recipe.rates.as_slice() {
            return Ok(Some(*only));
        }
        let mut best: Option<(f64, f64)> = None;
        for &rate in &recipe.rates {
            let name = format!("trial-{rate:e}");
            let score = match self.stage(&name, StageName::Finetune, &recipe.trial(self.arm, rate), start, watch) {
                Ok(Some((_, figures))) => StageName::Finetune.score(&figures),
                Ok(None) => return Ok(None),
                // Too high a rate is an answer, too.
                Err(StudyError::Learn(LearnError::NotFinite { .. })) => 0.0,
                Err(error) => return Err(error),
            };
            self.record.trials.push((rate, score));
            if best.is_none_or(|(_, least)| score > least) {
                best = Some((rate, score));
            }
        }
        Ok(best.map(|(rate, _)| rate))
    }

    /// Runs a stage, or goes on with it, or takes what it left. None if interrupted.
    fn stage(
        &mut self,
        step: &str,
        name: StageName,
        stage: &Stage,
        start: &Weights,
        watch: &mut impl FnMut(&str, training::Event<'_>),
    ) -> Result<Option<Kept>, StudyError> {
        let folder = self.folder.join(step);
        let setup = Setup {
            name,
            stage,
            pack: &self.pack,
            seed: self.seed,
            device: self.bench.device,
            threads: self.bench.threads,
            folder: &folder,
            resume: true,
            stop_after: None,
            interrupted: self.bench.interrupted,
        };
        let clock = Clock::resume(&folder);
        let ended = train(&setup, self.graph.clone(), start.clone(), |event| watch(step, event))?;
        let seconds = clock.stop()?;
        if ended == Ended::Interrupted {
            return Ok(None);
        }
        self.record.seconds.push((step.to_owned(), seconds));
        let weights = Weights::read(&folder.join("weights.safetensors"))?;
        let record = Record::read(&folder)?;
        let figures = record.epochs().map(|(_, figures)| figures);
        // The last of equals, by the stage's own choice, as training keeps it.
        let score = |figures: &SelectFigures| stage.choose.score(name, figures);
        let best = figures.max_by(|a, b| score(a).total_cmp(&score(b))).cloned().unwrap_or_default();
        Ok(Some((weights, best)))
    }

    fn ask(&self, weights: &Weights, rows: &[usize]) -> Result<Asked, StudyError> {
        let bench = self.bench;
        let network = Network::load(self.graph.clone(), weights, bench.device)?;
        let shards = Shards::new(&network, &Objective::none(), Statistics::Running, bench.threads)?;
        let resources = (bench.device, bench.threads);
        Ok(ask(&self.pack, &self.graph, &shards, rows, bench.recipe.report_side, resources)?)
    }
}

/// The time that a step took, over all of its interruptions.
struct Clock {
    path: PathBuf,
    before: f64,
    began: Instant,
}

impl Clock {
    fn resume(folder: &Path) -> Self {
        let path = folder.join("seconds");
        let before = files::read_text(&path).ok().and_then(|text| text.trim().parse().ok()).unwrap_or(0.0);
        Self { path, before, began: Instant::now() }
    }

    fn stop(self) -> Result<f64, StudyError> {
        let seconds = self.before + self.began.elapsed().as_secs_f64();
        files::write_atomic(&self.path, format!("{seconds:.3}\n").as_bytes())?;
        Ok(seconds)
    }
}

/// What is said of the photographs that have a category.
fn categories(photos: &[Photo], rows: &[usize], asked: &Asked, classes: [usize; 2]) -> CategoryAnswers {
    let [of_14, of_26] =
        [0, 1].map(|head| asked.logits[head].chunks_exact(classes[head]).map(largest).collect::<Vec<_>>());
    answers(photos, rows, &of_14, &of_26)
}

/// Answers for all rows, without those of photographs that have no category.
pub(super) fn answers(photos: &[Photo], rows: &[usize], of_14: &[usize], of_26: &[usize]) -> CategoryAnswers {
    let mut answers = CategoryAnswers::default();
    for ((&row, &said14), &said26) in rows.iter().zip(of_14).zip(of_26) {
        if photos.get(row).is_some_and(|photo| photo.category14.is_some() || photo.category26.is_some()) {
            answers.rows.push(row);
            answers.category14.push(said14);
            answers.category26.push(said26);
        }
    }
    answers
}

/// What is found for the queries among `rows`, from an embedding a row.
pub(super) fn retrieval(
    bench: &Bench<'_>,
    pack: &Pack,
    rows: &[usize],
    embeddings: &[&[f32]],
) -> Result<RetrievalAnswers, StudyError> {
    let samples = Photos::of_pack(pack, rows)?.samples;
    let small = Retrieval::of(&samples, embeddings);
    let is_wanted = |&place: &usize| {
        let photo = rows.get(place).and_then(|&row| bench.photos.get(row));
        photo.is_some_and(|photo| photo.is_gallery || (photo.is_garment && photo.views == 1 && photo.is_large()))
    };
    let gallery: Vec<usize> = (0..samples.len()).filter(is_wanted).collect();
    let large = Retrieval::search(&samples, embeddings, small.queries.clone(), &gallery);
    // Four digits are more than any figure of it has.
    let precision = |place: usize| (small.average_precision(place) * 1e4).round() / 1e4;
    Ok(RetrievalAnswers {
        gallery: small.gallery,
        strangers: gallery.len() - small.gallery,
        precision: (0..small.queries.len()).map(precision).collect(),
        queries: small.queries.iter().map(|&place| rows[place]).collect(),
        nearest: small.nearest.iter().map(|found| found.iter().map(|&place| rows[place]).collect()).collect(),
        ranks: small.ranks,
        ranks_among_strangers: large.ranks,
    })
}
