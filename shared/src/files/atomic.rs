//! Whole-file reads and atomic writes: a temporary file in the same folder, sync, rename, sync of the folder.
//! A reader sees the old file or the new one, never a part.
#![expect(clippy::disallowed_methods, reason = "this is the one place that writes files; everyone else calls it")]

use super::folder_of;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use thiserror::Error;

/// A file or folder that could not be used, by name.
#[derive(Debug, Error)]
pub enum FileError {
    /// Reading failed.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder, a pipe or a device stands where a file is expected.
    #[error("`{}` is not a file but a folder, a pipe or a device", path.display())]
    NotAFile {
        /// What stands there.
        path: PathBuf,
    },
    /// More bytes than such a file may have.
    #[error("`{}` has more than {}, which is the most that is read of such a file", path.display(), byte_len_in_words(*limit))]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most bytes that are read.
        limit: u64,
    },
    /// The file is not UTF-8 where text is expected.
    #[error("`{}` is not UTF-8: byte {byte} of the file, line {line}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Position of the first bad byte, from 0.
        byte: usize,
        /// Its line, from 1.
        line: usize,
    },
    /// Writing failed; what stood there before still stands.
    #[error("cannot write `{}`", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder could not be made.
    #[error("cannot create the folder `{}`", path.display())]
    CreateFolder {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A folder could not be listed.
    #[error("cannot list the folder `{}`", path.display())]
    List {
        /// The folder.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl FileError {
    /// The file or folder that is meant.
    #[must_use]
    pub fn path(&self) -> &Path {
        match self {
            Self::Read { path, .. }
            | Self::NotAFile { path }
            | Self::TooLarge { path, .. }
            | Self::NotText { path, .. }
            | Self::Write { path, .. }
            | Self::CreateFolder { path, .. }
            | Self::List { path, .. } => path,
        }
    }
}

/// A size for people: whole MiB where there are any.
fn byte_len_in_words(byte_len: u64) -> String {
    if byte_len >= 1 << 20 { format!("{} MiB", byte_len >> 20) } else { format!("{byte_len} bytes") }
}

/// The whole file, whatever its size: for files of ours. What comes from outside is read with [`read_at_most`](super::read_at_most).
///
/// # Errors
/// [`FileError::Read`] with the path.
pub fn read(path: &Path) -> Result<Vec<u8>, FileError> {
    fs::read(path).map_err(|source| FileError::Read { path: path.to_owned(), source })
}

/// The whole file as UTF-8.
///
/// # Errors
/// [`FileError::Read`], or [`FileError::NotText`] with line and byte.
pub fn read_text(path: &Path) -> Result<String, FileError> {
    text_of(path, read(path)?)
}

/// The bytes of `path` as UTF-8.
pub(super) fn text_of(path: &Path, bytes: Vec<u8>) -> Result<String, FileError> {
    String::from_utf8(bytes).map_err(|error| {
        let byte = error.utf8_error().valid_up_to();
        let line = 1 + error.as_bytes().iter().take(byte).filter(|b| **b == b'\n').count();
        FileError::NotText { path: path.to_owned(), byte, line }
    })
}

/// Makes a folder with its parents; one that is already there is fine.
///
/// # Errors
/// [`FileError::CreateFolder`].
pub fn create_folder(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(|source| FileError::CreateFolder { path: path.to_owned(), source })
}

/// Replaces `path` by `bytes`, wholly or not at all.
///
/// # Errors
/// [`FileError::Write`]; the old file is untouched then.
pub fn write_atomic(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_atomic_with(path, |file| file.write_all(bytes))
}

/// Replaces `path` by `bytes`, wholly or not at all, and lets nobody but its owner read it (mode 0600), at no moment.
///
/// # Errors
/// [`FileError::Write`]; the old file is untouched then.
#[cfg(unix)]
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let mut how = OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    replace(path, &mut how, |file| file.write_all(bytes))
}

/// A new file for its owner alone that may be left half written: what is received into it is worth nothing after a crash.
///
/// # Errors
/// [`FileError::Write`]: there is one already, or it cannot be made.
#[cfg(unix)]
pub fn create_scratch(path: &Path) -> Result<File, FileError> {
    let mut how = OpenOptions::new();
    std::os::unix::fs::OpenOptionsExt::mode(&mut how, 0o600);
    how.write(true).create_new(true).open(path).map_err(|source| FileError::Write { path: path.to_owned(), source })
}

/// Replaces `path` by what `fill` writes, wholly or not at all.
///
/// # Errors
/// [`FileError::Write`]; the old file is untouched then, and the temporary file is removed.
pub fn write_atomic_with(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), FileError> {
    replace(path, &mut OpenOptions::new(), fill)
}

fn replace(
    path: &Path,
    how: &mut OpenOptions,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), FileError> {
    let temporary = temporary_beside(path);
    let written = write_and_sync(&temporary, how, fill).and_then(|()| fs::rename(&temporary, path));
    if let Err(source) = written {
        // The write's error is the one to report; a left-over temporary file does no harm.
        let _ = fs::remove_file(&temporary);
        return Err(FileError::Write { path: path.to_owned(), source });
    }
    sync_folder(path).map_err(|source| FileError::Write { path: path.to_owned(), source })
}

fn write_and_sync(
    path: &Path,
    how: &mut OpenOptions,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let file = how.write(true).create_new(true).open(path)?;
    let mut writer = BufWriter::new(file);
    fill(&mut writer)?;
    writer.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()
}

/// A name in the same folder (rename does not cross file systems), unique to this process and call.
fn temporary_beside(path: &Path) -> PathBuf {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let mut name = path.file_name().map(ToOwned::to_owned).unwrap_or_default();
    name.push(format!(".{}-{}.tmp", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
    path.with_file_name(name)
}

/// Makes the rename itself durable.
fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(folder_of(path))?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::io::{self, Write};

    use super::{FileError, read, read_text, write_atomic, write_atomic_with, write_private};

    #[test]
    fn a_failed_write_leaves_the_old_file_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomic(&path, b"old").unwrap();
        let error = write_atomic_with(&path, |file| {
            file.write_all(b"half of the new")?;
            Err(io::Error::other("disk full"))
        });
        assert!(matches!(error, Err(FileError::Write { path: p, .. }) if p == path));
        assert_eq!(read(&path).unwrap(), b"old");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "no temporary file is left");
    }

    #[test]
    fn a_write_replaces() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for content in [&b"one"[..], b"", b"three"] {
            write_atomic(&path, content).unwrap();
            assert_eq!(read(&path).unwrap(), content);
        }
    }

    #[test]
    fn a_private_file_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomic(&path, b"open").unwrap();
        write_private(&path, b"secret").unwrap();
        assert_eq!(read(&path).unwrap(), b"secret");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }

    #[test]
    fn bad_text_is_named_by_line_and_byte() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        write_atomic(&path, b"good\nb\xffd").unwrap();
        match read_text(&path) {
            Err(FileError::NotText { byte: 6, line: 2, .. }) => {}
            other => panic!("{other:?}"),
        }
    }
}
