//! Opens a pack and reads photographs from it by position, from any thread.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use clothingid_shared::files;
use clothingid_shared::taxonomy::Taxonomy;
use serde::{Deserialize, Serialize};

use super::PackError;
use super::index::{IndexLine, PackedRow, Reading};
use crate::import::manifest::plain;
use crate::import::{Fractions, Part, SourceFacts};

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
/// Pairs of near-duplicates.
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
    /// Seed of the split.
    pub seed: u64,
    /// Shares of the parts.
    pub fractions: Fractions,
    /// Pairs of near-duplicates that were found.
    pub duplicate_pairs: usize,
    /// The sources, by number.
    pub sources: Vec<PackedSource>,
}

/// An open pack.
#[derive(Debug)]
pub struct Pack {
    folder: PathBuf,
    photos: File,
    header: Header,
    /// What this pack is.
    identity: String,
    rows: Vec<PackedRow>,
    items: usize,
}

impl Pack {
    /// Opens a pack and checks all but the photographs' own bytes.
    ///
    /// # Errors
    /// When it is unfinished, torn, of another form or of a newer version; the file is named.
    pub fn open(folder: &Path) -> Result<Self, PackError> {
        for missing in [HEADER_FILE, INDEX_FILE, PHOTOS_FILE] {
            if !folder.join(missing).is_file() {
                return Err(PackError::NotAPack { path: folder.to_path_buf(), missing });
            }
        }
        let header = read_header(&folder.join(HEADER_FILE))?;
        let index_path = folder.join(INDEX_FILE);
        let index = files::read(&index_path)?;
        let found = files::sha256_hex(&index);
        if found != header.index_sha256 {
            return Err(PackError::Torn {
                path: index_path,
                expected: format!("checksum {}", header.index_sha256),
                found,
            });
        }
        let photos_path = folder.join(PHOTOS_FILE);
        let photos = File::open(&photos_path).map_err(|cause| PackError::Io {
            action: "open",
            path: photos_path.clone(),
            cause,
        })?;
        let found = photos
            .metadata()
            .map_err(|cause| PackError::Io { action: "look at", path: photos_path.clone(), cause })?
            .len();
        if found != header.photos_byte_len {
            let expected = format!("{} bytes", header.photos_byte_len);
            return Err(PackError::Torn { path: photos_path, expected, found: format!("{found} bytes") });
        }
        let rows = read_index(&index_path, &index, &header)?;
        let items = rows.iter().map(|row| row.item + 1).max().unwrap_or(0);
        let identity = header.index_sha256.clone();
        Ok(Self { folder: folder.to_path_buf(), photos, header, identity, rows, items })
    }

    /// The photographs, in the order of the manifest.
    #[must_use]
    pub fn rows(&self) -> &[PackedRow] {
        &self.rows
    }

    /// Numbers of the rows of a part.
    #[must_use]
    pub fn rows_in(&self, part: Part) -> Vec<usize> {
        self.rows.iter().enumerate().filter(|(_, row)| row.part == part).map(|(index, _)| index).collect()
    }

    /// One photograph.
    ///
    /// # Errors
    /// When there is no such row.
    pub fn row(&self, row: usize) -> Result<&PackedRow, PackError> {
        self.rows.get(row).ok_or(PackError::NoSuchRow { row, rows: self.rows.len() })
    }

    /// How many items there are: one more than the largest number.
    #[must_use]
    pub fn items(&self) -> usize {
        self.items
    }

    /// The sources by number.
    #[must_use]
    pub fn sources(&self) -> &[PackedSource] {
        &self.header.sources
    }

    /// Form, counts and seed.
    #[must_use]
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What this pack is: the checksum of its index, which holds the checksum of each photograph; of a fold, that and which fold it is.
    #[must_use]
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The same photographs with other parts, under an identity of their own.
    pub(super) fn divided(mut self, parts: &[Part], identity: String) -> Self {
        self.rows.iter_mut().zip(parts).for_each(|(row, &part)| row.part = part);
        self.identity = identity;
        self
    }

    /// The bytes of a photograph.
    ///
    /// # Errors
    /// When they cannot be read or have changed.
    pub fn read(&self, row: usize) -> Result<Vec<u8>, PackError> {
        let mut bytes = Vec::new();
        self.read_into(row, &mut bytes)?;
        Ok(bytes)
    }

    /// The bytes of a photograph, into a buffer that is used again.
    ///
    /// # Errors
    /// When they cannot be read or have changed.
    pub fn read_into(&self, row: usize, bytes: &mut Vec<u8>) -> Result<(), PackError> {
        let packed = self.row(row)?;
        let path = || self.folder.join(PHOTOS_FILE);
        bytes.resize(packed.byte_len, 0);
        self.photos.read_exact_at(bytes, packed.offset).map_err(|cause| PackError::Io {
            action: "read",
            path: path(),
            cause,
        })?;
        let found = checksum(bytes);
        if found != packed.checksum {
            return Err(PackError::Damaged {
                path: path(),
                photo: packed.path.clone(),
                expected: packed.checksum.clone(),
                found,
            });
        }
        Ok(())
    }
}

/// The checksum of a photograph as the index has it.
#[must_use]
pub fn checksum(bytes: &[u8]) -> String {
    let mut hex = files::sha256_hex(bytes);
    hex.truncate(16);
    hex
}

fn read_header(path: &Path) -> Result<Header, PackError> {
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

fn read_index(path: &Path, bytes: &[u8], header: &Header) -> Result<Vec<PackedRow>, PackError> {
    let (taxonomy14, taxonomy26) = (Taxonomy::category14(), Taxonomy::category26());
    let sources: BTreeMap<&str, (usize, bool)> = header
        .sources
        .iter()
        .enumerate()
        .map(|(number, source)| (source.key.as_str(), (number, source.facts.may_ship)))
        .collect();
    let reading = Reading {
        taxonomy14: &taxonomy14,
        taxonomy26: &taxonomy26,
        sources: &sources,
        byte_len: header.photos_byte_len,
        photos: header.photos,
    };
    let form = |reason: String| PackError::Form { path: path.to_path_buf(), reason };
    let mut rows = Vec::new();
    for (line, record) in (2_usize..).zip(csv::Reader::from_reader(bytes).deserialize::<IndexLine>()) {
        let record = record.map_err(|error| form(format!("line {line}: {}", plain(&error))))?;
        rows.push(reading.row(record).map_err(|reason| form(format!("line {line}: {reason}")))?);
    }
    if rows.len() != header.photos {
        return Err(PackError::Torn {
            path: path.to_path_buf(),
            expected: format!("{} photographs", header.photos),
            found: format!("{} photographs", rows.len()),
        });
    }
    Ok(rows)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use std::os::unix::fs::FileExt;
    use std::path::Path;

    use super::{HEADER_FILE, INDEX_FILE, PHOTOS_FILE, Pack};
    use crate::import::{Part, ViewSplit};
    use crate::pack::{PackError, sample};

    fn packed(folder: &Path) -> std::path::PathBuf {
        let out = folder.join("pack");
        sample::pack(&sample::manifest(folder, 20), &out).unwrap();
        out
    }

    #[test]
    fn every_photograph_comes_back_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let manifest = sample::manifest(folder.path(), 20);
        let out = folder.path().join("pack");
        sample::pack(&manifest, &out).unwrap();
        let pack = Pack::open(&out).unwrap();
        assert_eq!(pack.rows().len(), manifest.rows.len());
        for (index, row) in manifest.rows.iter().enumerate() {
            let packed = &pack.rows()[index];
            assert_eq!(pack.read(index).unwrap(), std::fs::read(manifest.file(row)).unwrap());
            assert_eq!((packed.path.as_str(), packed.item_id.as_str()), (row.path.as_str(), row.item_id.as_str()));
            assert_eq!((packed.is_garment, packed.view_split), (row.is_garment(), row.view_split()));
            assert_eq!(pack.sources()[packed.source].key, row.source);
            assert_eq!(packed.may_ship, row.source == "clothing_cc0");
        }
        assert_eq!(pack.items(), 22);
        assert_eq!(Part::ALL.iter().map(|&part| pack.rows_in(part).len()).sum::<usize>(), pack.rows().len());
        assert!(pack.rows().iter().any(|row| row.view_split == ViewSplit::Query && row.cat14.is_some()));
        assert!(matches!(pack.read(999), Err(PackError::NoSuchRow { row: 999, .. })));
    }

    #[test]
    fn an_unfinished_pack_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let out = packed(folder.path());
        std::fs::remove_file(out.join(HEADER_FILE)).unwrap();
        assert!(Pack::open(&out).unwrap_err().to_string().ends_with("holds no finished pack: `pack.json` is missing"));
    }

    #[test]
    fn a_torn_file_is_refused_by_name() {
        let folder = tempfile::tempdir().unwrap();
        for name in [PHOTOS_FILE, INDEX_FILE, HEADER_FILE] {
            let out = packed(folder.path());
            let path = out.join(name);
            let bytes = std::fs::read(&path).unwrap();
            std::fs::write(&path, &bytes[..bytes.len() - 7]).unwrap();
            let error = Pack::open(&out).unwrap_err().to_string();
            assert!(error.contains(name), "{error}");
            std::fs::write(&path, bytes).unwrap();
            assert!(Pack::open(&out).is_ok());
        }
    }

    #[test]
    fn a_flipped_byte_is_noticed_when_its_photograph_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let out = packed(folder.path());
        let file = std::fs::OpenOptions::new().write(true).open(out.join(PHOTOS_FILE)).unwrap();
        let pack = Pack::open(&out).unwrap();
        file.write_all_at(&[0x5a, 0xa5], pack.rows()[2].offset + 30).unwrap();
        assert!(pack.read(1).is_ok());
        let error = pack.read(2).unwrap_err();
        assert!(matches!(&error, PackError::Damaged { photo, .. } if photo == "3.jpg"), "{error}");
    }

    #[test]
    fn another_form_and_a_newer_version_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let out = packed(folder.path());
        let path = out.join(HEADER_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        std::fs::write(&path, text.replace("\"version\": 1", "\"version\": 9")).unwrap();
        let error = Pack::open(&out).unwrap_err().to_string();
        assert!(
            error.contains("has version 9, written by clothingid-train") && error.ends_with("reads version 1"),
            "{error}"
        );
        std::fs::write(&path, text.replace("clothingid-pack", "parquet")).unwrap();
        assert!(Pack::open(&out).unwrap_err().to_string().contains("its form is `parquet`"));
    }

    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
        #[test]
        fn no_bytes_in_the_header_or_index_make_it_panic(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300), is_index in proptest::prelude::any::<bool>()) {
            let folder = tempfile::tempdir().unwrap();
            for name in [PHOTOS_FILE, INDEX_FILE, HEADER_FILE] {
                std::fs::write(folder.path().join(name), b"").unwrap();
            }
            if is_index {
                let header = format!(
                    "{{\"form\":\"clothingid-pack\",\"version\":1,\"written_by\":\"x\",\"photos\":1,\"photos_byte_len\":0,\"index_sha256\":\"{}\",\"seed\":1,\"fractions\":{{\"train\":1,\"select\":0,\"calibrate\":0,\"report\":0}},\"duplicate_pairs\":0,\"sources\":[]}}",
                    clothingid_shared::files::sha256_hex(&bytes)
                );
                std::fs::write(folder.path().join(HEADER_FILE), header).unwrap();
                std::fs::write(folder.path().join(INDEX_FILE), &bytes).unwrap();
            } else {
                std::fs::write(folder.path().join(HEADER_FILE), &bytes).unwrap();
            }
            proptest::prop_assert!(Pack::open(folder.path()).is_err());
        }
    }
}
