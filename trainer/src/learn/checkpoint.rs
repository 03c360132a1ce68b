//! Everything that a run needs to go on with the same numbers: weights, batch norm's statistics, the optimiser's two averages, the
//! running average of the weights, the memory of embeddings, and the place in the schedule and in the sampler's plan.
//!
//! No random state is kept because there is none: every random choice is drawn from (seed, epoch, position, view) alone.
//!
//! The arrays go into `checkpoint-STEP.safetensors` first, then `checkpoint.json` names that file: a kill between the two leaves the
//! checkpoint before. Older arrays are removed last.

use std::path::{Path, PathBuf};

use clothingid_shared::files;
use serde::{Deserialize, Serialize};
use tch::Tensor;

use super::LearnError;
use super::pairs::Pairs;
use super::select::SelectFigures;
use super::step::Optimiser;
use crate::network::parameters::{to_array, to_tensor};
use crate::network::{Array, Network, Weights, WeightsError};

/// Form of the checkpoint that this program writes and reads.
const VERSION: u32 = 1;

/// Names of the flat tensors among the arrays.
const FLAT: [&str; 4] = ["flat.weights", "flat.first", "flat.second", "flat.average"];

/// The memory of embeddings and the garment of each, where there is one. Garments are counted far below 2^24, so that f32 holds them.
const MEMORY: [&str; 2] = ["memory.embeddings", "memory.garments"];

/// What must be the same when a run goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunIdentity {
    /// `identify` or `finetune`.
    pub stage: String,
    /// The network's backbone; empty in checkpoints of versions that did not write it.
    #[serde(default)]
    pub network: String,
    /// The recipe's stage, as JSON.
    pub recipe: String,
    /// The pack.
    pub pack: String,
    /// Seed of all choices.
    pub seed: u64,
    /// SHA-256 of the weights at the start.
    pub start: String,
}

/// The text of a checkpoint.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Checkpoint {
    /// Form of this file.
    pub version: u32,
    /// Which run this is.
    pub run: RunIdentity,
    /// Steps done in all.
    pub step: u64,
    /// Epoch under way.
    pub epoch: u64,
    /// Batches done in it.
    pub batch: u64,
    /// Steps that the optimiser took.
    pub optimiser_steps: u64,
    /// Best epoch so far, with its figures.
    pub best: Option<(u64, SelectFigures)>,
    /// Name of the file of arrays.
    pub arrays: String,
}

/// What a checkpoint is read into.
#[derive(Debug)]
pub struct State<'a> {
    /// Weights and batch norm's statistics.
    pub network: &'a mut Network,
    /// Its averages and count.
    pub optimiser: &'a mut Optimiser,
    /// The memory of embeddings.
    pub pairs: &'a mut Pairs,
}

impl Checkpoint {
    /// Where the text lies.
    #[must_use]
    pub fn path(folder: &Path) -> PathBuf {
        folder.join("checkpoint.json")
    }

    /// Whether there is one.
    #[must_use]
    pub fn exists(folder: &Path) -> bool {
        Self::path(folder).exists()
    }

    /// Steps that the run in `folder` has done; 0 without a checkpoint that can be read.
    #[must_use]
    pub fn steps_done(folder: &Path) -> u64 {
        let text = files::read_text(&Self::path(folder)).unwrap_or_default();
        serde_json::from_str(&text).map_or(0, |checkpoint: Self| checkpoint.step)
    }

    /// Writes the state of a run.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(
        mut self,
        folder: &Path,
        network: &Network,
        optimiser: &Optimiser,
        pairs: &Pairs,
    ) -> Result<(), LearnError> {
        self.version = VERSION;
        self.arrays = format!("checkpoint-{}.safetensors", self.step);
        let mut arrays = network.to_weights(network.flat());
        for slot in network.layout().slots() {
            arrays.remove(&slot.name);
        }
        let flat = network.flat().detach();
        for (name, tensor) in FLAT.iter().zip([&flat, &optimiser.first, &optimiser.second, &optimiser.average]) {
            arrays.insert(*name, to_array(tensor));
        }
        if !pairs.garments.is_empty() {
            #[expect(clippy::cast_precision_loss, reason = "far below 2^24")]
            let garments = pairs.garments.iter().map(|&garment| garment as f32).collect();
            arrays.insert(MEMORY[0], to_array(&pairs.embeddings));
            arrays.insert(MEMORY[1], Array { shape: vec![pairs.garments.len()], values: garments });
        }
        arrays.write(&folder.join(&self.arrays))?;
        let text = serde_json::to_string_pretty(&self)
            .map_err(|source| LearnError::Checkpoint { path: Self::path(folder), source })?;
        files::write_atomic(&Self::path(folder), text.as_bytes())?;
        remove_others(folder, &self.arrays);
        Ok(())
    }

    /// Reads the state of the run `run`.
    ///
    /// # Errors
    /// There is no whole checkpoint, or it is of another run.
    pub fn read(folder: &Path, run: &RunIdentity, state: &mut State<'_>) -> Result<Self, LearnError> {
        let State { network, optimiser, pairs } = state;
        let path = Self::path(folder);
        let text = files::read_text(&path)?;
        let checkpoint: Self =
            serde_json::from_str(&text).map_err(|source| LearnError::Checkpoint { path: path.clone(), source })?;
        let network_was = if checkpoint.run.network.is_empty() { &run.network } else { &checkpoint.run.network };
        let same = [
            ("the network", &run.network, network_was),
            ("the stage", &run.stage, &checkpoint.run.stage),
            ("the pack", &run.pack, &checkpoint.run.pack),
            ("the start", &run.start, &checkpoint.run.start),
            ("the recipe", &run.recipe, &checkpoint.run.recipe),
            ("the seed", &run.seed.to_string(), &checkpoint.run.seed.to_string()),
            ("the form", &VERSION.to_string(), &checkpoint.version.to_string()),
        ];
        for (what, expected, found) in same {
            if expected != found {
                return Err(LearnError::OtherRun { path, what, expected: expected.clone(), found: found.clone() });
            }
        }
        let arrays = Weights::read(&folder.join(&checkpoint.arrays))?;
        network.restore_fixed(&arrays)?;
        let mut flat = network.flat().detach();
        let targets = [&mut flat, &mut optimiser.first, &mut optimiser.second, &mut optimiser.average];
        for (name, target) in FLAT.iter().zip(targets) {
            copy(&arrays, name, target)?;
        }
        if let (Ok(embeddings), Ok(garments)) = (arrays.get(MEMORY[0]), arrays.get(MEMORY[1])) {
            pairs.embeddings = to_tensor(embeddings, network.device());
            #[expect(clippy::cast_possible_truncation, reason = "whole numbers, written as such above")]
            let known = garments.values.iter().map(|&garment| garment as i64).collect();
            pairs.garments = known;
        }
        optimiser.steps = checkpoint.optimiser_steps;
        Ok(checkpoint)
    }
}

fn copy(arrays: &Weights, name: &str, target: &mut Tensor) -> Result<(), WeightsError> {
    let array = arrays.get_shaped(name, &[target.numel()])?;
    tch::no_grad(|| target.copy_(&Tensor::from_slice(&array.values)));
    Ok(())
}

/// Removes the arrays of earlier checkpoints; what cannot be removed is only in the way.
fn remove_others(folder: &Path, keep: &str) {
    remove(folder, |name| name.starts_with("checkpoint-") && name.ends_with(".safetensors") && name != keep);
}

/// Removes what a kill left of files that were being written.
pub fn remove_unfinished(folder: &Path) {
    let ours = ["checkpoint", "record.jsonl", "weights.safetensors", "last.safetensors"];
    remove(folder, |name| name.ends_with(".tmp") && ours.iter().any(|ours| name.starts_with(ours)));
}

fn remove(folder: &Path, is_meant: impl Fn(&str) -> bool) {
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries.flatten() {
        if is_meant(&entry.file_name().to_string_lossy()) {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
