//! The keys of a board's file: whether they are those that there are, and their values by type.
//!
//! By hand and not through `serde`: what that makes of so many tables is a quarter of a megabyte of the program.

use super::super::near::{line_of, nearest};
use super::error::BoardError;
use super::schema::{TABLES, Table};
use std::ops::Range;
use std::path::Path;
use std::str::FromStr;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A file: what errors name, and all that is in it.
pub(super) struct File<'a> {
    pub(super) path: &'a Path,
    pub(super) text: &'a str,
    pub(super) table: &'a DeTable<'a>,
}

/// A table of a file.
pub(super) struct At<'a> {
    file: &'a File<'a>,
    table: &'a DeTable<'a>,
    place: &'a str,
    span: Range<usize>,
}

impl<'a> File<'a> {
    /// The table at a place; none where there is none.
    ///
    /// **Errors** something else is there.
    pub(super) fn at(&'a self, place: &'a str) -> Result<Option<At<'a>>, BoardError> {
        let mut found = At { file: self, table: self.table, place, span: 0..0 };
        for name in place.split('.').filter(|name| !name.is_empty()) {
            match found.table.get_key_value(name) {
                None => return Ok(None),
                Some((key, value)) => match value.get_ref() {
                    DeValue::Table(inner) => found = At { table: inner, span: key.span(), ..found },
                    _ => return Err(self.wrong(place, Some(key.span()), "is not a table")),
                },
            }
        }
        Ok(Some(found))
    }

    /// A value that cannot be, at a place of the text.
    pub(super) fn wrong(&self, key: &str, span: Option<Range<usize>>, problem: &str) -> BoardError {
        let (path, line) = (self.path.to_owned(), line_of(self.text, span));
        BoardError::Value { path, line, key: key.to_owned(), problem: problem.to_owned() }
    }

    /// As [`wrong`](Self::wrong), at the key with this name.
    pub(super) fn wrong_value(&self, key: &str, problem: &str) -> BoardError {
        let (place, name) = key.rsplit_once('.').unwrap_or(("", key));
        let span = self.at(place).ok().flatten().and_then(|at| Some(at.table.get_key_value(name)?.0.span()));
        self.wrong(key, span, problem)
    }

    /// That a key is missing in a table that begins there.
    pub(super) fn missing(&self, key: String, span: Range<usize>) -> BoardError {
        BoardError::MissingKey { path: self.path.to_owned(), line: line_of(self.text, Some(span)), key }
    }
}

impl<'a> At<'a> {
    /// Finds the first key that nobody reads, then the first that is missing.
    pub(super) fn check(&self, table: &Table) -> Result<(), BoardError> {
        let above = self.named("");
        // The tables in this one.
        let tables = TABLES.iter().filter_map(|inner| inner.place.strip_prefix(above.as_str()));
        let tables = tables.filter(|name| !name.is_empty() && !name.contains('.'));
        let known: Vec<&str> = table.needed.iter().chain(table.optional).copied().chain(tables).collect();
        let unknown = self.table.keys().find(|key: &&Spanned<_>| !known.contains(&key.get_ref().as_ref()));
        if let Some(key) = unknown {
            let name: &str = key.get_ref();
            return Err(BoardError::UnknownKey {
                path: self.file.path.to_owned(),
                line: line_of(self.file.text, Some(key.span())),
                key: format!("{above}{name}"),
                nearest: nearest(name, &known).map(|key| format!("{above}{key}")),
                known: known.iter().map(|key| format!("{above}{key}")).collect(),
            });
        }
        let missing = table.needed.iter().find(|key| !self.has(key));
        missing.map_or(Ok(()), |key| Err(self.file.missing(self.named(key), self.span.clone())))
    }

    /// Whether a key is there.
    pub(super) fn has(&self, key: &str) -> bool {
        self.table.contains_key(key)
    }

    /// A text.
    pub(super) fn text(&self, key: &str) -> Result<String, BoardError> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            _ => Err(self.wrong(key, value, "is not a text")),
        }
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, key: &str) -> Result<bool, BoardError> {
        let value = self.value(key)?;
        match value.get_ref() {
            DeValue::Boolean(flag) => Ok(*flag),
            _ => Err(self.wrong(key, value, "is not `true` or `false`")),
        }
    }

    /// A whole number.
    pub(super) fn count(&self, key: &str) -> Result<u16, BoardError> {
        let value = self.value(key)?;
        let count = match value.get_ref() {
            DeValue::Integer(number) => number.as_str().parse().ok(),
            _ => None,
        };
        count.ok_or_else(|| self.wrong(key, value, "is not a whole number from 0 to 65535"))
    }

    /// A number.
    pub(super) fn number(&self, key: &str) -> Result<f64, BoardError> {
        let value = self.value(key)?;
        let number = match value.get_ref() {
            DeValue::Integer(number) => f64::from_str(number.as_str()).ok(),
            DeValue::Float(number) => f64::from_str(number.as_str()).ok(),
            _ => None,
        };
        number.ok_or_else(|| self.wrong(key, value, "is not a number"))
    }

    /// A list of texts.
    pub(super) fn list(&self, key: &str) -> Result<Vec<String>, BoardError> {
        let value = self.value(key)?;
        let DeValue::Array(values) = value.get_ref() else { return Err(self.wrong(key, value, "is not a list")) };
        let text = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
            DeValue::String(text) => Ok(text.to_string()),
            _ => Err(self.wrong(key, value, "has something else than texts in its list")),
        };
        values.iter().map(text).collect()
    }

    /// One of some words.
    pub(super) fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<T, BoardError> {
        let text = self.text(key)?;
        words.iter().find(|(word, _)| *word == text).map(|(_, choice)| *choice).ok_or_else(|| {
            let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.file.wrong_value(&self.named(key), &format!("is not one of `{}`", known.join("`, `")))
        })
    }

    /// A list of tables.
    pub(super) fn tables(&self, key: &str, place: &'a str) -> Result<Vec<At<'a>>, BoardError> {
        let value = self.value(key)?;
        let DeValue::Array(values) = value.get_ref() else { return Err(self.wrong(key, value, "is not a list")) };
        let table = |value: &'a Spanned<DeValue<'a>>| match value.get_ref() {
            DeValue::Table(table) => Ok(At { file: self.file, table, place, span: value.span() }),
            _ => Err(self.wrong(key, value, "has something else than tables in its list")),
        };
        values.iter().map(table).collect()
    }

    fn value(&self, key: &str) -> Result<&'a Spanned<DeValue<'a>>, BoardError> {
        self.table.get(key).ok_or_else(|| self.file.missing(self.named(key), self.span.clone()))
    }

    fn wrong(&self, key: &str, value: &Spanned<DeValue<'_>>, problem: &str) -> BoardError {
        self.file.wrong(&self.named(key), Some(value.span()), problem)
    }

    fn named(&self, key: &str) -> String {
        if self.place.is_empty() { key.to_owned() } else { format!("{}.{key}", self.place) }
    }
}
