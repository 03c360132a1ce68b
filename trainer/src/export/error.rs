//! What can go wrong between trained weights and a bundle.

use std::path::PathBuf;

use thiserror::Error;

/// An export that could not be done, or a bundle that must not be written.
#[derive(Debug, Error)]
pub enum ExportError {
    /// A layer's parameter is missing.
    #[error("layer `{layer}` has no parameter `{parameter}`")]
    MissingParameter {
        /// The layer.
        layer: String,
        /// The full name of the parameter.
        parameter: String,
    },
    /// A parameter has another number of values than its layer says.
    #[error("parameter `{parameter}` of layer `{layer}` has {found} values, expected {expected}")]
    ParameterLength {
        /// The layer.
        layer: String,
        /// The full name of the parameter.
        parameter: String,
        /// Values that the layer needs.
        expected: usize,
        /// Values that are there.
        found: usize,
    },
    /// A parameter holds NaN or infinity.
    #[error("parameter `{parameter}` of layer `{layer}` holds a value that is not finite")]
    NotFinite {
        /// The layer.
        layer: String,
        /// The full name of the parameter.
        parameter: String,
    },
    /// A layer stands where the exporter has no form for it.
    #[error("layer `{layer}` cannot be exported: {reason}")]
    Layer {
        /// The layer.
        layer: String,
        /// What does not fit.
        reason: String,
    },
    /// The network lacks an output that a bundle needs.
    #[error("the network has no output `{output}`, it has {found:?}")]
    MissingOutput {
        /// The output that is missing.
        output: String,
        /// The outputs that are there.
        found: Vec<String>,
    },
    /// The bytes are not an ONNX file that we wrote.
    #[error("the ONNX network is not in the form that this exporter writes: {reason}")]
    Onnx {
        /// What does not fit.
        reason: String,
    },
    /// Too few photographs for a step.
    #[error("{step} needs at least {expected} photographs of the {part} part, found {found}")]
    TooFewPhotos {
        /// What needs them.
        step: &'static str,
        /// The part of the photographs.
        part: &'static str,
        /// Photographs that it needs.
        expected: usize,
        /// Photographs that are there.
        found: usize,
    },
    /// libtorch refused an operation.
    #[error("libtorch failed at layer `{layer}`")]
    Torch {
        /// The layer.
        layer: String,
        /// libtorch's message.
        #[source]
        source: Box<tch::TchError>,
    },
    /// tract refused the network.
    #[error("tract refused the network while {step}: {message}")]
    Tract {
        /// What it was doing.
        step: &'static str,
        /// Its message.
        message: String,
    },
    /// Two engines give different answers.
    #[error("{left} and {right} differ by {found:e} in `{output}` of photograph {photo}, allowed are {allowed:e}")]
    Parity {
        /// One engine.
        left: &'static str,
        /// The other.
        right: &'static str,
        /// The output that differs most.
        output: String,
        /// The photograph's place in the list.
        photo: usize,
        /// The largest difference.
        found: f32,
        /// The bound.
        allowed: f32,
    },
    /// The quantised network is too far from its float original.
    #[error("the quantised network is too far from float: {measure} is {found:.4}, the gate is {bound:.4}")]
    Gate {
        /// What was measured.
        measure: String,
        /// Its value.
        found: f64,
        /// The bound.
        bound: f64,
    },
    /// A photograph could not be read.
    #[error("cannot read the photograph `{}`", path.display())]
    Photo {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
