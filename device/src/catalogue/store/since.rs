//! What has changed since somebody looked, without reading it all.
//!
//! Each product that a change touches gets a row of the history with a place; places only grow, so that the rows behind a known place name
//! what was touched since. Who comes back must make sure that the known place is still the same one: the file may be another copy that has
//! gone its own way. A row's place, its product and the random mark of its change tell that.
//!
//! What the rows cannot tell changes the *epoch*, a random text: embeddings written without touching a product, another identity
//! served, and forgetting that leaves no row or a gap among them.

use super::history::past_product_checksum;
use super::rows::{fields, product_columns, text};
use super::write::write_setting;
use super::{Store, StoreError};
use rusqlite::{OptionalExtension, Row, Transaction};
use serde::{Deserialize, Serialize};

/// The setting's name.
const EPOCH: &str = "epoch";

/// One product that a change has touched.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Touch {
    /// Its place; later ones are larger.
    pub place: i64,
    /// The mark of its change, in hexadecimal digits.
    pub mark: String,
    /// The product.
    pub sku: String,
}

impl Store {
    /// What differs between two times that the touches cannot tell apart.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn epoch(&self) -> Result<Option<String>, StoreError> {
        self.setting(EPOCH)
    }

    /// The newest touches, at most `count`, the oldest of them first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn newest_touches(&self, count: u32) -> Result<Vec<Touch>, StoreError> {
        let sql = "SELECT place, hex(mark), sku FROM past_product JOIN change ON change.id = past_product.change
            ORDER BY place DESC LIMIT ?1";
        let read = || self.connection.prepare_cached(sql)?.query_map([count], touch)?.collect::<rusqlite::Result<_>>();
        let mut touches: Vec<Touch> = read().map_err(|e| self.error("reading the history", e))?;
        touches.reverse();
        Ok(touches)
    }

    /// Whether this touch is in the history, at its place.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn has_touch(&self, known: &Touch) -> Result<bool, StoreError> {
        let sql = "SELECT place, hex(mark), sku FROM past_product JOIN change ON change.id = past_product.change
            WHERE place = ?1";
        let read = || self.connection.prepare_cached(sql)?.query_row([known.place], touch).optional();
        Ok(read().map_err(|e| self.error("reading the history", e))?.as_ref() == Some(known))
    }

    /// The products that were touched behind this place; nothing where a row is not what was written, or there are more than `most`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn touched_behind(&self, place: i64, most: usize) -> Result<Option<Vec<String>>, StoreError> {
        let sql =
            concat!("SELECT ", product_columns!(), ", state, checksum, change FROM past_product WHERE place > ?1");
        let read = || -> rusqlite::Result<Option<Vec<String>>> {
            let mut statement = self.connection.prepare_cached(sql)?;
            let (mut rows, mut touched) = (statement.query([place])?, Vec::new());
            while let Some(row) = rows.next()? {
                let product = fields(row)?;
                let expected = past_product_checksum(row.get(13)?, &text(row, 11)?, &product);
                if row.get_ref(12)?.as_bytes()? != expected || touched.len() == most {
                    return Ok(None);
                }
                touched.push(product.sku);
            }
            Ok(Some(touched))
        };
        read().map_err(|e| self.error("reading the history", e))
    }
}

fn touch(row: &Row<'_>) -> rusqlite::Result<Touch> {
    Ok(Touch { place: row.get(0)?, mark: text(row, 1)?, sku: text(row, 2)? })
}

/// Makes everyone who follows the catalogue read it anew.
pub(super) fn renew_epoch(t: &Transaction<'_>) -> rusqlite::Result<()> {
    let epoch: String = t.query_row("SELECT lower(hex(randomblob(16)))", [], |row| row.get(0))?;
    write_setting(t, EPOCH, &epoch)
}

/// Whether forgetting the changes before a time leaves none, or an older one than it forgets (a clock was wrong).
pub(super) fn leaves_a_gap(t: &Transaction<'_>, before: i64) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM change
        WHERE at < ?1 AND id > coalesce((SELECT min(id) FROM change WHERE at >= ?1), 0))";
    t.prepare_cached(sql)?.query_row([before], |row| row.get(0))
}
