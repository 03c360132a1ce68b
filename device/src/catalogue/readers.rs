//! Connections that queries read with, one for each query that runs at the same time.
//!
//! No query waits for another: a connection is taken out for the time of one, and the lock is held only while it is taken and given back.

use super::{Store, StoreError};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Connections that are kept open while nobody needs them: each has a cache of some MiB.
const MOST_IDLE: usize = 4;

/// Opens and keeps connections to one catalogue.
#[derive(Debug)]
pub struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Store>>,
}

impl Readers {
    /// For the catalogue at `path`, with a connection that is open already.
    #[must_use]
    pub fn new(path: &Path, first: Store) -> Self {
        Self { path: path.to_owned(), idle: Mutex::new(vec![first]) }
    }

    /// All that `read` reads is the catalogue at one time.
    ///
    /// # Errors
    /// Those of `read`; the file cannot be opened or read.
    pub fn read<T, E: From<StoreError>>(&self, read: impl FnOnce(&Store) -> Result<T, E>) -> Result<T, E> {
        let idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let store = idle.map_or_else(|| Store::open(&self.path), Ok)?;
        // One whose reading has failed is not used again.
        let value = store.at_one_time(read)?;
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if idle.len() < MOST_IDLE {
            idle.push(store);
        }
        Ok(value)
    }
}
