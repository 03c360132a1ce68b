//! Everything that a run needs to go on with the same numbers: weights, batch norm's statistics, the optimiser's two averages, the
//! running average of the weights, and the place in the schedule and in the sampler's plan.
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
use super::select::SelectFigures;
use super::step::Optimiser;
use crate::network::parameters::to_array;
use crate::network::{Network, Weights, WeightsError};

/// Form of the checkpoint that this program writes and reads.
const VERSION: u32 = 1;

/// Names of the flat tensors among the arrays.
const FLAT: [&str; 4] = ["flat.weights", "flat.first", "flat.second", "flat.average"];

/// What must be the same when a run goes on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunIdentity {
    /// `identify` or `finetune`.
    pub stage: String,
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

    /// Writes the state of a run.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn write(mut self, folder: &Path, network: &Network, optimiser: &Optimiser) -> Result<(), LearnError> {
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
        arrays.write(&folder.join(&self.arrays))?;
        let text = serde_json::to_string_pretty(&self)
            .map_err(|source| LearnError::Checkpoint { path: Self::path(folder), source })?;
        files::write_atomic(&Self::path(folder), text.as_bytes())?;
        remove_others(folder, &self.arrays);
        Ok(())
    }

    /// Reads the state of the run `run` into `network` and `optimiser`.
    ///
    /// # Errors
    /// There is no whole checkpoint, or it is of another run.
    pub fn read(
        folder: &Path,
        run: &RunIdentity,
        network: &mut Network,
        optimiser: &mut Optimiser,
    ) -> Result<Self, LearnError> {
        let path = Self::path(folder);
        let text = files::read_text(&path)?;
        let checkpoint: Self =
            serde_json::from_str(&text).map_err(|source| LearnError::Checkpoint { path: path.clone(), source })?;
        let same = [
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
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.starts_with("checkpoint-") && name.ends_with(".safetensors") && name != keep {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}
