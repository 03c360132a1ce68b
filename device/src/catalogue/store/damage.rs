//! One row or photograph that is not what was written.

use crate::catalogue::PhotoId;

/// What is damaged. Everything else is still good.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Damage {
    /// The file's own structure, as SQLite tells it.
    #[error("the file's structure is damaged: {0}")]
    Structure(String),
    /// A product's row.
    #[error("the row of the product `{sku}` is not what was written")]
    Product {
        /// As the row has it, which may itself be wrong.
        sku: String,
    },
    /// A photograph's row.
    #[error("the row of the photo `{name}` of the product `{sku}` (number {photo}) is not what was written")]
    Photo {
        /// Its number.
        photo: PhotoId,
        /// Its product.
        sku: String,
        /// Its name.
        name: String,
    },
    /// A photograph's bytes.
    #[error("the picture of the photo `{name}` of the product `{sku}` (number {photo}) is not what was written")]
    PhotoBytes {
        /// Its number.
        photo: PhotoId,
        /// Its product.
        sku: String,
        /// Its name.
        name: String,
    },
    /// A photograph that the staff keep with a product, its row or its bytes.
    #[error("the evidence `{name}` of the product `{sku}` is not what was written")]
    Evidence {
        /// Its product.
        sku: String,
        /// Its name.
        name: String,
    },
    /// A photograph's embedding, int8 or float.
    #[error("the {form} embedding of the photo number {photo} is not what was written")]
    Embedding {
        /// The photograph.
        photo: PhotoId,
        /// `int8` or `float`.
        form: &'static str,
    },
    /// A photograph without embedding: it is never found.
    #[error("the photo `{name}` of the product `{sku}` (number {photo}) has no embedding and is never found")]
    NoEmbedding {
        /// Its number.
        photo: PhotoId,
        /// Its product.
        sku: String,
        /// Its name.
        name: String,
    },
    /// A product without photograph: it is never found.
    #[error("the product `{sku}` has no photo and is never found")]
    NoPhoto {
        /// The product.
        sku: String,
    },
    /// A row of the history: what was before a change.
    #[error("the history of the change number {change} is not what was written: it cannot be undone")]
    Past {
        /// The change.
        change: i64,
    },
    /// Something that the store remembers of itself.
    #[error("the setting `{key}` is not what was written")]
    Setting {
        /// Which.
        key: String,
    },
}

impl Damage {
    /// Whether an import of the same catalogue file and photographs makes it good.
    #[must_use]
    pub fn is_mended_by_import(&self) -> bool {
        !matches!(self, Self::Structure(_) | Self::Setting { .. } | Self::Past { .. } | Self::Evidence { .. })
    }
}
