//! Reading what a search shows and what a change has touched: single rows, and all of them at one time.

use super::rows::{PHOTOS, PRODUCTS, embedding, photo, photo_columns, product, product_columns};
use super::{Damage, Store, StoreError, StoredEmbedding, StoredPhoto, StoredProduct};
use crate::catalogue::PhotoId;
use clothingid_shared::embedding::EmbeddingIdentity;
use rusqlite::{OptionalExtension, params};

impl Store {
    /// All that `read` reads is the catalogue at one time, whatever is written to it meanwhile. Not to be nested.
    ///
    /// # Errors
    /// Those of `read`; the file cannot be read.
    pub fn at_one_time<T, E: From<StoreError>>(&self, read: impl FnOnce(&Self) -> Result<T, E>) -> Result<T, E> {
        let execute = |sql| self.connection.execute_batch(sql).map_err(|e| self.error("opening a view", e));
        // The view is fixed by the first read and not by `BEGIN`.
        execute("BEGIN; SELECT 1 FROM setting LIMIT 1")?;
        let value = read(self);
        let ended = execute("ROLLBACK");
        let value = value?;
        ended?;
        Ok(value)
    }

    /// Gives each product to `take`, in the order in which they came.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn each_product(&self, take: impl FnMut(StoredProduct)) -> Result<(), StoreError> {
        self.each("reading the products", PRODUCTS, product, take)
    }

    /// Gives each photograph to `take`, in the order of their numbers.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn each_photo(&self, take: impl FnMut(StoredPhoto)) -> Result<(), StoreError> {
        self.each("reading the photos", PHOTOS, photo, take)
    }

    /// One product.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn product(&self, sku: &str) -> Result<Option<StoredProduct>, StoreError> {
        let sql = concat!("SELECT ", product_columns!(), ", checksum FROM product WHERE sku = ?1");
        let read = || self.connection.prepare_cached(sql)?.query_row([sku], product).optional();
        read().map_err(|e| self.error("reading a product", e))
    }

    /// The products of a style, in the order in which they came. Looks at every product's row.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn products_of_style(&self, style: &str) -> Result<Vec<StoredProduct>, StoreError> {
        let sql = concat!(
            "SELECT ",
            product_columns!(),
            ", checksum FROM product WHERE coalesce(variant_of, sku) = ?1 ORDER BY rowid"
        );
        let read =
            || self.connection.prepare_cached(sql)?.query_map([style], product)?.collect::<rusqlite::Result<_>>();
        read().map_err(|e| self.error("reading the products", e))
    }

    /// A product's photographs in the shop's order.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn photos_of(&self, sku: &str) -> Result<Vec<StoredPhoto>, StoreError> {
        let sql = concat!("SELECT ", photo_columns!(), " FROM photo WHERE sku = ?1 ORDER BY position, id");
        let read = || self.connection.prepare_cached(sql)?.query_map([sku], photo)?.collect::<rusqlite::Result<_>>();
        read().map_err(|e| self.error("reading the photos", e))
    }

    /// One photograph, without its bytes.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn photo(&self, id: PhotoId) -> Result<Option<StoredPhoto>, StoreError> {
        let sql = concat!("SELECT ", photo_columns!(), " FROM photo WHERE id = ?1");
        let read = || self.connection.prepare_cached(sql)?.query_row([id.number()], photo).optional();
        read().map_err(|e| self.error("reading a photo", e))
    }

    /// The int8 embedding of a photograph, or nothing where there is none. `value_count` is that of the identity.
    ///
    /// # Errors
    /// The file cannot be read. The inner error: the row is not what was written, or has another length.
    pub fn embedding_of(
        &self,
        identity: &EmbeddingIdentity,
        id: PhotoId,
        value_count: usize,
    ) -> Result<Option<Result<StoredEmbedding, Damage>>, StoreError> {
        let sql = "SELECT photo, scale, quantised, checksum FROM embedding
            WHERE identity = (SELECT id FROM identity WHERE hash = ?1) AND photo = ?2";
        let read = || {
            let mut statement = self.connection.prepare_cached(sql)?;
            let row = params![identity.as_str(), id.number()];
            statement.query_row(row, |row| embedding(row, identity, Some(value_count))).optional()
        };
        read().map_err(|e| self.error("reading the embeddings", e))
    }
}
