//! The index: one line a photograph, as it stands in `index.csv`, and as the program uses it.

use std::collections::BTreeMap;

use clothingid_shared::taxonomy::{Taxonomies, Taxonomy};
use serde::{Deserialize, Serialize};

use crate::import::{Part, Row, ViewSplit};

/// A line of `index.csv`. Categories are keys and not numbers, so that a taxonomy may grow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IndexLine {
    /// First byte in `photos.bin`.
    pub offset: u64,
    /// Bytes in `photos.bin`.
    pub length: u64,
    /// First 16 hexadecimal digits of the bytes' SHA-256.
    pub checksum: String,
    /// The part.
    pub part: Part,
    /// Number of the item, from 0.
    pub item: usize,
    /// Number of the group after joining, from 0.
    pub group: usize,
    /// The manifest's path.
    pub path: String,
    /// The manifest's source.
    pub source: String,
    /// The source's own word.
    pub label: String,
    /// Key in the coarser taxonomy or empty.
    pub cat14: String,
    /// Key in the finer taxonomy or empty.
    pub cat26: String,
    /// The manifest's item.
    pub item_id: String,
    /// The manifest's group, before joining.
    pub group_id: String,
    /// The manifest's view.
    pub view: String,
    /// `gallery`, `query` or empty.
    pub split: String,
    /// Width of the decoded photograph in pixels.
    pub width: u32,
    /// Height of the decoded photograph in pixels.
    pub height: u32,
    /// The manifest's note.
    pub note: String,
}

/// One photograph of a pack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackedRow {
    /// First byte in `photos.bin`.
    pub offset: u64,
    /// Bytes in `photos.bin`.
    pub byte_len: usize,
    /// First 16 hexadecimal digits of the bytes' SHA-256.
    pub checksum: String,
    /// Number of the item, from 0 and without gaps.
    pub item: usize,
    /// Category of the coarser taxonomy.
    pub cat14: Option<usize>,
    /// Category of the finer taxonomy.
    pub cat26: Option<usize>,
    /// Number of the source in [`super::Pack::sources`].
    pub source: usize,
    /// Number of what is not split, after joining near-duplicates.
    pub group: usize,
    /// Width in pixels, upright.
    pub width: u32,
    /// Height in pixels, upright.
    pub height: u32,
    /// What the photograph may be used for.
    pub part: Part,
    /// Is the subject a garment?
    pub is_garment: bool,
    /// Side of the retrieval test.
    pub view_split: ViewSplit,
    /// May the photograph itself be part of the product?
    pub may_ship: bool,
    /// The manifest's path.
    pub path: String,
    /// The source's own word for the category.
    pub label: String,
    /// The manifest's item.
    pub item_id: String,
    /// The manifest's name of the view.
    pub view: String,
    /// The manifest's note.
    pub note: String,
}

/// Photographs whose longer side is at most this, in pixels, are thumbnails. Most of `myntra` is 60 × 80.
pub const THUMBNAIL_SIDE: u32 = 100;

/// Whether a photograph is what a shop's camera sees: larger than a thumbnail, and not from the studio that gave most of the photographs,
/// most of them thumbnails.
#[must_use]
pub fn is_large(source: &str, long_side: u32) -> bool {
    long_side > THUMBNAIL_SIDE && !source.starts_with("myntra")
}

impl PackedRow {
    /// Length of the longer side in pixels.
    #[must_use]
    pub fn long_side(&self) -> u32 {
        self.width.max(self.height)
    }
}

/// What turns lines into rows: the taxonomies, and the number and facts of each source.
pub(super) struct Reading<'a> {
    pub(super) taxonomies: &'a Taxonomies,
    /// Number and `may_ship` of each source.
    pub(super) sources: &'a BTreeMap<&'a str, (usize, bool)>,
    /// Length of `photos.bin`.
    pub(super) byte_len: u64,
    /// Number of photographs, which items and groups cannot exceed.
    pub(super) photos: usize,
}

impl Reading<'_> {
    /// Checks a line. The error says what is wrong.
    pub(super) fn row(&self, line: IndexLine) -> Result<PackedRow, String> {
        let Taxonomies { category14, category26, .. } = self.taxonomies;
        let category = |slot: usize, taxonomy: &Taxonomy, key: &str| match (key.is_empty(), taxonomy.index_of(key)) {
            (true, _) => Ok(None),
            (false, Some(index)) => Ok(Some(index)),
            (false, None) => Err(format!("`{key}` is no category of the {}", self.taxonomies.words(slot))),
        };
        let end = line.offset.checked_add(line.length).filter(|&end| end <= self.byte_len);
        if end.is_none() {
            return Err(format!("`{}` ends beyond the {} bytes of photographs", line.path, self.byte_len));
        }
        if line.item >= self.photos || line.group >= self.photos {
            return Err(format!(
                "`{}` has item {} and group {} in a pack of {} photographs",
                line.path, line.item, line.group, self.photos
            ));
        }
        let &(source, may_ship) = self
            .sources
            .get(line.source.as_str())
            .ok_or_else(|| format!("source `{}` is not described", line.source))?;
        let manifest = Row { item_id: line.item_id, split: line.split, ..Row::default() };
        Ok(PackedRow {
            offset: line.offset,
            byte_len: usize::try_from(line.length).map_err(|_| "a photograph larger than memory".to_owned())?,
            checksum: line.checksum,
            item: line.item,
            cat14: category(0, category14, &line.cat14)?,
            cat26: category(1, category26, &line.cat26)?,
            source,
            group: line.group,
            width: line.width,
            height: line.height,
            part: line.part,
            is_garment: manifest.is_garment(),
            view_split: manifest.view_split(),
            may_ship,
            path: line.path,
            label: line.label,
            item_id: manifest.item_id,
            view: line.view,
            note: line.note,
        })
    }
}
