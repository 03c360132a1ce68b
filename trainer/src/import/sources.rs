//! What is known of each source: name, licence, whether its photographs may ship, whom to name.
//!
//! Facts about the sources that this project has used stand in `sources.toml` beside this file; a manifest's own `sources.toml`
//! comes first. A source that neither knows has the licence `unknown` and may not ship.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clothingid_shared::files;
use serde::{Deserialize, Serialize};

use super::ImportError;

/// Name of the file in a manifest's folder.
pub const SOURCES_FILE: &str = "sources.toml";
/// The version of that file that is written and read here.
pub const SOURCES_VERSION: u32 = 1;
/// The licence of a source of which nothing is known.
pub const UNKNOWN_LICENCE: &str = "unknown";

/// One source of photographs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceFacts {
    /// Its name for people.
    pub name: String,
    /// Its licence, an SPDX expression where there is one.
    pub licence: String,
    /// May the photographs themselves be part of the product?
    pub may_ship: bool,
    /// Whom to name.
    #[serde(default)]
    pub attribution: String,
    /// Where it comes from.
    #[serde(default)]
    pub url: String,
}

impl SourceFacts {
    /// A source of which nothing is known.
    #[must_use]
    pub fn unknown(name: &str) -> Self {
        Self {
            name: name.into(),
            licence: UNKNOWN_LICENCE.into(),
            may_ship: false,
            attribution: String::new(),
            url: String::new(),
        }
    }

    /// Is the licence unknown?
    #[must_use]
    pub fn is_unknown(&self) -> bool {
        self.licence == UNKNOWN_LICENCE
    }
}

/// A `sources.toml`: facts by source, and where a manifest's paths begin.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceTable {
    /// Version of the form.
    pub version: u32,
    /// Where the manifest's paths begin; none: in the manifest's folder.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<PathBuf>,
    /// Facts by the word in the manifest's column `source`.
    #[serde(default)]
    pub sources: BTreeMap<String, SourceFacts>,
}

impl SourceTable {
    /// A table in the present form.
    #[must_use]
    pub fn new(root: Option<PathBuf>, sources: BTreeMap<String, SourceFacts>) -> Self {
        Self { version: SOURCES_VERSION, root, sources }
    }

    /// The sources that this project has used.
    ///
    /// # Panics
    /// Never: the text is part of the program and a test reads it.
    #[must_use]
    pub fn known() -> Self {
        toml::from_str(include_str!("sources.toml")).expect("the built-in sources.toml is read by a test")
    }

    /// The table in a folder, completed by what is known; an absent file is an empty table.
    ///
    /// # Errors
    /// When the file is there and cannot be read, or is of a newer version.
    pub fn beside(folder: &Path) -> Result<Self, ImportError> {
        let path = folder.join(SOURCES_FILE);
        let mut table = if path.exists() {
            let text = files::read_text(&path)?;
            toml::from_str(&text)
                .map_err(|cause| ImportError::Sources { path: path.clone(), cause: Box::new(cause) })?
        } else {
            Self::new(None, BTreeMap::new())
        };
        if table.version != SOURCES_VERSION {
            return Err(ImportError::NewerSources { path, expected: SOURCES_VERSION, found: table.version });
        }
        for (source, facts) in Self::known().sources {
            table.sources.entry(source).or_insert(facts);
        }
        Ok(table)
    }

    /// The facts of the sources that occur, unknown ones included.
    #[must_use]
    pub fn facts_of<'a>(&self, occurring: impl Iterator<Item = &'a str>) -> BTreeMap<String, SourceFacts> {
        let mut facts = BTreeMap::new();
        for source in occurring {
            if !facts.contains_key(source) {
                let found = self.sources.get(source).cloned().unwrap_or_else(|| SourceFacts::unknown(source));
                facts.insert(source.to_owned(), found);
            }
        }
        facts
    }

    /// Writes the table into a folder.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), ImportError> {
        let body = toml::to_string_pretty(self).unwrap_or_default();
        files::write_atomic(&folder.join(SOURCES_FILE), body.as_bytes())?;
        Ok(())
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use super::{SOURCES_FILE, SourceTable};

    #[test]
    fn the_built_in_table_reads_and_names_licences() {
        let table = SourceTable::known();
        assert_eq!(table.sources.len(), 15);
        assert!(table.sources.values().all(|facts| !facts.is_unknown() && !facts.attribution.is_empty()));
        let ships: Vec<_> =
            table.sources.iter().filter(|(_, facts)| facts.may_ship).map(|(source, _)| source.as_str()).collect();
        assert_eq!(
            ships,
            ["clothing_cc0", "freesewing_showcase", "oss_shops/saleor", "oss_shops/spree", "oss_shops/sylius"]
        );
    }

    #[test]
    fn an_unknown_source_may_not_ship() {
        let facts = SourceTable::known().facts_of(["clothing_cc0", "mine", "mine"].into_iter());
        assert_eq!(facts.len(), 2);
        assert!(facts["mine"].is_unknown() && !facts["mine"].may_ship);
    }

    #[test]
    fn a_folder_overrides_what_is_known_and_a_newer_form_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(SOURCES_FILE);
        std::fs::write(&path, "version = 1\n[sources.clothing_cc0]\nname = 'x'\nlicence = 'y'\nmay_ship = false\n")
            .unwrap();
        let table = SourceTable::beside(folder.path()).unwrap();
        assert_eq!(table.sources["clothing_cc0"].licence, "y");
        assert!(table.sources.contains_key("magento_luma"));
        std::fs::write(&path, "version = 2\n").unwrap();
        assert!(
            SourceTable::beside(folder.path())
                .unwrap_err()
                .to_string()
                .contains("version 2, this program reads version 1")
        );
        std::fs::write(&path, "version = 'one'\n").unwrap();
        assert!(SourceTable::beside(folder.path()).is_err());
    }
}
