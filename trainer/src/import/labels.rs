//! From a source's own words to the keys of the two taxonomies.
//!
//! A word that is a key maps to itself; any other needs a line `label,cat14,cat26` in the map that the user gives, where an empty
//! field says "does not fit this taxonomy". The word [`NO_GARMENT_LABEL`] marks photographs that show no garment.

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
}

/// How labels become keys.
#[derive(Debug)]
pub struct LabelMap {
    taxonomy14: Taxonomy,
    taxonomy26: Taxonomy,
    given: BTreeMap<String, Keys>,
}

#[derive(Debug, Deserialize)]
struct Line {
    label: String,
    #[serde(default)]
    cat14: String,
    #[serde(default)]
    cat26: String,
}

impl Default for LabelMap {
    fn default() -> Self {
        Self { taxonomy14: Taxonomy::category14(), taxonomy26: Taxonomy::category26(), given: BTreeMap::new() }
    }
}

impl LabelMap {
    /// Reads a map `label,cat14,cat26`. Lines with an unknown key are problems.
    ///
    /// # Errors
    /// When the file cannot be read or has no column `label`.
    pub fn read(path: &Path) -> Result<(Self, Problems), ImportError> {
        let bytes = files::read(path)?;
        let mut reader = csv::Reader::from_reader(bytes.as_slice());
        let headers = reader.headers().map_err(|cause| ImportError::Csv { path: path.to_path_buf(), cause })?.clone();
        require_column(path, &headers, "label")?;
        let mut map = Self::default();
        let mut problems = Problems::default();
        for (number, record) in (2_usize..).zip(reader.deserialize::<Line>()) {
            let line = match record {
                Ok(line) => line,
                Err(cause) => {
                    problems.push(path, format!("line {number}: {}", plain(&cause)));
                    continue;
                }
            };
            match map.unknown_key(&line.cat14, &line.cat26) {
                Some(reason) => problems.push(path, format!("line {number}: {reason}")),
                None => {
                    map.given.insert(line.label, Keys { cat14: line.cat14, cat26: line.cat26 });
                }
            }
        }
        Ok((map, problems))
    }

    /// The keys of a label; `None` for a word that is neither a key nor in the map.
    #[must_use]
    pub fn keys(&self, label: &str) -> Option<Keys> {
        if let Some(keys) = self.given.get(label) {
            return Some(keys.clone());
        }
        if label == NO_GARMENT_LABEL {
            return Some(Keys::default());
        }
        let key_in = |taxonomy: &Taxonomy| taxonomy.index_of(label).map(|_| label.to_owned());
        let (cat14, cat26) = (key_in(&self.taxonomy14), key_in(&self.taxonomy26));
        if cat14.is_none() && cat26.is_none() {
            return None;
        }
        Some(Keys { cat14: cat14.unwrap_or_default(), cat26: cat26.unwrap_or_default() })
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
    use super::{Keys, LabelMap};

    fn keys(cat14: &str, cat26: &str) -> Option<Keys> {
        Some(Keys { cat14: cat14.into(), cat26: cat26.into() })
    }

    #[test]
    fn keys_map_to_themselves_and_other_words_need_a_map() {
        let map = LabelMap::default();
        assert_eq!(map.keys("tshirt"), keys("tshirt", "tshirt"));
        assert_eq!(map.keys("jeans"), keys("", "jeans"));
        assert_eq!(map.keys("underwear"), keys("underwear", ""));
        assert_eq!(map.keys("no_garment"), keys("", ""));
        assert_eq!(map.keys("Tee"), None);
        assert_eq!(map.keys(""), None);
    }

    #[test]
    fn a_map_overrides_and_its_bad_lines_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.csv");
        std::fs::write(&path, "label,cat14,cat26\nTee,tshirt,tshirt\ndress,,skirt\nHat,hat,\nShoe,,\n").unwrap();
        let (map, problems) = LabelMap::read(&path).unwrap();
        assert_eq!(map.keys("Tee"), keys("tshirt", "tshirt"));
        assert_eq!(map.keys("dress"), keys("", "skirt"));
        assert_eq!(map.keys("Shoe"), keys("", ""));
        assert_eq!(map.keys("Hat"), None);
        assert_eq!(
            problems.iter().map(|problem| problem.reason.as_str()).collect::<Vec<_>>(),
            ["line 4: `hat` is no category of the taxonomy of 14"]
        );
    }
}
