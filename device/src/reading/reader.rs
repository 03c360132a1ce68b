//! Reads the network's answer to one photograph.

use super::categories::{Categories, best};
use super::plain::is_plain;
use super::unknown::Unknown;
use crate::network::Answer;
use clothingid_shared::bundle::Bundle;
use clothingid_shared::picture::Picture;
use serde::Serialize;

/// A category by its key, with its calibrated probability.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Labelled {
    /// The taxonomy's key, as `tshirt`.
    pub label: String,
    /// 0 to 1.
    pub probability: f64,
}

/// What may be said of a picture.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Reading {
    /// Probability that a garment is the subject; 0 where there is nothing but a plain surface.
    pub garment: f64,
    /// Whether the category may be shown.
    pub known: bool,
    /// The likeliest of the 14 categories.
    pub category14: Labelled,
    /// The likeliest of the 26 categories.
    pub category26: Labelled,
}

impl Labelled {
    /// Makes this equal to a label and its probability, in the memory it has.
    pub fn set(&mut self, label: &str, probability: f64) {
        self.label.clear();
        self.label.push_str(label);
        self.probability = probability;
    }
}

impl Reading {
    /// Makes this reading equal to `other`, in the memory it has.
    pub fn copy_from(&mut self, other: &Self) {
        self.garment = other.garment;
        self.known = other.known;
        self.category14.set(&other.category14.label, other.category14.probability);
        self.category26.set(&other.category26.label, other.category26.probability);
    }
}

/// A bundle whose numbers do not fit its network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReaderError {
    /// The rejection score was fitted to another network.
    #[error("the bundle's rejection score has {found} weights, its network gives {expected} features")]
    Features {
        /// What the network gives.
        expected: usize,
        /// What the score wants.
        found: usize,
    },
}

/// Labels, temperatures and thresholds of one bundle.
#[derive(Debug, Clone)]
pub struct Reader {
    pub(super) category14: Categories,
    pub(super) category26: Categories,
    pub(super) unknown: Unknown,
    /// What a picture is fitted into.
    background: [u8; 3],
}

impl Reader {
    /// Takes them from the bundle.
    ///
    /// # Errors
    /// [`ReaderError::Features`]; a bundle that was read from a file has been checked already.
    pub fn new(bundle: &Bundle) -> Result<Self, ReaderError> {
        let manifest = &bundle.manifest;
        let unknown = Unknown::new(&manifest.rejection);
        // Log-sum-exp and largest logit of two heads stand beside the embedding.
        let expected = manifest.network.embedding_values + 4;
        if unknown.features() != expected {
            return Err(ReaderError::Features { expected, found: unknown.features() });
        }
        Ok(Self {
            category14: Categories::new(&manifest.category14),
            category26: Categories::new(&manifest.category26),
            unknown,
            background: manifest.picture.background,
        })
    }

    /// Probability that a garment is the subject of a picture. `features` is memory that is used again.
    pub(super) fn garment(&self, picture: &Picture, answer: &Answer, features: &mut Vec<f64>) -> f64 {
        if is_plain(picture, self.background) { 0.0 } else { self.unknown.garment(answer, features) }
    }

    /// Reads the answer to one picture of the network's size on its own.
    #[must_use]
    pub fn read(&self, picture: &Picture, answer: &Answer) -> Reading {
        let (mut of14, mut of26, mut features) = (Vec::new(), Vec::new(), Vec::new());
        self.category14.probabilities(&answer.category14, &mut of14);
        self.category26.probabilities(&answer.category26, &mut of26);
        let garment = self.garment(picture, answer, &mut features);
        let category14 = self.category14.labelled(best(&of14), &of14);
        let category26 = self.category26.labelled(best(&of26), &of26);
        let known = self.unknown.is_known(garment, category26.probability, 0.0);
        Reading { garment, known, category14, category26 }
    }
}
