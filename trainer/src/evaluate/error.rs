//! What can go wrong while measuring.

use std::path::PathBuf;

use clothingid_shared::taxonomy::Difference;
use thiserror::Error;

use crate::export::ExportError;
use crate::import::ImportError;
use crate::pack::PackError;

/// A measurement that could not be made.
#[derive(Debug, Error)]
pub enum EvaluateError {
    /// The manifest cannot be read.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The pack cannot be read.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The network cannot be run.
    #[error(transparent)]
    Network(#[from] ExportError),
    /// A manifest of other objects than the bundle.
    #[error("`{path}` has other taxonomies: {difference}")]
    OtherTaxonomies {
        /// The manifest.
        path: PathBuf,
        /// How they differ.
        difference: Difference,
    },
    /// There is nothing to measure.
    #[error("{what}: no photograph fits")]
    Nothing {
        /// What was to be measured or fitted.
        what: &'static str,
    },
    /// A score cannot be fitted.
    #[error("{what} needs at least {expected} photographs of {kind}, found {found}")]
    TooFew {
        /// What is fitted.
        what: &'static str,
        /// The kind of photograph that is rare.
        kind: &'static str,
        /// How many it needs.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A photograph of a manifest cannot be read.
    #[error("cannot read the photograph `{}`", path.display())]
    Photo {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}
