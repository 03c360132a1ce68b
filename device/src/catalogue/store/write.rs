//! Everything that changes the store. Each function is one transaction: it is done when it returns, or not at all.

use super::checksum::sha256;
use super::read::{
    embedding_checksum, float_checksum, identity_checksum, joined, photo_checksum, product_checksum, setting_checksum,
};
use super::{Store, StoreError};
use crate::catalogue::{PhotoId, Product};
use clothingid_shared::embedding::{Embedding, EmbeddingIdentity};
use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

/// The settings' names.
pub(super) const SERVED: &str = "served_identity";
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
    /// The file cannot be written; nothing is changed then.
    pub fn commit(
        &mut self,
        identity: &EmbeddingIdentity,
        products: &[ProductWrite],
        embedded: &[(PhotoId, Embedded)],
    ) -> Result<(), StoreError> {
        self.transact("writing products", |t| {
            for product in products {
                write_product(t, identity, product)?;
            }
            for (photo, embedded) in embedded {
                write_embedding(t, identity, *photo, embedded)?;
            }
            let served = t.query_row("SELECT 1 FROM setting WHERE key = ?1", [SERVED], |_| Ok(())).optional()?;
            if served.is_none() {
                write_setting(t, SERVED, identity.as_str())?;
            }
            Ok(())
        })
    }

    /// Serves this identity and forgets the embeddings of all others.
    ///
    /// # Errors
    /// The file cannot be written; nothing is changed then.
    pub fn serve(&mut self, identity: &EmbeddingIdentity) -> Result<(), StoreError> {
        self.transact("switching to the new embeddings", |t| {
            write_setting(t, SERVED, identity.as_str())?;
            t.execute("DELETE FROM identity WHERE hash <> ?1", [identity.as_str()]).map(drop)
        })
    }

    /// Removes a product with its photographs. Says whether there was one.
    ///
    /// # Errors
    /// The file cannot be written; nothing is changed then.
    pub fn remove(&mut self, sku: &str) -> Result<bool, StoreError> {
        self.transact("removing a product", |t| t.execute("DELETE FROM product WHERE sku = ?1", [sku]).map(|n| n > 0))
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

    fn transact<T>(
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
    t.prepare_cached(
        "INSERT INTO product (sku, title, price, currency, barcode, colours, sizes, variant_of, url, checksum)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
         ON CONFLICT (sku) DO UPDATE SET title = ?2, price = ?3, currency = ?4, barcode = ?5, colours = ?6,
            sizes = ?7, variant_of = ?8, url = ?9, checksum = ?10",
    )?
    .execute(params![
        p.sku,
        p.title,
        p.price,
        p.currency,
        p.barcode,
        joined(&p.colours),
        joined(&p.sizes),
        p.variant_of,
        p.url,
        product_checksum(p)
    ])?;
    for id in &write.remove {
        t.prepare_cached("DELETE FROM photo WHERE id = ?1")?.execute([id.number()])?;
    }
    for (position, photo) in (0_i64..).zip(&write.photos) {
        match photo {
            PhotoWrite::Keep(id) => keep_photo(t, *id, &p.sku, position)?,
            PhotoWrite::Add { name, bytes, embedded } => {
                let id = add_photo(t, &p.sku, name, position, bytes)?;
                write_embedding(t, identity, id, embedded)?;
            }
        }
    }
    Ok(())
}

/// Puts a stored photograph in its place. Its row is rewritten only where the place is another one.
fn keep_photo(t: &Transaction<'_>, id: PhotoId, sku: &str, position: i64) -> rusqlite::Result<()> {
    let row: Option<(String, Vec<u8>)> = t
        .prepare_cached("SELECT name, sha256 FROM photo WHERE id = ?1 AND position <> ?2")?
        .query_row(params![id.number(), position], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    if let Some((name, sha256)) = row {
        let checksum = photo_checksum(id, sku, &name, position, &sha256);
        t.prepare_cached("UPDATE photo SET position = ?2, checksum = ?3 WHERE id = ?1")?.execute(params![
            id.number(),
            position,
            checksum
        ])?;
    }
    Ok(())
}

fn add_photo(t: &Transaction<'_>, sku: &str, name: &str, position: i64, bytes: &[u8]) -> rusqlite::Result<PhotoId> {
    let hash = sha256(bytes);
    t.prepare_cached("DELETE FROM photo WHERE sku = ?1 AND name = ?2")?.execute([sku, name])?;
    // The number is part of the checksum, and is known only after the row is there.
    t.prepare_cached("INSERT INTO photo (sku, name, position, sha256, checksum) VALUES (?1, ?2, ?3, ?4, X'')")?
        .execute(params![sku, name, position, hash])?;
    let id = PhotoId::new(t.last_insert_rowid());
    t.prepare_cached("UPDATE photo SET checksum = ?2 WHERE id = ?1")?
        .execute(params![id.number(), photo_checksum(id, sku, name, position, &hash)])?;
    t.prepare_cached("INSERT INTO photo_bytes (photo, bytes) VALUES (?1, ?2)")?.execute(params![id.number(), bytes])?;
    Ok(id)
}

fn write_embedding(
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

fn write_setting(t: &Transaction<'_>, key: &str, value: &str) -> rusqlite::Result<()> {
    t.execute(
        "INSERT OR REPLACE INTO setting (key, value, checksum) VALUES (?1, ?2, ?3)",
        params![key, value, setting_checksum(key, value)],
    )
    .map(drop)
}
