//! The loop of both stages: batches, gradients, steps, record, checkpoints, and an epoch's figures.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clothingid_shared::files;
use tch::{Device, Tensor};

use super::LearnError;
use super::balance::Frequencies;
use super::checkpoint::{Checkpoint, RunIdentity};
use super::identify;
use super::objective::{Objective, PROTOTYPES};
use super::recipe::Stage;
use super::record::{Entry, Record};
use super::schedule::Schedule;
use super::select::{Answers, SelectFigures};
use super::shards::Shards;
use super::step::Optimiser;
use crate::import::Part;
use crate::load::{Loader, LoaderOptions};
use crate::network::torch::TrainOptions;
use crate::network::{Array, Graph, Network, Provenance, Weights};
use crate::pack::Pack;

/// Steps between two lines of the record.
const RECORD_EVERY: u64 = 20;
/// Steps without a finite gradient after which a run is given up.
const PATIENCE: u64 = 5;
/// Time between two checkpoints within an epoch.
const CHECKPOINT_EVERY: Duration = Duration::from_secs(180);

/// Which of the stages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StageName {
    /// Tell garments apart.
    Identify,
    /// Tell categories.
    Finetune,
    /// Find the same garment again: identification once more, mostly on garments with several photographs.
    Retrieve,
}

impl StageName {
    /// As files and messages have it.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Identify => "identify",
            Self::Finetune => "finetune",
            Self::Retrieve => "retrieve",
        }
    }

    /// The figure by which this stage chooses an epoch.
    #[must_use]
    pub fn score(self, figures: &SelectFigures) -> f64 {
        match self {
            Self::Identify | Self::Retrieve => figures.recall_at_1,
            Self::Finetune => 0.5 * (figures.balanced_14 + figures.balanced_26),
        }
    }
}

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

/// Sums since the last line of the record.
#[derive(Default)]
struct Window {
    steps: u64,
    pictures: usize,
    loss: f64,
    gradient: f64,
    parts: Vec<(&'static str, f64)>,
}

/// A stage under way.
struct Training<'a> {
    setup: &'a Setup<'a>,
    graph: Graph,
    network: Network,
    objective: Objective,
    shards: Shards,
    optimiser: Optimiser,
    record: Record,
    run: RunIdentity,
    provenance: Provenance,
    step: u64,
    best: Option<(u64, SelectFigures)>,
}

/// Runs a stage from `start` to its end, or until it is interrupted.
///
/// # Errors
/// A photograph or a file cannot be read or written, the checkpoint is of another run, or the loss is not finite.
pub fn train(
    setup: &Setup<'_>,
    graph: Graph,
    start: Weights,
    mut watch: impl FnMut(Event<'_>),
) -> Result<Ended, LearnError> {
    let run = RunIdentity {
        stage: setup.name.text().to_owned(),
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
        let checkpoint = Checkpoint::read(setup.folder, &training.run, &mut training.network, &mut training.optimiser)?;
        training.shards = Shards::new(&training.network, &training.objective, setup.stage.statistics, setup.threads)?;
        training.record = Record::resume(setup.folder, checkpoint.step)?;
        (training.step, epoch, batch) = (checkpoint.step, checkpoint.epoch, checkpoint.batch);
        training.best = checkpoint.best;
    }
    while epoch < setup.stage.epochs {
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
        let (prototype_of_item, count) = identify::prototype_rows(setup.pack);
        let is_identifying = setup.stage.loss.identification > 0.0;
        let mut extra = Vec::new();
        if is_identifying {
            let spec = identify::prototypes_spec(count);
            if is_resumed {
                start.insert(PROTOTYPES, Array::zeros(&spec.shape));
            } else {
                let resources = (setup.device, setup.threads);
                let progress = |done, total| watch(Event::Preparing { done, total });
                identify::imprint(setup.pack, &graph, &mut start, setup.stage, resources, progress)?;
            }
            extra.push(spec);
        }
        let unsaid = || Provenance::of_start("weights that do not say what they were made from");
        let provenance = start.provenance.clone().unwrap_or_else(unsaid).then(&run.stage, &run.pack);
        let objective = Objective { options: setup.stage.loss.clone(), prototype_of_item };
        let options = TrainOptions { frozen: setup.stage.freeze.clone(), extra, ..TrainOptions::default() };
        let network = Network::for_training(graph.clone(), &start, setup.device, &options)?;
        let shards = Shards::new(&network, &objective, setup.stage.statistics, setup.threads)?;
        let optimiser = Optimiser::new(&network, &setup.stage.optimiser);
        let record = Record::new(setup.folder);
        Ok(Self { setup, graph, network, objective, shards, optimiser, record, run, provenance, step: 0, best: None })
    }

    /// One epoch from batch `from` on.
    fn epoch(&mut self, epoch: u64, from: u64, watch: &mut impl FnMut(Event<'_>)) -> Result<Ended, LearnError> {
        let stage = self.setup.stage;
        let options = LoaderOptions {
            part: Part::Train,
            side: stage.side,
            batch: stage.batch,
            seed: self.setup.seed,
            epoch,
            views: stage.views,
            augment: stage.augment.clone(),
            sampling: stage.sampling.clone(),
            threads: self.setup.threads.div_ceil(2),
            skip_batches: usize::try_from(from).unwrap_or(usize::MAX),
        };
        let loader = Loader::new(self.setup.pack, options)?;
        let steps = u64::try_from(loader.batches()).unwrap_or(u64::MAX) * stage.epochs;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of the steps"
        )]
        let warm_up = (steps as f64 * stage.optimiser.warm_up) as u64;
        let schedule = Schedule { peak: stage.optimiser.rate, steps, warm_up };
        let (mut window, mut since, mut saved, mut failures) = (Window::default(), Instant::now(), Instant::now(), 0);
        for (batch, made) in (from..).zip(loader) {
            let batch_data = made?;
            let targets = self.objective.targets(self.setup.pack, &batch_data.rows, batch_data.views);
            let pictures = identify::pictures(&batch_data, self.setup.device);
            let gradient = self.shards.learn(&pictures, targets)?;
            let rate = schedule.rate(self.step);
            let length = self.optimiser.step(&self.network, &gradient.gradient, rate);
            failures = if length.is_finite() { 0 } else { failures + 1 };
            if failures >= PATIENCE {
                return Err(LearnError::Diverged { step: self.step + 1 - PATIENCE });
            }
            self.step += 1;
            let shown = batch_data.rows.len() * batch_data.views;
            window.add(gradient.loss, length, gradient.parts, shown);
            watch(Event::Step { step: self.step, steps, loss: gradient.loss, pictures: shown });
            if self.step.is_multiple_of(RECORD_EVERY) {
                self.record.entries.push(std::mem::take(&mut window).entry(self.step, epoch, rate, since.elapsed()));
                self.record.write()?;
                since = Instant::now();
            }
            let is_stopped = self.setup.interrupted.load(Ordering::Relaxed)
                || self.setup.stop_after.is_some_and(|stop| self.step >= stop);
            if is_stopped || saved.elapsed() >= CHECKPOINT_EVERY {
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
        let score = |figures: &SelectFigures| self.setup.name.score(figures);
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
        checkpoint.write(self.setup.folder, &self.network, &self.optimiser)
    }
}

impl Window {
    fn add(&mut self, loss: f64, gradient: f64, parts: Vec<(&'static str, f64)>, pictures: usize) {
        self.steps += 1;
        self.pictures += pictures;
        self.loss += loss;
        self.gradient += gradient;
        if self.parts.is_empty() {
            self.parts = parts;
        } else {
            self.parts.iter_mut().zip(parts).for_each(|((_, sum), (_, value))| *sum += value);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    fn entry(self, step: u64, epoch: u64, rate: f64, time: Duration) -> Entry {
        let n = self.steps.max(1) as f64;
        Entry::Steps {
            step,
            epoch,
            loss: self.loss / n,
            parts: self.parts.iter().map(|(name, sum)| ((*name).to_owned(), sum / n)).collect(),
            rate,
            gradient: self.gradient / n,
            photos_per_second: self.pictures as f64 / time.as_secs_f64().max(1e-9),
        }
    }
}

#[cfg(test)]
mod tests;
