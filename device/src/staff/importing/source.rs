//! What is imported, and the import that is opened on it: a table with photographs, or an edition of a catalogue.

use crate::catalogue::csv::{self, Listing};
use crate::catalogue::edition::{Edition, EditionError};
use crate::catalogue::import::{Embedders, Import, NetworkEmbedders, Removes};
use crate::catalogue::photos::{self, PhotoSource};
use crate::catalogue::store::Author;
use crate::catalogue::{Store, StoreError};
use crate::network::EngineChoice;
use crate::pipeline::in_words;
use crate::staff::books::WHO;
use crate::staff::incoming::Incoming;
use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::EmbeddingIdentity;
use clothingid_shared::files;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::thread;

/// A table has less.
const MOST_CSV_BYTES: u64 = 256 << 20;

/// What is imported.
#[derive(Debug)]
pub struct Source {
    /// The table.
    pub table: PathBuf,
    /// The folder or ZIP file of its photographs.
    pub photos: PathBuf,
    /// Where they were received, if they were; it goes with the source.
    pub received: Option<Incoming>,
}

impl Source {
    /// The table's name, for people.
    #[must_use]
    pub fn name(&self) -> String {
        self.table.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// With which network, into which catalogue.
#[derive(Debug, Clone)]
pub struct Into {
    /// The catalogue's file.
    pub catalogue: PathBuf,
    /// The network.
    pub bundle: Arc<Bundle>,
    /// What runs it.
    pub engine: EngineChoice,
    /// Whose embeddings are searched now.
    pub identity: EmbeddingIdentity,
}

/// As the history has it.
pub(super) fn what(name: &str) -> String {
    format!("import {name}")
}

/// Opens all that an import needs. An error in words.
pub(super) fn with_import<T>(
    source: &Source,
    into: &Into,
    stop: &AtomicBool,
    work: impl FnOnce(&Import<'_>) -> Result<T, String>,
) -> Result<T, String> {
    let embedders = NetworkEmbedders::new(&into.bundle, into.engine).map_err(|error| in_words(&error))?;
    if *embedders.identity() != into.identity {
        return Err("another engine would embed than the one that answers".to_owned());
    }
    let name = source.name();
    // One core stays the camera's.
    let threads = thread::available_parallelism().map_or(1, usize::from).saturating_sub(1).max(1);
    let import = |listing: &Listing, removes: Removes<'_>, photos: &dyn PhotoSource, embedders: &dyn Embedders| {
        work(&Import {
            name: &name,
            listing,
            removes,
            photos,
            catalogue: &into.catalogue,
            embedders,
            threads,
            arguments: None,
            author: Author { who: WHO.to_owned(), what: what(&name) },
            stop,
        })
    };
    if has_end(&source.table, "edition") {
        let words = |error: EditionError| in_words(&error);
        let edition = Edition::open(&source.table).map_err(words)?;
        let target = match Store::open(&into.catalogue) {
            Err(StoreError::Missing { .. }) => None,
            opened => Some(opened.map_err(|error| in_words(&error))?),
        };
        let wanted = edition.wanted(&name, target.as_ref()).map_err(words)?;
        drop(target);
        let embedders = edition.embedders(&embedders).map_err(words)?;
        return import(&wanted.listing, wanted.removes(), &edition, &embedders);
    }
    let table = files::read_at_most(&source.table, MOST_CSV_BYTES).map_err(|error| in_words(&error))?;
    let listing = csv::read(&name, &table).map_err(|error| in_words(&error))?;
    let photos = photos::open(&source.photos).map_err(|error| in_words(&error))?;
    import(&listing, Removes::Nothing, photos.as_ref(), &embedders)
}

fn has_end(path: &Path, end: &str) -> bool {
    path.extension().is_some_and(|own| own.eq_ignore_ascii_case(end))
}
