//! Photographs inside the program.

use super::PhotoSource;
use crate::catalogue::csv::ProblemKind;

/// Photographs inside the program, found by a function.
pub struct EmbeddedPhotos<F>(pub F);

impl<F: Fn(&str) -> Option<&'static [u8]> + Sync> PhotoSource for EmbeddedPhotos<F> {
    fn describe(&self) -> String {
        "the program".to_owned()
    }

    fn byte_len(&self, name: &str) -> u64 {
        (self.0)(name).map_or(0, |bytes| bytes.len() as u64)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, ProblemKind> {
        let missing = || ProblemKind::PhotoMissing { photo: name.to_owned(), source_name: self.describe() };
        (self.0)(name).map(<[u8]>::to_vec).ok_or_else(missing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn photographs_inside_the_program() {
        let photos = EmbeddedPhotos(|name: &str| (name == "a.jpg").then_some(&b"a"[..]));
        assert_eq!(photos.read("a.jpg").unwrap(), b"a");
        assert!(matches!(photos.read("b.jpg"), Err(ProblemKind::PhotoMissing { .. })));
    }
}
