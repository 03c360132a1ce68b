//! Looks at every byte of a pack: each block against its checksum, each photograph against its own.

use rayon::prelude::*;

use super::{Pack, PackError};
use crate::import::progress::Progress;

/// What a look at every byte found.
#[derive(Debug)]
pub struct Checked {
    /// Photographs that were looked at.
    pub photos: usize,
    /// Numbers of the damaged blocks; nothing where the pack has no block checksums.
    pub damaged_blocks: Option<Vec<usize>>,
    /// One error for each photograph that cannot be given out.
    pub damaged_photos: Vec<PackError>,
}

impl Checked {
    /// Is every byte as it was written?
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.damaged_photos.is_empty() && self.damaged_blocks.as_ref().is_none_or(Vec::is_empty)
    }
}

/// Checks a pack.
#[must_use]
pub fn check(pack: &Pack, progress: &Progress) -> Checked {
    let photos = pack.rows().len();
    progress.begin("checking the pack", photos);
    let damaged_photos = (0..photos)
        .into_par_iter()
        .map_init(Vec::new, |bytes, row| {
            let outcome = pack.read_checked(row, bytes);
            progress.step();
            outcome.err()
        })
        .flatten_iter()
        .collect();
    progress.end();
    Checked { photos, damaged_blocks: pack.damaged_blocks(), damaged_photos }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use std::os::unix::fs::FileExt;

    use super::check;
    use crate::import::progress::Progress;
    use crate::pack::header::PHOTOS_FILE;
    use crate::pack::{Pack, PackError, sample};

    #[test]
    fn every_flipped_byte_is_found_with_its_photograph() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("pack");
        sample::pack(&sample::manifest(folder.path(), 20), &out).unwrap();
        let pack = Pack::open(&out).unwrap();
        let checked = check(&pack, &Progress::silent());
        assert!(checked.is_whole() && checked.photos == pack.rows().len());
        let file = std::fs::OpenOptions::new().write(true).open(out.join(PHOTOS_FILE)).unwrap();
        for row in [3, 7] {
            let at = pack.rows()[row].offset + 30;
            let byte = pack.read(row).unwrap()[30];
            file.write_all_at(&[byte ^ 1], at).unwrap();
        }
        let checked = check(&Pack::open(&out).unwrap(), &Progress::silent());
        assert!(!checked.is_whole());
        assert_eq!(checked.damaged_blocks, Some(vec![0]));
        let names: Vec<_> = checked
            .damaged_photos
            .iter()
            .map(|error| match error {
                PackError::Damaged { photo, .. } => photo.as_str(),
                other => panic!("{other}"),
            })
            .collect();
        assert_eq!(names, [pack.rows()[3].path.as_str(), pack.rows()[7].path.as_str()]);
    }
}
