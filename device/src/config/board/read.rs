//! The file of a board to a [`Board`].
//!
//! Promise: no text makes this panic; each error names file and line.

use super::super::near::{line_of, nearest};
use super::check::check_values;
use super::error::BoardError;
use super::schema::{Board, SLOT, TABLES, Table};
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Reads `text`, the content of `path`.
///
/// **Errors** [`BoardError`] with the line of the first thing that is wrong.
pub fn parse(path: &Path, text: &str) -> Result<Board, BoardError> {
    let syntax = |error: &toml::de::Error| BoardError::Syntax {
        path: path.to_owned(),
        line: line_of(text, error.span()),
        problem: error.message().to_owned(),
    };
    let file = DeTable::parse(text).map_err(|error| syntax(&error))?;
    let keys = Keys { path, text };
    for table in &TABLES {
        if let Some((found, span)) = keys.find(file.get_ref(), table)? {
            keys.check(found, span, table)?;
        }
    }
    let slots = file.get_ref().get("update").and_then(|update| match update.get_ref() {
        DeValue::Table(update) => Some(update.get("slots")?.get_ref()),
        _ => None,
    });
    if let Some(DeValue::Array(slots)) = slots {
        for slot in slots.iter() {
            if let DeValue::Table(keys_of_slot) = slot.get_ref() {
                keys.check(keys_of_slot, slot.span(), &SLOT)?;
            }
        }
    }
    let board: Board = toml::from_str(text).map_err(|error| syntax(&error))?;
    check_values(path, text, &board)?;
    Ok(board)
}

/// Which keys a file has, against those there are.
struct Keys<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Keys<'_> {
    /// A table and where it begins; none where it may be missing and is, or is no table (which is said when its values are read).
    fn find<'t, 'i>(
        &self,
        file: &'t DeTable<'i>,
        table: &Table,
    ) -> Result<Option<(&'t DeTable<'i>, Range<usize>)>, BoardError> {
        let mut found = (file, 0..0);
        for name in table.place.split('.').filter(|name| !name.is_empty()) {
            match found.0.get_key_value(name) {
                Some((key, value)) => match value.get_ref() {
                    DeValue::Table(inner) => found = (inner, key.span()),
                    _ => return Ok(None),
                },
                None if table.is_optional => return Ok(None),
                None => {
                    let (path, line) = (self.path.to_owned(), line_of(self.text, Some(found.1)));
                    return Err(BoardError::MissingKey { path, line, key: format!("[{}]", table.place) });
                }
            }
        }
        Ok(Some(found))
    }

    /// Finds the first key that nobody reads, then the first that is missing.
    fn check(&self, found: &DeTable<'_>, span: Range<usize>, table: &Table) -> Result<(), BoardError> {
        let above = if table.place.is_empty() { String::new() } else { format!("{}.", table.place) };
        // The tables in this one.
        let tables = TABLES.iter().filter_map(|inner| inner.place.strip_prefix(above.as_str()));
        let tables = tables.filter(|name| !name.is_empty() && !name.contains('.'));
        let known: Vec<&str> = table.needed.iter().chain(table.optional).copied().chain(tables).collect();
        let unknown = found.keys().find(|key: &&Spanned<_>| !known.contains(&key.get_ref().as_ref()));
        if let Some(key) = unknown {
            let name: &str = key.get_ref();
            return Err(BoardError::UnknownKey {
                path: self.path.to_owned(),
                line: line_of(self.text, Some(key.span())),
                key: format!("{above}{name}"),
                nearest: nearest(name, &known).map(|key| format!("{above}{key}")),
                known: known.iter().map(|key| format!("{above}{key}")).collect(),
            });
        }
        match table.needed.iter().find(|key| !found.contains_key(**key)) {
            Some(key) => Err(BoardError::MissingKey {
                path: self.path.to_owned(),
                line: line_of(self.text, Some(span)),
                key: format!("{above}{key}"),
            }),
            None => Ok(()),
        }
    }
}
