//! From a source's own words to the keys of the two taxonomies.
//!
//! A word that is a key maps to itself; any other needs a line `label,cat14,cat26` in the map that the user gives, where an empty
//! field says "does not fit this taxonomy". The word [`NO_GARMENT_LABEL`] marks photographs that show no garment. An optional column
//! `subject` says `no_garment` or `leave_out` of a word.
//!
//! With taxonomies of other objects (`--taxonomies`) the same holds of their keys, and a finer category brings along the coarser one that its
//! list names. With those of clothing it does not: packs made before there were others keep their identity.
//!
//! A published source has such a map of its own in `words/`. There a word that is not in the map stays without category even where it
//! looks like a key: what DeepFashion2 calls a vest is not what we call one.

use std::collections::BTreeMap;
use std::path::Path;

use clothingid_shared::files;
use clothingid_shared::taxonomy::{RESERVED, Taxonomies, Taxonomy};
use serde::Deserialize;

use super::ImportError;
use super::manifest::{plain, require_column};
use super::problems::Problems;

/// The label of photographs that show no garment.
pub const NO_GARMENT_LABEL: &str = RESERVED;

/// The keys of a label in both taxonomies; empty where it does not fit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Keys {
    /// Key in the coarser taxonomy.
    pub cat14: String,
    /// Key in the finer taxonomy.
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
    taxonomies: Taxonomies,
    is_clothing: bool,
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
        Self::of(Taxonomies::clothing())
    }
}

impl LabelMap {
    /// Keys alone.
    #[must_use]
    pub fn of(taxonomies: Taxonomies) -> Self {
        let is_clothing = taxonomies.is_clothing();
        Self { taxonomies, is_clothing, given: BTreeMap::new(), knows_keys: true }
    }

    /// The taxonomies that the keys are of.
    #[must_use]
    pub fn taxonomies(&self) -> &Taxonomies {
        &self.taxonomies
    }

    /// Reads a map `label,cat14,cat26` beside the keys. Lines with an unknown key are problems.
    ///
    /// # Errors
    /// When the file cannot be read or has no column `label`.
    pub fn read(self, path: &Path) -> Result<(Self, Problems), ImportError> {
        let bytes = files::read(path)?;
        self.parse(path, &bytes)
    }

    /// The map of a published source, with these words of the user's over it; of other objects than clothing the user's alone, as a
    /// published map leads to categories of clothing.
    ///
    /// # Panics
    /// Never: `words` is part of the program and a test reads it.
    #[must_use]
    pub fn over(&self, words: &str) -> Self {
        if !self.is_clothing {
            return Self { taxonomies: self.taxonomies.clone(), given: self.given.clone(), knows_keys: false, ..*self };
        }
        let (mut map, problems) =
            Self::default().parse(Path::new("words"), words.as_bytes()).expect("a test reads each map");
        assert!(problems.is_empty(), "a test reads each map");
        map.given.extend(self.given.clone());
        Self { knows_keys: false, ..map }
    }

    fn parse(mut self, path: &Path, bytes: &[u8]) -> Result<(Self, Problems), ImportError> {
        let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(bytes);
        let headers = reader.headers().map_err(|cause| ImportError::Csv { path: path.to_path_buf(), cause })?.clone();
        require_column(path, &headers, "label")?;
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
                .and_then(|line| self.add(line));
            if let Err(reason) = added {
                problems.push_line(path, usize::try_from(line).unwrap_or_default(), reason);
            }
        }
        Ok((self, problems))
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
        let Taxonomies { category14, category26, .. } = &self.taxonomies;
        let (mut cat14, cat26) = (key_in(category14), key_in(category26));
        if cat14.is_none() && cat26.is_none() {
            return None;
        }
        if cat14.is_none() && !self.is_clothing {
            cat14 = category26.categories.iter().find(|c| c.key == label).and_then(|finer| finer.in14.clone());
        }
        Some(Keys { cat14: cat14.unwrap_or_default(), cat26: cat26.unwrap_or_default(), subject: Subject::Garment })
    }

    /// What is wrong with a label that has no keys.
    #[must_use]
    pub fn unknown_label(&self, label: &str) -> String {
        if self.is_clothing {
            return format!("`{label}` is no category and not in the label map");
        }
        let [coarser, finer] = [0, 1].map(|slot| self.taxonomies.words(slot));
        format!("`{label}` is no category of the {coarser} or the {finer}, and not in the label map")
    }

    /// What is wrong with a pair of keys, if anything.
    #[must_use]
    pub fn unknown_key(&self, cat14: &str, cat26: &str) -> Option<String> {
        let known = |taxonomy: &Taxonomy, key: &str| key.is_empty() || taxonomy.index_of(key).is_some();
        let Taxonomies { category14, category26, .. } = &self.taxonomies;
        let mut both = [(category14, cat14), (category26, cat26)].into_iter().enumerate();
        let (slot, (_, key)) = both.find(|(_, (taxonomy, key))| !known(taxonomy, key))?;
        Some(format!("`{key}` is no category of the {}", self.taxonomies.words(slot)))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use clothingid_shared::taxonomy::{Category, Taxonomies, Taxonomy};

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
        let (map, problems) = LabelMap::default().read(&path).unwrap();
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
    fn of_other_objects_the_finer_key_brings_the_coarser_and_published_words_do_not_count() {
        let list = |keys: [(&str, Option<&str>); 2]| {
            let category = |(key, in14): (&str, Option<&str>)| Category {
                key: key.to_owned(),
                in14: in14.map(str::to_owned),
                names: [("en".to_owned(), key.to_owned())].into(),
            };
            Taxonomy { categories: keys.map(category).into() }
        };
        let others = || {
            Taxonomies::of(list([("round", None), ("angular", None)]), list([("disc", Some("round")), ("star", None)]))
        };
        let map = LabelMap::of(others());
        assert_eq!(map.keys("disc"), keys("round", "disc"));
        assert_eq!(map.keys("star"), keys("", "star"));
        assert_eq!(map.keys("round"), keys("round", ""));
        assert_eq!(map.keys("tshirt"), None);
        assert_eq!(map.keys("no_garment"), nothing(Subject::NoGarment));
        assert_eq!(map.unknown_key("round", "tshirt").unwrap(), "`tshirt` is no category of the taxonomy of 2");
        let folder = tempfile::tempdir().unwrap();
        others().write(folder.path()).unwrap();
        let map = LabelMap::of(Taxonomies::read(folder.path()).unwrap());
        let place = folder.path().display().to_string();
        assert!(map.unknown_key("square", "").unwrap().contains(&format!("taxonomy `{place}/category14.toml`")));
        assert!(map.unknown_label("square").contains(&format!("taxonomy `{place}/category26.toml`")));
        let path = folder.path().join("map.csv");
        std::fs::write(&path, "label,cat14,cat26\nwheel,round,disc\n").unwrap();
        let (map, problems) = map.read(&path).unwrap();
        assert!(problems.is_empty());
        let map = map.over("label,cat14,cat26\nvest,vest,\n");
        assert_eq!((map.keys("wheel"), map.keys("vest"), map.keys("disc")), (keys("round", "disc"), None, None));
    }

    #[test]
    fn a_sources_own_words_are_all_there_is_but_for_the_users() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.csv");
        std::fs::write(&path, "label,cat14,cat26\nvest,vest,waistcoat\n").unwrap();
        let (user, _) = LabelMap::default().read(&path).unwrap();
        let words = "label,cat14,cat26\nvest,vest,\nsling,vest,tank\n";
        assert_eq!(LabelMap::default().over(words).keys("vest"), keys("vest", ""));
        let map = user.over(words);
        assert_eq!(map.keys("vest"), keys("vest", "waistcoat"));
        assert_eq!(map.keys("sling"), keys("vest", "tank"));
        assert_eq!(map.keys("dress"), None, "a word that looks like a key is not guessed to be one");
    }
}
