//! Networks: defined once as a typed graph, run by libtorch for training and written as ONNX by [`export`](crate::export).
//!
//! - `graph.rs`: the layers, and which arrays each of them needs.
//! - `backbones/`: MobileNetV2 and others, with torchvision's key names.
//! - `heads.rs`: the two category heads and the embedding.
//! - `weights/`: the arrays as plain data, and their files.
//! - `parameters.rs`: the trainable arrays as one flat tensor, so that optimiser, average and checkpoint each are one more.
//! - `pass.rs`: how a network is run. `torch.rs`: runs it.
//! - `imagenet.rs`: the start that ships with the sources.
//! - `device.rs`: `auto`, `cpu` or `cuda:N`; `loader.rs`: CUDA's libraries, where there are any.

pub mod backbones;
pub mod device;
pub mod graph;
pub mod heads;
pub mod imagenet;
pub mod loader;
pub mod parameters;
pub mod pass;
pub mod torch;
pub mod weights;

pub use device::DeviceChoice;
pub use graph::{Graph, Layer, Node, NodeId, Padding, Pooling, Rounding};
pub use pass::{Memory, Pass, Precision, Statistics, TrainOptions};
pub use torch::Network;
pub use weights::{Array, Provenance, Weights, WeightsError};
