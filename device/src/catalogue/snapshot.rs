//! A fixed view of the catalogue, searched while an import runs.
//!
//! The int8 rows, the products and the photographs' names are in memory; float rows and photographs are read from the
//! file when they are needed. The file is held at the state that it had on opening (a read transaction), so that all
//! answers of a snapshot belong together. An import is not held up by it, but its journal is only written back when
//! no old snapshot is left: take a new one now and then, see [`Follow`].

use super::gallery::{Gallery, GalleryError, Match};
use super::scan::{Hit, RERANKED, Rows, rerank};
use super::store::{Damage, Store, StoreError};
use super::{PhotoId, Product};
use clothingid_shared::embedding::{Embedding, EmbeddingIdentity};
use serde::Serialize;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A fixed view of a catalogue. Cheap to clone; clones are the same view.
#[derive(Debug, Clone)]
pub struct Snapshot(Arc<View>);

#[derive(Debug)]
struct View {
    store: Mutex<Store>,
    identity: EmbeddingIdentity,
    rows: Rows,
    /// What each row of the scan shows.
    shown: Vec<Shown>,
    products: Vec<ProductCard>,
    by_sku: HashMap<String, usize>,
    damage: Mutex<BTreeSet<Damage>>,
}

#[derive(Debug)]
struct Shown {
    photo: PhotoId,
    name: String,
    product: usize,
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
    /// Reads the catalogue as it is now, for a network of this identity.
    ///
    /// Rows that are not what was written are left out and named by [`Snapshot::damage`].
    ///
    /// # Errors
    /// The file is missing, no catalogue, cut short, or embedded with another network.
    pub fn open(path: &Path, identity: &EmbeddingIdentity) -> Result<Self, StoreError> {
        let store = Store::open(path)?;
        store.hold()?;
        store.expect_identity(identity)?;
        let mut damage = BTreeSet::new();

        let mut products: Vec<ProductCard> = Vec::new();
        let mut by_sku = HashMap::new();
        for stored in store.products()? {
            let product = stored.product;
            if stored.is_sound {
                by_sku.insert(product.sku.clone(), products.len());
                products.push(ProductCard { product, photos: Vec::new() });
            } else {
                damage.insert(Damage::Product { sku: product.sku });
            }
        }
        let mut photos = store.photos()?;
        photos.sort_by_key(|p| p.position);
        let mut shown: HashMap<PhotoId, Shown> = HashMap::with_capacity(photos.len());
        for photo in photos {
            if !photo.is_sound {
                damage.insert(photo.damage());
                continue;
            }
            let Some(product) = by_sku.get(&photo.sku).copied() else { continue };
            if let Some(card) = products.get_mut(product) {
                card.photos.push((photo.id, photo.name.clone()));
            }
            shown.insert(photo.id, Shown { photo: photo.id, name: photo.name, product });
        }

        let mut rows = Rows::new(store.value_count(identity)?.unwrap_or(0));
        let mut in_order = Vec::with_capacity(shown.len());
        let damaged_rows = store.embeddings(identity, |row| {
            // A photograph whose own row is damaged is not there to be shown.
            if shown.contains_key(&row.photo) && rows.push(&row.embedding) {
                in_order.extend(shown.remove(&row.photo));
            }
        })?;
        damage.extend(damaged_rows);
        let identity = identity.clone();
        let (store, damage) = (Mutex::new(store), Mutex::new(damage));
        Ok(Self(Arc::new(View { store, identity, rows, shown: in_order, products, by_sku, damage })))
    }

    /// How many photographs are searched.
    #[must_use]
    pub fn photo_count(&self) -> usize {
        self.0.rows.len()
    }

    /// How many products there are.
    #[must_use]
    pub fn product_count(&self) -> usize {
        self.0.products.len()
    }

    /// The products in the order in which they came.
    #[must_use]
    pub fn products(&self) -> &[ProductCard] {
        &self.0.products
    }

    /// One product.
    #[must_use]
    pub fn product(&self, sku: &str) -> Option<ProductCard> {
        self.0.by_sku.get(sku).and_then(|place| self.0.products.get(*place)).cloned()
    }

    /// The number of a product's photograph, by the name that a [`Match`] gives.
    #[must_use]
    pub fn photo_id(&self, sku: &str, name: &str) -> Option<PhotoId> {
        let card = self.0.by_sku.get(sku).and_then(|place| self.0.products.get(*place))?;
        card.photos.iter().find(|(_, n)| n == name).map(|(id, _)| *id)
    }

    /// The bytes of a photograph as they were imported, or nothing where there is no such photograph.
    ///
    /// # Errors
    /// The file cannot be read, or the bytes are not what was written.
    pub fn photo(&self, id: PhotoId) -> Result<Option<Vec<u8>>, GalleryError> {
        let bytes = self.store().photo_bytes(id)?.transpose();
        if let Err(damage) = &bytes {
            self.note(damage.clone());
        }
        Ok(bytes?)
    }

    /// What was found to be damaged, on opening or since. It is left out of all answers.
    #[must_use]
    pub fn damage(&self) -> Vec<Damage> {
        self.0.damage.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }

    fn find(&self, quantised: &Embedding, floats: &[f32], top: usize) -> Result<Vec<Match>, GalleryError> {
        let view = &*self.0;
        if view.rows.is_empty() || top == 0 {
            return Ok(Vec::new());
        }
        if quantised.values.len() != view.rows.value_count() {
            let (expected, found) = (view.rows.value_count(), quantised.values.len());
            return Err(GalleryError::ValueCount { expected, found });
        }
        let mut count = RERANKED.max(top.saturating_mul(2));
        loop {
            let hits = view.rows.best(quantised, count);
            let is_all = hits.len() == view.rows.len();
            let matches = self.one_a_product(self.rerank(hits, floats)?, top);
            if matches.len() == top || is_all {
                return Ok(matches);
            }
            // A few products with many photographs have filled the list.
            count = count.saturating_mul(4);
        }
    }

    /// Puts the hits in the order of their float rows. A float row that is not what was written is named, and its int8
    /// similarity, which is sound, stays.
    fn rerank(&self, hits: Vec<Hit>, query: &[f32]) -> Result<Vec<Hit>, GalleryError> {
        let store = self.store();
        rerank(hits, query, |row| {
            let Some(shown) = self.0.shown.get(row) else { return Ok(None) };
            match store.float_row(&self.0.identity, shown.photo)? {
                Some(Ok(floats)) if floats.len() == query.len() => Ok(Some(floats)),
                _ => {
                    self.note(Damage::Embedding { photo: shown.photo, form: "float" });
                    Ok(None)
                }
            }
        })
    }

    /// The best photograph of each product.
    fn one_a_product(&self, hits: Vec<Hit>, top: usize) -> Vec<Match> {
        let mut taken = HashSet::new();
        let matches = hits.into_iter().filter_map(|hit| {
            let shown = self.0.shown.get(hit.row)?;
            let card = self.0.products.get(shown.product)?;
            taken.insert(shown.product).then(|| Match {
                sku: card.product.sku.clone(),
                title: card.product.title.clone(),
                photo: shown.name.clone(),
                similarity: f64::from(hit.similarity),
            })
        });
        matches.take(top).collect()
    }

    fn store(&self) -> MutexGuard<'_, Store> {
        // A panic while reading leaves the store as it was.
        self.0.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn note(&self, damage: Damage) {
        self.0.damage.lock().unwrap_or_else(PoisonError::into_inner).insert(damage);
    }
}

impl Gallery for Snapshot {
    fn search(&self, query: &[f32], top: usize) -> Result<Vec<Match>, GalleryError> {
        self.find(&Embedding::quantise(query)?, query, top)
    }
}

/// Takes a new snapshot whenever the catalogue has changed.
#[derive(Debug)]
pub struct Follow {
    path: PathBuf,
    identity: EmbeddingIdentity,
    watch: Store,
    seen: i64,
}

impl Follow {
    /// Opens the catalogue; the snapshot is the first.
    ///
    /// # Errors
    /// As [`Snapshot::open`].
    pub fn open(path: &Path, identity: &EmbeddingIdentity) -> Result<(Self, Snapshot), StoreError> {
        let watch = Store::open(path)?;
        let seen = watch.version()?;
        let snapshot = Snapshot::open(path, identity)?;
        Ok((Self { path: path.to_owned(), identity: identity.clone(), watch, seen }, snapshot))
    }

    /// A new snapshot if the catalogue has changed since the last one, by this or another program.
    ///
    /// # Errors
    /// As [`Snapshot::open`]. The last snapshot still answers.
    pub fn newer(&mut self) -> Result<Option<Snapshot>, StoreError> {
        let version = self.watch.version()?;
        if version == self.seen {
            return Ok(None);
        }
        let snapshot = Snapshot::open(&self.path, &self.identity)?;
        self.seen = version;
        Ok(Some(snapshot))
    }
}

#[cfg(test)]
mod tests;
