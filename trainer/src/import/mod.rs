//! Import: any collection of photographs becomes one manifest.
//!
//! In this order: a source kind reads rows, [`labels`] maps the source's words to the taxonomies (those of published sources are in
//! `words/`), [`pictures`] cuts out what a source gives as a box, [`check`](mod@check) decodes every photograph once and sets aside what cannot be
//! used ([`problems`]), and [`manifest`] writes `manifest.csv` with the facts about each source ([`sources`]) beside it. [`split`]
//! divides items into the four parts; it stands here because it decides by the manifest alone, but it is the pack that calls it, after
//! near-duplicates have been joined.
//!
//! Source kinds of one's own photographs: [`data_folder`], [`image_folder`], [`item_folders`], [`table`]. Published ones:
//! [`deepfashion_category`], [`deepfashion_in_shop`], [`deepfashion_consumer_to_shop`] (on [`deepfashion_list`]), [`fashion_mnist`]
//! (on [`idx`]), [`coco`].
//!
//! Promise: no bytes of a manifest or photograph make this module panic; a row or photograph that cannot be used is named with its
//! line and reason. What is read from outside in a form of its own stands in [`readers`] for fuzzing.

pub mod check;
pub mod coco;
pub mod data_folder;
pub mod deepfashion_category;
pub mod deepfashion_consumer_to_shop;
pub mod deepfashion_in_shop;
pub mod deepfashion_list;
pub mod fashion_mnist;
pub mod idx;
pub mod image_folder;
pub mod item_folders;
pub mod labels;
pub mod manifest;
#[cfg(test)]
mod miniature;
pub mod pictures;
pub mod problems;
pub mod progress;
pub mod readers;
pub mod sources;
pub mod split;
pub mod table;

pub use check::check;
pub use labels::LabelMap;
pub use manifest::{Manifest, Row, ViewSplit};
pub use problems::{Problem, Problems};
pub use sources::{SourceFacts, SourceTable};
pub use split::{Fractions, Part};

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clothingid_shared::files::FileError;
use clothingid_shared::taxonomy::{Difference, TaxonomyError};

use labels::{Keys, Subject};
use pictures::Make;

/// What stops an import as a whole; single rows and photographs that cannot be used are [`Problems`] instead.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// A file or folder could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Taxonomies that cannot be read, used or written.
    #[error(transparent)]
    Taxonomy(#[from] TaxonomyError),
    /// A manifest of other objects than the import's.
    #[error("`{path}` has other taxonomies: {difference}")]
    OtherTaxonomies {
        /// The manifest's folder.
        path: PathBuf,
        /// How they differ.
        difference: Difference,
    },
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
    /// A manifest that assigns one group to two parts.
    #[error(
        "`{path}` puts group `{group}` into two parts: `{first_part}` in line {first_line} and `{part}` in line {line}"
    )]
    GroupInTwoParts {
        /// The manifest.
        path: PathBuf,
        /// The group.
        group: String,
        /// Where its part was said first.
        first_line: usize,
        /// That part.
        first_part: Part,
        /// Where another was said.
        line: usize,
        /// That one.
        part: Part,
    },
    /// A published source without one of its lists.
    #[error("`{path}` has no `{list}`, neither itself nor in {folders}")]
    MissingList {
        /// The source's folder.
        path: PathBuf,
        /// The list.
        list: &'static str,
        /// Where else it was looked for.
        folders: String,
    },
    /// A file whose form is broken as a whole.
    #[error("`{path}` is not {form}: {reason}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What it should be.
        form: &'static str,
        /// What is wrong.
        reason: String,
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
    /// Pictures that are still to be made: the `path` of a row is the `file` of one of them.
    pub to_make: Vec<Make>,
    /// Words that no map knows, with how many photographs they stand at; these have no category.
    pub unknown_words: BTreeMap<String, usize>,
    /// Words that a map leaves out, with how many photographs were not taken for it.
    pub left_out: BTreeMap<String, usize>,
}

impl Found {
    /// Adds all that another source found.
    pub fn append(&mut self, other: Self) {
        self.rows.extend(other.rows);
        self.problems.append(other.problems);
        self.to_make.extend(other.to_make);
        for (own, more) in [(&mut self.unknown_words, other.unknown_words), (&mut self.left_out, other.left_out)] {
            for (word, count) in more {
                *own.entry(word).or_default() += count;
            }
        }
    }

    /// Adds what became of a line: a row with its picture, nothing, or a problem.
    pub(crate) fn take(&mut self, outcome: Result<Option<(Row, Make)>, String>, list: &Path, line: usize) {
        match outcome {
            Ok(Some((row, make))) => {
                self.rows.push(row);
                self.to_make.push(make);
            }
            Ok(None) => {}
            Err(reason) => self.problems.push_line(list, line, reason),
        }
    }

    /// Counts a photograph that is left out for its word.
    pub(crate) fn leave_out(&mut self, word: &str) {
        *self.left_out.entry(word.to_owned()).or_default() += 1;
    }

    /// The keys of a source's word: none where it is left out, empty ones where no map knows it. Both are counted.
    pub(crate) fn keys(&mut self, labels: &LabelMap, word: &str) -> Option<Keys> {
        match labels.keys(word) {
            Some(Keys { subject: Subject::LeaveOut, .. }) => {
                self.leave_out(word);
                None
            }
            Some(keys) => Some(keys),
            None => {
                *self.unknown_words.entry(word.to_owned()).or_default() += 1;
                Some(Keys::default())
            }
        }
    }
}
