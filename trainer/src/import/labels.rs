//! From a source's own words to the keys of the two taxonomies.
//!
//! A word that is a key maps to itself; any other needs a line `label,cat14,cat26` in the map that the user gives, where an empty
//! field says "does not fit this taxonomy". The word [`NO_GARMENT_LABEL`] marks photographs that show no garment. An optional column
//! `subject` says `no_garment` or `leave_out` of a word.
//!
//! A published source has such a map of its own in `words/`. There a word that is not in the map stays without category even where it
//! looks like a key: what DeepFashion2 calls a vest is not what we call one.

use std::collections::BTreeMap;
use std::path::Path;

use clothingid_shared::files;
use clothingid_shared::taxonomy::Taxonomy;
use serde::Deserialize;

use super::ImportError;
use super::manifest::{plain, require_column};
use super::problems::Problems;

/// The label of photographs that show no garment.
pub const NO_GARMENT_LABEL: &str = "no_garment";

/// The keys of a label in both taxonomies; empty where it does not fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// Key in the taxonomy of 14.
    pub cat14: String,
    /// Key in the taxonomy of 26.
    pub cat26: String,
    /// What the photographs show.
    pub subject: Subject,
}

/// What photographs with a label show.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Subject {
    /// A garment.
    #[default]
    Garment,
    /// None.
    NoGarment,
    /// Nothing to learn from: they are not imported.
    LeaveOut,
}

/// How labels become keys.
#[derive(Debug)]
pub struct LabelMap {
    taxonomy14: Taxonomy,
    taxonomy26: Taxonomy,
    given: BTreeMap<String, Keys>,
    /// Are words known that are keys of a taxonomy?
    knows_keys: bool,
}

#[derive(Debug, Deserialize)]
struct Line {
    label: String,
    #[serde(default)]
    cat14: String,
    #[serde(default)]
    cat26: String,
    #[serde(default)]
    subject: String,
}

impl Default for LabelMap {
    fn default() -> Self {
        Self {
            taxonomy14: Taxonomy::category14(),
            taxonomy26: Taxonomy::category26(),
            given: BTreeMap::new(),
            knows_keys: true,
        }
    }
}

impl LabelMap {
    /// Reads a map `label,cat14,cat26`. Lines with an unknown key are problems.
    ///
    /// # Errors
    /// When the file cannot be read or has no column `label`.
    pub fn read(path: &Path) -> Result<(Self, Problems), ImportError> {
        let bytes = files::read(path)?;
        Self::parse(path, &bytes)
    }

    /// The map of a published source, with these words of the user's over it.
    ///
    /// # Panics
    /// Never: `words` is part of the program and a test reads it.
    #[must_use]
    pub fn over(&self, words: &str) -> Self {
        let (mut map, problems) = Self::parse(Path::new("words"), words.as_bytes()).expect("a test reads each map");
        assert!(problems.is_empty(), "a test reads each map");
        map.given.extend(self.given.clone());
        Self { knows_keys: false, ..map }
    }

    fn parse(path: &Path, bytes: &[u8]) -> Result<(Self, Problems), ImportError> {
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(bytes);
        let headers = reader.headers().map_err(|cause| ImportError::Csv { path: path.to_path_buf(), cause })?.clone();
        require_column(path, &headers, "label")?;
        let mut map = Self::default();
        let mut problems = Problems::default();
        for record in reader.records() {
            let record = match record {
                Ok(record) => record,
                Err(cause) => {
                    let line = cause.position().map_or(0, csv::Position::line);
                    problems.push_line(path, usize::try_from(line).unwrap_or_default(), plain(&cause));
                    continue;
                }
            };
            let line = record.position().map_or(0, csv::Position::line);
            let added = record
                .deserialize::<Line>(Some(&headers))
                .map_err(|cause| plain(&cause))
                .and_then(|line| map.add(line));
            if let Err(reason) = added {
                problems.push_line(path, usize::try_from(line).unwrap_or_default(), reason);
            }
        }
        Ok((map, problems))
    }

    fn add(&mut self, line: Line) -> Result<(), String> {
        let subject = match line.subject.as_str() {
            "" => Subject::Garment,
            NO_GARMENT_LABEL => Subject::NoGarment,
            "leave_out" => Subject::LeaveOut,
            other => return Err(format!("`{other}` is no subject: `{NO_GARMENT_LABEL}` or `leave_out`")),
        };
        if let Some(reason) = self.unknown_key(&line.cat14, &line.cat26) {
            return Err(reason);
        }
        self.given.insert(line.label, Keys { cat14: line.cat14, cat26: line.cat26, subject });
        Ok(())
    }

    /// The keys of a label; `None` for a word that is neither a key nor in the map.
    #[must_use]
    pub fn keys(&self, label: &str) -> Option<Keys> {
        if let Some(keys) = self.given.get(label) {
            return Some(keys.clone());
        }
        if label == NO_GARMENT_LABEL {
            return Some(Keys { subject: Subject::NoGarment, ..Keys::default() });
        }
        if !self.knows_keys {
            return None;
        }
        let key_in = |taxonomy: &Taxonomy| taxonomy.index_of(label).map(|_| label.to_owned());
        let (cat14, cat26) = (key_in(&self.taxonomy14), key_in(&self.taxonomy26));
        if cat14.is_none() && cat26.is_none() {
            return None;
        }
        Some(Keys { cat14: cat14.unwrap_or_default(), cat26: cat26.unwrap_or_default(), subject: Subject::Garment })
    }

    /// What is wrong with a pair of keys, if anything.
    #[must_use]
    pub fn unknown_key(&self, cat14: &str, cat26: &str) -> Option<String> {
        let known = |taxonomy: &Taxonomy, key: &str| key.is_empty() || taxonomy.index_of(key).is_some();
        if !known(&self.taxonomy14, cat14) {
            return Some(format!("`{cat14}` is no category of the taxonomy of 14"));
        }
        if !known(&self.taxonomy26, cat26) {
            return Some(format!("`{cat26}` is no category of the taxonomy of 26"));
        }
        None
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use super::{Keys, LabelMap, Subject};

    fn keys(cat14: &str, cat26: &str) -> Option<Keys> {
        Some(Keys { cat14: cat14.into(), cat26: cat26.into(), subject: Subject::Garment })
    }

    fn nothing(subject: Subject) -> Option<Keys> {
        Some(Keys { subject, ..Keys::default() })
    }

    #[test]
    fn keys_map_to_themselves_and_other_words_need_a_map() {
        let map = LabelMap::default();
        assert_eq!(map.keys("tshirt"), keys("tshirt", "tshirt"));
        assert_eq!(map.keys("jeans"), keys("", "jeans"));
        assert_eq!(map.keys("underwear"), keys("underwear", ""));
        assert_eq!(map.keys("no_garment"), nothing(Subject::NoGarment));
        assert_eq!(map.keys("Tee"), None);
        assert_eq!(map.keys(""), None);
    }

    #[test]
    fn a_map_overrides_and_its_bad_lines_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.csv");
        std::fs::write(&path, "label,cat14,cat26,subject\nTee,tshirt,tshirt,\ndress,,skirt,\nHat,hat,,\n# shoes\nShoe,,,no_garment\nBag,,,bag\nSole,,,leave_out\nx\n").unwrap();
        let (map, problems) = LabelMap::read(&path).unwrap();
        assert_eq!(map.keys("Tee"), keys("tshirt", "tshirt"));
        assert_eq!(map.keys("dress"), keys("", "skirt"));
        assert_eq!(map.keys("Shoe"), nothing(Subject::NoGarment));
        assert_eq!(map.keys("Sole"), nothing(Subject::LeaveOut));
        assert_eq!(map.keys("Hat"), None);
        assert_eq!(
            problems.iter().map(|problem| (problem.line, problem.reason.as_str())).collect::<Vec<_>>(),
            [
                (Some(4), "`hat` is no category of the taxonomy of 14"),
                (Some(7), "`bag` is no subject: `no_garment` or `leave_out`"),
                (Some(9), "1 fields instead of 4"),
            ]
        );
    }

    #[test]
    fn a_sources_own_words_are_all_there_is_but_for_the_users() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.csv");
        std::fs::write(&path, "label,cat14,cat26\nvest,vest,waistcoat\n").unwrap();
        let (user, _) = LabelMap::read(&path).unwrap();
        let words = "label,cat14,cat26\nvest,vest,\nsling,vest,tank\n";
        assert_eq!(LabelMap::default().over(words).keys("vest"), keys("vest", ""));
        let map = user.over(words);
        assert_eq!(map.keys("vest"), keys("vest", "waistcoat"));
        assert_eq!(map.keys("sling"), keys("vest", "tank"));
        assert_eq!(map.keys("dress"), None, "a word that looks like a key is not guessed to be one");
    }
}
