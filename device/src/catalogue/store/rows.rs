//! What a row is: its columns, its checksum, and what is read of it.

use super::Damage;
use super::checksum::{Checksum, Fields};
use crate::catalogue::{PhotoId, Product, Role};
use clothingid_shared::embedding::{Embedding, EmbeddingIdentity};
use rusqlite::Row;
use rusqlite::types::Value;

/// The fields of a product, in the order of [`fields`] and [`product_values`].
macro_rules! product_columns {
    () => {
        "sku, title, price, currency, barcode, colours, sizes, variant_of, url, category, stock"
    };
}

/// The columns of a photograph's row, in the order of [`photo`].
macro_rules! photo_columns {
    () => {
        "id, sku, name, position, sha256, role, checksum"
    };
}

pub(super) use {photo_columns, product_columns};

/// A product's row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredProduct {
    /// Its fields.
    pub product: Product,
    /// Whether they are what was written.
    pub is_sound: bool,
}

impl StoredProduct {
    /// The columns in which another form of the product differs.
    #[must_use]
    pub fn differences(&self, other: &Product) -> Vec<&'static str> {
        let Product { sku: _, title, price, currency, barcode, colours, sizes, variant_of, url, category, stock } =
            &self.product;
        let fields = [
            ("title", *title != other.title),
            ("price", *price != other.price),
            ("currency", *currency != other.currency),
            ("barcode", *barcode != other.barcode),
            ("colour", *colours != other.colours),
            ("size", *sizes != other.sizes),
            ("variant_of", *variant_of != other.variant_of),
            ("url", *url != other.url),
            ("category", *category != other.category),
            ("stock", *stock != other.stock),
            ("damaged row", !self.is_sound),
        ];
        fields.into_iter().filter(|(_, differs)| *differs).map(|(name, _)| name).collect()
    }
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
    /// What it says of the product.
    pub role: Role,
    /// Whether the row is what was written.
    pub is_sound: bool,
}

impl StoredPhoto {
    /// How its row is named where it is damaged.
    #[must_use]
    pub fn damage(&self) -> Damage {
        let (photo, sku, name) = (self.id, self.sku.clone(), self.name.clone());
        if self.role == Role::Listed { Damage::Photo { photo, sku, name } } else { Damage::Evidence { sku, name } }
    }

    /// How its bytes are named where they are damaged.
    #[must_use]
    pub fn damage_of_bytes(&self) -> Damage {
        let (photo, sku, name) = (self.id, self.sku.clone(), self.name.clone());
        if self.role == Role::Listed { Damage::PhotoBytes { photo, sku, name } } else { Damage::Evidence { sku, name } }
    }
}

/// The fields of a list in one column.
pub(super) const SEPARATOR: char = '|';

fn joined(list: &[String]) -> String {
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

pub(super) fn photo_checksum(id: PhotoId, sku: &str, name: &str, position: i64, sha256: &[u8], role: Role) -> Checksum {
    let fields = Fields::of("photo").number(id.number()).text(sku).text(name).number(position).bytes(sha256);
    fields.added("role", role.stored()).finish()
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
    concat!("SELECT ", product_columns!(), ", checksum FROM product NOT INDEXED ORDER BY rowid");

/// All photographs of a table row by row.
pub(super) const PHOTOS: &str = concat!("SELECT ", photo_columns!(), " FROM photo NOT INDEXED ORDER BY id");

/// What is written of a product.
pub(super) fn product_values(p: &Product) -> [Value; 11] {
    [
        p.sku.clone().into(),
        p.title.clone().into(),
        p.price.clone().into(),
        p.currency.clone().into(),
        p.barcode.clone().into(),
        joined(&p.colours).into(),
        joined(&p.sizes).into(),
        p.variant_of.clone().into(),
        p.url.clone().into(),
        p.category.clone().into(),
        p.stock.map(|stock| stock.to_string()).into(),
    ]
}

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
    let (role, is_role) = role(row, 5)?;
    let is_sound = is_role && row.get_ref(6)?.as_bytes()? == photo_checksum(id, &sku, &name, position, &sha256, role);
    Ok(StoredPhoto { id, sku, name, position, sha256, role, is_sound })
}

/// A role, and whether the column names one.
pub(super) fn role(row: &Row<'_>, column: usize) -> rusqlite::Result<(Role, bool)> {
    let stored = maybe_text(row, column)?;
    let role = stored.as_deref().map_or(Ok(Role::Listed), str::parse);
    Ok((role.unwrap_or_default(), role.is_ok()))
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
