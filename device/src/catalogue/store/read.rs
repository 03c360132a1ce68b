//! Reading rows, each with its checksum looked at.

use super::checksum::{Checksum, Fields, sha256};
use super::{Damage, Store, StoreError};
use crate::catalogue::{PhotoId, Product};
use clothingid_shared::embedding::{Embedding, EmbeddingIdentity};
use rusqlite::{OptionalExtension, Row};

/// A product's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProduct {
    /// Its fields.
    pub product: Product,
    /// Whether they are what was written.
    pub is_sound: bool,
}

/// A photograph's row, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredPhoto {
    /// Its number.
    pub id: PhotoId,
    /// Its product.
    pub sku: String,
    /// As the catalogue file names it.
    pub name: String,
    /// Its place among the product's photographs.
    pub position: i64,
    /// SHA-256 of its bytes.
    pub sha256: Vec<u8>,
    /// Whether the row is what was written.
    pub is_sound: bool,
}

impl StoredPhoto {
    /// How its row is named where it is damaged.
    #[must_use]
    pub fn damage(&self) -> Damage {
        Damage::Photo { photo: self.id, sku: self.sku.clone(), name: self.name.clone() }
    }
}

/// The fields of a list in one column.
pub(super) const SEPARATOR: char = '|';

pub(super) fn joined(list: &[String]) -> String {
    list.join("|")
}

pub(in crate::catalogue) fn product_checksum(p: &Product) -> Checksum {
    Fields::of("product")
        .text(&p.sku)
        .text(&p.title)
        .maybe(p.price.as_deref())
        .maybe(p.currency.as_deref())
        .maybe(p.barcode.as_deref())
        .text(&joined(&p.colours))
        .text(&joined(&p.sizes))
        .maybe(p.variant_of.as_deref())
        .maybe(p.url.as_deref())
        .added("category", p.category.as_deref())
        .added("stock", p.stock.map(|stock| stock.to_string()).as_deref())
        .finish()
}

pub(super) fn photo_checksum(id: PhotoId, sku: &str, name: &str, position: i64, sha256: &[u8]) -> Checksum {
    Fields::of("photo").number(id.number()).text(sku).text(name).number(position).bytes(sha256).finish()
}

pub(super) fn setting_checksum(key: &str, value: &str) -> Checksum {
    Fields::of("setting").text(key).text(value).finish()
}

pub(super) fn identity_checksum(hash: &str, value_count: i64) -> Checksum {
    Fields::of("identity").text(hash).number(value_count).finish()
}

pub(super) fn embedding_checksum(hash: &str, photo: PhotoId, scale: f64, quantised: &[u8]) -> Checksum {
    Fields::of("embedding").text(hash).number(photo.number()).bytes(&scale.to_le_bytes()).bytes(quantised).finish()
}

pub(super) fn float_checksum(hash: &str, photo: PhotoId, floats: &[u8]) -> Checksum {
    Fields::of("embedding_float").text(hash).number(photo.number()).bytes(floats).finish()
}

/// A damaged text is not UTF-8 perhaps: it is shown as well as it can be, and its checksum then fails.
pub(super) fn text(row: &Row<'_>, column: usize) -> rusqlite::Result<String> {
    Ok(String::from_utf8_lossy(row.get_ref(column)?.as_bytes_or_null()?.unwrap_or_default()).into_owned())
}

fn maybe_text(row: &Row<'_>, column: usize) -> rusqlite::Result<Option<String>> {
    Ok(row.get_ref(column)?.as_bytes_or_null()?.map(|b| String::from_utf8_lossy(b).into_owned()))
}

fn list(row: &Row<'_>, column: usize) -> rusqlite::Result<Vec<String>> {
    Ok(text(row, column)?.split(SEPARATOR).filter(|s| !s.is_empty()).map(str::to_owned).collect())
}

/// All products of a table row by row.
pub(super) const PRODUCTS: &str =
    "SELECT sku, title, price, currency, barcode, colours, sizes, variant_of, url, category, stock, checksum
    FROM product NOT INDEXED ORDER BY rowid";

/// All photographs of a table row by row.
pub(super) const PHOTOS: &str = "SELECT id, sku, name, position, sha256, checksum FROM photo NOT INDEXED ORDER BY id";

/// The product of the first eleven columns of a row.
pub(super) fn fields(row: &Row<'_>) -> rusqlite::Result<Product> {
    Ok(Product {
        sku: text(row, 0)?,
        title: text(row, 1)?,
        price: maybe_text(row, 2)?,
        currency: maybe_text(row, 3)?,
        barcode: maybe_text(row, 4)?,
        colours: list(row, 5)?,
        sizes: list(row, 6)?,
        variant_of: maybe_text(row, 7)?,
        url: maybe_text(row, 8)?,
        category: maybe_text(row, 9)?,
        stock: maybe_text(row, 10)?.and_then(|stock| stock.parse().ok()),
    })
}

pub(super) fn product(row: &Row<'_>) -> rusqlite::Result<StoredProduct> {
    let product = fields(row)?;
    // What is no stock is nothing, and another text of the same stock is not what was written.
    let stock = maybe_text(row, 10)?;
    let is_written_so = stock == product.stock.map(|stock| stock.to_string());
    let is_sound = is_written_so && row.get_ref(11)?.as_bytes()? == product_checksum(&product);
    Ok(StoredProduct { product, is_sound })
}

pub(super) fn photo(row: &Row<'_>) -> rusqlite::Result<StoredPhoto> {
    let id = PhotoId::new(row.get(0)?);
    let (sku, name, position): (_, _, i64) = (text(row, 1)?, text(row, 2)?, row.get(3)?);
    let sha256 = row.get_ref(4)?.as_bytes()?.to_vec();
    let is_sound = row.get_ref(5)?.as_bytes()? == photo_checksum(id, &sku, &name, position, &sha256);
    Ok(StoredPhoto { id, sku, name, position, sha256, is_sound })
}

/// One served row of the search.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredEmbedding {
    /// The photograph.
    pub photo: PhotoId,
    /// Its int8 embedding.
    pub embedding: Embedding,
}

/// The int8 embedding of a row of photograph, scale, values and checksum.
pub(super) fn embedding(
    row: &Row<'_>,
    identity: &EmbeddingIdentity,
    value_count: Option<usize>,
) -> rusqlite::Result<Result<StoredEmbedding, Damage>> {
    let (photo, scale) = (PhotoId::new(row.get(0)?), row.get::<_, f64>(1)?);
    let bytes = row.get_ref(2)?.as_bytes()?;
    let is_sound = row.get_ref(3)?.as_bytes()? == embedding_checksum(identity.as_str(), photo, scale, bytes);
    if !is_sound || Some(bytes.len()) != value_count {
        return Ok(Err(Damage::Embedding { photo, form: "int8" }));
    }
    #[expect(clippy::cast_possible_truncation, reason = "it was written from a float32")]
    let scale = scale as f32;
    let values = bytes.iter().map(|b| b.cast_signed()).collect();
    Ok(Ok(StoredEmbedding { photo, embedding: Embedding { values, scale } }))
}

impl Store {
    /// A number that changes whenever another connection has changed the catalogue.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn version(&self) -> Result<i64, StoreError> {
        let read = self.connection.pragma_query_value(None, "data_version", |row| row.get(0));
        read.map_err(|e| self.error("reading its version", e))
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

    /// The bytes of a photograph as they came, or nothing where there is no such photograph.
    ///
    /// # Errors
    /// The file cannot be read. The inner error: the bytes are not what was written.
    pub fn photo_bytes(&self, id: PhotoId) -> Result<Option<Result<Vec<u8>, Damage>>, StoreError> {
        let failed = |e| self.error("reading a photo", e);
        let sql = "SELECT id, sku, name, position, sha256, checksum FROM photo WHERE id = ?1";
        let mut statement = self.connection.prepare_cached(sql).map_err(failed)?;
        let Some(row) = statement.query_row([id.number()], photo).optional().map_err(failed)? else {
            return Ok(None);
        };
        if !row.is_sound {
            return Ok(Some(Err(row.damage())));
        }
        let mut statement =
            self.connection.prepare_cached("SELECT bytes FROM photo_bytes WHERE photo = ?1").map_err(failed)?;
        let bytes: Option<Vec<u8>> = statement.query_row([id.number()], |r| r.get(0)).optional().map_err(failed)?;
        Ok(Some(match bytes {
            Some(bytes) if sha256(&bytes) == row.sha256.as_slice() => Ok(bytes),
            _ => Err(Damage::PhotoBytes { photo: id, sku: row.sku, name: row.name }),
        }))
    }

    /// What the store remembers under this name.
    ///
    /// # Errors
    /// The file cannot be read. A damaged setting reads as none; `check` names it.
    pub fn setting(&self, key: &str) -> Result<Option<String>, StoreError> {
        let row = self.connection.query_row("SELECT value, checksum FROM setting WHERE key = ?1", [key], |row| {
            let value = text(row, 0)?;
            let is_sound = row.get_ref(1)?.as_bytes()? == setting_checksum(key, &value);
            Ok(is_sound.then_some(value))
        });
        row.optional().map(Option::flatten).map_err(|e| self.error("reading the settings", e))
    }

    /// The identity of the embeddings that are searched. A store into which nothing was imported has none.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn served(&self) -> Result<Option<EmbeddingIdentity>, StoreError> {
        Ok(self.setting(super::write::SERVED)?.map(EmbeddingIdentity::from_stored))
    }

    /// Whether the served embeddings are of this identity. An empty store is of any.
    ///
    /// # Errors
    /// [`StoreError::OtherIdentity`] with the command that embeds the catalogue again.
    pub fn expect_identity(&self, wanted: &EmbeddingIdentity) -> Result<(), StoreError> {
        match self.served()? {
            Some(found) if found != *wanted => {
                let command = self.import_command()?;
                Err(StoreError::other_identity(&self.path, wanted, &found, command))
            }
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

    /// The float embedding of a photograph, or nothing where there is none.
    ///
    /// # Errors
    /// The file cannot be read. The inner error: the row is not what was written.
    pub fn float_row(
        &self,
        identity: &EmbeddingIdentity,
        id: PhotoId,
    ) -> Result<Option<Result<Vec<f32>, Damage>>, StoreError> {
        let sql = "SELECT floats, checksum FROM embedding_float
            WHERE identity = (SELECT id FROM identity WHERE hash = ?1) AND photo = ?2";
        let read = || -> rusqlite::Result<Option<Result<Vec<f32>, Damage>>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let row = statement.query_row(rusqlite::params![identity.as_str(), id.number()], |row| {
                let bytes = row.get_ref(0)?.as_bytes()?;
                let is_sound = row.get_ref(1)?.as_bytes()? == float_checksum(identity.as_str(), id, bytes);
                let (values, rest) = bytes.as_chunks::<4>();
                Ok(if is_sound && rest.is_empty() {
                    Ok(values.iter().map(|b| f32::from_le_bytes(*b)).collect())
                } else {
                    Err(Damage::Embedding { photo: id, form: "float" })
                })
            });
            row.optional()
        };
        read().map_err(|e| self.error("reading a float embedding", e))
    }

    /// The photographs that lack a sound embedding of this identity, int8 or float.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn unembedded(&self, identity: &EmbeddingIdentity) -> Result<Vec<PhotoId>, StoreError> {
        let mut sound = std::collections::BTreeSet::new();
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

    /// As the catalogue file names a photograph.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn photo_name(&self, id: PhotoId) -> Result<Option<String>, StoreError> {
        let sql = "SELECT name FROM photo WHERE id = ?1";
        let read = || self.connection.prepare_cached(sql)?.query_row([id.number()], |row| text(row, 0)).optional();
        read().map_err(|e| self.error("reading a photo", e))
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
        let rows = || self.connection.prepare(sql)?.query_map([], read)?.collect::<rusqlite::Result<Vec<T>>>();
        rows().map_err(|e| self.error(doing, e))
    }
}
