//! A file that is received piece by piece, over a power cut if need be, and counts for nothing until it is whole.
#![expect(
    clippy::disallowed_methods,
    reason = "beside `atomic`: what is half written has a name that nobody reads, and is synced before it gets its own"
)]

use super::{FileError, folder_of};
use std::fs::{self, File, OpenOptions};
use std::path::Path;

/// Opens a file to write on at its end, and makes it where there is none; for its owner alone (mode 0600).
///
/// # Errors
/// [`FileError::Write`].
#[cfg(unix)]
pub fn append_scratch(path: &Path) -> Result<File, FileError> {
    let mut how = OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    how.append(true).create(true).open(path).map_err(|source| FileError::Write { path: path.to_owned(), source })
}

/// Gives a file that was written to its end the name that it is read by: its bytes are synced before, its name after.
///
/// # Errors
/// [`FileError::Write`]; what stood at `path` still stands then.
pub fn keep(scratch: &Path, path: &Path) -> Result<(), FileError> {
    let kept = File::open(scratch)
        .and_then(|file| file.sync_all())
        .and_then(|()| fs::rename(scratch, path))
        .and_then(|()| File::open(folder_of(path))?.sync_all());
    kept.map_err(|source| FileError::Write { path: path.to_owned(), source })
}

/// A lock that other processes respect; given back when it is dropped, or when the process ends however it ends.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held")] File);

fn open_lock(path: &Path) -> Result<File, FileError> {
    let opened = OpenOptions::new().write(true).create(true).truncate(false).open(path);
    opened.map_err(|source| FileError::Write { path: path.to_owned(), source })
}

/// Waits until nobody else holds the lock at `path`, and takes it.
///
/// # Errors
/// [`FileError::Write`].
pub fn lock(path: &Path) -> Result<Lock, FileError> {
    let file = open_lock(path)?;
    file.lock().map_err(|source| FileError::Write { path: path.to_owned(), source })?;
    Ok(Lock(file))
}

/// Takes the lock at `path`, or gives nothing where another holds it.
///
/// # Errors
/// [`FileError::Write`].
pub fn try_lock(path: &Path) -> Result<Option<Lock>, FileError> {
    let file = open_lock(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Lock(file))),
        Err(fs::TryLockError::WouldBlock) => Ok(None),
        Err(fs::TryLockError::Error(source)) => Err(FileError::Write { path: path.to_owned(), source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::read;
    use std::io::Write as _;

    #[test]
    fn what_is_received_in_pieces_is_there_when_it_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (part, whole) = (folder.path().join("part"), folder.path().join("whole"));
        for piece in ["one ", "two"] {
            append_scratch(&part).unwrap().write_all(piece.as_bytes()).unwrap();
        }
        keep(&part, &whole).unwrap();
        assert_eq!(read(&whole).unwrap(), b"one two");
        assert!(!part.exists() && keep(&part, &whole).is_err());
    }

    #[test]
    fn a_lock_is_held_by_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let held = lock(&path).unwrap();
        assert!(try_lock(&path).unwrap().is_none());
        drop(held);
        assert!(try_lock(&path).unwrap().is_some());
    }
}
