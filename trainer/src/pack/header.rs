//! `pack.json`: form, version, counts and sources of a pack, and the checksums of its other files.

use std::path::Path;

use clothingid_shared::files;
use serde::{Deserialize, Serialize};

use super::PackError;
use crate::import::{Fractions, SourceFacts};

/// The word that `pack.json` begins with.
pub const FORM: &str = "clothingid-pack";
/// The version that is written and read here.
pub const VERSION: u32 = 1;
/// The commit mark of a pack, written last.
pub const HEADER_FILE: &str = "pack.json";
/// One line a photograph.
pub const INDEX_FILE: &str = "index.csv";
/// The photographs' bytes.
pub const PHOTOS_FILE: &str = "photos.bin";
/// Pairs of photographs that show the same picture.
pub const DUPLICATES_FILE: &str = "duplicates.csv";

/// One source of a pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PackedSource {
    /// The manifest's word for it.
    pub key: String,
    /// What is known of it.
    #[serde(flatten)]
    pub facts: SourceFactsInJson,
}

/// [`SourceFacts`] without the ban on unknown fields, which `flatten` does not allow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceFactsInJson {
    /// Its name for people.
    pub name: String,
    /// Its licence, an SPDX expression where there is one.
    pub licence: String,
    /// May the photographs themselves be part of the product?
    pub may_ship: bool,
    /// Whom to name.
    pub attribution: String,
    /// Where it comes from.
    pub url: String,
}

impl From<SourceFacts> for SourceFactsInJson {
    fn from(facts: SourceFacts) -> Self {
        let SourceFacts { name, licence, may_ship, attribution, url } = facts;
        Self { name, licence, may_ship, attribution, url }
    }
}

/// The contents of `pack.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// [`FORM`].
    pub form: String,
    /// [`VERSION`].
    pub version: u32,
    /// The program that wrote it.
    pub written_by: String,
    /// Number of photographs.
    pub photos: usize,
    /// Length of `photos.bin` in bytes.
    pub photos_byte_len: u64,
    /// SHA-256 of `index.csv`.
    pub index_sha256: String,
    /// SHA-256 of `blocks.csv`; packs written before there were blocks have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blocks_sha256: Option<String>,
    /// Seed of the split.
    pub seed: u64,
    /// Shares of the parts.
    pub fractions: Fractions,
    /// Pairs of near-duplicates that were found.
    pub duplicate_pairs: usize,
    /// The sources, by number.
    pub sources: Vec<PackedSource>,
    /// Identity of the taxonomies beside it; none for those of clothing, which are in no file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taxonomies: Option<String>,
}

/// Reads `pack.json`.
pub(super) fn read_header(path: &Path) -> Result<Header, PackError> {
    /// What every version has.
    #[derive(Deserialize)]
    struct Versioned {
        form: String,
        version: u32,
        #[serde(default)]
        written_by: String,
    }
    let form = |reason: String| PackError::Form { path: path.to_path_buf(), reason };
    let text = files::read_text(path)?;
    let versioned: Versioned = serde_json::from_str(&text).map_err(|error| form(error.to_string()))?;
    if versioned.form != FORM {
        return Err(form(format!("its form is `{}` instead of `{FORM}`", versioned.form)));
    }
    if versioned.version != VERSION {
        let Versioned { written_by, version: found, .. } = versioned;
        return Err(PackError::Newer { path: path.to_path_buf(), written_by, found, expected: VERSION });
    }
    serde_json::from_str(&text).map_err(|error| form(error.to_string()))
}
