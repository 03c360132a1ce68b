//! What queries read with, one for each query that runs at the same time: a connection, and the memory that a search takes.
//!
//! No query waits for another: a reader is taken out for the time of one, and the lock is held only while it is taken and given back.

use super::index::Finder;
use super::scan::Rerank;
use super::shown::Shown;
use super::{Store, StoreError};
use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Readers that are kept while nobody needs them: the cache of each connection has some MiB.
const MOST_IDLE: usize = 4;

/// Opens and keeps readers of one catalogue.
#[derive(Debug)]
pub struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Reader>>,
}

/// A connection, and the memory that a search takes.
#[derive(Debug)]
pub struct Reader {
    store: Store,
    has_failed: bool,
    /// Finds candidates in the index.
    pub finder: Finder,
    /// What the answer is made with.
    pub answering: Answering,
}

/// The memory that making an answer of candidates takes.
#[derive(Debug, Default)]
pub struct Answering {
    /// Puts the candidates in their order.
    pub rerank: Rerank,
    /// Photographs without a float row that is what was written.
    pub unranked: Vec<i64>,
    /// Styles that are in the answer.
    pub taken: HashSet<u32>,
    /// How garments are shown.
    pub shown: Shown,
}

impl Reader {
    fn new(store: Store) -> Self {
        Self { store, has_failed: false, finder: Finder::default(), answering: Answering::default() }
    }

    /// All that `read` reads is the catalogue at one time.
    ///
    /// # Errors
    /// Those of `read`; the file cannot be read.
    pub fn at_one_time<T, E: From<StoreError>>(
        &mut self,
        read: impl FnOnce(&Store, &mut Finder, &mut Answering) -> Result<T, E>,
    ) -> Result<T, E> {
        let Self { store, has_failed, finder, answering } = self;
        let value = store.at_one_time(|store| read(store, finder, answering));
        *has_failed |= value.is_err();
        value
    }
}

impl Readers {
    /// For the catalogue at `path`, with a connection that is open already.
    #[must_use]
    pub fn new(path: &Path, first: Store) -> Self {
        Self { path: path.to_owned(), idle: Mutex::new(vec![Reader::new(first)]) }
    }

    /// Takes out a reader for the time of `work`.
    ///
    /// # Errors
    /// The file cannot be opened.
    pub fn with<T>(&self, work: impl FnOnce(&mut Reader) -> T) -> Result<T, StoreError> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let mut reader = idle.map_or_else(|| Store::open(&self.path).map(Reader::new), Ok)?;
        let value = work(&mut reader);
        // One whose reading has failed is not used again.
        if !reader.has_failed {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            if idle.len() < MOST_IDLE {
                idle.push(reader);
            }
        }
        Ok(value)
    }

    /// All that `read` reads is the catalogue at one time.
    ///
    /// # Errors
    /// Those of `read`; the file cannot be opened or read.
    pub fn read<T, E: From<StoreError>>(&self, read: impl FnOnce(&Store) -> Result<T, E>) -> Result<T, E> {
        self.with(|reader| reader.at_one_time(|store, _, _| read(store)))?
    }
}
