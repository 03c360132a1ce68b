//! The photographs to measure on: what is known of each, and its picture through the shared picture function.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clothingid_shared::files;
use clothingid_shared::picture::PictureContract;
use clothingid_shared::taxonomy::{Taxonomies, Taxonomy};
use rayon::prelude::*;

use super::error::EvaluateError;
use crate::import::{Manifest, Problems, ViewSplit};
use crate::pack::Pack;
use crate::pack::index::{THUMBNAIL_SIDE, is_large};

/// A photograph's size in words, as tables have it.
#[must_use]
pub fn size_words(long_side: u32) -> &'static str {
    match long_side {
        0..=THUMBNAIL_SIDE => "up to 100 px",
        side if side <= 230 => "101 to 230 px",
        _ => "larger than 230 px",
    }
}

/// Where the bytes of a photograph are.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    /// A row of the pack.
    Row(usize),
    /// A file.
    File(PathBuf),
}

/// One photograph without its pixels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    place: Place,
    /// Path in its manifest.
    pub path: String,
    /// Its source's key.
    pub source: String,
    /// Coarser category.
    pub category14: Option<usize>,
    /// Finer category.
    pub category26: Option<usize>,
    /// Number of the garment.
    pub item: usize,
    /// Number of what must not be split.
    pub group: usize,
    /// Longer side in pixels.
    pub long_side: u32,
    /// Whether a garment is the subject.
    pub is_garment: bool,
    /// Side of the retrieval test.
    pub view_split: ViewSplit,
    /// Whether the photograph may be part of the product.
    pub may_ship: bool,
}

impl Sample {
    /// What a shop's camera sees.
    #[must_use]
    pub fn is_large(&self) -> bool {
        is_large(&self.source, self.long_side)
    }
}

/// The photographs of a pack or of manifests.
#[derive(Debug)]
pub struct Photos<'a> {
    pack: Option<&'a Pack>,
    /// What is known of each.
    pub samples: Vec<Sample>,
}

impl<'a> Photos<'a> {
    /// Rows of a pack, in the given order.
    ///
    /// # Errors
    /// [`EvaluateError::Pack`] for a row that the pack does not have.
    pub fn of_pack(pack: &'a Pack, rows: &[usize]) -> Result<Self, EvaluateError> {
        let mut samples = Vec::with_capacity(rows.len());
        for &index in rows {
            let row = pack.row(index)?;
            samples.push(Sample {
                place: Place::Row(index),
                path: row.path.clone(),
                source: pack.sources().get(row.source).map(|s| s.key.clone()).unwrap_or_default(),
                category14: row.cat14,
                category26: row.cat26,
                item: row.item,
                group: row.group,
                long_side: row.long_side(),
                is_garment: row.is_garment,
                view_split: row.view_split,
                may_ship: row.may_ship,
            });
        }
        Ok(Self { pack: Some(pack), samples })
    }
}

impl Photos<'static> {
    /// All rows of manifests of these taxonomies, each with the folder that its paths begin in. Rows that cannot be read are named in the second value.
    ///
    /// # Errors
    /// A manifest cannot be read as a whole, or is of other taxonomies.
    pub fn of_manifests(
        manifests: &[(PathBuf, Option<PathBuf>)],
        taxonomies: &Taxonomies,
    ) -> Result<(Self, Problems), EvaluateError> {
        let mut numbers: BTreeMap<String, usize> = BTreeMap::new();
        let mut number = |key: String| {
            let next = numbers.len();
            *numbers.entry(key).or_insert(next)
        };
        let (mut samples, mut problems) = (Vec::new(), Problems::default());
        for (path, root) in manifests {
            let (manifest, unread) = Manifest::open(path, root.as_deref())?;
            if let Some(difference) = taxonomies.difference(&manifest.taxonomies.keys()) {
                return Err(EvaluateError::OtherTaxonomies { path: path.clone(), difference });
            }
            problems.append(unread);
            for row in &manifest.rows {
                // The manifest has no key that its taxonomies lack.
                let category = |taxonomy: &Taxonomy, key: &str| taxonomy.index_of(key).filter(|_| !key.is_empty());
                samples.push(Sample {
                    category14: category(&taxonomies.category14, &row.cat14),
                    category26: category(&taxonomies.category26, &row.cat26),
                    place: Place::File(manifest.file(row)),
                    path: row.path.clone(),
                    source: row.source.clone(),
                    item: number(format!("item {}", row.item_id)),
                    group: number(format!("group {}", row.group)),
                    long_side: row.width.max(row.height),
                    is_garment: row.is_garment(),
                    view_split: row.view_split(),
                    may_ship: manifest.sources.get(&row.source).is_some_and(|facts| facts.may_ship),
                });
            }
        }
        Ok((Self { pack: None, samples }, problems))
    }
}

impl Photos<'_> {
    /// The file's bytes.
    ///
    /// # Errors
    /// They cannot be read, or are not what the pack says.
    pub fn bytes(&self, sample: usize) -> Result<Vec<u8>, EvaluateError> {
        match (&self.samples[sample].place, self.pack) {
            (Place::Row(row), Some(pack)) => Ok(pack.read(*row)?),
            (Place::File(path), _) => read(path),
            (Place::Row(_), None) => Err(EvaluateError::Nothing { what: "reading a row without a pack" }),
        }
    }

    /// The pictures of some samples, made in parallel; a photograph that cannot be read is an error.
    ///
    /// # Errors
    /// The first photograph that cannot be read.
    pub fn pictures(&self, samples: &[usize], contract: &PictureContract) -> Result<Vec<Vec<u8>>, EvaluateError> {
        let one = |&sample: &usize| {
            let bytes = self.bytes(sample)?;
            let picture = contract.read(&bytes);
            let path = || PathBuf::from(&self.samples[sample].path);
            picture
                .map(|p| p.into_rgb())
                .map_err(|source| EvaluateError::Photo { path: path(), source: Box::new(source) })
        };
        samples.par_iter().map(one).collect()
    }

    /// Drops the photographs that cannot be decoded and names them; a manifest from outside may hold some.
    /// Sizes that the manifest does not state are taken from the photograph.
    #[must_use]
    pub fn drop_unreadable(mut self) -> (Self, Problems) {
        let look = |sample: usize| {
            let size = self.bytes(sample).map_err(|e| chain(&e)).and_then(|bytes| {
                let picture = clothingid_shared::picture::decode(&bytes).map_err(|e| chain(&e))?;
                Ok(picture.width().max(picture.height()))
            });
            (sample, size)
        };
        let looks: Vec<(usize, Result<u32, String>)> = (0..self.samples.len()).into_par_iter().map(look).collect();
        let mut problems = Problems::default();
        let mut kept = Vec::with_capacity(self.samples.len());
        for ((_, size), mut sample) in looks.into_iter().zip(std::mem::take(&mut self.samples)) {
            match size {
                Ok(long_side) => {
                    sample.long_side = if sample.long_side == 0 { long_side } else { sample.long_side };
                    kept.push(sample);
                }
                Err(reason) => problems.push(Path::new(&sample.path), reason),
            }
        }
        self.samples = kept;
        (self, problems)
    }
}

fn read(path: &Path) -> Result<Vec<u8>, EvaluateError> {
    files::read(path).map_err(|source| EvaluateError::Photo { path: path.to_path_buf(), source: Box::new(source) })
}

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text = format!("{text}: {cause}");
        source = cause.source();
    }
    text
}

/// Up to `count` of the places, spread evenly, so that no source fills them all.
#[must_use]
pub fn evenly(places: &[usize], count: usize) -> Vec<usize> {
    let count = count.min(places.len());
    (0..count).map(|i| places[i * places.len() / count]).collect()
}

#[cfg(test)]
mod tests {
    use super::evenly;

    #[test]
    fn places_are_spread_over_all() {
        let places: Vec<usize> = (10..20).collect();
        assert_eq!(evenly(&places, 5), [10, 12, 14, 16, 18]);
        assert_eq!(evenly(&places, 99), places);
        assert!(evenly(&[], 5).is_empty());
    }
}
