//! A query as rows are compared with it.

use super::gathered::Gathered;
use super::kernels;
use crate::processor::InstructionSet;
use clothingid_shared::embedding::{Embedding, EmbeddingError};

/// A query, and the memory that comparing it takes: made once, and set for each search.
#[derive(Debug)]
pub struct Query {
    quantised: Embedding,
    pub(super) kernel: kernels::Query,
    pub(super) gathered: Gathered,
}

impl Query {
    /// One of no values yet, to which no row is similar.
    #[must_use]
    pub fn new() -> Self {
        let kernel = kernels::Query::new(InstructionSet::fastest());
        Self { quantised: Embedding::default(), kernel, gathered: Gathered::default() }
    }

    /// Makes this the query of an embedding as the network gave it, in float.
    ///
    /// # Errors
    /// The embedding is no direction; the query is the one before.
    pub fn set(&mut self, floats: &[f32]) -> Result<(), EmbeddingError> {
        self.quantised.quantise_from(floats)?;
        self.kernel.set(&self.quantised.values);
        Ok(())
    }

    /// How many values it has.
    #[must_use]
    pub fn value_count(&self) -> usize {
        self.quantised.values.len()
    }

    /// What one step of its values is worth.
    pub(super) fn scale(&self) -> f32 {
        self.quantised.scale
    }
}

impl Default for Query {
    fn default() -> Self {
        Self::new()
    }
}

impl From<&Embedding> for Query {
    fn from(quantised: &Embedding) -> Self {
        let mut query = Self::new();
        query.quantised.clone_from(quantised);
        query.kernel.set(&quantised.values);
        query
    }
}
