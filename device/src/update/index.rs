//! The index of updates, `updates.toml`: what a head office offers.
//!
//! Promise: no bytes make the reader panic; memory in proportion to a text of at most [`MOST_BYTES`]. What is read is within its bounds: file
//! names are plain, hashes are hashes, keys are keys. Whose it is must have been found out before ([`keys`](super::keys)).

use crate::config::near::{line_of, nearest};
use crate::signature::{KeyId, public_key};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The index's name in its folder.
pub const FILE: &str = "updates.toml";

/// An index is a page of text.
pub const MOST_BYTES: u64 = 1 << 20;

/// The largest file of an update.
pub const MOST_FILE_BYTES: u64 = 16 << 30;

/// Updates, keys or retired keys in one index.
const MOST_ENTRIES: usize = 256;

/// What is updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The catalogue: an edition.
    Catalogue,
    /// The network: a bundle.
    Network,
    /// The system: an image.
    System,
}

impl Kind {
    /// All of them, in the order in which they are taken: the catalogue with the network that is proven.
    pub const ALL: [Self; 3] = [Self::Catalogue, Self::Network, Self::System];

    /// As the index has it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Catalogue => "catalogue",
            Self::Network => "network",
            Self::System => "system",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What a head office offers.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    /// Counts up with each index.
    pub serial: u64,
    /// What is offered.
    #[serde(default, rename = "update", skip_serializing_if = "Vec::is_empty")]
    pub updates: Vec<Update>,
    /// Keys that are trusted from now on.
    #[serde(default, rename = "key", skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<AddedKey>,
    /// Keys that are trusted no more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub retired: Vec<RetiredKey>,
}

/// One file that is offered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Update {
    /// What it updates.
    pub kind: Kind,
    /// Counts up for each kind.
    pub serial: u64,
    /// For people.
    pub version: String,
    /// Its name in the index's folder.
    pub file: String,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: String,
    /// The boards that it is for; all where none is named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub boards: Vec<String>,
}

/// A key that is trusted from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AddedKey {
    /// The public key's text.
    pub public: String,
}

/// A key that is trusted no more.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RetiredKey {
    /// Its number.
    pub id: String,
}

const KEYS: [&str; 4] = ["serial", "update", "key", "retired"];
const UPDATE_KEYS: [&str; 7] = ["kind", "serial", "version", "file", "bytes", "sha256", "boards"];

/// An index that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}:{line}: {problem}")]
pub struct IndexError {
    /// Where it is from.
    pub place: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub problem: String,
    /// The key that was probably meant.
    pub nearest: Option<String>,
}

impl Index {
    /// Reads an index. `place` names it in errors.
    ///
    /// # Errors
    /// [`IndexError`] with the line of the first thing that is wrong.
    pub fn parse(place: &str, bytes: &[u8]) -> Result<Self, IndexError> {
        let error = |line, problem: String| IndexError { place: place.to_owned(), line, problem, nearest: None };
        if bytes.len() as u64 > MOST_BYTES {
            return Err(error(1, format!("has more than {} KiB", MOST_BYTES >> 10)));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| error(1, "is not UTF-8".to_owned()))?;
        let syntax = |e: &toml::de::Error| error(line_of(text, e.span()), e.message().to_owned());
        let table = DeTable::parse(text).map_err(|e| syntax(&e))?;
        check_keys(text, table.get_ref(), |line, problem, nearest| IndexError { nearest, ..error(line, problem) })?;
        let index: Self = toml::from_str(text).map_err(|e| syntax(&e))?;
        match index.problem() {
            None => Ok(index),
            Some((array, number, problem)) => Err(error(line_of_entry(text, table.get_ref(), array, number), problem)),
        }
    }

    /// As a file.
    ///
    /// # Errors
    /// It cannot be written as TOML.
    pub fn to_text(&self) -> Result<String, toml::ser::Error> {
        toml::to_string(self)
    }

    /// The first thing that cannot be.
    fn problem(&self) -> Option<(Option<&'static str>, usize, String)> {
        let is_serial = |serial| (1..=i64::MAX.unsigned_abs()).contains(&serial);
        if !is_serial(self.serial) {
            return Some((None, 0, "`serial` is not 1 or more".to_owned()));
        }
        if [self.updates.len(), self.keys.len(), self.retired.len()].into_iter().any(|count| count > MOST_ENTRIES) {
            return Some((None, 0, format!("has more than {MOST_ENTRIES} entries of one kind")));
        }
        for (number, update) in self.updates.iter().enumerate() {
            let twice = || {
                let others = self.updates.iter().take(number);
                others.filter(|other| other.kind == update.kind && other.serial == update.serial).find_map(|other| {
                    let is_shared = other.boards.is_empty()
                        || update.boards.is_empty()
                        || other.boards.iter().any(|board| update.boards.contains(board));
                    is_shared.then(|| {
                        format!("`serial` {} of kind `{}` stands twice for one board", update.serial, update.kind)
                    })
                })
            };
            let problem = update
                .problem()
                .or_else(|| (!is_serial(update.serial)).then(|| "`serial` is not 1 or more".to_owned()));
            if let Some(problem) = problem.or_else(twice) {
                return Some((Some("update"), number, problem));
            }
        }
        let no_key = |key: &&AddedKey| Path::new(&key.public).is_file() || public_key(&key.public).is_err();
        if let Some((number, key)) = self.keys.iter().enumerate().find(|(_, key)| no_key(key)) {
            return Some((
                Some("key"),
                number,
                format!("`public` is no public key of minisign's form: `{}`", key.public.escape_debug()),
            ));
        }
        let wrong = self.retired.iter().enumerate().find(|(_, key)| KeyId::parse(&key.id).is_none());
        wrong.map(|(number, key)| {
            (Some("retired"), number, format!("`id` is no number of a key: `{}`", key.id.escape_debug()))
        })
    }
}

impl Update {
    fn problem(&self) -> Option<String> {
        let Self { kind, version, file, bytes, sha256, boards, .. } = self;
        if !is_plain_name(file) || file.starts_with(FILE) {
            return Some(format!("`file` is not the plain name of a file beside the index: `{}`", file.escape_debug()));
        }
        if version.is_empty() || version.chars().count() > 64 || version.chars().any(char::is_control) {
            return Some("`version` is not of 1 to 64 letters".to_owned());
        }
        if !(1..=MOST_FILE_BYTES).contains(bytes) {
            return Some(format!("`bytes` is not from 1 to {MOST_FILE_BYTES}"));
        }
        if sha256.len() != 64 || !sha256.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Some("`sha256` is not of 64 hexadecimal digits in small letters".to_owned());
        }
        if let Some(board) = boards.iter().find(|board| !is_plain_name(board)) {
            return Some(format!("`boards` has what is no board's name: `{}`", board.escape_debug()));
        }
        (*kind == Kind::System && boards.is_empty())
            .then(|| "`boards` is missing: an image is for certain boards".to_owned())
    }

    /// What it is, for people.
    #[must_use]
    pub fn title(&self) -> String {
        format!("{} {} (number {})", self.kind, self.version, self.serial)
    }
}

/// Whether it names a file in a folder and nothing beyond it.
pub(super) fn is_plain_name(name: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
    (1..=128).contains(&name.len()) && name.bytes().all(is_letter) && !name.starts_with(['.', '-'])
}

/// The line of an entry of an array, or the first one.
fn line_of_entry(text: &str, table: &DeTable<'_>, array: Option<&str>, number: usize) -> usize {
    let entries = array.and_then(|name| table.get(name)).map(Spanned::get_ref);
    let Some(DeValue::Array(entries)) = entries else { return 1 };
    line_of(text, entries.get(number).map(Spanned::span))
}

/// Finds the first key that nobody reads.
fn check_keys(
    text: &str,
    table: &DeTable<'_>,
    error: impl Fn(usize, String, Option<String>) -> IndexError,
) -> Result<(), IndexError> {
    let unknown = |key: &str, span: Range<usize>, known: &[&str]| {
        error(line_of(text, Some(span)), format!("unknown key `{}`", key.escape_debug()), nearest(key, known))
    };
    for (key, value) in table {
        let known: &[&str] = match &**key.get_ref() {
            "update" => &UPDATE_KEYS,
            "key" => &["public"],
            "retired" => &["id"],
            "serial" => continue,
            name => return Err(unknown(name, key.span(), &KEYS)),
        };
        let DeValue::Array(entries) = value.get_ref() else { continue };
        for entry in entries {
            if let DeValue::Table(entry) = entry.get_ref()
                && let Some(key) = entry.keys().find(|key| !known.contains(&&**key.get_ref()))
            {
                return Err(unknown(key.get_ref(), key.span(), known));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

    fn update(serial: u64) -> Update {
        Update {
            kind: Kind::Network,
            serial,
            version: "2026.11".into(),
            file: "winter.bundle".into(),
            bytes: 3_145_728,
            sha256: "0".repeat(64),
            boards: vec!["generic-x86-64".into()],
        }
    }

    fn index() -> Index {
        Index {
            serial: 41,
            updates: vec![update(11), update(12)],
            keys: vec![AddedKey { public: KEY.into() }],
            retired: vec![RetiredKey { id: "E7620F1842B4E81F".into() }],
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let text = index().to_text().unwrap();
        assert_eq!(Index::parse(FILE, text.as_bytes()).unwrap(), index());
        insta::assert_snapshot!(text);
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let good = index().to_text().unwrap();
        let of = |from: &str, to: &str| {
            let text = good.replacen(from, to, 1);
            assert_ne!(text, good, "{from}");
            let error = Index::parse(FILE, text.as_bytes()).unwrap_err();
            let nearest = error.nearest.as_ref().map(|key| format!(" (did you mean `{key}`?)")).unwrap_or_default();
            format!("{error}{nearest}")
        };
        let said = [
            of("serial = 41", "serial = 0"),
            of("serial = 41", "serial = -1"),
            of("serial = 41", "serials = 41"),
            of("serial = 41", "serial = 41\nxyzzy = 1"),
            of("serial = 12", "serial = 11"),
            of("kind = \"network\"", "kind = \"firmware\""),
            of("kind = \"network\"", "kinds = \"network\""),
            of("winter.bundle", "../winter.bundle"),
            of("winter.bundle", ".hidden"),
            of("winter.bundle", "updates.toml.minisig"),
            of("2026.11", ""),
            of("bytes = 3145728", "bytes = 0"),
            of("bytes = 3145728", "bytes = 99999999999999"),
            of("0000", "000X"),
            of("generic-x86-64", "a b"),
            of("kind = \"network\"", "kind = \"system\"\nboard = []"),
            of("RWQf6", "RWQ"),
            of("E7620F1842B4E81F", "E7620F1842B4E81F0"),
            of("serial = 41", "serial = "),
            Index::parse(FILE, b"\xff").unwrap_err().to_string(),
            Index::parse(FILE, &vec![b'#'; (1 << 20) + 1]).unwrap_err().to_string(),
        ];
        insta::assert_snapshot!(said.join("\n"));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,40}(\n\\PC{0,40}){0,5}") {
            let _ = Index::parse(FILE, text.as_bytes());
        }
    }
}
