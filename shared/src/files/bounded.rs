//! Reading a file that comes from outside: with a bound, and only when it is a file.
//!
//! Promise: at most `limit + 1` bytes are read, whatever the file's size says, so that a disk image named `x.jpg`, a file that grows, or
//! `/dev/zero` behind a link fills no memory; a pipe that nobody writes to holds nothing up.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::FileError;
use super::atomic::text_of;

/// A photograph larger than this is a mistake (a film, a disk image).
pub const MOST_PHOTO_BYTES: u64 = 64 << 20;

/// The whole file, if it is one and has at most `limit` bytes.
///
/// # Errors
/// [`FileError::Read`], [`FileError::NotAFile`] for a folder, a pipe or a device, [`FileError::TooLarge`].
pub fn read_at_most(path: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let unreadable = |source| FileError::Read { path: path.to_owned(), source };
    let too_large = || FileError::TooLarge { path: path.to_owned(), limit };
    // Before it is opened: opening a pipe waits for its writer.
    let facts = std::fs::metadata(path).map_err(unreadable)?;
    if !facts.is_file() {
        return Err(FileError::NotAFile { path: path.to_owned() });
    }
    if facts.len() > limit {
        return Err(too_large());
    }
    read_within(File::open(path).map_err(unreadable)?, limit).map_err(unreadable)?.ok_or_else(too_large)
}

/// As [`read_at_most`], as UTF-8.
///
/// # Errors
/// As [`read_at_most`], or [`FileError::NotText`] with line and byte.
pub fn read_text_at_most(path: &Path, limit: u64) -> Result<String, FileError> {
    text_of(path, read_at_most(path, limit)?)
}

/// All bytes, or nothing where there are more than `limit`.
fn read_within(reader: impl Read, limit: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = reader.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((read as u64 <= limit).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::write_atomic;

    #[test]
    fn the_bound_is_the_last_size_that_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomic(&path, b"four").unwrap();
        assert_eq!(read_at_most(&path, 4).unwrap(), b"four");
        assert_eq!(read_text_at_most(&path, 5).unwrap(), "four");
        let error = read_at_most(&path, 3).unwrap_err();
        assert!(matches!(&error, FileError::TooLarge { limit: 3, .. }) && error.path() == path, "{error:?}");
        let missing = read_at_most(&folder.path().join("none"), 3);
        assert!(matches!(missing, Err(FileError::Read { .. })), "{missing:?}");
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a sparse file is made as no program of ours makes one")]
    fn a_file_without_an_end_is_not_read_to_it() {
        assert_eq!(read_within(io::repeat(0), 1000).unwrap(), None);
        let folder = tempfile::tempdir().unwrap();
        let sparse = folder.path().join("x.jpg");
        File::create(&sparse).unwrap().set_len(50 << 30).unwrap();
        let error = read_at_most(&sparse, MOST_PHOTO_BYTES).unwrap_err().to_string();
        assert!(
            error.ends_with("/x.jpg` has more than 64 MiB, which is the most that is read of such a file"),
            "{error}"
        );
    }

    #[test]
    fn only_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        for place in [folder.path(), Path::new("/dev/zero"), Path::new("/dev/null")] {
            assert!(matches!(read_at_most(place, 9), Err(FileError::NotAFile { .. })), "{}", place.display());
        }
        // A pipe that nobody writes to.
        let pipe = folder.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(matches!(read_at_most(&pipe, 9), Err(FileError::NotAFile { .. })));
    }
}
