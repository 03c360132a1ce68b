//! What can be searched: one interface for this board's catalogue and, later, for a chain's engine.

use super::filter::Filter;
use super::matches::{Match, Matches};
use super::store::{Damage, StoreError};
use clothingid_shared::embedding::EmbeddingError;

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
    /// There is nothing of a product to compare with others.
    #[error("no photograph of the product `{sku}` can be compared with others")]
    Unseen {
        /// The product.
        sku: String,
    },
    /// What was asked for is not what was written.
    #[error(transparent)]
    Damaged(#[from] Damage),
}

/// What is searched for.
#[derive(Debug, Clone, Copy)]
pub struct Search<'a> {
    /// The embedding as the network gave it, in float: the last step of a search compares it with float rows.
    pub query: &'a [f32],
    /// How many products are wanted.
    pub top: usize,
    /// What they must be, if not all will do.
    pub filter: Option<&'a Filter>,
}

impl<'a> Search<'a> {
    /// Among all products.
    #[must_use]
    pub fn of(query: &'a [f32], top: usize) -> Self {
        Self { query, top, filter: None }
    }

    /// Among those that the filter takes.
    #[must_use]
    pub fn among(self, filter: &'a Filter) -> Self {
        Self { filter: Some(filter), ..self }
    }
}

/// Something that knows the shop's products by their looks.
pub trait Gallery {
    /// Makes `matches` the products most like the query, one match a style, best first; after an error there are none.
    ///
    /// # Errors
    /// The query is of another length or no direction, or the gallery cannot be read.
    fn search_into(&self, search: &Search<'_>, matches: &mut Matches) -> Result<(), GalleryError>;

    /// The same, in memory of its own.
    ///
    /// # Errors
    /// Those.
    fn search(&self, search: &Search<'_>) -> Result<Vec<Match>, GalleryError> {
        let mut matches = Matches::default();
        self.search_into(search, &mut matches)?;
        Ok(matches.into_vec())
    }
}
