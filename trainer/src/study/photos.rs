//! What a study knows of its photographs, kept beside its records: with it the figures can be computed again without the photographs.

use std::path::Path;

use clothingid_shared::files;
use serde::{Deserialize, Serialize};

use super::StudyError;
use crate::import::ViewSplit;
use crate::import::manifest::to_csv;
use crate::pack::Pack;
use crate::pack::index::is_large;

/// Name of the list in the study's folder.
pub const FILE: &str = "photos.csv";

/// One photograph. Its row in the pack is its place in the list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Photo {
    /// Path in the manifest.
    pub path: String,
    /// Key of its source.
    pub source: String,
    /// Number of the garment.
    pub item: usize,
    /// Number of what must not be split.
    pub group: usize,
    /// Longer side in pixels.
    pub long_side: u32,
    /// Category of the taxonomy of 14, as a number.
    pub category14: Option<usize>,
    /// Category of the taxonomy of 26, as a number.
    pub category26: Option<usize>,
    /// Whether a garment is the subject.
    pub is_garment: bool,
    /// Whether it is a query of the retrieval test.
    pub is_query: bool,
    /// Whether it is in the gallery of the retrieval test.
    pub is_gallery: bool,
    /// Photographs of the same garment, itself included.
    pub views: usize,
    /// Whether the photograph may be shown with the product.
    pub may_ship: bool,
}

impl Photo {
    /// What a shop's camera sees: larger than a thumbnail, and not from the source that is mostly thumbnails.
    #[must_use]
    pub fn is_large(&self) -> bool {
        is_large(&self.source, self.long_side)
    }

    /// Category of a head.
    #[must_use]
    pub fn category(&self, head: usize) -> Option<usize> {
        if head == 0 { self.category14 } else { self.category26 }
    }
}

/// The photographs of a pack, in its order.
#[must_use]
pub fn of_pack(pack: &Pack) -> Vec<Photo> {
    let mut views = vec![0; pack.items()];
    pack.rows().iter().for_each(|row| views[row.item] += 1);
    let photo = |row: &crate::pack::PackedRow| Photo {
        path: row.path.clone(),
        source: pack.sources().get(row.source).map(|source| source.key.clone()).unwrap_or_default(),
        item: row.item,
        group: row.group,
        long_side: row.long_side(),
        category14: row.cat14,
        category26: row.cat26,
        is_garment: row.is_garment,
        is_query: row.is_garment && row.view_split == ViewSplit::Query,
        is_gallery: row.is_garment && row.view_split == ViewSplit::Gallery,
        views: views[row.item],
        may_ship: row.may_ship,
    };
    pack.rows().iter().map(photo).collect()
}

/// Writes the list into a study's folder.
///
/// # Errors
/// The file cannot be written.
pub fn write(folder: &Path, photos: &[Photo]) -> Result<(), StudyError> {
    let path = folder.join(FILE);
    let bytes = to_csv(photos).map_err(|error| StudyError::Form { path: path.clone(), reason: error.to_string() })?;
    Ok(files::write_atomic(&path, &bytes)?)
}

/// Reads the list of a study's folder.
///
/// # Errors
/// The file cannot be read, or a line of it is no photograph.
pub fn read(folder: &Path) -> Result<Vec<Photo>, StudyError> {
    let path = folder.join(FILE);
    let bytes = files::read(&path)?;
    let lines = csv::Reader::from_reader(bytes.as_slice()).into_deserialize().collect::<Result<_, _>>();
    lines.map_err(|error| StudyError::Form { path, reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::{of_pack, read, write};
    use crate::pack::{Pack, sample};

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("pack");
        sample::pack(&sample::manifest(folder.path(), 12), &out).unwrap();
        let photos = of_pack(&Pack::open(&out).unwrap());
        assert!(photos.iter().any(|photo| photo.is_query && photo.views > 1));
        write(folder.path(), &photos).unwrap();
        assert_eq!(read(folder.path()).unwrap(), photos);
    }
}
