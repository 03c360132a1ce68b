//! Float embeddings: a search reads a hundred of them, one after another.

use super::rows::float_checksum;
use super::{Damage, Store, StoreError};
use crate::catalogue::PhotoId;
use clothingid_shared::embedding::EmbeddingIdentity;
use rusqlite::{CachedStatement, OptionalExtension, params};
use std::fmt;

/// Reads the float embeddings of one identity. The statement is prepared once for all of them, and their values go into memory that is used again.
pub struct FloatRows<'a> {
    store: &'a Store,
    identity: &'a EmbeddingIdentity,
    statement: CachedStatement<'a>,
}

impl fmt::Debug for FloatRows<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FloatRows").field("identity", self.identity).finish_non_exhaustive()
    }
}

impl FloatRows<'_> {
    /// Puts a photograph's values into `floats`; nothing where there are none.
    ///
    /// # Errors
    /// The file cannot be read. The inner error: the row is not what was written.
    pub fn read_into(&mut self, id: PhotoId, floats: &mut Vec<f32>) -> Result<Option<Result<(), Damage>>, StoreError> {
        floats.clear();
        let row = self.statement.query_row(params![self.identity.as_str(), id.number()], |row| {
            let bytes = row.get_ref(0)?.as_bytes()?;
            let is_sound = row.get_ref(1)?.as_bytes()? == float_checksum(self.identity.as_str(), id, bytes);
            let (values, rest) = bytes.as_chunks::<4>();
            Ok(if is_sound && rest.is_empty() {
                floats.extend(values.iter().map(|b| f32::from_le_bytes(*b)));
                Ok(())
            } else {
                Err(Damage::Embedding { photo: id, form: "float" })
            })
        });
        row.optional().map_err(|e| self.store.error("reading a float embedding", e))
    }
}

impl Store {
    /// The float embeddings of this identity, to be read one by one.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn float_rows<'a>(&'a self, identity: &'a EmbeddingIdentity) -> Result<FloatRows<'a>, StoreError> {
        let sql = "SELECT floats, checksum FROM embedding_float
            WHERE identity = (SELECT id FROM identity WHERE hash = ?1) AND photo = ?2";
        let statement =
            self.connection.prepare_cached(sql).map_err(|e| self.error("reading the float embeddings", e))?;
        Ok(FloatRows { store: self, identity, statement })
    }

    /// The float embedding of one photograph, or nothing where there is none.
    ///
    /// # Errors
    /// As [`FloatRows::read_into`].
    pub fn float_row(
        &self,
        identity: &EmbeddingIdentity,
        id: PhotoId,
    ) -> Result<Option<Result<Vec<f32>, Damage>>, StoreError> {
        let mut floats = Vec::new();
        let found = self.float_rows(identity)?.read_into(id, &mut floats)?;
        Ok(found.map(|found| found.map(|()| floats)))
    }
}
