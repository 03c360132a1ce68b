//! Everything that changes the store. Each function is one transaction: it is done when it returns, or not at all.

use super::checksum::sha256;
use super::rows::{
    embedding_checksum, float_checksum, identity_checksum, photo_checksum, product_checksum, product_columns,
    product_values, setting_checksum,
};
use super::serving::{SERVED, serve_first, served};
use super::since::renew_epoch;
use super::{Store, StoreError};
use crate::catalogue::{PhotoId, Product, Role};
use clothingid_shared::embedding::{Embedding, EmbeddingIdentity};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params, params_from_iter};

/// The settings' names.
pub(super) const LAST_CSV: &str = "last_csv";
pub(super) const LAST_PHOTOS: &str = "last_photos";

/// An embedding in both forms.
#[derive(Debug, Clone, PartialEq)]
pub struct Embedded {
    /// For the scan.
    pub quantised: Embedding,
    /// For the re-rank, of length one.
    pub floats: Vec<f32>,
}

/// One product as it is to be.
#[derive(Debug, Clone, PartialEq)]
pub struct ProductWrite {
    /// Its fields.
    pub product: Product,
    /// Its photographs in their order.
    pub photos: Vec<PhotoWrite>,
    /// Those of its photographs that are to go.
    pub remove: Vec<PhotoId>,
}

/// One photograph of a product.
#[derive(Debug, Clone, PartialEq)]
pub enum PhotoWrite {
    /// It is stored already.
    Keep(PhotoId),
    /// It is new, or replaces one of the same name.
    Add {
        /// As the catalogue file names it.
        name: String,
        /// The file's bytes.
        bytes: Vec<u8>,
        /// Its embedding.
        embedded: Embedded,
    },
}

impl Store {
    /// Writes products with their photographs, and embeddings of photographs that are stored already, all of this
    /// identity. A store that served nothing serves this identity from then on.
    ///
    /// # Errors
    /// The file cannot be written, or [another identity](Store::hold_to_served) is served by now; nothing is changed then.
    pub fn commit(
        &mut self,
        identity: &EmbeddingIdentity,
        products: &[ProductWrite],
        embedded: &[(PhotoId, Embedded)],
    ) -> Result<(), StoreError> {
        let held_to = self.served_before.clone();
        let refused = self.change("writing products", |t, change| {
            let served = served(t)?;
            if let (Some(before), Some(now)) = (held_to, &served)
                && before.as_ref() != Some(now)
                && now != identity
            {
                return Ok(served);
            }
            for product in products {
                change.touch(t, &product.product.sku)?;
                write_product(t, identity, product)?;
            }
            for (photo, embedded) in embedded {
                // Nothing would ever remove the rows of a photograph that is gone since it was read.
                let sql = "SELECT 1 FROM photo WHERE id = ?1";
                if t.prepare_cached(sql)?.query_row([photo.number()], |_| Ok(())).optional()?.is_some() {
                    write_embedding(t, identity, *photo, embedded)?;
                }
            }
            serve_first(t, identity)?;
            if !embedded.is_empty() && served.as_ref() == Some(identity) {
                // No product is touched, and yet another row is searched.
                renew_epoch(t)?;
            }
            Ok(None)
        })?;
        refused.map_or(Ok(()), |found| Err(StoreError::other_identity(&self.path, identity, &found)))
    }

    /// Removes a product with its photographs. Says whether there was one.
    ///
    /// # Errors
    /// The file cannot be written; nothing is changed then.
    pub fn remove(&mut self, sku: &str) -> Result<bool, StoreError> {
        self.remove_all(&[sku.to_owned()]).map(|count| count > 0)
    }

    /// Removes products with their photographs, all at once. Says how many there were.
    ///
    /// # Errors
    /// The file cannot be written; nothing is changed then.
    pub fn remove_all(&mut self, skus: &[String]) -> Result<usize, StoreError> {
        if skus.is_empty() {
            return Ok(0);
        }
        self.change("removing products", |t, change| {
            let mut count = 0;
            for sku in skus {
                let sql = "SELECT 1 FROM product WHERE sku = ?1";
                if t.prepare_cached(sql)?.query_row([sku], |_| Ok(())).optional()?.is_some() {
                    change.touch(t, sku)?;
                    delete_product(t, sku)?;
                    count += 1;
                }
            }
            Ok(count)
        })
    }

    /// Writes a setting.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn set_setting(&mut self, key: &str, value: &str) -> Result<(), StoreError> {
        self.transact("writing the settings", |t| write_setting(t, key, value))
    }

    /// Forgets all settings but whose embeddings are served.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn clear_settings(&mut self) -> Result<(), StoreError> {
        self.transact("writing the settings", |t| t.execute("DELETE FROM setting WHERE key <> ?1", [SERVED]).map(drop))
    }

    /// Removes the bytes and embeddings of photographs and keeps their rows: the store is then a part of another one.
    ///
    /// # Errors
    /// The file cannot be written; nothing is changed then.
    pub fn drop_bytes(&mut self, photos: &[PhotoId]) -> Result<(), StoreError> {
        self.transact("leaving out photos", |t| photos.iter().try_for_each(|id| drop_bytes(t, *id)))
    }

    /// Remembers the arguments of the import, as a shell takes them, for messages. Writes only what is new.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn remember_import(&mut self, csv: &str, photos: &str) -> Result<(), StoreError> {
        for (key, value) in [(LAST_CSV, csv), (LAST_PHOTOS, photos)] {
            if self.setting(key)?.as_deref() != Some(value) {
                self.transact("writing the settings", |t| write_setting(t, key, value))?;
            }
        }
        Ok(())
    }

    pub(super) fn transact<T>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let outcome = self.connection.transaction_with_behavior(TransactionBehavior::Immediate).and_then(|t| {
            let value = work(&t)?;
            t.commit()?;
            Ok(value)
        });
        outcome.map_err(|e| self.error(doing, e))
    }
}

fn write_product(t: &Transaction<'_>, identity: &EmbeddingIdentity, write: &ProductWrite) -> rusqlite::Result<()> {
    let p = &write.product;
    write_fields(t, p)?;
    for id in &write.remove {
        delete_photo(t, *id)?;
    }
    for (position, photo) in (0_i64..).zip(&write.photos) {
        match photo {
            PhotoWrite::Keep(id) => keep_photo(t, *id, &p.sku, position)?,
            PhotoWrite::Add { name, bytes, embedded } => {
                let hash = sha256(bytes);
                // What the shop itself shows the product with is no evidence any more, for or against it.
                drop_evidence(t, &p.sku, &hash)?;
                let id = add_photo(t, (&p.sku, name, position), (bytes, &hash), Role::Listed)?;
                write_embedding(t, identity, id, embedded)?;
            }
        }
    }
    Ok(())
}

/// Removes the evidence of a product that is these bytes.
fn drop_evidence(t: &Transaction<'_>, sku: &str, hash: &[u8; 32]) -> rusqlite::Result<()> {
    let mut statement = t.prepare_cached("SELECT id FROM photo WHERE sku = ?1 AND sha256 = ?2 AND role IS NOT NULL")?;
    let ids: Vec<i64> = statement.query_map(params![sku, hash], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    ids.into_iter().try_for_each(|id| delete_photo(t, PhotoId::new(id)))
}

/// Writes a product's row.
pub(super) fn write_fields(t: &Transaction<'_>, p: &Product) -> rusqlite::Result<()> {
    let sql = concat!(
        "INSERT INTO product (",
        product_columns!(),
        ", checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)
         ON CONFLICT (sku) DO UPDATE SET title = ?2, price = ?3, currency = ?4, barcode = ?5, colours = ?6,
            sizes = ?7, variant_of = ?8, url = ?9, category = ?10, stock = ?11, checksum = ?12"
    );
    let checksum = Value::from(product_checksum(p).to_vec());
    t.prepare_cached(sql)?.execute(params_from_iter(product_values(p).into_iter().chain([checksum]))).map(drop)
}

/// Removes a product's row and those of its photographs.
pub(super) fn delete_product(t: &Transaction<'_>, sku: &str) -> rusqlite::Result<()> {
    let mut statement = t.prepare_cached("SELECT id FROM photo WHERE sku = ?1")?;
    let ids: Vec<i64> = statement.query_map([sku], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    for id in ids {
        delete_photo(t, PhotoId::new(id))?;
    }
    t.prepare_cached("DELETE FROM product WHERE sku = ?1")?.execute([sku]).map(drop)
}

/// Removes a photograph's row; its bytes and embeddings too, unless a change that can be undone needs them.
pub(super) fn delete_photo(t: &Transaction<'_>, id: PhotoId) -> rusqlite::Result<()> {
    let sql = "SELECT sha256, bytes FROM photo LEFT JOIN photo_bytes ON photo_bytes.photo = photo.id WHERE id = ?1";
    let is_sound = t
        .prepare_cached(sql)?
        .query_row([id.number()], |row| {
            let bytes = row.get_ref(1)?.as_bytes_or_null()?;
            Ok(bytes.is_some_and(|bytes| row.get_ref(0).is_ok_and(|sum| sum.as_bytes() == Ok(&sha256(bytes)))))
        })
        .optional()?;
    if is_sound == Some(false) {
        // Nobody can go back to a photograph that is damaged.
        t.prepare_cached("DELETE FROM past_photo WHERE id = ?1")?.execute([id.number()])?;
    }
    t.prepare_cached("DELETE FROM photo WHERE id = ?1")?.execute([id.number()])?;
    free_photo(t, id)
}

/// Removes the bytes and embeddings of a photograph that nothing needs any more.
pub(super) fn free_photo(t: &Transaction<'_>, id: PhotoId) -> rusqlite::Result<()> {
    let sql =
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM photo WHERE id = ?1) OR EXISTS (SELECT 1 FROM past_photo WHERE id = ?1)";
    if t.prepare_cached(sql)?.query_row([id.number()], |_| Ok(())).optional()?.is_none() {
        drop_bytes(t, id)?;
    }
    Ok(())
}

fn drop_bytes(t: &Transaction<'_>, id: PhotoId) -> rusqlite::Result<()> {
    for sql in [
        "DELETE FROM photo_bytes WHERE photo = ?1",
        "DELETE FROM embedding WHERE photo = ?1",
        "DELETE FROM embedding_float WHERE photo = ?1",
    ] {
        t.prepare_cached(sql)?.execute([id.number()])?;
    }
    Ok(())
}

/// Puts a stored photograph in its place. Its row is rewritten only where the place is another one.
fn keep_photo(t: &Transaction<'_>, id: PhotoId, sku: &str, position: i64) -> rusqlite::Result<()> {
    // No row: somebody else has removed it since this was planned, and the whole transaction is given up.
    let (name, sha256, place): (String, Vec<u8>, i64) = t
        .prepare_cached("SELECT name, sha256, position FROM photo WHERE id = ?1 AND sku = ?2 AND role IS NULL")?
        .query_row(params![id.number(), sku], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
    if place != position {
        // Evidence has no place of its own.
        let checksum = photo_checksum(id, sku, &name, position, &sha256, Role::Listed);
        t.prepare_cached("UPDATE photo SET position = ?2, checksum = ?3 WHERE id = ?1")?.execute(params![
            id.number(),
            position,
            checksum
        ])?;
    }
    Ok(())
}

/// Adds a photograph at its place, with its bytes and their SHA-256. One of the same name is replaced.
pub(super) fn add_photo(
    t: &Transaction<'_>,
    (sku, name, position): (&str, &str, i64),
    (bytes, hash): (&[u8], &[u8; 32]),
    role: Role,
) -> rusqlite::Result<PhotoId> {
    let mut statement = t.prepare_cached("SELECT id FROM photo WHERE sku = ?1 AND name = ?2")?;
    let replaced: Option<i64> = statement.query_row([sku, name], |row| row.get(0)).optional()?;
    if let Some(id) = replaced {
        delete_photo(t, PhotoId::new(id))?;
    }
    // The number is part of the checksum, and is known only after the row is there.
    t.prepare_cached(
        "INSERT INTO photo (sku, name, position, sha256, role, checksum) VALUES (?1, ?2, ?3, ?4, ?5, X'')",
    )?
    .execute(params![sku, name, position, hash, role.stored()])?;
    let id = PhotoId::new(t.last_insert_rowid());
    t.prepare_cached("UPDATE photo SET checksum = ?2 WHERE id = ?1")?
        .execute(params![id.number(), photo_checksum(id, sku, name, position, hash, role)])?;
    t.prepare_cached("INSERT INTO photo_bytes (photo, bytes) VALUES (?1, ?2)")?.execute(params![id.number(), bytes])?;
    Ok(id)
}

pub(super) fn write_embedding(
    t: &Transaction<'_>,
    identity: &EmbeddingIdentity,
    photo: PhotoId,
    embedded: &Embedded,
) -> rusqlite::Result<()> {
    let hash = identity.as_str();
    let value_count = i64::try_from(embedded.quantised.values.len()).unwrap_or(i64::MAX);
    t.prepare_cached("INSERT INTO identity (hash, value_count, checksum) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING")?
        .execute(params![hash, value_count, identity_checksum(hash, value_count)])?;
    let identity_id: i64 =
        t.prepare_cached("SELECT id FROM identity WHERE hash = ?1")?.query_row([hash], |row| row.get(0))?;

    let quantised: Vec<u8> = embedded.quantised.values.iter().map(|v| v.cast_unsigned()).collect();
    let scale = f64::from(embedded.quantised.scale);
    t.prepare_cached(
        "INSERT OR REPLACE INTO embedding (identity, photo, scale, quantised, checksum) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?
    .execute(params![
        identity_id,
        photo.number(),
        scale,
        quantised,
        embedding_checksum(hash, photo, scale, &quantised)
    ])?;
    let floats: Vec<u8> = embedded.floats.iter().flat_map(|v| v.to_le_bytes()).collect();
    t.prepare_cached(
        "INSERT OR REPLACE INTO embedding_float (identity, photo, floats, checksum) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![identity_id, photo.number(), floats, float_checksum(hash, photo, &floats)])?;
    Ok(())
}

pub(super) fn write_setting(t: &Transaction<'_>, key: &str, value: &str) -> rusqlite::Result<()> {
    t.execute(
        "INSERT OR REPLACE INTO setting (key, value, checksum) VALUES (?1, ?2, ?3)",
        params![key, value, setting_checksum(key, value)],
    )
    .map(drop)
}
