//! A file in memory without reading it: the kernel brings pages as they are touched and takes them back when memory is short.
#![expect(
    unsafe_code,
    reason = "the system cannot promise that nobody changes a mapped file; this module says who does"
)]

use std::fs::File;
use std::io;
use std::path::Path;

use memmap2::Mmap;

/// A file whose bytes are there to read.
#[derive(Debug)]
pub struct MappedFile {
    map: Mmap,
}

impl MappedFile {
    /// Maps a whole file.
    ///
    /// # Errors
    /// When it cannot be opened or mapped.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        // SAFETY: the invariant is that the file's bytes do not change while they are borrowed. `build` upholds it: it writes a pack in
        // a hidden folder, moves it into place whole, and replaces a pack by unlinking the old file, whose inode this map keeps alive;
        // no program of ours opens `photos.bin` to write. Bytes are all that is read (any value is a valid `u8`), they are summed or
        // copied out and never parsed in place, and what a foreign hand or a bad disk changed is found by `Pack::read_into`.
        // Somebody who shortens the file under a running program ends it with SIGBUS, and no memory of ours is touched by that.
        let map = unsafe { Mmap::map(&file)? };
        Ok(Self { map })
    }

    /// All bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use super::MappedFile;

    #[test]
    fn a_file_that_is_replaced_or_removed_stays_as_it_was_mapped() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("photos.bin");
        std::fs::write(&path, vec![7; 9000]).unwrap();
        let mapped = MappedFile::open(&path).unwrap();
        clothingid_shared::files::write_atomic(&path, b"another").unwrap();
        assert!(mapped.bytes() == vec![7; 9000]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(mapped.bytes()[8999], 7);
        assert!(MappedFile::open(&path).is_err());
    }

    #[test]
    fn an_empty_file_has_no_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("empty");
        std::fs::write(&path, b"").unwrap();
        assert_eq!(MappedFile::open(&path).unwrap().bytes(), b"");
    }
}
