//! Makes an index from the store, and the next one from what has changed since.

use super::facet::Facet;
use super::index::Index;
use super::names::Names;
use super::position::Position;
use super::products::{Kept, Products};
use super::segment::Segment;
use crate::catalogue::filter::Cents;
use crate::catalogue::scan::Mask;
use crate::catalogue::store::{Damage, StoredEmbedding};
use crate::catalogue::{PhotoId, Product, Role, Store, StoreError};
use clothingid_shared::embedding::{Embedding, EmbeddingIdentity};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, OnceLock};

/// Rows that are added to an index before all are laid together again: copying them costs a millisecond at each change, and laying together some ten.
const MOST_RECENT: usize = 4096;

/// Products that are looked at one by one; of more, or a quarter of all, everything is read.
const MOST_CHANGED: usize = 4096;

/// Photographs of an index that is worth a file beside the catalogue: fewer are read from the catalogue in some ten milliseconds.
const WORTH_A_FILE: usize = 2000;

/// Keeps an index up to date. What it has given out never changes.
#[derive(Debug)]
pub struct Keeper {
    pub(super) identity: EmbeddingIdentity,
    pub(super) position: Position,
    pub(super) names: Names,
    pub(super) facets: HashMap<Facet, u32>,
    pub(super) index: Index,
    /// Products that were changed since the index was written beside the catalogue; nothing where it never was.
    pub(super) unsaved: Option<usize>,
    damage: BTreeSet<Damage>,
}

impl Keeper {
    /// Reads every row of the catalogue.
    ///
    /// # Errors
    /// The file cannot be read, or was embedded with another network.
    pub fn read(store: &Store, identity: &EmbeddingIdentity) -> Result<Self, StoreError> {
        store.at_one_time(|store| Self::read_now(store, identity))
    }

    /// An index that was written beside the catalogue, for [`follow`](Self::follow) to bring up to date.
    pub(super) fn kept(identity: EmbeddingIdentity, position: Position, names: Names, index: Index) -> Self {
        let facets = (0..).zip(index.products.parts().3).map(|(number, facet)| (facet.clone(), number)).collect();
        Self { identity, position, names, facets, index, unsaved: Some(0), damage: BTreeSet::new() }
    }

    fn read_now(store: &Store, identity: &EmbeddingIdentity) -> Result<Self, StoreError> {
        store.expect_identity(identity)?;
        let value_count = store.value_count(identity)?.unwrap_or(0);
        let mut new = Self::kept(identity.clone(), Position::of(store)?, Names::default(), Index::new(value_count));
        new.unsaved = None;
        let mut damage = BTreeSet::new();
        store.each_product(|stored| {
            if stored.is_sound {
                new.put(&stored.product);
            } else {
                damage.insert(Damage::Product { sku: stored.product.sku });
            }
        })?;
        let mut shown: HashMap<PhotoId, (u32, Role)> = HashMap::new();
        store.each_photo(|photo| {
            if !photo.is_sound {
                damage.insert(photo.damage());
            } else if let Some(product) = new.names.find(&photo.sku).filter(|product| new.index.products.has(*product))
            {
                shown.insert(photo.id, (product, photo.role));
            }
        })?;
        let mut counter = BTreeSet::new();
        let (mut base, mut mistaken) = (Segment::new(value_count), Segment::new(value_count));
        let damaged_rows = store.embeddings(identity, |row| {
            // A photograph whose own row is damaged is not there to be shown.
            if let Some((product, role)) = shown.get(&row.photo) {
                if *role == Role::Counter {
                    counter.insert(row.photo.number());
                }
                let rows = if role.shows() { &mut base } else { &mut mistaken };
                let _ = rows.push(row.photo.number(), *product, &row.embedding);
            }
        })?;
        damage.extend(damaged_rows);
        base.settle();
        new.names.settle();
        let mut products = std::mem::take(&mut new.index.products);
        Arc::make_mut(&mut products).settle();
        new.index = Index {
            counter: Arc::new(counter),
            mistaken: Arc::new(mistaken),
            ..Index::of(base, Arc::unwrap_or_clone(products))
        };
        new.damage = damage;
        Ok(new)
    }

    /// The index as it is now.
    #[must_use]
    pub fn index(&self) -> Index {
        self.index.clone()
    }

    /// Whose embeddings it has.
    #[must_use]
    pub fn identity(&self) -> &EmbeddingIdentity {
        &self.identity
    }

    /// What was found to be damaged. It is left out of all answers.
    #[must_use]
    pub fn damage(&self) -> &BTreeSet<Damage> {
        &self.damage
    }

    /// Brings the index up to date with the catalogue: by what has changed, or by reading everything where that cannot be said.
    ///
    /// # Errors
    /// The file cannot be read, or was embedded with another network. The index is as it was before then.
    pub fn follow(&mut self, store: &Store) -> Result<(), StoreError> {
        store.at_one_time(|store| self.follow_now(store))
    }

    fn follow_now(&mut self, store: &Store) -> Result<(), StoreError> {
        store.expect_identity(&self.identity)?;
        let value_count = store.value_count(&self.identity)?.unwrap_or(0);
        let most = MOST_CHANGED.min(self.index.product_count() / 4 + 64);
        let changed = match self.position.changed_since(store, most)? {
            Some(changed) if value_count == self.index.value_count() && !self.has_many_gone() => changed,
            _ => {
                *self = Self::read_now(store, &self.identity)?;
                return Ok(());
            }
        };
        let (found, position) = (Found::read(store, &self.identity, value_count, &changed)?, Position::of(store)?);
        let still_damaged = self.still_damaged(store, &changed)?;
        // All is read: from here on nothing fails.
        self.damage = still_damaged;
        self.apply(found);
        self.position = position;
        self.unsaved = self.unsaved.map(|unsaved| unsaved + changed.len());
        if self.index.recent.len() >= MOST_RECENT {
            self.lay_together();
        }
        Ok(())
    }

    /// Whether most names are of what was removed: then it is time for new ones.
    fn has_many_gone(&self) -> bool {
        self.names.len() > 4 * self.index.product_count() + MOST_CHANGED
    }

    /// The known damage that a change of these products leaves as it was.
    fn still_damaged(&self, store: &Store, changed: &BTreeSet<String>) -> Result<BTreeSet<Damage>, StoreError> {
        let mut still = BTreeSet::new();
        for damage in &self.damage {
            let is_known = match damage {
                Damage::Product { sku }
                | Damage::Photo { sku, .. }
                | Damage::PhotoBytes { sku, .. }
                | Damage::Evidence { sku, .. } => !changed.contains(sku),
                Damage::Embedding { photo, .. } => {
                    store.photo(*photo)?.is_some_and(|photo| !changed.contains(&photo.sku))
                }
                _ => true,
            };
            if is_known {
                still.insert(damage.clone());
            }
        }
        Ok(still)
    }

    /// Puts a product in its place.
    fn put(&mut self, product: &Product) {
        let (name, group) = (self.names.number(&product.sku), self.names.number(product.style()));
        let facet = Facet::of(product);
        let products = Arc::make_mut(&mut self.index.products);
        let facet = *self.facets.entry(facet).or_insert_with_key(|facet| products.add_facet(facet.clone()));
        products.set(name, Some(Kept { group, facet, price: Cents::of(product) }));
        products.cover(self.names.len());
    }

    fn apply(&mut self, found: Found) {
        let mut current = BTreeMap::new();
        let mut is_changed = Vec::new();
        for (sku, product) in found.products {
            match &product {
                Some(product) => self.put(product),
                None => {
                    let name = self.names.number(&sku);
                    Arc::make_mut(&mut self.index.products).set(name, None);
                }
            }
            let name = self.names.number(&sku);
            let place = name as usize;
            if is_changed.len() <= place {
                is_changed.resize(place + 1, false);
            }
            if let Some(is_changed) = is_changed.get_mut(place) {
                *is_changed = true;
            }
        }
        let is_changed = |product: &u32| is_changed.get(*product as usize).copied().unwrap_or(false);
        let before = &self.index.mistaken;
        let stay = Mask::all(before.len()).and(before.products().iter().map(|product| !is_changed(product)));
        let mut mistaken = Segment::new(self.index.value_count());
        mistaken.extend(before, &stay);
        for (StoredEmbedding { photo, embedding }, sku, role) in found.photos {
            let product = self.names.number(&sku);
            let (number, counter) = (photo.number(), &mut self.index.counter);
            if (role == Role::Counter) != counter.contains(&number) {
                let counter = Arc::make_mut(counter);
                let _ = if role == Role::Counter { counter.insert(number) } else { counter.remove(&number) };
            }
            if role.shows() {
                current.insert(photo.number(), (product, embedding));
            } else {
                let _ = mistaken.push(photo.number(), product, &embedding);
            }
        }
        self.index.mistaken = Arc::new(mistaken);
        let Index { base, base_alive, recent, recent_alive, .. } = &mut self.index;
        for (segment, alive) in [(base, base_alive), (&mut *recent, &mut *recent_alive)] {
            let rows = segment.photos().iter().zip(segment.products()).enumerate();
            for (row, (photo, product)) in rows.filter(|(_, (_, product))| is_changed(product)) {
                // A photograph that was taken away and came back has its row still, unless it shows another product now: a copy of the
                // catalogue that went its own way gives the same numbers to other photographs.
                let is_its_row =
                    |(now, embedding): &(u32, Embedding)| now == product && segment.rows().is(row, embedding);
                let is_alive = current.get(photo).is_some_and(is_its_row);
                if is_alive {
                    current.remove(photo);
                }
                if alive.has(row) != is_alive {
                    Arc::make_mut(alive).set(row, is_alive);
                }
            }
        }
        if !current.is_empty() {
            let (recent, alive) = (Arc::make_mut(recent), Arc::make_mut(recent_alive));
            for (photo, (product, embedding)) in current {
                if recent.push(photo, product, &embedding) {
                    alive.push(true);
                }
            }
        }
        self.index.rowless = OnceLock::new();
        self.index.photo_count = self.index.base_alive.count() + self.index.recent_alive.count();
        self.damage.extend(found.damage);
    }

    /// Lays all rows together that are still there.
    fn lay_together(&mut self) {
        let mut base = Segment::with_room(self.index.value_count(), self.index.photo_count());
        base.extend(&self.index.base, &self.index.base_alive);
        base.extend(&self.index.recent, &self.index.recent_alive);
        let Index { counter, mistaken, products, .. } = self.index.clone();
        self.index = Index { counter, mistaken, products, ..Index::of(base, Products::default()) };
    }

    /// Whether an index of these parts is worth a file: small catalogues are read as fast.
    pub(super) fn is_large(&self) -> bool {
        self.index.photo_count() >= WORTH_A_FILE
    }

    /// Lays the rows together, as the file has them.
    pub(super) fn compacted(&mut self) -> &Segment {
        if !self.index.recent.is_empty() || self.index.base_alive.count() != self.index.base.len() {
            self.lay_together();
        }
        &self.index.base
    }
}

/// What changed products are now.
#[derive(Default)]
struct Found {
    /// Nothing where there is none, or its row is damaged.
    products: Vec<(String, Option<Product>)>,
    photos: Vec<(StoredEmbedding, String, Role)>,
    damage: Vec<Damage>,
}

impl Found {
    fn read(
        store: &Store,
        identity: &EmbeddingIdentity,
        value_count: usize,
        changed: &BTreeSet<String>,
    ) -> Result<Self, StoreError> {
        let mut found = Self::default();
        for sku in changed {
            let product = store.product(sku)?;
            let sound = product.as_ref().filter(|stored| stored.is_sound).map(|stored| stored.product.clone());
            found.damage.extend(product.filter(|p| !p.is_sound).map(|_| Damage::Product { sku: sku.clone() }));
            for photo in store.photos_of(sku)? {
                if !photo.is_sound {
                    found.damage.push(photo.damage());
                } else if sound.is_some() {
                    match store.embedding_of(identity, photo.id, value_count)? {
                        Some(Ok(row)) => found.photos.push((row, sku.clone(), photo.role)),
                        Some(Err(damage)) => found.damage.push(damage),
                        None => {}
                    }
                }
            }
            found.products.push((sku.clone(), sound));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests;
