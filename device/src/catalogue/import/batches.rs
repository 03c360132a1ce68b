//! The work of an import in batches: each is one transaction.

use super::plan::Step;
use crate::catalogue::PhotoId;
use crate::catalogue::photos::PhotoSource;
use std::collections::VecDeque;

/// Photographs of a batch: some 0.3 s of work, against some 5 ms of a commit with full sync.
const BATCH_PHOTOS: usize = 32;

/// Bytes of a batch's photographs, unless one product alone has more: they are in memory until the batch is on the disk.
const BATCH_BYTES: u64 = 64 << 20;

/// One thing that a batch does.
pub(super) enum Unit {
    Product(Box<Step>),
    Reembed(PhotoId),
}

impl Unit {
    fn photo_count(&self) -> usize {
        match self {
            Self::Product(step) => step.added().count(),
            Self::Reembed(_) => 1,
        }
    }

    /// Bytes that are kept until the batch is written; those of a stored photograph are not.
    fn byte_len(&self, photos: &dyn PhotoSource) -> u64 {
        match self {
            Self::Product(step) => step.added().map(|photo| photos.byte_len(&photo.key)).sum(),
            Self::Reembed(_) => 0,
        }
    }
}

/// Cuts the work into batches.
pub(super) fn batches(units: impl Iterator<Item = Unit>, photos: &dyn PhotoSource) -> VecDeque<Vec<Unit>> {
    let mut batches = VecDeque::new();
    let (mut batch, mut weight, mut byte_len) = (Vec::new(), 0, 0);
    for unit in units {
        let more = unit.byte_len(photos);
        if byte_len + more > BATCH_BYTES && !batch.is_empty() {
            batches.push_back(std::mem::take(&mut batch));
            (weight, byte_len) = (0, 0);
        }
        weight += unit.photo_count().max(1);
        byte_len += more;
        batch.push(unit);
        if weight >= BATCH_PHOTOS {
            batches.push_back(std::mem::take(&mut batch));
            (weight, byte_len) = (0, 0);
        }
    }
    if !batch.is_empty() {
        batches.push_back(batch);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::csv::{ListedPhoto, ProblemKind};
    use crate::catalogue::import::plan::{Change, StepPhoto};
    use crate::catalogue::testing::product;

    /// Photographs that all have so many bytes, and are never read here.
    struct OfSize(u64);

    impl PhotoSource for OfSize {
        fn describe(&self) -> String {
            "nowhere".to_owned()
        }

        fn byte_len(&self, _name: &str) -> u64 {
            self.0
        }

        fn read(&self, _name: &str) -> Result<Vec<u8>, ProblemKind> {
            Ok(Vec::new())
        }
    }

    #[test]
    fn a_batch_is_bounded_by_photographs_and_by_bytes() {
        let step = |photos: usize| {
            let add = |i| StepPhoto::Add(ListedPhoto { key: format!("{i}.jpg"), ..ListedPhoto::default() });
            let photos = (0..photos).map(add).collect();
            Step {
                product: product("A", "a"),
                change: Change::New,
                photos,
                remove: Vec::new(),
                is_without_photo: false,
            }
        };
        let cut = |byte_len, products: &[usize]| -> Vec<usize> {
            let units = products.iter().map(|photos| Unit::Product(Box::new(step(*photos))));
            batches(units, &OfSize(byte_len)).iter().map(Vec::len).collect()
        };
        assert_eq!(cut(1000, &[1; 70]), [32, 32, 6]);
        assert_eq!(cut(25 << 20, &[1; 5]), [2, 2, 1]);
        assert_eq!(cut(64 << 20, &[3, 1, 1]), [1, 1, 1], "a product is never cut");
        assert_eq!(cut(0, &[]), [0_usize; 0]);
    }
}
