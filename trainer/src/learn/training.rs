//! The loop of both stages: batches, gradients, steps, record, checkpoints, and an epoch's figures.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clothingid_shared::files;
use tch::{Device, Tensor};

use super::LearnError;
use super::balance::Frequencies;
use super::checkpoint::{self, Checkpoint, RunIdentity, State};
pub use super::choose::StageName;
use super::choose::is_over;
use super::cost;
use super::identify;
use super::objective::{Objective, PROTOTYPES};
use super::pairs::{Pairs, Pull};
use super::recipe::Stage;
use super::record::{Entry, Record, Window};
use super::schedule::Schedule;
use super::select::{Answers, SelectFigures};
use super::shards::Shards;
use super::source::{self, Shown, Source};
use super::step::Optimiser;
use crate::import::Part;
use crate::load::LoaderOptions;
use crate::load::resident::Resident;
use crate::network::TrainOptions;
use crate::network::parameters::to_vec;
use crate::network::{Array, Graph, Network, Provenance, Weights};
use crate::pack::Pack;

/// Steps between two lines of the record.
const RECORD_EVERY: u64 = 20;

/// A stage that is to be run.
#[derive(Debug)]
pub struct Setup<'a> {
    /// Which.
    pub name: StageName,
    /// Its part of the recipe.
    pub stage: &'a Stage,
    /// Photographs.
    pub pack: &'a Arc<Pack>,
    /// Seed of all choices.
    pub seed: u64,
    /// Where the network runs.
    pub device: Device,
    /// Threads of the network.
    pub threads: usize,
    /// Where the run is written.
    pub folder: &'a Path,
    /// Whether a run in `folder` goes on.
    pub resume: bool,
    /// Stop as if interrupted after so many steps in all.
    pub stop_after: Option<u64>,
    /// Set from outside to stop.
    pub interrupted: &'a AtomicBool,
}

impl Setup<'_> {
    /// Puts zeros where the prototypes will be.
    pub(super) fn leave_room_for_prototypes(&self, start: &mut Weights) {
        let (_, count) = identify::prototype_rows(self.pack);
        start.insert(PROTOTYPES, Array::zeros(&identify::prototypes_spec(count).shape));
    }

    /// The network of the stage with what it learns from. `start` has the prototypes where the stage identifies.
    pub(super) fn put_up(&self, graph: &Graph, start: &Weights) -> Result<(Network, Objective, Shards), LearnError> {
        let stage = self.stage;
        let (prototype_of_item, count) = identify::prototype_rows(self.pack);
        let objective = Objective { options: stage.loss.clone(), prototype_of_item };
        // Pairs need the embedding's start alone.
        let is_identifying = stage.loss.identification > 0.0;
        let extra = is_identifying.then(|| identify::prototypes_spec(count)).into_iter().collect();
        let (frozen, precision) = (stage.freeze.clone(), stage.precision);
        let options = TrainOptions { frozen, extra, precision, ..TrainOptions::default() };
        let network = Network::for_training(graph.clone(), start, self.device, &options)?;
        let shards = Shards::new(&network, &objective, stage.statistics, self.threads)?;
        Ok((network, objective, shards))
    }

    /// What the loader of its first epoch shows.
    pub(super) fn loader(&self) -> LoaderOptions {
        let stage = self.stage;
        LoaderOptions {
            part: Part::Train,
            side: stage.side,
            batch: stage.batch,
            seed: self.seed,
            epoch: 0,
            views: stage.views,
            augment: stage.augment.clone(),
            mix: stage.mix.clone(),
            sampling: stage.sampling.clone(),
            threads: self.threads.div_ceil(2),
            skip_batches: 0,
        }
    }
}

/// What happens, for whoever watches.
#[derive(Debug)]
pub enum Event<'a> {
    /// Photographs seen for the start of the prototypes.
    Preparing {
        /// So far.
        done: usize,
        /// In all.
        total: usize,
    },
    /// A step is done.
    Step {
        /// Steps done.
        step: u64,
        /// Steps of the run.
        steps: u64,
        /// Loss of this batch.
        loss: f64,
        /// Pictures of this batch.
        pictures: usize,
    },
    /// An epoch is done.
    Epoch {
        /// Epochs done.
        epoch: u64,
        /// Its figures.
        figures: &'a SelectFigures,
        /// Whether it is the best so far.
        is_best: bool,
    },
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// All epochs are done; the weights are written.
    Finished,
    /// Stopped and saved; `--resume` goes on.
    Interrupted,
}

/// A stage under way.
struct Training<'a> {
    setup: &'a Setup<'a>,
    graph: Graph,
    network: Network,
    objective: Objective,
    shards: Shards,
    optimiser: Optimiser,
    pairs: Pairs,
    resident: Option<Rc<Resident>>,
    record: Record,
    run: RunIdentity,
    provenance: Provenance,
    step: u64,
    best: Option<(u64, SelectFigures)>,
}

/// Runs a stage from `start` to its end, or until it is interrupted.
///
/// # Errors
/// The stage's settings make no sense or need more memory than there is, a photograph or a file cannot be read or written, the
/// checkpoint is of another run, or the loss is not finite.
pub fn train(
    setup: &Setup<'_>,
    graph: Graph,
    start: Weights,
    mut watch: impl FnMut(Event<'_>),
) -> Result<Ended, LearnError> {
    setup.stage.check()?;
    cost::check_memory(setup, &graph)?;
    let run = RunIdentity {
        stage: setup.name.text().to_owned(),
        network: graph.backbone.clone(),
        recipe: serde_json::to_string(setup.stage).unwrap_or_default(),
        pack: setup.pack.identity().to_owned(),
        seed: setup.seed,
        start: files::sha256_hex(&start.to_bytes()?),
    };
    let is_resumed = setup.resume && Checkpoint::exists(setup.folder);
    if !is_resumed && Checkpoint::exists(setup.folder) {
        return Err(LearnError::RunExists { path: setup.folder.to_owned() });
    }
    files::create_folder(setup.folder)?;
    let mut training = Training::new(setup, graph, start, run, is_resumed, &mut watch)?;
    let (mut epoch, mut batch) = (0, 0);
    if is_resumed {
        checkpoint::remove_unfinished(setup.folder);
        let Training { network, optimiser, pairs, run, .. } = &mut training;
        let checkpoint = Checkpoint::read(setup.folder, run, &mut State { network, optimiser, pairs })?;
        training.shards = Shards::new(&training.network, &training.objective, setup.stage.statistics, setup.threads)?;
        training.record = Record::resume(setup.folder, checkpoint.step)?;
        (training.step, epoch, batch) = (checkpoint.step, checkpoint.epoch, checkpoint.batch);
        training.best = checkpoint.best;
    }
    let is_done = |training: &Training<'_>, epoch| {
        let best = training.best.as_ref().map(|(epoch, _)| *epoch);
        epoch >= setup.stage.epochs || is_over(setup.stage.patience, best, epoch)
    };
    while !is_done(&training, epoch) {
        if training.epoch(epoch, batch, &mut watch)? == Ended::Interrupted {
            return Ok(Ended::Interrupted);
        }
        (epoch, batch) = (epoch + 1, 0);
        training.judge(epoch, &mut watch)?;
        training.save(epoch, 0)?;
    }
    Ok(Ended::Finished)
}

impl<'a> Training<'a> {
    fn new(
        setup: &'a Setup<'a>,
        graph: Graph,
        mut start: Weights,
        run: RunIdentity,
        is_resumed: bool,
        watch: &mut impl FnMut(Event<'_>),
    ) -> Result<Self, LearnError> {
        if setup.stage.loss.is_embedding() {
            if is_resumed {
                setup.leave_room_for_prototypes(&mut start);
            } else {
                let resources = (setup.device, setup.threads);
                let progress = |done, total| watch(Event::Preparing { done, total });
                identify::imprint(setup.pack, &graph, &mut start, setup.stage, resources, progress)?;
            }
        }
        let unsaid = || Provenance::of_start("weights that do not say what they were made from");
        let provenance = start.provenance.clone().unwrap_or_else(unsaid).then(&run.stage, &run.pack);
        let provenance = provenance.of_categories(setup.pack.taxonomies());
        let (network, objective, shards) = setup.put_up(&graph, &start)?;
        let optimiser = Optimiser::new(&network, &setup.stage.optimiser);
        let pairs = Pairs::new(&setup.stage.loss.metric, setup.device);
        let record = Record::new(setup.folder);
        Ok(Self {
            setup,
            graph,
            network,
            objective,
            shards,
            optimiser,
            pairs,
            resident: None,
            record,
            run,
            provenance,
            step: 0,
            best: None,
        })
    }

    /// One epoch from batch `from` on.
    fn epoch(&mut self, epoch: u64, from: u64, watch: &mut impl FnMut(Event<'_>)) -> Result<Ended, LearnError> {
        let stage = self.setup.stage;
        let skip_batches = usize::try_from(from).unwrap_or(usize::MAX);
        let options = LoaderOptions { epoch, skip_batches, ..self.setup.loader() };
        // Here and not at the start: a run that is over already decodes nothing.
        if self.resident.is_none() {
            let decoding = |done, total| watch(Event::Preparing { done, total });
            self.resident = source::resident(self.setup.pack, stage.side, self.setup.device, decoding)?;
        }
        let source = Source::new(self.setup.pack, self.resident.as_ref(), self.setup.device, options)?;
        let steps = u64::try_from(source.batches()).unwrap_or(u64::MAX) * stage.epochs;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of the steps"
        )]
        let share = |share: f64| (steps as f64 * share) as u64;
        let (warm_up, memory_after) = (share(stage.optimiser.warm_up), share(stage.loss.metric.memory_after));
        let schedule = Schedule { peak: stage.optimiser.rate, steps, warm_up };
        let (mut window, mut since, mut saved, mut overflows) = (Window::default(), Instant::now(), Instant::now(), 0);
        for (batch, made) in (from..).zip(source) {
            let shown = made?;
            let targets = self.objective.targets(self.setup.pack, &shown.rows, shown.views);
            let garments = targets.prototypes.clone();
            let uses_memory = self.step >= memory_after;
            let pairs = &mut self.pairs;
            let mut pull = |embeddings: &Tensor| pairs.pull(embeddings, &garments, uses_memory);
            let pull = (stage.loss.metric.weight > 0.0).then_some(&mut pull as &mut dyn FnMut(&Tensor) -> Pull);
            let gradient = self.shards.learn(&shown.pictures_nhwc, targets.mix(&shown.mixed), pull)?;
            let rate = schedule.rate(self.step);
            // A gradient that is not finite changes nothing; neither may one of a loss that is not.
            let length = if gradient.loss.is_finite() {
                self.optimiser.step(&self.network, &gradient.gradient, rate)
            } else {
                gradient.loss
            };
            let pictures = shown.rows.len() * shown.views;
            if length.is_finite() {
                overflows = 0;
                window.add(gradient.loss, length, gradient.parts, pictures);
            } else {
                overflows += 1;
                if overflows > stage.optimiser.skip_overflows {
                    return Err(self.not_finite((epoch, batch), &shown));
                }
            }
            self.step += 1;
            watch(Event::Step { step: self.step, steps, loss: gradient.loss, pictures });
            if self.step.is_multiple_of(RECORD_EVERY) {
                self.record.entries.push(std::mem::take(&mut window).entry(self.step, epoch, rate, since.elapsed()));
                self.record.write()?;
                since = Instant::now();
            }
            let is_stopped = self.setup.interrupted.load(Ordering::Relaxed)
                || self.setup.stop_after.is_some_and(|stop| self.step >= stop);
            if is_stopped || saved.elapsed() >= Duration::from_secs(stage.checkpoint_seconds) {
                self.save(epoch, batch + 1)?;
                saved = Instant::now();
            }
            if is_stopped {
                return Ok(Ended::Interrupted);
            }
        }
        Ok(Ended::Finished)
    }

    /// Measures the averaged weights, and writes them where they are the best so far.
    fn judge(&mut self, epoch: u64, watch: &mut impl FnMut(Event<'_>)) -> Result<(), LearnError> {
        let current = self.network.flat().detach().copy();
        self.put(&self.optimiser.average);
        let resources = (self.setup.device, self.setup.threads);
        let answers = Answers::ask(self.setup.pack, &self.graph, &self.shards, self.setup.stage.select_side, resources);
        self.put(&current);
        let frequencies = Frequencies::of(self.setup.pack, &self.setup.stage.sampling)?;
        let figures = answers?.figures(&frequencies);
        let score = |figures: &SelectFigures| self.setup.stage.choose.score(self.setup.name, figures);
        let is_best = self.best.as_ref().is_none_or(|(_, best)| score(&figures) >= score(best));
        let mut weights = self.network.to_weights(&self.optimiser.average);
        weights.remove(PROTOTYPES);
        weights.provenance = Some(self.provenance.clone());
        if self.setup.name == StageName::Finetune {
            figures.balance.apply(&mut weights, &frequencies)?;
        }
        weights.write(&self.setup.folder.join("last.safetensors"))?;
        if is_best {
            weights.write(&self.setup.folder.join("weights.safetensors"))?;
            self.best = Some((epoch, figures.clone()));
        }
        watch(Event::Epoch { epoch, figures: &figures, is_best });
        self.record.entries.push(Entry::Epoch { step: self.step, epoch, select: figures });
        self.record.write()
    }

    fn put(&self, weights: &Tensor) {
        let mut flat = self.network.flat().detach();
        tch::no_grad(|| flat.copy_(weights));
    }

    fn save(&self, epoch: u64, batch: u64) -> Result<(), LearnError> {
        let checkpoint = Checkpoint {
            version: 0,
            run: self.run.clone(),
            step: self.step,
            epoch,
            batch,
            optimiser_steps: self.optimiser.steps,
            best: self.best.clone(),
            arrays: String::new(),
        };
        self.record.write()?;
        checkpoint.write(self.setup.folder, &self.network, &self.optimiser, &self.pairs)
    }

    /// What is known of a batch whose loss or gradient is not finite: the photographs for which the network's own answers are not, or all
    /// of the batch where that tells none from the others.
    fn not_finite(&self, (epoch, batch): (u64, u64), data: &Shown) -> LearnError {
        let wanted = self.graph.output_nodes();
        let is_finite = |results: Vec<Tensor>| {
            let finite: Vec<Vec<f32>> =
                results.iter().map(|result| to_vec(&result.isfinite().all_dim(-1, false))).collect();
            (0..data.rows.len())
                .map(|row| {
                    let mut values = finite.iter().filter_map(|all| all.get(row * data.views..(row + 1) * data.views));
                    values.all(|values| values.iter().all(|&value| value > 0.0))
                })
                .collect::<Vec<bool>>()
        };
        let is_finite = self.shards.evaluate(&data.pictures_nhwc, &wanted).map(is_finite).unwrap_or_default();
        let bad = data.rows.iter().zip(&is_finite).filter(|(_, is_finite)| !**is_finite).map(|(row, _)| *row);
        let bad: Vec<usize> = bad.collect();
        let rows = if bad.is_empty() { &data.rows } else { &bad };
        let photos = rows.iter().filter_map(|&row| self.setup.pack.rows().get(row)).map(|row| row.path.clone());
        LearnError::NotFinite { epoch: epoch + 1, batch: batch + 1, photos: photos.collect() }
    }
}

#[cfg(test)]
mod tests;
