//! Opens a pack and reads photographs from it by position, from any thread.
//!
//! `photos.bin` is mapped, and each of its blocks is summed when the first photograph in it is read. A photograph in whole blocks is
//! then given out without another look; one in a damaged block, or in a pack without block checksums, must fit its own SHA-256. What
//! changes on the disk after a block was summed is found by the next program that opens the pack.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU8, Ordering};

use clothingid_shared::files;
use clothingid_shared::taxonomy::Taxonomies;

use super::PackError;
use super::blocks::{BLOCK_BYTE_LEN, BLOCKS_FILE, parse};
use super::header::{HEADER_FILE, Header, INDEX_FILE, PHOTOS_FILE, PackedSource, read_header};
use super::index::{IndexLine, PackedRow, Reading};
use super::mapped::MappedFile;
use crate::import::Part;
use crate::import::manifest::plain;

/// An open pack.
#[derive(Debug)]
pub struct Pack {
    folder: PathBuf,
    photos: MappedFile,
    blocks: Option<Vec<Block>>,
    header: Header,
    taxonomies: Taxonomies,
    /// What this pack is.
    identity: String,
    rows: Vec<PackedRow>,
    items: usize,
}

/// A block's checksum, and what is known of it.
#[derive(Debug)]
struct Block {
    sum: u32,
    /// [`UNREAD`], [`WHOLE`] or [`DAMAGED`]. Threads that sum the same block at once find the same, so no order is needed.
    state: AtomicU8,
}

const UNREAD: u8 = 0;
const WHOLE: u8 = 1;
const DAMAGED: u8 = 2;

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
        let photos = MappedFile::open(&photos_path).map_err(|cause| PackError::Io {
            action: "map",
            path: photos_path.clone(),
            cause,
        })?;
        let found = photos.bytes().len() as u64;
        if found != header.photos_byte_len {
            let expected = format!("{} bytes", header.photos_byte_len);
            return Err(PackError::Torn { path: photos_path, expected, found: format!("{found} bytes") });
        }
        let taxonomies = read_taxonomies(folder, &header)?;
        let rows = read_index(&index_path, &index, &header, &taxonomies)?;
        let items = rows.iter().map(|row| row.item + 1).max().unwrap_or(0);
        let blocks = read_blocks(&folder.join(BLOCKS_FILE), &header)?;
        let identity = identity(&header);
        Ok(Self { folder: folder.to_path_buf(), photos, blocks, header, taxonomies, identity, rows, items })
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

    /// What the categories are of: the lists beside the pack, or those of clothing.
    #[must_use]
    pub fn taxonomies(&self) -> &Taxonomies {
        &self.taxonomies
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What this pack is: the checksum of its index, which holds the checksum of each photograph, with that of the taxonomies where they are
    /// not clothing's; of a fold, that and which fold it is.
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
    /// When there is no such row, or its bytes had changed when they were first read.
    pub fn read(&self, row: usize) -> Result<Vec<u8>, PackError> {
        let mut bytes = Vec::new();
        self.read_into(row, &mut bytes)?;
        Ok(bytes)
    }

    /// The bytes of a photograph, into a buffer that is used again.
    ///
    /// # Errors
    /// As [`Pack::read`].
    pub fn read_into(&self, row: usize, bytes: &mut Vec<u8>) -> Result<(), PackError> {
        let extent = self.copy(row, bytes)?;
        if self.are_whole(extent) { Ok(()) } else { self.fits(row, bytes) }
    }

    /// As [`Pack::read_into`], but the photograph must fit its own checksum whatever is known of its blocks.
    ///
    /// # Errors
    /// When the bytes have changed.
    pub fn read_checked(&self, row: usize, bytes: &mut Vec<u8>) -> Result<(), PackError> {
        self.copy(row, bytes)?;
        self.fits(row, bytes)
    }

    /// Copies a photograph's bytes and says where they lie.
    fn copy(&self, row: usize, bytes: &mut Vec<u8>) -> Result<std::ops::Range<usize>, PackError> {
        let packed = self.row(row)?;
        let begin = usize::try_from(packed.offset).unwrap_or(usize::MAX);
        let extent = begin..begin.saturating_add(packed.byte_len);
        bytes.clear();
        // Opening checked every extent against the file's length.
        bytes.extend_from_slice(self.photos.bytes().get(extent.clone()).unwrap_or_default());
        Ok(extent)
    }

    fn fits(&self, row: usize, bytes: &[u8]) -> Result<(), PackError> {
        let packed = self.row(row)?;
        let found = checksum(bytes);
        if found == packed.checksum {
            return Ok(());
        }
        Err(PackError::Damaged {
            path: self.folder.join(PHOTOS_FILE),
            photo: packed.path.clone(),
            expected: packed.checksum.clone(),
            found,
        })
    }

    /// Numbers of the damaged blocks after a look at all of them; nothing where the pack has no block checksums.
    #[must_use]
    pub fn damaged_blocks(&self) -> Option<Vec<usize>> {
        let blocks = self.blocks.as_ref()?;
        Some((0..blocks.len()).filter(|&number| !self.is_whole(number)).collect())
    }

    /// Do all blocks under these bytes fit their checksums? `false` where there are none.
    fn are_whole(&self, extent: std::ops::Range<usize>) -> bool {
        let blocks = extent.start / BLOCK_BYTE_LEN..extent.end.div_ceil(BLOCK_BYTE_LEN);
        self.blocks.is_some() && blocks.into_iter().all(|number| self.is_whole(number))
    }

    /// Does a block fit its checksum? It is summed once.
    fn is_whole(&self, number: usize) -> bool {
        let Some(block) = self.blocks.as_ref().and_then(|blocks| blocks.get(number)) else { return false };
        if block.state.load(Ordering::Relaxed) == UNREAD {
            let bytes = self.photos.bytes().chunks(BLOCK_BYTE_LEN).nth(number).unwrap_or_default();
            let state = if crc32fast::hash(bytes) == block.sum { WHOLE } else { DAMAGED };
            block.state.store(state, Ordering::Relaxed);
        }
        block.state.load(Ordering::Relaxed) == WHOLE
    }
}

/// The checksum of a photograph as the index has it.
#[must_use]
pub fn checksum(bytes: &[u8]) -> String {
    let mut hex = files::sha256_hex(bytes);
    hex.truncate(16);
    hex
}

/// The index names categories by their keys; which of the network's outputs they are is in the taxonomies.
fn identity(header: &Header) -> String {
    match &header.taxonomies {
        None => header.index_sha256.clone(),
        Some(taxonomies) => files::sha256_hex(format!("{}\n{taxonomies}\n", header.index_sha256).as_bytes()),
    }
}

fn read_taxonomies(folder: &Path, header: &Header) -> Result<Taxonomies, PackError> {
    let taxonomies = Taxonomies::beside(folder)?;
    let words = |identity: &Option<String>| match identity {
        None => "the taxonomies of clothing".to_owned(),
        Some(sum) => format!("taxonomies with checksum {sum}"),
    };
    let found = taxonomies.identity();
    if found != header.taxonomies {
        let path = folder.to_path_buf();
        return Err(PackError::Torn { path, expected: words(&header.taxonomies), found: words(&found) });
    }
    Ok(taxonomies)
}

fn read_blocks(path: &Path, header: &Header) -> Result<Option<Vec<Block>>, PackError> {
    let Some(expected) = &header.blocks_sha256 else { return Ok(None) };
    let bytes = files::read(path)?;
    let found = files::sha256_hex(&bytes);
    if found != *expected {
        let expected = format!("checksum {expected}");
        return Err(PackError::Torn { path: path.to_path_buf(), expected, found });
    }
    let sums =
        parse(&bytes, header.photos_byte_len).map_err(|reason| PackError::Form { path: path.to_path_buf(), reason })?;
    Ok(Some(sums.into_iter().map(|sum| Block { sum, state: AtomicU8::new(UNREAD) }).collect()))
}

fn read_index(
    path: &Path,
    bytes: &[u8],
    header: &Header,
    taxonomies: &Taxonomies,
) -> Result<Vec<PackedRow>, PackError> {
    let sources: BTreeMap<&str, (usize, bool)> = header
        .sources
        .iter()
        .enumerate()
        .map(|(number, source)| (source.key.as_str(), (number, source.facts.may_ship)))
        .collect();
    let reading = Reading { taxonomies, sources: &sources, byte_len: header.photos_byte_len, photos: header.photos };
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
mod tests;
