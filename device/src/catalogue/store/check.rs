//! Looking at every byte of the store.

use super::history::{Before, Past, before};
use super::read::has_bytes;
use super::rows::{identity_checksum, setting_checksum};
use super::{Damage, Store, StoreError};
use crate::catalogue::{PhotoId, Product, Role};
use clothingid_shared::embedding::EmbeddingIdentity;
use std::collections::BTreeSet;

/// What a store holds, and what of it is damaged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Check {
    /// How many products.
    pub products: usize,
    /// How many photographs.
    pub photos: usize,
    /// How many bytes the photographs have.
    pub photo_bytes: u64,
    /// How many photographs can be found by a search.
    pub embeddings: usize,
    /// Whose embeddings are searched.
    pub served: Option<EmbeddingIdentity>,
    /// How many changes can be undone.
    pub changes: usize,
    /// Everything that is not as it was written.
    pub damage: Vec<Damage>,
}

/// Structural damage is told in many lines by SQLite; more than these help nobody.
const MOST_STRUCTURE_LINES: usize = 20;

impl Store {
    /// Looks at the file's structure, at the checksum of each row, at each photograph's bytes and at what belongs
    /// together. Changes nothing.
    ///
    /// # Errors
    /// Something other than damage: another program holds the file.
    pub fn check(&self) -> Result<Check, StoreError> {
        let mut check = Check::default();
        check.structure(self)?;
        check.settings(self)?;
        check.rows(self)?;
        check.past(self)?;
        check.damage.sort();
        check.damage.dedup();
        Ok(check)
    }
}

impl Check {
    /// Where SQLite itself stumbles over the damage, that is what was found; the rest is still looked at.
    fn found<T: Default>(&mut self, outcome: Result<T, StoreError>) -> Result<T, StoreError> {
        match outcome {
            Err(StoreError::Damaged { source, .. }) => {
                self.damage.push(Damage::Structure(source.to_string()));
                Ok(T::default())
            }
            other => other,
        }
    }

    fn structure(&mut self, store: &Store) -> Result<(), StoreError> {
        let sql = format!("PRAGMA integrity_check({MOST_STRUCTURE_LINES})");
        let lines: Result<Vec<String>, _> = store.all("checking its structure", &sql, |row| row.get(0));
        let lines = self.found(lines)?;
        self.damage.extend(lines.into_iter().filter(|l| l != "ok").map(Damage::Structure));
        let rows = store.all("checking its references", "PRAGMA foreign_key_check", |row| row.get::<_, String>(0));
        let tables: BTreeSet<String> = self.found(rows)?.into_iter().collect();
        let dangling = |t| Damage::Structure(format!("rows of `{t}` refer to something that is not there"));
        self.damage.extend(tables.into_iter().map(dangling));
        Ok(())
    }

    fn settings(&mut self, store: &Store) -> Result<(), StoreError> {
        let sql = "SELECT key, value, checksum FROM setting";
        let rows = store.all("reading the settings", sql, |row| {
            let (key, value): (String, String) = (row.get(0)?, row.get(1)?);
            let is_sound = row.get_ref(2)?.as_bytes()? == setting_checksum(&key, &value);
            Ok((key, is_sound))
        });
        let bad = self.found(rows)?.into_iter().filter(|(_, is_sound)| !is_sound);
        self.damage.extend(bad.map(|(key, _)| Damage::Setting { key }));

        let sql = "SELECT hash, value_count, checksum FROM identity";
        let rows = store.all("reading the identities", sql, |row| {
            let (hash, count): (String, i64) = (row.get(0)?, row.get(1)?);
            let is_sound = row.get_ref(2)?.as_bytes()? == identity_checksum(&hash, count);
            Ok((hash, is_sound))
        });
        let bad = self.found(rows)?.into_iter().filter(|(_, is_sound)| !is_sound);
        self.damage.extend(bad.map(|(hash, _)| Damage::Setting { key: format!("identity {hash}") }));
        Ok(())
    }

    fn rows(&mut self, store: &Store) -> Result<(), StoreError> {
        let products = self.found(store.products())?;
        self.products = products.len();
        let bad = products.iter().filter(|p| !p.is_sound);
        self.damage.extend(bad.map(|p| Damage::Product { sku: p.product.sku.clone() }));

        let photos = self.found(store.photos())?;
        self.photos = photos.len();
        for photo in &photos {
            match self.found(store.photo_bytes(photo.id))? {
                Some(Ok(bytes)) => self.photo_bytes += bytes.len() as u64,
                Some(Err(damage)) => self.damage.push(damage),
                None => {}
            }
        }
        let with_photo: BTreeSet<&str> =
            photos.iter().filter(|p| p.role == Role::Listed).map(|p| p.sku.as_str()).collect();
        // A variant is shown by the photographs of its style.
        let shown = products.iter().map(|p| &p.product).filter(|p| with_photo.contains(p.sku.as_str()));
        let styles: BTreeSet<&str> = shown.map(Product::style).collect();
        let without = products.iter().filter(|p| !styles.contains(p.product.style()));
        self.damage.extend(without.map(|p| Damage::NoPhoto { sku: p.product.sku.clone() }));

        self.served = self.found(store.served())?;
        let Some(served) = self.served.clone() else { return Ok(()) };
        for identity in self.found(store.identities())? {
            self.embeddings(store, &identity, &photos, identity == served)?;
        }
        Ok(())
    }

    /// What was before each change.
    fn past(&mut self, store: &Store) -> Result<(), StoreError> {
        let history = self.found(store.history())?;
        self.changes = history.len();
        let photos = self.found(store.photos())?;
        let live: BTreeSet<PhotoId> = photos.iter().map(|p| p.id).collect();
        for change in history {
            let read = before(&store.connection, change.number).map_err(|e| store.error("reading the history", e));
            let Past { products, damaged } = self.found(read)?;
            let mut is_sound = change.is_sound && damaged.is_empty();
            for (_, state) in products {
                let Before::Present(_, photos) = state else { continue };
                for photo in photos.iter().filter(|photo| !live.contains(&photo.id)) {
                    let has_bytes = has_bytes(&store.connection, photo.id, &photo.sha256);
                    let has_bytes = has_bytes.map_err(|e| store.error("reading a photo", e));
                    is_sound &= self.found(has_bytes)?;
                }
            }
            if !is_sound {
                self.damage.push(Damage::Past { change: change.number });
            }
        }
        Ok(())
    }

    /// The rows of one identity for these photographs, each of which must have one where it is served. Those of photographs that are only in
    /// the history are made anew when somebody goes back to them.
    fn embeddings(
        &mut self,
        store: &Store,
        identity: &EmbeddingIdentity,
        photos: &[super::StoredPhoto],
        is_served: bool,
    ) -> Result<(), StoreError> {
        let live: BTreeSet<PhotoId> = photos.iter().map(|p| p.id).collect();
        let mut sound: BTreeSet<PhotoId> = BTreeSet::new();
        let damaged = store.embeddings(identity, |row| {
            sound.insert(row.photo);
        });
        let mut damaged = self.found(damaged)?;
        damaged.retain(|damage| matches!(damage, Damage::Embedding { photo, .. } if live.contains(photo)));
        sound.retain(|photo| live.contains(photo));
        let mut with_row = sound.clone();
        with_row.extend(damaged.iter().filter_map(|d| match d {
            Damage::Embedding { photo, .. } => Some(*photo),
            _ => None,
        }));
        self.damage.extend(damaged);
        for photo in &sound {
            match self.found(store.float_row(identity, *photo))? {
                Some(Ok(_)) => {}
                Some(Err(damage)) => self.damage.push(damage),
                None => self.damage.push(Damage::Embedding { photo: *photo, form: "float" }),
            }
        }
        if is_served {
            self.embeddings = sound.len();
            let lacking = photos.iter().filter(|p| !with_row.contains(&p.id));
            self.damage.extend(lacking.map(|p| Damage::NoEmbedding {
                photo: p.id,
                sku: p.sku.clone(),
                name: p.name.clone(),
            }));
        }
        Ok(())
    }
}
