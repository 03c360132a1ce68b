//! The parameters of a network as plain data: a table from name to `f32` array, beside the [`Graph`](super::graph::Graph) that uses it.
//!
//! - `table.rs`: the table itself.
//! - `file.rs`: safetensors, read and written whole and atomically.
//! - `provenance.rs`: what the weights were made from, kept in the same file.
//! - `categories.rs`: whether its heads are of the categories at hand.
//! - `compact.rs`: the lossless int8 form of weights that were quantised once (the ImageNet start).

mod categories;
mod compact;
mod file;
mod provenance;
mod table;

pub use compact::{SCALE_SUFFIX, recover};
pub use provenance::{Provenance, Trained};
pub use table::{Array, Weights};

use std::path::PathBuf;

use clothingid_shared::files::FileError;
use clothingid_shared::taxonomy::Difference;

/// Why weights cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The bytes are no safetensors file.
    #[error("`{path}` is not a whole safetensors file")]
    NotSafetensors {
        /// The file.
        path: PathBuf,
        /// What the parser found.
        source: safetensors::SafeTensorError,
    },
    /// An element type that no weights of ours have.
    #[error("tensor `{name}` has element type {found}, expected F32, or I8 with `{name}.scale`")]
    ElementType {
        /// The tensor.
        name: String,
        /// Its type.
        found: String,
    },
    /// A tensor is not there.
    #[error("no tensor `{name}` among {available} tensors")]
    Missing {
        /// The tensor.
        name: String,
        /// How many there are.
        available: usize,
    },
    /// A tensor has another shape.
    #[error("tensor `{name}` has shape {found:?}, expected {expected:?}")]
    Shape {
        /// The tensor.
        name: String,
        /// Shape that the graph asks for.
        expected: Vec<usize>,
        /// Shape found.
        found: Vec<usize>,
    },
    /// Heads of other categories.
    #[error("its heads are of other categories: {difference}")]
    OtherCategories {
        /// How they differ.
        difference: Difference,
    },
    /// The number of values does not follow from the shape.
    #[error("tensor `{name}` has {found} values, its shape {shape:?} asks for {expected}")]
    Length {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// Product of the shape.
        expected: usize,
        /// Values found.
        found: usize,
    },
}
