//! Reading the store: all rows of a kind, settings, bytes.

use super::checksum::sha256;
use super::rows::{PHOTOS, PRODUCTS, embedding, identity_checksum, photo, product, setting_checksum, text};
use super::{Damage, Store, StoreError, StoredEmbedding, StoredPhoto, StoredProduct};
use crate::catalogue::{PhotoId, Product, Role};
use clothingid_shared::embedding::EmbeddingIdentity;
use rusqlite::{Connection, OptionalExtension, Row};
use std::collections::{BTreeSet, HashMap};

/// A product with its photographs, in the shop's order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// Its fields.
    pub product: Product,
    /// The photographs that the shop lists.
    pub photos: Vec<StoredPhoto>,
}

impl Store {
    /// A number that changes whenever another connection has changed the catalogue.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn version(&self) -> Result<i64, StoreError> {
        let read = || self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0));
        read().map_err(|e| self.error("reading its version", e))
    }

    /// All products in the order in which they came, the damaged ones among them.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn products(&self) -> Result<Vec<StoredProduct>, StoreError> {
        self.all("reading the products", PRODUCTS, product)
    }

    /// All photographs in the order of their numbers, without their bytes.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn photos(&self) -> Result<Vec<StoredPhoto>, StoreError> {
        self.all("reading the photos", PHOTOS, photo)
    }

    /// All products with the photographs that the shop lists, in its order, as far as their rows are what was written; and those that are not.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn items(&self) -> Result<(Vec<Item>, Vec<Damage>), StoreError> {
        let mut damage = Vec::new();
        let mut photos: HashMap<String, Vec<StoredPhoto>> = HashMap::new();
        self.each_photo(|photo| {
            if photo.is_sound && photo.role != Role::Listed {
                return;
            }
            if photo.is_sound {
                photos.entry(photo.sku.clone()).or_default().push(photo);
            } else {
                damage.push(photo.damage());
            }
        })?;
        let mut items = Vec::new();
        self.each_product(|StoredProduct { product, is_sound }| {
            if is_sound {
                let mut photos = photos.remove(&product.sku).unwrap_or_default();
                photos.sort_by_key(|photo| photo.position);
                items.push(Item { product, photos });
            } else {
                damage.push(Damage::Product { sku: product.sku });
            }
        })?;
        damage.sort();
        Ok((items, damage))
    }

    /// The bytes of a photograph as they came, or nothing where there is no such photograph.
    ///
    /// # Errors
    /// The file cannot be read. The inner error: the bytes are not what was written.
    pub fn photo_bytes(&self, id: PhotoId) -> Result<Option<Result<Vec<u8>, Damage>>, StoreError> {
        let Some(row) = self.photo(id)? else { return Ok(None) };
        if !row.is_sound {
            return Ok(Some(Err(row.damage())));
        }
        let sql = "SELECT bytes FROM photo_bytes WHERE photo = ?1";
        let read = || self.connection.prepare_cached(sql)?.query_row([id.number()], |row| row.get(0)).optional();
        let bytes: Option<Vec<u8>> = read().map_err(|e| self.error("reading a photo", e))?;
        Ok(Some(match bytes {
            Some(bytes) if sha256(&bytes) == row.sha256.as_slice() => Ok(bytes),
            _ => Err(row.damage_of_bytes()),
        }))
    }

    /// What the store remembers under this name.
    ///
    /// # Errors
    /// The file cannot be read. A damaged setting reads as none; `check` names it.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        setting(&self.connection, key).map_err(|e| self.error("reading the settings", e))
    }

    /// The identity of the embeddings that are searched. A store into which nothing was imported has none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn served(&self) -> Result<Option<EmbeddingIdentity>, StoreError> {
        Ok(self.setting(super::serving::SERVED)?.map(EmbeddingIdentity::from_stored))
    }

    /// Whether the served embeddings are of this identity. An empty store is of any.
    ///
    /// # Errors
    /// [`StoreError::OtherIdentity`] with the command that embeds the catalogue again.
    pub fn expect_identity(&self, wanted: &EmbeddingIdentity) -> Result<(), StoreError> {
        match self.served()? {
            Some(found) if found != *wanted => Err(StoreError::other_identity(&self.path, wanted, &found)),
            _ => Ok(()),
        }
    }

    /// The command of the last import.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn import_command(&self) -> Result<String, StoreError> {
        let or = |value: Option<String>, place: &str| value.unwrap_or_else(|| place.to_owned());
        let csv = or(self.setting(super::write::LAST_CSV)?, "CSV");
        let photos = or(self.setting(super::write::LAST_PHOTOS)?, "DIR");
        let catalogue = super::error::quoted(&self.path);
        Ok(format!("clothingid catalogue import {csv} --photos {photos} --catalogue {catalogue}"))
    }

    /// The identities of all embeddings, of the served ones and of those that are being made.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn identities(&self) -> Result<Vec<EmbeddingIdentity>, StoreError> {
        let identity = |row: &Row<'_>| Ok(EmbeddingIdentity::from_stored(row.get(0)?));
        self.all("reading the identities", "SELECT hash FROM identity", identity)
    }

    /// How many values the embeddings of this identity have, if there are any.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn value_count(&self, identity: &EmbeddingIdentity) -> Result<Option<usize>, StoreError> {
        let sql = "SELECT value_count, checksum FROM identity WHERE hash = ?1";
        let row = self.connection.query_row(sql, [identity.as_str()], |row| {
            let count: i64 = row.get(0)?;
            let is_sound = row.get_ref(1)?.as_bytes()? == identity_checksum(identity.as_str(), count);
            Ok(usize::try_from(count).ok().filter(|_| is_sound))
        });
        row.optional().map(Option::flatten).map_err(|e| self.error("reading the identities", e))
    }

    /// Gives each int8 embedding of this identity to `take`, in the order of the photographs. Those that are not what
    /// was written, or have another length, are named instead.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn embeddings(
        &self,
        identity: &EmbeddingIdentity,
        mut take: impl FnMut(StoredEmbedding),
    ) -> Result<Vec<Damage>, StoreError> {
        let mut damage = Vec::new();
        let value_count = self.value_count(identity)?;
        let sql = "SELECT photo, scale, quantised, checksum FROM embedding
            WHERE identity = (SELECT id FROM identity WHERE hash = ?1) ORDER BY photo";
        let mut sweep = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query([identity.as_str()])?;
            while let Some(row) = rows.next()? {
                match embedding(row, identity, value_count)? {
                    Ok(row) => take(row),
                    Err(found) => damage.push(found),
                }
            }
            Ok(())
        };
        sweep().map_err(|e| self.error("reading the embeddings", e))?;
        Ok(damage)
    }

    /// The photographs that lack a sound embedding of this identity, int8 or float.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn unembedded(&self, identity: &EmbeddingIdentity) -> Result<Vec<PhotoId>, StoreError> {
        let mut sound = BTreeSet::new();
        self.embeddings(identity, |row| {
            sound.insert(row.photo);
        })?;
        let mut lacking = Vec::new();
        for id in self.photo_ids()? {
            if !sound.contains(&id) || !matches!(self.float_row(identity, id)?, Some(Ok(_))) {
                lacking.push(id);
            }
        }
        Ok(lacking)
    }

    /// How many bytes a photograph has, or nothing where its bytes are not here.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn photo_byte_len(&self, id: PhotoId) -> Result<Option<u64>, StoreError> {
        let sql = "SELECT length(bytes) FROM photo_bytes WHERE photo = ?1";
        let read =
            || self.connection.prepare_cached(sql)?.query_row([id.number()], |row| row.get::<_, i64>(0)).optional();
        read().map(|len| len.map(i64::cast_unsigned)).map_err(|e| self.error("reading a photo", e))
    }

    /// How many photographs have their bytes here.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn stored_photo_count(&self) -> Result<usize, StoreError> {
        let sql = "SELECT count(*) FROM photo_bytes";
        let count = self.connection.query_row(sql, [], |row| row.get::<_, i64>(0));
        count.map(|count| usize::try_from(count).unwrap_or(0)).map_err(|e| self.error("reading the photos", e))
    }

    fn photo_ids(&self) -> Result<Vec<PhotoId>, StoreError> {
        let sql = "SELECT id FROM photo NOT INDEXED ORDER BY id";
        self.all("reading the photos", sql, |row| row.get(0).map(PhotoId::new))
    }

    /// All rows of a statement without parameters.
    pub(super) fn all<T>(
        &self,
        doing: &'static str,
        sql: &str,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        self.each(doing, sql, read, |row| all.push(row))?;
        Ok(all)
    }

    /// Gives all rows of a statement without parameters to `take`, one by one.
    pub(super) fn each<T>(
        &self,
        doing: &'static str,
        sql: &str,
        mut read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
        mut take: impl FnMut(T),
    ) -> Result<(), StoreError> {
        let mut sweep = || -> rusqlite::Result<()> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                take(read(row)?);
            }
            Ok(())
        };
        sweep().map_err(|e| self.error(doing, e))
    }
}

/// Whether the bytes of a photograph, listed now or before a change, are what was written.
pub(super) fn has_bytes(connection: &Connection, photo: PhotoId, hash: &[u8]) -> rusqlite::Result<bool> {
    let mut statement = connection.prepare_cached("SELECT bytes FROM photo_bytes WHERE photo = ?1")?;
    let is_sound = |row: &Row<'_>| Ok(sha256(row.get_ref(0)?.as_bytes()?).as_slice() == hash);
    Ok(statement.query_row([photo.number()], is_sound).optional()?.unwrap_or(false))
}

/// What is remembered under this name, if it is what was written.
pub(super) fn setting(connection: &Connection, key: &str) -> rusqlite::Result<Option<String>> {
    let row = connection.query_row("SELECT value, checksum FROM setting WHERE key = ?1", [key], |row| {
        let value = text(row, 0)?;
        let is_sound = row.get_ref(1)?.as_bytes()? == setting_checksum(key, &value);
        Ok(is_sound.then_some(value))
    });
    row.optional().map(Option::flatten)
}
