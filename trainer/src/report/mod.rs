//! What people and machines read of a run or a study: one HTML file that needs nothing else, metrics as JSON lines, and two runs side
//! by side.
//!
//! - `findings.rs`: what was measured of a bundle, as it lies beside the report. `raw.rs`: every answer, by which two reports are paired.
//! - `metric.rs`: a metric as one line for machines. `slice.rs`: which photographs it is of. `lines.rs`: the lines of a report, a study
//!   or a run.
//! - `side.rs`: one of two things to compare, from its file or folder. `comparison.rs`: both with their differences.
//! - `page.rs`: what a page is made of, and its HTML. `table.rs`, `charts/`, `pictures.rs`: what stands in it.
//! - `sections/`: what a page says, a file a subject. `study.rs`: a study's folder.

pub mod charts;
pub mod comparison;
pub mod findings;
pub mod lines;
pub mod metric;
pub mod page;
pub mod pictures;
pub mod raw;
pub mod sections;
pub mod side;
pub mod slice;
pub mod study;
pub mod table;

use std::path::PathBuf;

use clothingid_shared::files::FileError;

use crate::evaluate::EvaluateError;
use crate::learn::LearnError;
use crate::study::StudyError;

/// Why a report cannot be written or a comparison not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A photograph cannot be read.
    #[error(transparent)]
    Evaluate(#[from] EvaluateError),
    /// A run's record cannot be read.
    #[error(transparent)]
    Learn(#[from] LearnError),
    /// A study cannot be read.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// A chart cannot be drawn.
    #[error("a chart cannot be drawn")]
    Chart(#[from] charts::ChartError),
    /// The page cannot be written as HTML.
    #[error("the page's template cannot be filled")]
    Template(#[from] minijinja::Error),
    /// A photograph cannot be made smaller for the page.
    #[error("`{path}` cannot be made a picture of the page: {reason}")]
    Picture {
        /// The photograph.
        path: String,
        /// What is wrong.
        reason: String,
    },
    /// A file is nothing that can be reported on.
    #[error("`{path}` is no {expected}: {reason}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What it should be.
        expected: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// A run left no record, or an empty one.
    #[error("`{path}` has no step of a run in it")]
    NoSteps {
        /// The record.
        path: PathBuf,
    },
}
