//! Whose embeddings are searched, and how that changes.

use super::read::setting;
use super::since::renew_epoch;
use super::write::write_setting;
use super::{Store, StoreError};
use crate::catalogue::PhotoId;
use clothingid_shared::embedding::EmbeddingIdentity;
use rusqlite::Transaction;
use std::collections::BTreeSet;

/// The setting's name.
pub(super) const SERVED: &str = "served_identity";

impl Store {
    /// From now on a commit is refused where another identity is served than now, unless it is the commit's own: a change of network has
    /// been completed meanwhile, and what an import with the old one still wrote would be found by nobody. Says what is served.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn hold_to_served(&mut self) -> Result<Option<EmbeddingIdentity>, StoreError> {
        let served = self.served()?;
        self.served_before = Some(served.clone());
        Ok(served)
    }

    /// Serves this identity and forgets the embeddings of all others, if no photograph lacks an embedding of it, or only those that are
    /// unusable. Says which lack one. Whoever adds a photograph meanwhile is before this transaction or behind it, so that none is lost.
    ///
    /// Where not one photograph has an embedding of this identity the others stay: no answer would be left.
    ///
    /// # Errors
    /// The file cannot be written; nothing is changed then.
    pub fn serve_if_whole(
        &mut self,
        identity: &EmbeddingIdentity,
        unusable: &BTreeSet<PhotoId>,
    ) -> Result<Vec<PhotoId>, StoreError> {
        self.transact("switching to the new embeddings", |t| {
            let lacking = lacking(t, identity)?;
            let photos: i64 = t.query_row("SELECT count(*) FROM photo", [], |row| row.get(0))?;
            let is_empty = usize::try_from(photos) == Ok(lacking.len()) && photos > 0;
            if !is_empty && lacking.iter().all(|id| unusable.contains(id)) {
                write_setting(t, SERVED, identity.as_str())?;
                renew_epoch(t)?;
                t.execute("DELETE FROM identity WHERE hash <> ?1", [identity.as_str()])?;
            }
            Ok(lacking)
        })
    }
}

/// What is served now.
pub(super) fn served(t: &Transaction<'_>) -> rusqlite::Result<Option<EmbeddingIdentity>> {
    Ok(setting(t, SERVED)?.map(EmbeddingIdentity::from_stored))
}

/// Serves this identity where nothing is served.
pub(super) fn serve_first(t: &Transaction<'_>, identity: &EmbeddingIdentity) -> rusqlite::Result<()> {
    match served(t)? {
        Some(_) => Ok(()),
        None => write_setting(t, SERVED, identity.as_str()),
    }
}

/// The photographs without an embedding of this identity, int8 or float, whether or not their rows are what was written.
fn lacking(t: &Transaction<'_>, identity: &EmbeddingIdentity) -> rusqlite::Result<Vec<PhotoId>> {
    let sql = "WITH whose AS (SELECT id FROM identity WHERE hash = ?1)
        SELECT id FROM photo NOT INDEXED
        WHERE NOT EXISTS (SELECT 1 FROM embedding WHERE identity = (SELECT id FROM whose) AND photo = photo.id)
        OR NOT EXISTS (SELECT 1 FROM embedding_float WHERE identity = (SELECT id FROM whose) AND photo = photo.id)
        ORDER BY id";
    t.prepare_cached(sql)?.query_map([identity.as_str()], |row| row.get(0).map(PhotoId::new))?.collect()
}
