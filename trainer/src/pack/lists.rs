//! Writes `index.csv` and `duplicates.csv`, one line at a time.

use std::collections::HashMap;
use std::path::Path;

use clothingid_shared::files::{self, Sha256Writer};
use serde::Serialize;

use super::PackError;
use super::duplicates::{Duplicate, Kind};
use super::index::IndexLine;
use crate::import::Row;
use crate::import::split::Split;

/// One photograph, written.
pub(super) struct Stored<'a> {
    pub(super) row: &'a Row,
    pub(super) offset: u64,
    pub(super) byte_len: u64,
    pub(super) checksum: String,
    pub(super) width: u32,
    pub(super) height: u32,
}

/// A line of `duplicates.csv`.
#[derive(Serialize)]
struct DuplicateLine<'a> {
    first: &'a str,
    second: &'a str,
    kind: Kind,
    levels: f64,
    first_group: &'a str,
    second_group: &'a str,
    is_leak: bool,
    first_source: &'a str,
    second_source: &'a str,
}

/// Writes the index line by line and gives its SHA-256.
pub(super) fn write_index(path: &Path, stored: &[Stored<'_>], split: &Split) -> Result<String, PackError> {
    let mut items: HashMap<&str, usize> = HashMap::new();
    let lines = stored.iter().zip(split.parts.iter().zip(&split.clusters)).map(|(stored, (part, group))| {
        let row = stored.row;
        let next = items.len();
        IndexLine {
            offset: stored.offset,
            length: stored.byte_len,
            checksum: stored.checksum.clone(),
            part: *part,
            item: *items.entry(row.item_id.as_str()).or_insert(next),
            group: *group,
            path: row.path.clone(),
            source: row.source.clone(),
            label: row.label.clone(),
            cat14: row.cat14.clone(),
            cat26: row.cat26.clone(),
            item_id: row.item_id.clone(),
            group_id: row.group.clone(),
            view: row.view.clone(),
            split: row.split.clone(),
            width: stored.width,
            height: stored.height,
            note: row.note.clone(),
        }
    });
    write_lines(path, lines)
}

/// Writes lines as a CSV file, one at a time, and gives the file's SHA-256.
fn write_lines(path: &Path, lines: impl Iterator<Item = impl Serialize>) -> Result<String, PackError> {
    let mut sha256 = String::new();
    files::write_atomic_with(path, |file| {
        let mut csv = csv::Writer::from_writer(Sha256Writer::new(file));
        for line in lines {
            csv.serialize(line)?;
        }
        let hashed = csv.into_inner().map_err(csv::IntoInnerError::into_error)?;
        sha256 = hashed.finish().1;
        Ok(())
    })?;
    Ok(sha256)
}

/// Writes the pairs that show the same picture.
pub(super) fn write_duplicates(path: &Path, rows: &[&Row], pairs: &[Duplicate]) -> Result<(), PackError> {
    write_lines(path, pairs.iter().filter_map(|pair| describe(rows, pair))).map(drop)
}

fn describe<'a>(rows: &[&'a Row], pair: &Duplicate) -> Option<DuplicateLine<'a>> {
    let (first, second) = (rows.get(pair.first)?, rows.get(pair.second)?);
    let levels = (pair.levels * 100.0).round() / 100.0;
    Some(DuplicateLine {
        first: &first.path,
        second: &second.path,
        kind: pair.kind,
        levels,
        first_group: &first.group,
        second_group: &second.group,
        is_leak: first.group != second.group,
        first_source: &first.source,
        second_source: &second.source,
    })
}
