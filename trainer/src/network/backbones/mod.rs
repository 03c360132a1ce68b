//! The networks below the heads. Each file builds a graph whose names are torchvision's, up to the pooled features.
//!
//! - `mobilenet_v2.rs`, `squeezenet.rs`, `resnet.rs`, `alexnet.rs`: the graphs.
//! - `published.rs`: torchvision's weights for our pixels.

pub mod alexnet;
pub mod mobilenet_v2;
pub mod published;
pub mod resnet;
pub mod squeezenet;

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use self::mobilenet_v2::Width;
use self::resnet::Depth;
use super::graph::{ArraySpec, Graph, NodeId};
use super::weights::{Weights, WeightsError};

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

/// The backbones by name, as recipes have them: `mobilenet_v2`, `mobilenet_v2_0.5`, `resnet18`.
///
/// Only MobileNetV2 of width 1 has a start that ships; the others begin with `--weights` or at random.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum BackboneName {
    /// MobileNetV2; the ImageNet weights of width 1 ship with the sources.
    MobilenetV2(Width),
    /// SqueezeNet 1.1.
    Squeezenet,
    /// ResNet.
    Resnet(Depth),
    /// AlexNet without its linear layers.
    Alexnet,
}

/// A name that is no backbone's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no backbone `{found}`; there are {}", names())]
pub struct UnknownBackbone {
    /// The name.
    pub found: String,
}

/// All names, for people.
fn names() -> String {
    BackboneName::all().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

impl Default for BackboneName {
    fn default() -> Self {
        Self::MobilenetV2(Width::ONE)
    }
}

impl fmt::Display for BackboneName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MobilenetV2(width) => f.write_str(&width.backbone_name()),
            Self::Squeezenet => f.write_str(squeezenet::NAME),
            Self::Resnet(depth) => f.write_str(depth.backbone_name()),
            Self::Alexnet => f.write_str(alexnet::NAME),
        }
    }
}

impl FromStr for BackboneName {
    type Err = UnknownBackbone;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::all().find(|name| name.to_string() == text).ok_or_else(|| UnknownBackbone { found: text.to_owned() })
    }
}

impl TryFrom<String> for BackboneName {
    type Error = UnknownBackbone;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<BackboneName> for String {
    fn from(name: BackboneName) -> Self {
        name.to_string()
    }
}

impl BackboneName {
    /// Every backbone.
    pub fn all() -> impl Iterator<Item = Self> {
        let mobilenets = Width::ALL.into_iter().map(Self::MobilenetV2);
        let resnets = Depth::ALL.into_iter().map(Self::Resnet);
        mobilenets.chain([Self::Squeezenet, Self::Alexnet]).chain(resnets)
    }

    /// Builds the graph.
    #[must_use]
    pub fn build(self) -> Backbone {
        match self {
            Self::MobilenetV2(width) => mobilenet_v2::of_width(width),
            Self::Squeezenet => squeezenet::backbone(),
            Self::Resnet(depth) => resnet::of_depth(depth),
            Self::Alexnet => alexnet::backbone(),
        }
    }

    /// Which backbone these weights are of, by names and shapes of their arrays: the largest of those that they fill, as ResNet-34 has
    /// every array of ResNet-18.
    #[must_use]
    pub fn of(weights: &Weights) -> Option<Self> {
        Self::all().filter(|name| name.check(weights).is_ok()).max_by_key(|name| name.arrays().len())
    }

    /// Whether the weights fill this backbone.
    ///
    /// # Errors
    /// The first array that is missing or has another shape.
    pub fn check(self, weights: &Weights) -> Result<(), WeightsError> {
        self.arrays().iter().try_for_each(|array| weights.get_shaped(&array.name, &array.shape).map(drop))
    }

    fn arrays(self) -> Vec<ArraySpec> {
        let graph = self.build().graph;
        graph.parameters().into_iter().chain(graph.state()).collect()
    }

    /// torchvision's published weights for our pixels, without their classifier.
    ///
    /// MobileNetV2's are taken as its authors trained them, for our pixels and padding (see `mobilenet_v2.rs`).
    ///
    /// # Errors
    /// An array of the first layers is missing or has another shape.
    pub fn adopt(self, weights: Weights) -> Result<Weights, WeightsError> {
        match self {
            Self::MobilenetV2(_) => Ok(published::without_classifier(weights)),
            _ => published::adopt(&self.build().graph, weights),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{BackboneName, Width};
    use crate::network::{Weights, heads};

    #[test]
    fn names_read_back_and_the_first_ones_are_as_they_were() {
        for name in BackboneName::all() {
            let json = serde_json::to_string(&name).unwrap();
            assert_eq!(json, format!("\"{name}\""));
            assert_eq!(name.build().graph.backbone, name.to_string());
            assert_eq!(serde_json::from_str::<BackboneName>(&json).unwrap(), name);
        }
        // The recipe's JSON is part of a run's identity.
        assert_eq!(BackboneName::default().to_string(), "mobilenet_v2");
        assert_eq!(BackboneName::Squeezenet.to_string(), "squeezenet");
        let half = "mobilenet_v2_0.5".parse::<BackboneName>().unwrap();
        assert!(matches!(half, BackboneName::MobilenetV2(width) if width < Width::ONE));
        for wrong in ["", "mobilenet_v2_0.6", "mobilenet_v2_1", "ResNet18"] {
            let error = wrong.parse::<BackboneName>().unwrap_err().to_string();
            assert!(error.contains("`mobilenet_v2_0.75`") && error.contains("`resnet18`"), "{error}");
        }
    }

    #[test]
    fn each_backbone_is_known_by_its_arrays() {
        for name in BackboneName::all() {
            let mut weights = heads::random(&heads::with_heads(name.build(), heads::CLOTHING), 3);
            assert_eq!(BackboneName::of(&weights), Some(name));
            assert!(name.check(&weights).is_ok());
            // One array less, and it is none of them, but for the ResNets, of which the smaller one is left.
            let last = name.arrays().pop().unwrap().name;
            weights.remove(&last);
            assert_ne!(BackboneName::of(&weights), Some(name));
            assert!(name.check(&weights).unwrap_err().to_string().contains(&last));
        }
        assert_eq!(BackboneName::of(&Weights::new()), None);
    }
}
