//! Going back to what was before a change.

use super::history::{Before, Change, Open, Past, PastPhoto, before, begin, changes, forget_old};
use super::read::has_bytes;
use super::rows::{photo_checksum, photo_columns, product, product_columns};
use super::serving::SERVED;
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
    /// Products that are as they are now, since what they were was damaged even then.
    pub left: usize,
    /// Photographs that are back and that no search finds, since another network is in use than when they were removed.
    pub unembedded: usize,
}

/// What taking back a change would do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undoing {
    /// The change.
    pub change: Change,
    /// Each product that it touched, in their order: its number, its name, and what would become of it.
    pub products: Vec<(String, String, Fate)>,
}

/// What would become of one product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It goes: it was not there before.
    Goes,
    /// It comes back, with so many photographs.
    Returns(usize),
    /// It changes.
    Changes {
        /// The columns that become other ones.
        columns: Vec<&'static str>,
        /// Its photographs that go, the staff's among them.
        photos_gone: usize,
        /// Its photographs that come back, the staff's among them.
        photos_back: usize,
    },
    /// It stays as it is: what it was before is damaged, or it is gone already.
    Stays,
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
    /// A row of the history is not what was written: what holds and what does not cannot be told.
    #[error("the history of the change number {number} is damaged")]
    History {
        /// That change.
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
            Self::Damaged { .. } | Self::History { .. } => {
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
        self.open = None;
        let author = self.author.clone();
        // All of it is looked at in the transaction that writes: nobody changes anything in between.
        self.transact("undoing a change", |t| {
            forget_old(t)?;
            let (change, products) = match target(t, number)? {
                Ok(target) => target,
                Err(refused) => return Ok(Err(refused)),
            };
            let mut open = begin(t, &author, Some(change.number))?;
            let mut undone = Undone { number: change.number, what: change.what, products: 0, left: 0, unembedded: 0 };
            for (sku, state) in &products {
                undone.left += usize::from(*state == Before::Damaged);
                go_back(t, &mut open, sku, state)?;
                undone.unembedded += unembedded(t, sku)?;
            }
            undone.products = products.len() - undone.left;
            Ok(Ok(undone))
        })?
    }
}

impl Store {
    /// What [`Store::undo`] would do. Nothing is changed.
    ///
    /// # Errors
    /// As [`Store::undo`].
    pub fn would_undo(&mut self, number: Option<i64>) -> Result<Undoing, UndoError> {
        self.transact("looking at a change", |t| {
            let (change, products) = match target(t, number)? {
                Ok(target) => target,
                Err(refused) => return Ok(Err(refused)),
            };
            let products = products.into_iter().map(|(sku, state)| {
                let (title, fate) = fate(t, &sku, &state)?;
                Ok((sku, title, fate))
            });
            let products = products.collect::<rusqlite::Result<_>>()?;
            Ok(Ok(Undoing { change, products }))
        })?
    }
}

/// A product's name, and what would become of it.
fn fate(t: &Transaction<'_>, sku: &str, state: &Before) -> rusqlite::Result<(String, Fate)> {
    let sql = concat!("SELECT ", product_columns!(), ", checksum FROM product WHERE sku = ?1");
    let stored = t.prepare_cached(sql)?.query_row([sku], product).optional()?;
    let now = stored.as_ref().map(|stored| stored.product.title.clone()).unwrap_or_default();
    Ok(match (state, stored) {
        (Before::Absent, Some(_)) => (now, Fate::Goes),
        (Before::Present(before, photos), None) => (before.title.clone(), Fate::Returns(photos.len())),
        (Before::Present(before, photos), Some(stored)) => {
            let mut statement = t.prepare_cached("SELECT id FROM photo WHERE sku = ?1")?;
            let ids = statement.query_map([sku], |row| row.get(0).map(PhotoId::new))?;
            let ids: BTreeSet<PhotoId> = ids.collect::<rusqlite::Result<_>>()?;
            let then: BTreeSet<PhotoId> = photos.iter().map(|photo| photo.id).collect();
            let fate = Fate::Changes {
                columns: stored.differences(before),
                photos_gone: ids.difference(&then).count(),
                photos_back: then.difference(&ids).count(),
            };
            (now, fate)
        }
        (Before::Absent, None) | (Before::Damaged, _) => (now, Fate::Stays),
    })
}

/// A change that can be taken back, and what its products were before; or why it cannot be.
type Target = Result<(Change, Vec<(String, Before)>), UndoError>;

fn target(t: &Transaction<'_>, number: Option<i64>) -> rusqlite::Result<Target> {
    let history = changes(t)?;
    let change = match number {
        None => history.iter().find(|c| c.has_effect).ok_or(UndoError::Nothing),
        Some(number) => history.iter().find(|c| c.number == number).ok_or(UndoError::Unknown { number }),
    };
    let change = match change {
        Ok(change) => change.clone(),
        Err(refused) => return Ok(Err(refused)),
    };
    let number = change.number;
    if let Some(damaged) = history.iter().find(|c| c.number >= number && !c.is_sound) {
        return Ok(Err(UndoError::History { number: damaged.number }));
    }
    if change.is_undone {
        return Ok(Err(UndoError::Already { number }));
    }
    let Past { products, damaged } = before(t, number)?;
    if let Some(sku) = damaged.into_iter().next() {
        return Ok(Err(UndoError::Damaged { sku, number }));
    }
    let later: BTreeSet<i64> = history.iter().filter(|c| c.number > number && c.has_effect).map(|c| c.number).collect();
    for (sku, state) in &products {
        if let Some(by) = newest_change_of(t, sku, &later)? {
            return Ok(Err(UndoError::ChangedSince { sku: sku.clone(), by }));
        }
        let Before::Present(_, photos) = state else { continue };
        for photo in photos {
            if !is_stored(t, photo)? && !has_bytes(t, photo.id, &photo.sha256)? {
                return Ok(Err(UndoError::Damaged { sku: sku.clone(), number }));
            }
        }
    }
    Ok(Ok((change, products)))
}

/// The newest of these changes that touched a product.
fn newest_change_of(t: &Transaction<'_>, sku: &str, of: &BTreeSet<i64>) -> rusqlite::Result<Option<i64>> {
    let mut statement = t.prepare_cached("SELECT change FROM past_product WHERE sku = ?1 ORDER BY change DESC")?;
    let mut rows = statement.query([sku])?;
    while let Some(row) = rows.next()? {
        let change = row.get(0)?;
        if of.contains(&change) {
            return Ok(Some(change));
        }
    }
    Ok(None)
}

/// Whether a photograph is there now, as it was before a change.
fn is_stored(t: &Transaction<'_>, photo: &PastPhoto) -> rusqlite::Result<bool> {
    let sql = "SELECT 1 FROM photo WHERE id = ?1 AND sha256 = ?2";
    t.prepare_cached(sql)?
        .query_row(params![photo.id.number(), photo.sha256], |_| Ok(()))
        .optional()
        .map(|row| row.is_some())
}

/// How many photographs of a product no search finds, since the served network has not seen them.
fn unembedded(t: &Transaction<'_>, sku: &str) -> rusqlite::Result<usize> {
    let sql = "SELECT count(*) FROM photo WHERE sku = ?1 AND NOT EXISTS (
        SELECT 1 FROM embedding JOIN identity ON identity.id = embedding.identity JOIN setting ON setting.value = identity.hash
        WHERE setting.key = ?2 AND embedding.photo = photo.id)";
    let count: i64 = t.prepare_cached(sql)?.query_row([sku, SERVED], |row| row.get(0))?;
    Ok(usize::try_from(count).unwrap_or(0))
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
    for PastPhoto { id, name, position, sha256, role } in photos {
        let checksum = photo_checksum(*id, &product.sku, name, *position, sha256, *role);
        let sql = concat!("INSERT OR REPLACE INTO photo (", photo_columns!(), ") VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)");
        t.prepare_cached(sql)?.execute(params![
            id.number(),
            product.sku,
            name,
            position,
            sha256,
            role.stored(),
            checksum
        ])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
