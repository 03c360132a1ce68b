//! The networks below the heads. Each file builds a graph whose names are torchvision's, up to the pooled features.

pub mod mobilenet_v2;
pub mod squeezenet;

use serde::{Deserialize, Serialize};

use super::graph::{Graph, NodeId};
use super::weights::Weights;

/// A graph up to its pooled features.
#[derive(Debug, Clone)]
pub struct Backbone {
    /// The layers.
    pub graph: Graph,
    /// `[N, features]`.
    pub pooled: NodeId,
    /// Length of the pooled features.
    pub features: usize,
}

/// The backbones by name, as recipes have them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BackboneName {
    /// MobileNetV2 1.0; its ImageNet weights ship with the sources.
    #[default]
    MobilenetV2,
    /// SqueezeNet 1.1; starts from `--weights`.
    Squeezenet,
}

impl BackboneName {
    /// Builds the graph.
    #[must_use]
    pub fn build(self) -> Backbone {
        match self {
            Self::MobilenetV2 => mobilenet_v2::backbone(),
            Self::Squeezenet => squeezenet::backbone(),
        }
    }

    /// Which backbone these weights are of, by the names of their arrays.
    #[must_use]
    pub fn of(weights: &Weights) -> Option<Self> {
        if weights.contains("features.18.0.weight") {
            Some(Self::MobilenetV2)
        } else if weights.contains("features.12.squeeze.weight") {
            Some(Self::Squeezenet)
        } else {
            None
        }
    }
}
