//! Load: from a pack to batches of pictures, on several threads, with numbers that do not depend on them.
//!
//! In this order: [`sampler`] plans which photographs an epoch shows, [`read`] decodes one, [`backdrop`] puts a studio photograph before
//! another background, [`augment`] changes it ([`framing`], [`colour`], [`disturb`]), [`batch`] puts pictures together in the plan's order;
//! a sample's further views come from its item's other photographs (`partners`), and the pictures of a batch may be mixed ([`mix`]). On a
//! GPU the photographs lie in its memory instead and are changed there ([`resident`]). Evaluation goes through the shared picture function
//! instead of [`augment`] and sees each photograph once.
//!
//! Every random choice about a sample comes from a generator seeded by (seed, epoch, position, view) alone, so that a batch is the
//! same bytes whichever thread made it, and a run that resumes at batch *n* sees what it would have seen.

pub mod augment;
pub mod backdrop;
pub mod batch;
pub mod colour;
pub mod disturb;
pub mod framing;
pub mod mix;
mod partners;
pub mod read;
pub mod resident;
pub mod sampler;

pub use augment::{Augmentation, Augmenter};
pub use batch::{Batch, Loader, LoaderOptions};
pub use mix::{Mixed, Mixing};
pub use read::PhotoReader;
pub use sampler::{Include, Sampling};

use clothingid_shared::picture::PictureError;

use crate::pack::PackError;

impl LoadError {
    /// A number that makes no sense.
    pub(crate) fn setting(setting: &'static str, expected: &'static str, found: f64) -> Self {
        Self::Setting { setting, expected, found: found.to_string() }
    }
}

/// What can go wrong while loading.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The pack could not be read.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A photograph of the pack is no picture.
    #[error("photograph `{photo}` cannot be decoded")]
    Picture {
        /// Its path in the manifest.
        photo: String,
        /// Why.
        #[source]
        cause: PictureError,
    },
    /// A setting that makes no sense.
    #[error("`{setting}` is {found}, expected {expected}")]
    Setting {
        /// Its name.
        setting: &'static str,
        /// What is asked.
        expected: &'static str,
        /// What was given.
        found: String,
    },
    /// No photograph fits what was asked for.
    #[error("no photograph of part `{part}` fits the sampling")]
    Nothing {
        /// The part.
        part: crate::import::Part,
    },
    /// A thread ended before its work did.
    #[error("a loader thread ended early")]
    Thread,
    /// The system gave no thread.
    #[error("cannot start a loader thread")]
    Spawn(#[source] std::io::Error),
}
