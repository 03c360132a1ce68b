//! Files on their way into the catalogue: a folder of the state folder that is emptied when its work is done, and whenever the program starts.

use clothingid_shared::files::{self, FileError};
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// One upload, at most: a ZIP file of ten thousand photographs.
pub const MOST_BYTES: u64 = 4 << 30;

/// Files of one upload, at most.
pub const MOST_FILES: usize = 20_000;

/// This much of the disk stays free.
pub const ROOM_LEFT: u64 = 256 << 20;

/// A folder of one upload. It goes when this is dropped.
#[derive(Debug)]
pub struct Incoming {
    folder: PathBuf,
    files: usize,
    bytes: u64,
}

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum IncomingError {
    /// The upload as a whole is too large.
    #[error("more than {} GiB, or more than {MOST_FILES} files", MOST_BYTES >> 30)]
    TooMuch,
    /// The disk would be full.
    #[error("the disk has no room for it")]
    NoRoom,
    /// The file's name is none, or there is one of this name already.
    #[error("`{name}` is no name for a file here, or came twice")]
    Name {
        /// As it was sent.
        name: String,
    },
    /// The file cannot be written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// A file that is being received.
#[derive(Debug)]
pub struct Receiving {
    file: File,
    path: PathBuf,
}

impl Receiving {
    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Empties the place where uploads are received. For the start of the program: what a kill has left is nobody's.
pub fn sweep(place: &Path) {
    // What cannot be removed does no harm.
    let _ = std::fs::remove_dir_all(place);
}

/// Bytes that are free where a path is, or its nearest folder that is there.
#[must_use]
pub fn room_at(path: &Path) -> Option<u64> {
    let there = path.ancestors().find(|path| path.exists())?;
    let facts = rustix::fs::statvfs(there).ok()?;
    Some(facts.f_bavail.saturating_mul(facts.f_frsize))
}

impl Incoming {
    /// A folder of its own in `place`.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn new(place: &Path) -> Result<Self, FileError> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let folder = place.join(format!("{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        files::create_folder(&folder)?;
        Ok(Self { folder, files: 0, bytes: 0 })
    }

    /// Where its files are.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Begins a file; of its name only the last part counts.
    ///
    /// # Errors
    /// [`IncomingError`].
    pub fn begin(&mut self, name: &str) -> Result<Receiving, IncomingError> {
        self.files += 1;
        if self.files > MOST_FILES {
            return Err(IncomingError::TooMuch);
        }
        let bad = || IncomingError::Name { name: name.chars().take(100).collect() };
        let last = file_name(name).ok_or_else(bad)?;
        let path = self.folder.join(last);
        if path.exists() {
            return Err(bad());
        }
        let file = files::create_scratch(&path)?;
        Ok(Receiving { file, path })
    }

    /// Adds to a file.
    ///
    /// # Errors
    /// [`IncomingError`].
    pub fn add(&mut self, receiving: &mut Receiving, bytes: &[u8]) -> Result<(), IncomingError> {
        let before = self.bytes;
        self.bytes += bytes.len() as u64;
        if self.bytes > MOST_BYTES {
            return Err(IncomingError::TooMuch);
        }
        // Each 16 MiB it is looked again: others write to the disk, too.
        let is_looked_at = before >> 24 != self.bytes >> 24 || before == 0;
        if is_looked_at && room_at(&self.folder).is_some_and(|room| room < ROOM_LEFT) {
            return Err(IncomingError::NoRoom);
        }
        receiving.file.write_all(bytes).map_err(|source| {
            if source.kind() == io::ErrorKind::StorageFull {
                IncomingError::NoRoom
            } else {
                FileError::Write { path: receiving.path.clone(), source }.into()
            }
        })
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        sweep(&self.folder);
    }
}

/// The last part of a name that a browser gives, if it is a name: no folder, nothing hidden, no control characters.
#[must_use]
pub fn file_name(name: &str) -> Option<&str> {
    let last = name.rsplit(['/', '\\']).next()?.trim();
    let is_name =
        !last.is_empty() && !last.starts_with('.') && last.len() <= 200 && !last.chars().any(char::is_control);
    is_name.then_some(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_last_part_of_a_name_counts() {
        for (name, expected) in [
            ("stock.csv", Some("stock.csv")),
            ("C:\\shop\\a b.jpg", Some("a b.jpg")),
            ("../../etc/passwd", Some("passwd")),
            ("photos/衣.jpg", Some("衣.jpg")),
            ("..", None),
            (".hidden", None),
            ("a/", None),
            ("", None),
            ("a\0b", None),
        ] {
            assert_eq!(file_name(name), expected, "{name}");
        }
    }

    #[test]
    fn files_are_received_and_gone_afterwards() {
        let place = tempfile::tempdir().unwrap();
        let mut incoming = Incoming::new(&place.path().join("incoming")).unwrap();
        let folder = incoming.folder().to_owned();
        let mut file = incoming.begin("x/stock.csv").unwrap();
        for part in [b"sku,".as_slice(), b"title"] {
            incoming.add(&mut file, part).unwrap();
        }
        assert_eq!(files::read(&folder.join("stock.csv")).unwrap(), b"sku,title");
        assert!(matches!(incoming.begin("stock.csv"), Err(IncomingError::Name { .. })), "it came twice");
        drop(incoming);
        assert!(!folder.exists());
    }

    #[test]
    fn what_a_kill_has_left_is_swept() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path().join("incoming");
        let incoming = Incoming::new(&place).unwrap();
        std::mem::forget(incoming);
        sweep(&place);
        assert!(!place.exists());
        sweep(&place);
    }

    #[test]
    fn an_upload_is_bounded() {
        let place = tempfile::tempdir().unwrap();
        let mut incoming = Incoming::new(place.path()).unwrap();
        let mut file = incoming.begin("a.jpg").unwrap();
        incoming.bytes = MOST_BYTES;
        assert!(matches!(incoming.add(&mut file, b"x"), Err(IncomingError::TooMuch)));
        incoming.files = MOST_FILES;
        assert!(matches!(incoming.begin("b.jpg"), Err(IncomingError::TooMuch)));
    }
}
