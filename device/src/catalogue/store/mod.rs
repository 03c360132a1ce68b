//! The store: one SQLite file (WAL, full sync) with a checksum of ours on every row and photograph.
//!
//! - `schema` opens and creates the file (`unfinished` until it is whole; `without_room` on a full disk), and brings old ones up to date;
//! - [`read`] reads rows and says which are damaged;
//! - [`one`] reads single rows, and rows that belong together at one time; [`since`] says what has changed;
//! - [`mod@write`] is the only place that changes anything, one transaction at a time;
//! - [`floats`] reads what a search puts its answer in order by;
//! - [`evidence`] is what the staff find out at the counter;
//! - `serving` is whose embeddings are searched;
//! - [`history`] keeps what was before each change, and [`undo`] goes back to it;
//! - [`check`] looks at every byte; `upkeep` makes copies and gives space back;
//! - [`checksum`] is the checksum, `damage` what it finds, `error` what stops everything.
//!
//! SQLite guards against a kill and a power cut but does not notice a flipped byte: hence our checksums. What a row's
//! checksum covers is all of its fields, its key included. A [`StoreError`] is about the file as a whole; a [`Damage`]
//! is one row or photograph, and all others are still good.
//!
//! An embedding belongs to an [identity](clothingid_shared::embedding::EmbeddingIdentity). One identity is *served*;
//! rows of a next one may grow beside it, until [`Store::serve_if_whole`] switches over in one transaction.

pub mod check;
pub mod checksum;
mod damage;
mod error;
pub mod evidence;
pub mod floats;
pub mod history;
pub mod one;
pub mod read;
pub(in crate::catalogue) mod rows;
mod schema;
mod serving;
pub mod since;
pub mod undo;
mod unfinished;
mod upkeep;
mod without_room;
pub mod write;

pub use check::Check;
pub use damage::Damage;
pub use error::StoreError;
pub(crate) use error::{embed_command, quoted};
pub use evidence::{Corrected, Correction, CorrectionError};
pub use floats::FloatRows;
pub use history::{Author, Change};
pub use read::Item;
pub use rows::{StoredEmbedding, StoredPhoto, StoredProduct};
pub use undo::{Fate, UndoError, Undoing, Undone};
pub use write::{Embedded, PhotoWrite, ProductWrite};

use clothingid_shared::embedding::EmbeddingIdentity;
use rusqlite::Connection;
use std::path::{Path, PathBuf};

/// An open catalogue file.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// Who changes what.
    author: history::Author,
    /// The author's change, once it has begun.
    open: Option<history::Open>,
    /// What was served when somebody began to hold to it.
    served_before: Option<Option<EmbeddingIdentity>>,
}

impl Store {
    /// On a connection that is open.
    fn new(connection: Connection, path: &Path) -> Self {
        Self { connection, path: path.to_owned(), author: history::Author::default(), open: None, served_before: None }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Names the file in an error of SQLite's.
    fn error(&self, doing: &'static str, source: rusqlite::Error) -> StoreError {
        StoreError::of(&self.path, doing, source)
    }
}

#[cfg(test)]
mod tests;

/// Changes a catalogue behind the store's back.
#[cfg(test)]
pub(super) fn spoil(path: &Path, sql: &str) {
    Connection::open(path).unwrap().execute_batch(sql).unwrap();
}
