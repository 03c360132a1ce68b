//! Learning, in two stages that share all of their machinery:
//! *identify* (tell all garments of the train part apart) and *fine-tune* (both category heads, with the embedding kept alive).
//!
//! - `recipe.rs`: everything that can be set, as a TOML file. `spelling.rs`: what was meant by a key that there is not.
//! - `cost.rs`: how long a stage will take and how much memory, before it starts.
//! - `objective.rs`: what is minimised. `softmax.rs`: identification. `pairs.rs`: metric learning with a memory. `identify.rs`: the prototypes and their start. `finetune.rs`: the second stage.
//! - `shards.rs`: the gradient of one batch on several threads. `step.rs`: the optimiser. `schedule.rs`: the learning rate.
//! - `source.rs`: where batches come from. `training.rs`: the loop. `ask.rs`: the network without learning. `select.rs`: the figures by which an epoch is chosen. `choose.rs`: which of them, and when to end. `balance.rs`: rare categories get their due.
//! - `checkpoint.rs`: everything that a run needs to go on with the same numbers. `record.rs`: what happened, one JSON object a line.

pub mod ask;
pub mod balance;
pub mod checkpoint;
pub mod choose;
pub mod cost;
pub mod finetune;
pub mod identify;
pub mod objective;
pub mod pairs;
pub mod recipe;
pub mod record;
pub mod schedule;
pub mod select;
pub mod shards;
pub mod softmax;
pub mod source;
mod spelling;
pub mod step;
pub mod training;

use std::path::PathBuf;

use clothingid_shared::files::FileError;

use crate::load::LoadError;
use crate::network::WeightsError;

/// Why learning cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// A photograph or the pack cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// Weights do not fit or cannot be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The recipe says something that it cannot.
    #[error("recipe `{path}` is not valid{}", spelling::nearest(source))]
    Recipe {
        /// The file.
        path: PathBuf,
        /// Line and reason.
        source: Box<toml::de::Error>,
    },
    /// The checkpoint is of another run.
    #[error("checkpoint `{path}` is of another run: {what} was `{found}`, now it is `{expected}`")]
    OtherRun {
        /// The checkpoint.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// As this run has it.
        expected: String,
        /// As the checkpoint has it.
        found: String,
    },
    /// The checkpoint's text is no checkpoint.
    #[error("`{path}` is no checkpoint of ours")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        source: serde_json::Error,
    },
    /// There is a run already where a new one should be written.
    #[error("`{path}` holds a run already")]
    RunExists {
        /// The folder.
        path: PathBuf,
    },
    /// There is no garment to learn from.
    #[error("the train part of the pack has no garment")]
    NoGarments,
    /// The loss or its gradient is infinite or not a number.
    #[error("the loss of epoch {epoch}, batch {batch} or its gradient is not finite; its photographs: `{}`", photos.join("`, `"))]
    NotFinite {
        /// From 1.
        epoch: u64,
        /// Within the epoch, from 1.
        batch: u64,
        /// Their paths in the manifest.
        photos: Vec<String>,
    },
    /// The stage needs more memory than the machine has left.
    #[error("the stage needs about {} of memory, and {} are available", cost::in_words(*needed), cost::in_words(*available))]
    Memory {
        /// Bytes.
        needed: u64,
        /// Bytes.
        available: u64,
    },
    /// A thread of ours is gone.
    #[error("a training thread ended early")]
    Thread,
    /// The system gives no thread.
    #[error("cannot start a training thread")]
    Spawn(#[source] std::io::Error),
}
