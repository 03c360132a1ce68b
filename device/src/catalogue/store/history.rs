//! What was changed, when and by whom, and what it was before: what [`undo`](super::undo) needs.
//!
//! A change is all that one command or one person did: an import is one, however many transactions it took. Before a product is touched
//! for the first time in a change, its row and those of its photographs are copied beside it. Bytes of photographs are not copied: they stay
//! where they are for as long as a row, now or before a change, names them.

use super::checksum::{Checksum, Fields};
use super::rows::{
    fields, photo, photo_checksum, photo_columns, product, product_checksum, product_columns, product_values, role,
    text,
};
use super::since::{leaves_a_gap, renew_epoch};
use super::write::free_photo;
use super::{Store, StoreError};
use crate::catalogue::{PhotoId, Product, Role};
use rusqlite::types::Value;
use rusqlite::{OptionalExtension, Row, Transaction, params, params_from_iter};
use serde::Serialize;
use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// For how long a change can be undone, at least.
///
/// No clock is believed at once: a board's may be years ahead until it is set, and would take the whole history with it. A change is forgotten
/// when another one came so long after it that is so old itself. Of a clock that runs ahead that takes as long as of one that is right: what it
/// shows must have gone by between two changes. In a shop with changes every day each is kept for twice this time.
pub const KEPT: Duration = Duration::from_hours(30 * 24);

/// Who changes what, for the history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Author {
    /// A person's name, as the system or the page knows it.
    pub who: String,
    /// What was asked for: `import summer.csv`.
    pub what: String,
}

/// A change that is in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// Its number; later ones have larger numbers.
    pub number: i64,
    /// When it began, in seconds since 1970.
    pub at: i64,
    /// By whom.
    pub who: String,
    /// What was asked for.
    pub what: String,
    /// How many products were touched.
    pub products: usize,
    /// The change that this one took back.
    pub undoes: Option<i64>,
    /// Whether a later one took it back.
    pub is_undone: bool,
    /// Whether the catalogue would be another one without it: not so where it is undone, nor where it undoes one.
    #[serde(skip)]
    pub has_effect: bool,
    /// Whether its row is what was written.
    #[serde(skip)]
    pub is_sound: bool,
}

/// The change that is being made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Open {
    number: i64,
}

/// What a product was before a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Before {
    /// It was not there.
    Absent,
    /// As it was, with its photographs: number, name, place, SHA-256.
    Present(Box<Product>, Vec<PastPhoto>),
    /// Its row was not what had been written: nothing to go back to.
    Damaged,
}

/// A photograph before a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PastPhoto {
    pub(super) id: PhotoId,
    pub(super) name: String,
    pub(super) position: i64,
    pub(super) sha256: Vec<u8>,
    pub(super) role: Role,
}

/// What a change found.
#[derive(Debug, Default)]
pub(super) struct Past {
    /// The products that it touched.
    pub(super) products: Vec<(String, Before)>,
    /// Those of which that is not what was written.
    pub(super) damaged: Vec<String>,
}

impl Store {
    /// From now on, what is changed is one change of this author; it begins with the first thing that is really changed.
    pub fn sign(&mut self, author: Author) {
        self.author = author;
        self.open = None;
    }

    /// The number of the change that the author in hand has made, once there is one.
    #[must_use]
    pub fn signed_change(&self) -> Option<i64> {
        self.open.map(|open| open.number)
    }

    /// All changes that are still known, newest first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn history(&self) -> Result<Vec<Change>, StoreError> {
        changes(&self.connection).map_err(|e| self.error("reading the history", e))
    }

    /// Forgets what was before all changes: none of them can be undone then.
    ///
    /// # Errors
    /// The file cannot be written; nothing is forgotten then.
    pub fn forget_all(&mut self) -> Result<usize, StoreError> {
        self.open = None;
        self.transact("forgetting the history", |t| forget(t, i64::MAX))
    }

    /// One transaction that belongs to the change of the author in hand.
    pub(super) fn change<T>(
        &mut self,
        doing: &'static str,
        work: impl FnOnce(&Transaction<'_>, &mut Open) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let (author, before) = (self.author.clone(), self.open);
        let (value, open) = self.transact(doing, |t| {
            // Where somebody else has changed something meanwhile, a change of its own begins: those of larger numbers are later ones.
            let mut open = match before {
                Some(open) if open.is_newest(t)? => open,
                _ => {
                    forget_old(t)?;
                    begin(t, &author, None)?
                }
            };
            let value = work(t, &mut open)?;
            let sql = "SELECT 1 FROM past_product WHERE change = ?1";
            let is_change = t.prepare_cached(sql)?.query_row([open.number], |_| Ok(())).optional()?.is_some();
            if !is_change {
                t.prepare_cached("DELETE FROM change WHERE id = ?1")?.execute([open.number])?;
            }
            Ok((value, is_change.then_some(open)))
        })?;
        self.open = open;
        Ok(value)
    }
}

impl Open {
    fn is_newest(self, t: &Transaction<'_>) -> rusqlite::Result<bool> {
        let newest: Option<i64> = t.prepare_cached("SELECT max(id) FROM change")?.query_row([], |row| row.get(0))?;
        Ok(newest == Some(self.number))
    }

    /// Must be called before a product or one of its photographs is changed.
    pub(super) fn touch(&mut self, t: &Transaction<'_>, sku: &str) -> rusqlite::Result<()> {
        let sql = "SELECT place FROM past_product WHERE change = ?1 AND sku = ?2";
        let known: Option<i64> =
            t.prepare_cached(sql)?.query_row(params![self.number, sku], |row| row.get(0)).optional()?;
        if let Some(place) = known {
            // Who follows the catalogue looks at what comes behind the last place that it knows. The place is no part of what was before.
            let sql = "UPDATE past_product SET place = (SELECT max(place) FROM past_product) + 1 WHERE place = ?1";
            return t.prepare_cached(sql)?.execute([place]).map(drop);
        }
        let sql = concat!("SELECT ", product_columns!(), ", checksum FROM product WHERE sku = ?1");
        let stored = t.prepare_cached(sql)?.query_row([sku], product).optional()?;
        let state = match &stored {
            None => "absent",
            Some(stored) if stored.is_sound => "present",
            Some(_) => "damaged",
        };
        let p = match stored {
            Some(stored) if stored.is_sound => stored.product,
            _ => Product { sku: sku.to_owned(), ..Product::default() },
        };
        let sql = concat!(
            "INSERT INTO past_product (",
            product_columns!(),
            ", change, state, checksum) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)"
        );
        let checksum = past_product_checksum(self.number, state, &p);
        let of_change: [Value; 3] = [self.number.into(), state.to_owned().into(), checksum.to_vec().into()];
        t.prepare_cached(sql)?.execute(params_from_iter(product_values(&p).into_iter().chain(of_change)))?;
        // Rows that are not what was written cannot be told apart from sound ones later: they are left out.
        let sql = concat!("SELECT ", photo_columns!(), " FROM photo WHERE sku = ?1");
        let mut statement = t.prepare_cached(sql)?;
        let photos: Vec<_> = statement.query_map([sku], photo)?.collect::<rusqlite::Result<_>>()?;
        let sql =
            concat!("INSERT INTO past_photo (", photo_columns!(), ", change) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");
        for photo in photos.into_iter().filter(|photo| photo.is_sound) {
            let row = photo_checksum(photo.id, sku, &photo.name, photo.position, &photo.sha256, photo.role);
            t.prepare_cached(sql)?.execute(params![
                photo.id.number(),
                sku,
                photo.name,
                photo.position,
                photo.sha256,
                photo.role.stored(),
                past_photo_checksum(self.number, &row),
                self.number
            ])?;
        }
        Ok(())
    }
}

/// All changes, newest first.
pub(super) fn changes(connection: &rusqlite::Connection) -> rusqlite::Result<Vec<Change>> {
    let sql = "SELECT id, mark, at, who, what, undoes, checksum,
        (SELECT count(*) FROM past_product WHERE change = change.id) FROM change ORDER BY id DESC";
    let mut changes: Vec<Change> = connection.prepare(sql)?.query_map([], change)?.collect::<rusqlite::Result<_>>()?;
    let mut undone = BTreeSet::new();
    // A later one decides over an earlier one, so it is asked first.
    for change in &mut changes {
        change.is_undone = undone.contains(&change.number);
        change.has_effect = !change.is_undone && change.undoes.is_none();
        undone.extend(change.undoes.filter(|_| !change.is_undone));
    }
    Ok(changes)
}

/// The time of a change that begins now. A board without a clock of its own wakes in 1970, before all changes: then it is that of the newest.
/// A clock that is behind only some of them has been set right, and they were made while it was ahead.
fn now(t: &Transaction<'_>) -> rusqlite::Result<i64> {
    let of_all = "SELECT min(at), max(at) FROM change";
    let (oldest, newest): (Option<i64>, Option<i64>) =
        t.prepare_cached(of_all)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let now = seconds(SystemTime::now());
    Ok(if oldest.is_some_and(|oldest| now < oldest) { newest.unwrap_or(now) } else { now })
}

/// Forgets the changes that are too old to be undone.
pub(super) fn forget_old(t: &Transaction<'_>) -> rusqlite::Result<()> {
    let old = now(t)? - seconds_of(KEPT);
    let witness: Option<i64> =
        t.prepare_cached("SELECT max(at) FROM change WHERE at <= ?1")?.query_row([old], |row| row.get(0))?;
    witness.map_or(Ok(()), |at| forget(t, at - seconds_of(KEPT)).map(drop))
}

/// Begins a change.
pub(super) fn begin(t: &Transaction<'_>, author: &Author, undoes: Option<i64>) -> rusqlite::Result<Open> {
    let at = now(t)?;
    // Tells two changes of one number apart, where a copy of the catalogue has gone its own way.
    let mark: Vec<u8> = t.query_row("SELECT randomblob(16)", [], |row| row.get(0))?;
    t.prepare_cached("INSERT INTO change (mark, at, who, what, undoes, checksum) VALUES (?1, ?2, ?3, ?4, ?5, X'')")?
        .execute(params![mark, at, author.who, author.what, undoes])?;
    let number = t.last_insert_rowid();
    let checksum = change_checksum(number, &mark, at, &author.who, &author.what, undoes);
    t.prepare_cached("UPDATE change SET checksum = ?2 WHERE id = ?1")?.execute(params![number, checksum])?;
    Ok(Open { number })
}

/// Forgets the changes before a time, and the photographs that only they knew.
fn forget(t: &Transaction<'_>, before: i64) -> rusqlite::Result<usize> {
    if leaves_a_gap(t, before)? {
        renew_epoch(t)?;
    }
    let mut statement = t.prepare_cached(
        "SELECT DISTINCT past_photo.id FROM past_photo JOIN change ON change.id = past_photo.change WHERE change.at < ?1",
    )?;
    let photos: Vec<i64> = statement.query_map([before], |row| row.get(0))?.collect::<rusqlite::Result<_>>()?;
    let forgotten = t.prepare_cached("DELETE FROM change WHERE at < ?1")?.execute([before])?;
    for id in photos {
        free_photo(t, PhotoId::new(id))?;
    }
    Ok(forgotten)
}

/// What the products were before a change.
pub(super) fn before(store: &rusqlite::Connection, change: i64) -> rusqlite::Result<Past> {
    let mut past = Past::default();
    let sql =
        concat!("SELECT ", product_columns!(), ", state, checksum FROM past_product WHERE change = ?1 ORDER BY place");
    let mut statement = store.prepare_cached(sql)?;
    let mut rows = statement.query([change])?;
    while let Some(row) = rows.next()? {
        let (p, state) = (fields(row)?, text(row, 11)?);
        if row.get_ref(12)?.as_bytes()? != past_product_checksum(change, &state, &p) {
            past.damaged.push(p.sku);
            continue;
        }
        let sku = p.sku.clone();
        let before = match state.as_str() {
            "absent" => Before::Absent,
            "present" => match past_photos(store, change, &sku)? {
                Some(photos) => Before::Present(Box::new(p), photos),
                None => {
                    past.damaged.push(sku);
                    continue;
                }
            },
            _ => Before::Damaged,
        };
        past.products.push((sku, before));
    }
    Ok(past)
}

/// A product's photographs before a change; nothing where a row is not what was written.
fn past_photos(store: &rusqlite::Connection, change: i64, sku: &str) -> rusqlite::Result<Option<Vec<PastPhoto>>> {
    let sql = concat!("SELECT ", photo_columns!(), " FROM past_photo WHERE change = ?1 AND sku = ?2 ORDER BY position");
    let mut statement = store.prepare_cached(sql)?;
    let read = |row: &Row<'_>| {
        let (id, name) = (PhotoId::new(row.get(0)?), text(row, 2)?);
        let (position, sha256) = (row.get(3)?, row.get_ref(4)?.as_bytes()?.to_vec());
        let (role, is_role) = role(row, 5)?;
        let of_row = photo_checksum(id, sku, &name, position, &sha256, role);
        let is_sound = is_role && row.get_ref(6)?.as_bytes()? == past_photo_checksum(change, &of_row);
        Ok(is_sound.then_some(PastPhoto { id, name, position, sha256, role }))
    };
    statement.query_map(params![change, sku], read)?.collect()
}

fn change(row: &Row<'_>) -> rusqlite::Result<Change> {
    let (number, at, undoes) = (row.get(0)?, row.get(2)?, row.get(5)?);
    let (who, what) = (text(row, 3)?, text(row, 4)?);
    let expected = change_checksum(number, row.get_ref(1)?.as_bytes()?, at, &who, &what, undoes);
    let is_sound = row.get_ref(6)?.as_bytes()? == expected;
    let products = usize::try_from(row.get::<_, i64>(7)?).unwrap_or(0);
    Ok(Change { number, at, who, what, products, undoes, is_undone: false, has_effect: true, is_sound })
}

fn change_checksum(number: i64, mark: &[u8], at: i64, who: &str, what: &str, undoes: Option<i64>) -> Checksum {
    Fields::of("change")
        .number(number)
        .bytes(mark)
        .number(at)
        .text(who)
        .text(what)
        .number(undoes.unwrap_or(-1))
        .finish()
}

pub(super) fn past_product_checksum(change: i64, state: &str, p: &Product) -> Checksum {
    Fields::of("past_product").number(change).text(state).bytes(&product_checksum(p)).finish()
}

fn past_photo_checksum(change: i64, of_row: &Checksum) -> Checksum {
    Fields::of("past_photo").number(change).bytes(of_row).finish()
}

fn seconds(time: SystemTime) -> i64 {
    seconds_of(time.duration_since(UNIX_EPOCH).unwrap_or_default())
}

fn seconds_of(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}
