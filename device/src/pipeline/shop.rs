//! The catalogue as it is now: a snapshot that follows what an import or the staff change in the file.

use super::supervise::{StageError, Stop, supervise};
use crate::catalogue::snapshot::Follow;
use crate::catalogue::store::quoted;
use crate::catalogue::{Gallery, GalleryError, Match, Search, Snapshot, StoreError};
use crate::health::{Health, Stage};
use clothingid_shared::embedding::EmbeddingIdentity;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// How often the file is looked at: an article added at the counter is found within this time and that of one search. A look at a file that
/// has not changed costs microseconds.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How often it is said how many products there are now: an import changes that with each of its batches.
const SAY_EVERY: Duration = Duration::from_secs(1);

/// What the shop owns, always the newest snapshot; nothing while there is no catalogue yet.
#[derive(Debug)]
pub struct Shop {
    path: PathBuf,
    identity: EmbeddingIdentity,
    snapshot: RwLock<Option<Snapshot>>,
}

impl Shop {
    /// Opens the catalogue at `path` for a network of this identity. A file that is not there yet is an empty shop.
    ///
    /// **Errors** the file is no catalogue, damaged as a whole, or embedded with another network.
    pub fn open(path: PathBuf, identity: EmbeddingIdentity) -> Result<Self, StoreError> {
        let snapshot = if path.exists() { Some(Snapshot::open(&path, &identity)?) } else { None };
        Ok(Self { path, identity, snapshot: RwLock::new(snapshot) })
    }

    /// The catalogue as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says it where there is no catalogue yet, or none with a product in it: the page would only ever say that nothing is like it.
    pub fn warn_of_emptiness(&self, health: &Health) {
        if self.product_count() == 0 {
            let path = quoted(&self.path);
            health.events.say(format!(
                "warning: no product in the catalogue {path}: nothing is found until one is imported, \
                 `clothingid catalogue import CSV --photos DIR --catalogue {path}`"
            ));
        }
    }

    /// How many products there are.
    #[must_use]
    pub fn product_count(&self) -> usize {
        self.snapshot().map_or(0, |snapshot| snapshot.product_count())
    }

    /// Follows the file from now on, on a thread of its own.
    ///
    /// **Errors** the system gives no thread.
    pub fn follow(self: &Arc<Self>, health: &Arc<Health>, stop: &Stop) -> std::io::Result<JoinHandle<()>> {
        let (shop, heard, ends) = (Arc::clone(self), Arc::clone(health), stop.clone());
        supervise(Stage::Catalogue, stop, health, move || shop.follow_until(&heard, &ends))
    }

    fn follow_until(&self, health: &Health, stop: &Stop) -> Result<(), StageError> {
        while !self.path.exists() {
            if stop.wait(LOOK_EVERY) {
                return Ok(());
            }
        }
        let mut said = self.product_count();
        let (mut follow, first) = Follow::open(&self.path, &self.identity)?;
        self.show(first);
        self.say(&mut said, health);
        let mut last = Instant::now();
        while !stop.wait(LOOK_EVERY) {
            if let Some(newer) = follow.newer()? {
                self.show(newer);
            }
            if last.elapsed() >= SAY_EVERY {
                self.say(&mut said, health);
                last = Instant::now();
            }
        }
        Ok(())
    }

    fn show(&self, snapshot: Snapshot) {
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
    }

    /// Says how many products there are, if that is another number than was said before.
    fn say(&self, before: &mut usize, health: &Health) {
        let products = self.product_count();
        if products != *before {
            health.events.say(format!("the catalogue has {products} products now, before {before}"));
            *before = products;
        }
    }
}

impl Gallery for Shop {
    fn search(&self, search: &Search<'_>) -> Result<Vec<Match>, GalleryError> {
        self.snapshot().map_or_else(|| Ok(Vec::new()), |snapshot| snapshot.search(search))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shop_without_a_catalogue_says_so_and_how_to_fill_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("catalogue.db");
        let shop = Shop::open(path.clone(), EmbeddingIdentity::from_stored("one".into())).unwrap();
        let health = Health::silent();
        shop.warn_of_emptiness(&health);
        let said = &health.events.newest(9)[0].what;
        assert!(said.contains(&format!("--catalogue {}`", path.display())), "{said}");
        assert!(!path.exists(), "nothing is made");
    }
}
