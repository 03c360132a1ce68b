//! The catalogue as it is now: a snapshot that follows what an import or the staff change in the file.
//!
//! A catalogue of another network cannot be searched: its shop waits until the photographs are embedded with this one.

use super::supervise::{StageError, Stop, supervise};
use crate::catalogue::snapshot::Follow;
use crate::catalogue::store::quoted;
use crate::catalogue::{Filter, Gallery, GalleryError, Match, Matches, Search, Snapshot, StoreError};
use crate::health::{CatalogueState, Health, Stage};
use clothingid_shared::embedding::EmbeddingIdentity;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
    /// How often the snapshot was exchanged.
    version: AtomicU64,
    /// Whether the catalogue is of another network as yet.
    is_of_another: AtomicBool,
}

impl Shop {
    /// Opens the catalogue at `path` for a network of this identity. A file that is not there yet is an empty shop; one of another network
    /// is a shop that cannot be searched until it is one of this.
    ///
    /// **Errors** the file is no catalogue, or damaged as a whole.
    pub fn open(path: PathBuf, identity: EmbeddingIdentity) -> Result<Self, StoreError> {
        let (snapshot, is_of_another) = match path.exists().then(|| Snapshot::open(&path, &identity)) {
            None => (None, false),
            Some(Err(StoreError::OtherIdentity { .. })) => (None, true),
            Some(opened) => (Some(opened?), false),
        };
        Ok(Self {
            path,
            identity,
            snapshot: RwLock::new(snapshot),
            version: AtomicU64::new(0),
            is_of_another: AtomicBool::new(is_of_another),
        })
    }

    /// The catalogue's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The network whose embeddings are searched.
    #[must_use]
    pub fn identity(&self) -> &EmbeddingIdentity {
        &self.identity
    }

    /// Whether the catalogue is of another network, so that it cannot be searched.
    #[must_use]
    pub fn is_of_another(&self) -> bool {
        self.is_of_another.load(Ordering::Acquire)
    }

    /// The catalogue as it is now.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.snapshot.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says it where there is no catalogue yet, or none with a product in it: the page would only ever say that nothing is like it.
    pub fn warn_of_emptiness(&self, health: &Health) {
        if self.product_count() == 0 && !self.is_of_another() {
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
        let Some((mut follow, first)) = self.opened(health, stop)? else { return Ok(()) };
        self.show(first);
        self.say(&mut said, health);
        let (mut last, mut is_told) = (Instant::now(), false);
        while !stop.wait(LOOK_EVERY) {
            match follow.newer() {
                Err(StoreError::OtherIdentity { .. }) => {
                    // The embeddings in memory still answer for what there was.
                    if !std::mem::replace(&mut is_told, true) {
                        health
                            .events
                            .say("the catalogue is of another network now: what this one knows of it answers on");
                    }
                }
                newer => newer?.into_iter().for_each(|newer| self.show(newer)),
            }
            if last.elapsed() >= SAY_EVERY {
                self.say(&mut said, health);
                last = Instant::now();
            }
        }
        Ok(())
    }

    /// The catalogue, once it is of this network; nothing where that is not waited for any longer.
    fn opened(&self, health: &Health, stop: &Stop) -> Result<Option<(Follow, Snapshot)>, StoreError> {
        loop {
            match Follow::open(&self.path, &self.identity) {
                // With a snapshot of before, that one answers.
                Err(StoreError::OtherIdentity { .. }) if self.snapshot().is_none() => {
                    self.is_of_another.store(true, Ordering::Release);
                    if health.set_catalogue(CatalogueState::Failed) {
                        health.events.say(
                            "the catalogue is of another network: nothing is found until it is embedded with the one in use \
                             (`clothingid catalogue embed`, if that is not under way)",
                        );
                    }
                    if stop.wait(SAY_EVERY) {
                        return Ok(None);
                    }
                }
                opened => {
                    let opened = opened?;
                    if self.is_of_another.swap(false, Ordering::AcqRel) && health.set_catalogue(CatalogueState::Ok) {
                        health.events.say("the catalogue can be searched again");
                    }
                    return Ok(Some(opened));
                }
            }
        }
    }

    /// Another number than before when the catalogue was changed.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }

    fn show(&self, snapshot: Snapshot) {
        *self.snapshot.write().unwrap_or_else(PoisonError::into_inner) = Some(snapshot);
        self.version.fetch_add(1, Ordering::AcqRel);
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

impl Shop {
    /// As [`Snapshot::like`]; of an empty shop nothing.
    ///
    /// **Errors** those, and the catalogue is not embedded with this network yet.
    pub fn like(&self, sku: &str, top: usize, filter: &Filter) -> Result<Option<Vec<Match>>, GalleryError> {
        self.searched()?.map_or(Ok(None), |snapshot| snapshot.like(sku, top, Some(filter)))
    }

    /// What is searched now; nothing while there is no catalogue.
    fn searched(&self) -> Result<Option<Snapshot>, GalleryError> {
        match self.snapshot() {
            None if self.is_of_another() => Err(StoreError::BeingEmbedded { path: self.path.clone() }.into()),
            snapshot => Ok(snapshot),
        }
    }
}

impl Gallery for Shop {
    fn search_into(&self, search: &Search<'_>, matches: &mut Matches) -> Result<(), GalleryError> {
        matches.clear();
        self.searched()?.map_or(Ok(()), |snapshot| snapshot.search_into(search, matches))
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
