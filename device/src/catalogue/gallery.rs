//! What can be searched: one interface for this board's catalogue and, later, for a chain's engine.

use super::store::{Damage, StoreError};
use clothingid_shared::embedding::EmbeddingError;
use serde::Serialize;

/// One product that looks like the query.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Match {
    /// The shop's number.
    pub sku: String,
    /// Its name.
    pub title: String,
    /// The photograph of it that is most like the query, as the catalogue file names it.
    pub photo: String,
    /// Cosine of the two embeddings, −1 to 1.
    pub similarity: f64,
}

/// Why a gallery gives no answer.
#[derive(Debug, thiserror::Error)]
pub enum GalleryError {
    /// The query comes from another network.
    #[error("the query has {found} values, the gallery's embeddings have {expected}")]
    ValueCount {
        /// The gallery's.
        expected: usize,
        /// The query's.
        found: usize,
    },
    /// The query is no direction.
    #[error(transparent)]
    Query(#[from] EmbeddingError),
    /// The file below cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What was asked for is not what was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

/// Something that knows the shop's products by their looks.
pub trait Gallery {
    /// The `top` products most like the query, one match a product, best first.
    ///
    /// `query` is the embedding as the network gave it, in float: the last step of a search compares it with float rows.
    ///
    /// # Errors
    /// The query is of another length or no direction, or the gallery cannot be read.
    fn search(&self, query: &[f32], top: usize) -> Result<Vec<Match>, GalleryError>;
}
