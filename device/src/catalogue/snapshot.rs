//! The catalogue as it is searched: the index of one time, and the store for what is shown.
//!
//! Which photographs there are, whose they are and what filters see is the index's, which never changes. Titles, names, float rows and photographs
//! are read from the file for the few that are shown, all of one answer at one time. What has been removed since is left out of the answer: a
//! photograph's number never names another one. No query waits for another, for an import, or for the thread that follows the file.

use super::filter::Filter;
use super::gallery::{Gallery, GalleryError, Search};
use super::index::{Index, Keeper, Retry};
use super::matches::{Match, Matches};
use super::readers::{Answering, Readers};
use super::scan::{Hit, RERANKED};
use super::shown::{listed, shown_by};
use super::store::{Damage, Store, StoreError};
use super::{PhotoId, Product};
use clothingid_shared::embedding::EmbeddingIdentity;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

/// The catalogue at one time. Cheap to clone; clones are the same view.
#[derive(Debug, Clone)]
pub struct Snapshot {
    /// Shared by all clones, so that what filters find out of it once is known to all.
    index: Arc<Index>,
    identity: Arc<EmbeddingIdentity>,
    readers: Arc<Readers>,
    damage: Arc<Mutex<BTreeSet<Damage>>>,
}

/// What a customer is shown of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductCard {
    /// Its fields.
    #[serde(flatten)]
    pub product: Product,
    /// Its photographs in the shop's order: number and name. The first is the one to show.
    pub photos: Vec<(PhotoId, String)>,
}

impl ProductCard {
    /// The photograph to show.
    #[must_use]
    pub fn photo(&self) -> Option<PhotoId> {
        self.photos.first().map(|(id, _)| *id)
    }
}

impl Snapshot {
    /// The catalogue as it is now, for a network of this identity: what was written beside it is brought up to date, or everything read and,
    /// where that took long, written beside it.
    ///
    /// Rows that are not what was written are left out and named by [`Snapshot::damage`]; those that are not read now are not named.
    ///
    /// # Errors
    /// The file is missing, no catalogue, cut short, or embedded with another network.
    pub fn open(path: &Path, identity: &EmbeddingIdentity) -> Result<Self, StoreError> {
        Ok(Follow::open(path, identity)?.1)
    }

    /// The same, with every row read and looked at.
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub fn read(path: &Path, identity: &EmbeddingIdentity) -> Result<Self, StoreError> {
        let store = Store::open(path)?;
        let keeper = Keeper::read(&store, identity)?;
        Ok(Self::of(&keeper, Arc::new(Readers::new(path, store))))
    }

    fn of(keeper: &Keeper, readers: Arc<Readers>) -> Self {
        let damage = Arc::new(Mutex::new(keeper.damage().clone()));
        Self { index: Arc::new(keeper.index()), identity: Arc::new(keeper.identity().clone()), readers, damage }
    }

    /// How many photographs are searched.
    #[must_use]
    pub fn photo_count(&self) -> usize {
        self.index.photo_count()
    }

    /// How many products there are.
    #[must_use]
    pub fn product_count(&self) -> usize {
        self.index.product_count()
    }

    /// One product, as it is now; nothing where there is none or its row is damaged.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn product(&self, sku: &str) -> Result<Option<ProductCard>, GalleryError> {
        self.readers.read(|store| {
            let Some(stored) = store.product(sku)?.filter(|stored| stored.is_sound) else { return Ok(None) };
            let photos = listed(store.photos_of(sku)?).map(|photo| (photo.id, photo.name)).collect();
            Ok(Some(ProductCard { product: stored.product, photos }))
        })
    }

    /// The garments of other styles that look most like a product, best first; nothing where there is no such product.
    ///
    /// # Errors
    /// The file cannot be read, or none of the product's photographs can be compared.
    pub fn like(&self, sku: &str, top: usize, filter: Option<&Filter>) -> Result<Option<Vec<Match>>, GalleryError> {
        let Some((style, query)) = self.readers.read(|store| self.looks(store, sku))? else { return Ok(None) };
        let mut matches = Matches::default();
        self.find(&Search { query: &query, top, filter }, Some(&style), &mut matches)?;
        Ok(Some(matches.into_vec()))
    }

    /// The style of a product, and the mean of the float rows of its photographs: what they have in common.
    fn looks(&self, store: &Store, sku: &str) -> Result<Option<(String, Vec<f32>)>, GalleryError> {
        let Some(stored) = store.product(sku)?.filter(|stored| stored.is_sound) else { return Ok(None) };
        let style = stored.product.style().to_owned();
        let mut sum: Vec<f32> = Vec::new();
        for photo in shown_by(store, stored.product)?.into_iter().flat_map(|(_, photos)| photos) {
            if let Some(Ok(floats)) = store.float_row(&self.identity, photo.id)? {
                sum.resize(floats.len(), 0.0);
                sum.iter_mut().zip(&floats).for_each(|(sum, value)| *sum += value);
            }
        }
        if sum.is_empty() {
            return Err(GalleryError::Unseen { sku: sku.to_owned() });
        }
        Ok(Some((style, sum)))
    }

    /// The colours of all products as the shop writes them, but for their case: each with how many products have it, the most frequent first.
    #[must_use]
    pub fn colours(&self) -> Vec<(String, usize)> {
        self.index.colours()
    }

    /// The number of a product's photograph, by the name that a [`Match`] gives.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn photo_id(&self, sku: &str, name: &str) -> Result<Option<PhotoId>, GalleryError> {
        let card = self.product(sku)?;
        Ok(card.and_then(|card| card.photos.into_iter().find(|(_, n)| n == name)).map(|(id, _)| id))
    }

    /// The bytes of a photograph as they were imported, or nothing where there is no such photograph.
    ///
    /// # Errors
    /// The file cannot be read, or the bytes are not what was written.
    pub fn photo(&self, id: PhotoId) -> Result<Option<Vec<u8>>, GalleryError> {
        let bytes = self.readers.read(|store| store.photo_bytes(id))?.transpose();
        if let Err(damage) = &bytes {
            self.note(damage.clone());
        }
        Ok(bytes?)
    }

    /// What was found to be damaged, on reading or since. It is left out of all answers.
    #[must_use]
    pub fn damage(&self) -> Vec<Damage> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    /// The answer to a search, without the garments of the style `besides`.
    fn find(&self, search: &Search<'_>, besides: Option<&str>, matches: &mut Matches) -> Result<(), GalleryError> {
        matches.clear();
        let found = self.readers.with(|reader| {
            reader.finder.query.set(search.query)?;
            if self.index.photo_count() == 0 || search.top == 0 {
                return Ok(());
            }
            let (expected, found) = (self.index.value_count(), reader.finder.query.value_count());
            if expected != found {
                return Err(GalleryError::ValueCount { expected, found });
            }
            // Twice as many styles as are shown: their order among themselves is the float rows' too.
            let groups = search.top.saturating_mul(2).saturating_add(usize::from(besides.is_some()));
            self.index.find(&mut reader.finder, search.filter, RERANKED.max(search.top), groups);
            reader.at_one_time(|store, finder, answering| {
                self.answer(store, &mut finder.hits, answering, search, besides, matches)
            })
        })?;
        if found.is_err() {
            matches.clear();
        }
        found
    }

    /// Puts the hits in the order of their float rows, and shows the best photograph of each style. A float row that is not what was written is
    /// named, and its int8 similarity, which is sound, stays.
    fn answer(
        &self,
        store: &Store,
        hits: &mut [Hit],
        answering: &mut Answering,
        search: &Search<'_>,
        besides: Option<&str>,
        matches: &mut Matches,
    ) -> Result<(), GalleryError> {
        let Answering { rerank, unranked, taken, shown } = answering;
        let mut floats = store.float_rows(&self.identity)?;
        unranked.clear();
        rerank.order(hits, search.query, |photo, row| {
            let found = floats.read_into(PhotoId::new(photo), row)?;
            let is_ranked = matches!(found, Some(Ok(()))) && row.len() == search.query.len();
            if !is_ranked {
                unranked.push(photo);
            }
            Ok::<_, StoreError>(is_ranked)
        })?;
        shown.begin(store)?;
        taken.clear();
        for hit in hits {
            if matches.len() == search.top {
                break;
            }
            if taken.contains(&hit.group) {
                continue;
            }
            // What is gone since is left out, and the style's next photograph may be shown.
            let Some(garment) = shown.garment(store, PhotoId::new(hit.id))? else { continue };
            if besides != Some(garment.style.as_str()) {
                taken.insert(hit.group);
                matches.push(&garment.texts, f64::from(hit.similarity));
            }
        }
        self.note_unranked(store, unranked)
    }

    /// Names the photographs that are there and have no sound float row.
    fn note_unranked(&self, store: &Store, photos: &[i64]) -> Result<(), GalleryError> {
        // Another identity is served since: the rows of this one are gone, and nothing is damaged.
        if photos.is_empty() || store.value_count(&self.identity)?.is_none() {
            return Ok(());
        }
        for photo in photos.iter().copied().map(PhotoId::new) {
            if store.photo(photo)?.is_some() {
                self.note(Damage::Embedding { photo, form: "float" });
            }
        }
        Ok(())
    }

    fn note(&self, damage: Damage) {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).insert(damage);
    }
}

impl Gallery for Snapshot {
    fn search_into(&self, search: &Search<'_>, matches: &mut Matches) -> Result<(), GalleryError> {
        self.find(search, None, matches)
    }
}

/// Takes a new snapshot whenever the catalogue has changed, by what has changed alone.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    watch: Store,
    keeper: Keeper,
    readers: Arc<Readers>,
    seen: i64,
    /// When the index may be written beside the catalogue.
    saving: Retry,
}

impl Follow {
    /// Opens the catalogue; the snapshot is the first.
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub fn open(path: &Path, identity: &EmbeddingIdentity) -> Result<(Self, Snapshot), StoreError> {
        let watch = Store::open(path)?;
        let seen = watch.version()?;
        let keeper = match Keeper::load(path, identity) {
            Some(mut kept) => {
                kept.follow(&watch)?;
                kept
            }
            None => Keeper::read(&watch, identity)?,
        };
        let readers = Arc::new(Readers::new(path, Store::open(path)?));
        let snapshot = Snapshot::of(&keeper, Arc::clone(&readers));
        let mut follow = Self { path: path.to_owned(), watch, keeper, readers, seen, saving: Retry::default() };
        follow.save();
        Ok((follow, snapshot))
    }

    /// A new snapshot if the catalogue has changed since the last one, by this or another program. Where nothing has, the index is written
    /// beside the catalogue if that is overdue.
    ///
    /// # Errors
    /// As [`Snapshot::open`]. The last snapshot still answers.
    pub fn newer(&mut self) -> Result<Option<Snapshot>, StoreError> {
        let version = self.watch.version()?;
        if version == self.seen {
            self.save();
            return Ok(None);
        }
        self.keeper.follow(&self.watch)?;
        self.seen = version;
        Ok(Some(Snapshot::of(&self.keeper, Arc::clone(&self.readers))))
    }

    /// Writes the index beside the catalogue, if it is worth it. A folder that cannot be written costs time at the next start and nothing else.
    /// A damaged catalogue gets none, so that each start reads it and names the damage.
    fn save(&mut self) {
        let now = Instant::now();
        if self.saving.is_due(now) && self.keeper.wants_saving() && self.keeper.damage().is_empty() {
            let is_saved = self.keeper.save(&self.path).is_ok();
            self.saving.tried(is_saved, now);
        }
    }
}

#[cfg(test)]
mod tests;
