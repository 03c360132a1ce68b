//! What the staff find out at the counter, kept beside the shop's own photographs: see [`Role`].
//!
//! The photograph itself is kept and not only its embedding: another network can look at it again. A correction is a change like any other,
//! and can be undone.

use super::checksum::sha256;
use super::history::Open;
use super::read::has_bytes;
use super::rows::{photo, photo_columns};
use super::serving::{serve_first, served};
use super::write::{add_photo, delete_photo, write_embedding};
use super::{Embedded, Store, StoreError, StoredPhoto};
use crate::catalogue::Role;
use clothingid_shared::embedding::EmbeddingIdentity;
use clothingid_shared::picture::Format;
use rusqlite::{OptionalExtension, Transaction, params};

/// Digits of a photograph's SHA-256 in its name: nobody names it.
const NAME_DIGITS: usize = 12;

/// What the staff say of one photograph.
#[derive(Debug, Clone, PartialEq)]
pub struct Correction {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// Its embedding.
    pub embedded: Embedded,
    /// What it says of which product.
    pub says: Vec<(String, Role)>,
}

/// Why a correction is not kept. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum CorrectionError {
    /// No such product.
    #[error("the catalogue has no product `{sku}`")]
    NoProduct {
        /// As asked for.
        sku: String,
    },
    /// The shop itself shows the product with the photograph.
    #[error("the photo is the catalogue's own of `{sku}`, as `{name}`: no search takes it for that by mistake")]
    Listed {
        /// The product.
        sku: String,
        /// The photograph.
        name: String,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl CorrectionError {
    /// What the user may do.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::NoProduct { .. } => vec!["`clothingid catalogue list` shows the products that it has".to_owned()],
            Self::Listed { .. } => {
                vec!["where it shows another product, change the catalogue file and import it".to_owned()]
            }
            Self::Store(error) => error.hints(),
        }
    }
}

/// What was kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Corrected {
    /// Photographs that are evidence now and were not before, each counted once for each product.
    pub kept: usize,
    /// Those that said the same already.
    pub known: usize,
}

impl Store {
    /// Keeps what the staff say, all of it or nothing. What a photograph said of the same product before no longer counts.
    ///
    /// # Errors
    /// A product is not there, its own photograph is called a mistake, another identity is served, or the file cannot be written.
    pub fn correct(
        &mut self,
        identity: &EmbeddingIdentity,
        corrections: &[Correction],
    ) -> Result<Corrected, CorrectionError> {
        let path = self.path.clone();
        self.change("keeping a correction", |t, change| {
            if let Some(found) = served(t)?.filter(|found| found != identity) {
                return Ok(Err(StoreError::other_identity(&path, identity, &found).into()));
            }
            // All of it is looked at before anything is written.
            for correction in corrections {
                if let Some(refused) = refusal(t, correction)? {
                    return Ok(Err(refused));
                }
            }
            serve_first(t, identity)?;
            let mut corrected = Corrected::default();
            for correction in corrections {
                let hash = sha256(&correction.bytes);
                for (sku, role) in &correction.says {
                    let is_new = keep(t, change, identity, (correction, &hash), (sku, *role))?;
                    *if is_new { &mut corrected.kept } else { &mut corrected.known } += 1;
                }
            }
            Ok(Ok(corrected))
        })?
    }

    /// Removes evidence by its product and name. Says whether there was any.
    ///
    /// # Errors
    /// The file cannot be written; nothing is changed then.
    pub fn forget_evidence(&mut self, sku: &str, name: &str) -> Result<bool, StoreError> {
        self.change("removing evidence", |t, change| {
            let sql =
                concat!("SELECT ", photo_columns!(), " FROM photo WHERE sku = ?1 AND name = ?2 AND role IS NOT NULL");
            let Some(known) = t.prepare_cached(sql)?.query_row([sku, name], photo).optional()? else {
                return Ok(false);
            };
            change.touch(t, sku)?;
            delete_photo(t, known.id)?;
            Ok(true)
        })
    }

    /// All evidence, in the order in which it came.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn evidence(&self) -> Result<Vec<StoredPhoto>, StoreError> {
        let sql = concat!("SELECT ", photo_columns!(), " FROM photo WHERE role IS NOT NULL ORDER BY id");
        self.all("reading the evidence", sql, photo)
    }
}

/// Why what is said of a photograph is not kept.
fn refusal(t: &Transaction<'_>, correction: &Correction) -> rusqlite::Result<Option<CorrectionError>> {
    let hash = sha256(&correction.bytes);
    for (sku, role) in &correction.says {
        let sql = "SELECT 1 FROM product WHERE sku = ?1";
        if t.prepare_cached(sql)?.query_row([sku], |_| Ok(())).optional()?.is_none() {
            return Ok(Some(CorrectionError::NoProduct { sku: sku.clone() }));
        }
        let listed = known(t, sku, &hash)?.into_iter().find(|photo| photo.role == Role::Listed);
        if let Some(StoredPhoto { name, .. }) = listed.filter(|_| !role.shows()) {
            return Ok(Some(CorrectionError::Listed { sku: sku.clone(), name }));
        }
    }
    Ok(None)
}

/// A product's photographs of this SHA-256.
fn known(t: &Transaction<'_>, sku: &str, hash: &[u8; 32]) -> rusqlite::Result<Vec<StoredPhoto>> {
    let sql = concat!("SELECT ", photo_columns!(), " FROM photo WHERE sku = ?1 AND sha256 = ?2");
    t.prepare_cached(sql)?.query_map(params![sku, hash], photo)?.collect()
}

/// Keeps what a photograph says of one product; `false` where that is known.
fn keep(
    t: &Transaction<'_>,
    change: &mut Open,
    identity: &EmbeddingIdentity,
    (correction, hash): (&Correction, &[u8; 32]),
    (sku, role): (&str, Role),
) -> rusqlite::Result<bool> {
    let known = known(t, sku, hash)?;
    for photo in &known {
        if photo.role == Role::Listed || (photo.role == role && photo.is_sound && has_bytes(t, photo.id, hash)?) {
            return Ok(false);
        }
    }
    change.touch(t, sku)?;
    for photo in known {
        delete_photo(t, photo.id)?;
    }
    let sql = "SELECT coalesce(max(position), -1) + 1 FROM photo WHERE sku = ?1";
    let position: i64 = t.prepare_cached(sql)?.query_row([sku], |row| row.get(0))?;
    let name = name(&correction.bytes, hash, role);
    let id = add_photo(t, (sku, &name, position), (&correction.bytes, hash), role)?;
    write_embedding(t, identity, id, &correction.embedded)?;
    Ok(true)
}

fn name(bytes: &[u8], hash: &[u8], role: Role) -> String {
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    let digits = digits.get(..NAME_DIGITS).unwrap_or(&digits);
    let end = match Format::of(bytes) {
        Some(Format::Png) => ".png",
        Some(Format::WebP) => ".webp",
        Some(Format::Jpeg) => ".jpg",
        None => "",
    };
    format!("{role}/{digits}{end}")
}

#[cfg(test)]
mod tests;
