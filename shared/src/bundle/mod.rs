//! The bundle: one uncompressed tar with a network and everything that gives its numbers a meaning.
//!
//! `bundle.json` (hashes, labels, thresholds, calibration, picture contract), `network.onnx`, `golden/` (photographs with the answers
//! expected of them, one set per arithmetic class), `MODEL_CARD.md`, `LICENSES/`.
//!
//! **Promise.** No panic on any bytes. Every file is hashed when a bundle is read, and a file that is missing, altered or not listed refuses
//! the whole bundle, so that what comes out may be trusted.

mod error;
mod golden;
mod manifest;
mod read;
mod write;

use std::collections::BTreeMap;

use crate::embedding::{ArithmeticClass, EmbeddingIdentity};
use crate::files::sha256_hex;

pub use error::{BundleError, BundleProblem};
pub use golden::{GoldenAnswer, GoldenPhoto};
pub use manifest::{
    Area, FORMAT, FileFacts, GoldenTolerance, Head, LicenceClass, Manifest, Matching, Network, OperatingPoint,
    Rejection, Separation, Source,
};

/// A whole bundle in memory, checked.
#[derive(Debug, Clone, PartialEq)]
pub struct Bundle {
    /// What the numbers mean.
    pub manifest: Manifest,
    /// The network, ONNX in QDQ form.
    pub network: Vec<u8>,
    /// Photographs with the answers expected of them.
    pub golden: Vec<GoldenPhoto>,
    /// For people: sources, counts, accuracy, limits.
    pub model_card: String,
    /// Licence texts and notices by file name.
    pub licences: BTreeMap<String, String>,
}

impl Bundle {
    /// SHA-256 of the network's bytes.
    #[must_use]
    pub fn network_sha256(&self) -> String {
        sha256_hex(&self.network)
    }

    /// Which embeddings this bundle's embeddings may be compared with.
    #[must_use]
    pub fn identity(&self, arithmetic: ArithmeticClass) -> EmbeddingIdentity {
        EmbeddingIdentity::new(&self.network_sha256(), &self.manifest.picture, arithmetic)
    }
}
