//! The networks below the heads. Each file builds a graph whose names are torchvision's, up to the pooled features.

pub mod mobilenet_v2;

use super::graph::{Graph, NodeId};

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
