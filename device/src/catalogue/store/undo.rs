//! Going back to what was before a change.

use super::checksum::sha256;
use super::history::{Before, Open, Past, PastPhoto, before};
use super::read::photo_checksum;
use super::write::{delete_photo, delete_product, write_fields};
use super::{Store, StoreError};
use crate::catalogue::{PhotoId, Product};
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::BTreeSet;

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The change.
    pub number: i64,
    /// What had been asked for.
    pub what: String,
    /// Products that are as they were before it.
    pub products: usize,
}

/// Why a change is not taken back. Nothing is changed then.
#[derive(Debug, thiserror::Error)]
pub enum UndoError {
    /// The history has none.
    #[error("there is no change that could be undone")]
    Nothing,
    /// No such change, or it is forgotten.
    #[error("there is no change number {number}, or it is older than 30 days")]
    Unknown {
        /// As asked for.
        number: i64,
    },
    /// It holds no more.
    #[error("the change number {number} is undone already")]
    Already {
        /// As asked for.
        number: i64,
    },
    /// A later change holds on to one of its products.
    #[error("the product `{sku}` was changed again by the change number {by}")]
    ChangedSince {
        /// The product.
        sku: String,
        /// The later change.
        by: i64,
    },
    /// What was before is not what was written.
    #[error("what the product `{sku}` was before the change number {number} is damaged")]
    Damaged {
        /// The product.
        sku: String,
        /// The change.
        number: i64,
    },
    /// The file cannot be read or written.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl UndoError {
    /// What the user may do.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::ChangedSince { by, .. } => vec![format!("undo that one first: `clothingid catalogue undo {by}`")],
            Self::Nothing | Self::Unknown { .. } | Self::Already { .. } => {
                vec!["`clothingid catalogue history` lists the changes".to_owned()]
            }
            Self::Damaged { .. } => {
                vec!["import the product again from the shop's own file, which is safe in any case".to_owned()]
            }
            Self::Store(error) => error.hints(),
        }
    }
}

impl Store {
    /// Takes back a change, or the last one that holds; that is a change itself, which can be taken back.
    ///
    /// # Errors
    /// There is no such change, it is undone already, a later one touches the same products, or what was before is damaged.
    pub fn undo(&mut self, number: Option<i64>) -> Result<Undone, UndoError> {
        let history = self.history()?;
        let change = match number {
            None => history.iter().find(|c| c.has_effect).ok_or(UndoError::Nothing)?,
            Some(number) => history.iter().find(|c| c.number == number).ok_or(UndoError::Unknown { number })?,
        };
        let (number, what) = (change.number, change.what.clone());
        if change.is_undone {
            return Err(UndoError::Already { number });
        }
        let failed = |e| self.error("reading the history", e);
        let Past { products, damaged } = before(&self.connection, number).map_err(failed)?;
        if let Some(sku) = damaged.into_iter().next() {
            return Err(UndoError::Damaged { sku, number });
        }
        let later: BTreeSet<i64> =
            history.iter().filter(|c| c.number > number && c.has_effect).map(|c| c.number).collect();
        for (sku, state) in &products {
            if let Some(by) = self.newest_change_of(sku, &later)? {
                return Err(UndoError::ChangedSince { sku: sku.clone(), by });
            }
            let Before::Present(_, photos) = state else { continue };
            for photo in photos {
                if !self.has_bytes(photo)? {
                    return Err(UndoError::Damaged { sku: sku.clone(), number });
                }
            }
        }
        let count = products.len();
        self.open = None;
        self.change_that_undoes(Some(number), "undoing a change", |t, open| {
            products.iter().try_for_each(|(sku, state)| go_back(t, open, sku, state))
        })?;
        self.open = None;
        Ok(Undone { number, what, products: count })
    }

    /// The newest of these changes that touched a product.
    fn newest_change_of(&self, sku: &str, of: &BTreeSet<i64>) -> Result<Option<i64>, StoreError> {
        let sql = "SELECT change FROM past_product WHERE sku = ?1 ORDER BY change DESC";
        let read = || -> rusqlite::Result<Option<i64>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let mut rows = statement.query([sku])?;
            while let Some(row) = rows.next()? {
                let change = row.get(0)?;
                if of.contains(&change) {
                    return Ok(Some(change));
                }
            }
            Ok(None)
        };
        read().map_err(|e| self.error("reading the history", e))
    }

    /// Whether the bytes of a photograph before a change are still what was written.
    pub(super) fn has_bytes(&self, photo: &PastPhoto) -> Result<bool, StoreError> {
        let sql = "SELECT bytes FROM photo_bytes WHERE photo = ?1";
        let read = || -> rusqlite::Result<Option<bool>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let is_sound = |row: &rusqlite::Row<'_>| Ok(sha256(row.get_ref(0)?.as_bytes()?).as_slice() == photo.sha256);
            statement.query_row([photo.id.number()], is_sound).optional()
        };
        Ok(read().map_err(|e| self.error("reading a photo", e))?.unwrap_or(false))
    }
}

/// Makes a product what it was.
fn go_back(t: &Transaction<'_>, open: &mut Open, sku: &str, state: &Before) -> rusqlite::Result<()> {
    open.touch(t, sku)?;
    match state {
        Before::Damaged => Ok(()),
        Before::Absent => delete_product(t, sku),
        Before::Present(product, photos) => restore(t, product, photos),
    }
}

fn restore(t: &Transaction<'_>, product: &Product, photos: &[PastPhoto]) -> rusqlite::Result<()> {
    write_fields(t, product)?;
    let mut statement = t.prepare_cached("SELECT id FROM photo WHERE sku = ?1")?;
    let now: Vec<i64> = statement.query_map([&product.sku], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    // All rows first: two photographs may have exchanged their names.
    for id in now {
        let id = PhotoId::new(id);
        if photos.iter().all(|photo| photo.id != id) {
            delete_photo(t, id)?;
        }
    }
    for PastPhoto { id, name, position, sha256 } in photos {
        let checksum = photo_checksum(*id, &product.sku, name, *position, sha256);
        t.prepare_cached(
            "INSERT OR REPLACE INTO photo (id, sku, name, position, sha256, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![id.number(), product.sku, name, position, sha256, checksum])?;
    }
    Ok(())
}
