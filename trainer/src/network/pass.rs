//! How a network is run: with which statistics, in what numbers, and what of it is trained.

use super::graph::ArraySpec;

/// What batch norm divides by while training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Statistics {
    /// Mean and variance of the batch; the running ones follow.
    Batch,
    /// Those of each thread's piece of the batch ("ghost batches": Hoffer et al. 2017, "Train longer, generalize better", algorithm 1);
    /// the running ones follow the first piece. Lets a random start train on several threads that meet once a step.
    Pieces,
    /// The running ones, which stay as they are.
    Running,
}

impl Statistics {
    /// Whether they are taken from the pictures at hand.
    #[must_use]
    pub(super) fn are_of_pictures(self) -> bool {
        matches!(self, Self::Batch | Self::Pieces)
    }
}

/// How a run is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pass {
    /// With gradients.
    Train {
        /// Of batch norm.
        statistics: Statistics,
    },
    /// As the device will run it.
    Evaluate,
}

/// How activations lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Memory {
    /// Channels next to each other: the faster one.
    #[default]
    ChannelsLast,
    /// Rows of a channel next to each other: PyTorch's habit, kept for comparison.
    Plain,
}

/// In what numbers activations are computed while learning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// 32 bits.
    #[default]
    Full,
    /// 16 bits with the exponents of 32 ("bfloat16") from the picture to the pool; weights, their gradients and all that follows the pool
    /// keep 32. GPUs are made for it; most processors are slower so.
    Bf16,
}

/// How a network is put up for training.
#[derive(Debug, Clone, Default)]
pub struct TrainOptions {
    /// Prefixes of node names whose arrays stay as they are (`features.0.`).
    pub frozen: Vec<String>,
    /// Arrays beside the graph that are trained with it.
    pub extra: Vec<ArraySpec>,
    /// How activations lie in memory.
    pub memory: Memory,
    /// In what numbers activations are computed while learning.
    pub precision: Precision,
}
