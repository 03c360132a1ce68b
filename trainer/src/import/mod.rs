//! Import: any collection of photographs becomes one manifest.
//!
//! In this order: a source kind ([`data_folder`], [`image_folder`], [`table`]) reads rows, [`labels`] maps the source's words to the
//! taxonomies, [`check`] decodes every photograph once and sets aside what cannot be used ([`problems`]), and [`manifest`] writes
//! `manifest.csv` with the facts about each source ([`sources`]) beside it. [`split`] divides items into the four parts; it stands
//! here because it decides by the manifest alone, but it is the pack that calls it, after near-duplicates have been joined.
//!
//! Promise: no bytes of a manifest or photograph make this module panic; a row or photograph that cannot be used is named with its
//! reason, and the others are imported.

pub mod check;
pub mod data_folder;
pub mod image_folder;
pub mod labels;
pub mod manifest;
pub mod problems;
pub mod progress;
pub mod sources;
pub mod split;
pub mod table;

pub use check::check;
pub use labels::LabelMap;
pub use manifest::{Manifest, Row, ViewSplit};
pub use problems::{Problem, Problems};
pub use sources::{SourceFacts, SourceTable};
pub use split::{Fractions, Part};

use std::path::PathBuf;

use clothingid_shared::files::FileError;

/// What stops an import as a whole; single rows and photographs that cannot be used are [`Problems`] instead.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file or folder could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// A CSV file whose form is broken as a whole.
    #[error("`{path}` is not a readable CSV file")]
    Csv {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        #[source]
        cause: csv::Error,
    },
    /// A CSV file without a column that its kind needs.
    #[error("`{path}` has no column `{column}`: found {found}")]
    MissingColumn {
        /// The file.
        path: PathBuf,
        /// The column that is needed.
        column: &'static str,
        /// The columns that are there.
        found: String,
    },
    /// A `sources.toml` that cannot be read.
    #[error("`{path}` does not describe sources")]
    Sources {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        #[source]
        cause: Box<toml::de::Error>,
    },
    /// A `sources.toml` written by a newer program.
    #[error("`{path}` has version {found}, this program reads version {expected}")]
    NewerSources {
        /// The file.
        path: PathBuf,
        /// The version that is read here.
        expected: u32,
        /// The version in the file.
        found: u32,
    },
    /// A source that is not what its kind asks for.
    #[error("`{path}` is no {expected}")]
    NotASource {
        /// The path given.
        path: PathBuf,
        /// What should be there.
        expected: &'static str,
    },
    /// The current folder is unknown, so that a relative path means nothing.
    #[error("the folder `{path}` cannot be found")]
    NoFolder {
        /// The path given.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// Nothing at all could be used.
    #[error("no usable photograph in {sources}")]
    Nothing {
        /// The sources, for people.
        sources: String,
    },
}

/// Rows and problems as a source kind found them, before the photographs are checked.
#[derive(Debug, Default)]
pub struct Found {
    /// Rows whose `path` is an absolute file name.
    pub rows: Vec<Row>,
    /// What could not be used.
    pub problems: Problems,
}
