//! Bringing a catalogue file into the store.
//!
//! 1. [`plan`] compares file and store: new, changed, unchanged, bad; a dry run ends here and changes nothing;
//! 2. [`run`] embeds the new photographs on all cores ([`embed`]) and commits product batches one by one;
//! 3. [`evidence`] keeps what the file says of the counter's pictures, if it does;
//! 4. [`reembed`] does the same as 2. for what is stored already, after a change of network.
//!
//! What has been told as committed is on the disk: a kill loses nothing of it and leaves no half product. Importing
//! the same file again does what is left, and nothing where nothing is left. Products that the file does not list
//! stay; bad rows never hold up good ones. With another network the stored photographs are embedded anew, and the old
//! embeddings are searched until the new ones are complete.

mod batches;
pub mod embed;
mod evidence;
pub mod network;
mod odd;
pub mod plan;
pub mod reembed;
pub mod run;

pub use embed::{EmbedError, Embedder, Embedders};
pub use network::{NetworkEmbedders, NetworkError};
pub use odd::{LoneVariant, SharedPhoto};
pub use plan::{Change, Plan, Step};
pub use reembed::Reembed;
pub use run::{Committed, Summary};

use super::csv::Listing;
use super::photos::PhotoSource;
use super::store::{Author, Store, StoreError};
use std::path::Path;
use std::sync::atomic::AtomicBool;

/// An import that is to be made.
pub struct Import<'a> {
    /// The name of what is imported, for messages.
    pub name: &'a str,
    /// What it says.
    pub listing: &'a Listing,
    /// Which products go.
    pub removes: Removes<'a>,
    /// Where its photographs are.
    pub photos: &'a dyn PhotoSource,
    /// The store's file.
    pub catalogue: &'a Path,
    /// What makes embeddings.
    pub embedders: &'a dyn Embedders,
    /// How many photographs are embedded at a time, at least one.
    pub threads: usize,
    /// The catalogue file and the folder or ZIP file of photographs as a shell takes them, to be named in later messages.
    pub arguments: Option<(&'a str, &'a str)>,
    /// Who imports, for the history.
    pub author: Author,
    /// Set from outside: stop after what has begun.
    pub stop: &'a AtomicBool,
}

/// Which stored products an import removes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Removes<'a> {
    /// None: products that are not listed stay.
    #[default]
    Nothing,
    /// Those that are not listed.
    Unlisted,
    /// These.
    These(&'a [String]),
}

/// Follows an import.
pub trait Progress {
    /// The file is read and its photographs are being compared with the store's.
    fn comparing(&mut self, photos: usize);
    /// What will be done.
    fn planned(&mut self, plan: &Plan);
    /// So many photographs more were stored meanwhile with another network, and are embedded too.
    fn came_meanwhile(&mut self, _photos: usize) {}
    /// One more photograph is embedded, not yet committed.
    fn embedded(&mut self);
    /// These are on the disk.
    fn committed(&mut self, committed: &Committed<'_>);
}

/// Follows nothing.
pub struct Quiet;

impl Progress for Quiet {
    fn comparing(&mut self, _photos: usize) {}
    fn planned(&mut self, _plan: &Plan) {}
    fn embedded(&mut self) {}
    fn committed(&mut self, _committed: &Committed<'_>) {}
}

/// Why an import was not made, or not to its end. What was committed before stays.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The store cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// No photograph can be embedded.
    #[error("photos cannot be embedded")]
    Embed(#[source] EmbedError),
}

impl ImportError {
    /// What the user may do.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Store(error) => error.hints(),
            Self::Embed(_) => Vec::new(),
        }
    }
}

impl Import<'_> {
    /// Says what an import would do, after trying each new photograph, and changes nothing: a catalogue that is not
    /// there is not made.
    ///
    /// # Errors
    /// The catalogue file or the store as a whole cannot be used.
    pub fn dry_run(&self, progress: &mut dyn Progress) -> Result<Plan, ImportError> {
        let store = match Store::open(self.catalogue) {
            Err(StoreError::Missing { .. }) => None,
            opened => Some(opened?),
        };
        progress.comparing(self.listing.products.iter().map(|p| p.photos.len()).sum());
        let mut plan = plan::plan(self, store.as_ref())?;
        plan.try_photos(self);
        progress.planned(&plan);
        Ok(plan)
    }

    /// Makes the import.
    ///
    /// # Errors
    /// The catalogue file or the store as a whole cannot be used, or the network cannot. Bad rows are no error: they
    /// are in the summary.
    pub fn run(&self, progress: &mut dyn Progress) -> Result<Summary, ImportError> {
        let mut store = Store::open_or_create(self.catalogue)?;
        store.sign(self.author.clone());
        if let Some((csv, photos)) = self.arguments {
            store.remember_import(csv, photos)?;
        }
        progress.comparing(self.listing.products.iter().map(|p| p.photos.len()).sum());
        let plan = plan::plan(self, Some(&store))?;
        progress.planned(&plan);
        run::run(self, &mut store, plan, progress)
    }
}

#[cfg(test)]
mod tests;
