//! The study: does pre-training by identification beat an ImageNet start? Asked so that it could come out either way.
//!
//! A *cell* is one arm (a start with all that follows it) on one fold (a fifth of the photographs held out from everything): its
//! pre-training, the choice of its learning rate, and both fine-tunings. Cells do not depend on each other, and a finished one is a file.
//!
//! - `recipe.rs`: what is compared, as a TOML file. `photos.rs`: what is known of the photographs.
//! - `run.rs`: a cell from its start to its record. `frozen.rs`: the arm that trains nothing. `record.rs`: the file.
//! - `pooled.rs`: the records of an arm over all folds. `measure.rs`: what arms are compared by.
//! - `contrast.rs`: the difference of two arms with its interval. `power.rs`: the smallest difference that could be seen.
//! - `cost.rs`: how long the cells that are left will take.
//! - `findings.rs`: everything that the study says. `tables.rs`, `words.rs`, `sheet.rs`: the same for people.

pub mod contrast;
pub mod cost;
pub mod findings;
pub mod frozen;
pub mod measure;
pub mod photos;
pub mod pooled;
pub mod power;
pub mod recipe;
pub mod record;
pub mod run;
pub mod sheet;
pub mod tables;
pub mod words;

use std::path::PathBuf;

use clothingid_shared::files::FileError;

use crate::evaluate::EvaluateError;
use crate::export::ExportError;
use crate::learn::LearnError;
use crate::network::WeightsError;
use crate::pack::PackError;

/// Why a study cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum StudyError {
    /// A stage cannot be trained, or the recipe's text is no recipe.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// The pack cannot be used.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Weights cannot be used.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The frozen arm cannot be measured.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// The frozen backbone cannot be put up.
    #[error(transparent)]
    Export(#[from] ExportError),
    /// The recipe asks for something that cannot be.
    #[error("recipe `{path}` cannot be run: {reason}")]
    Recipe {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// There are no ImageNet weights for a backbone.
    #[error("arm `{arm}` starts from ImageNet weights of `{backbone}`, which this program does not carry")]
    NoWeights {
        /// The arm.
        arm: String,
        /// Its backbone.
        backbone: String,
    },
    /// A record is of another study, pack or recipe.
    #[error("`{path}` is of another study: {what} was `{found}`, now it is `{expected}`")]
    OtherStudy {
        /// The record.
        path: PathBuf,
        /// What differs.
        what: &'static str,
        /// As it is now.
        expected: String,
        /// As the record has it.
        found: String,
    },
    /// A record or a list of photographs is not what was written.
    #[error("`{path}` is no file of a study: {reason}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}
