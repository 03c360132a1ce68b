//! Catalogues that are being made, under a name of their own: `catalogue.db.PID.new`, with what SQLite keeps beside it.

use clothingid_shared::files::{self, folder_of, with_end};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

/// The file itself and SQLite's files beside it.
const BESIDE: [&str; 4] = ["", "-journal", "-wal", "-shm"];

/// A catalogue that is being made; gone when this is dropped.
pub(super) struct Unfinished {
    pub(super) path: PathBuf,
}

impl Unfinished {
    /// The name that this process gives to the unfinished form of `path`.
    pub(super) fn beside(path: &Path) -> Self {
        Self { path: with_end(path, &format!(".{}.new", std::process::id())) }
    }

    /// Gives the whole file its own name, for good.
    ///
    /// # Errors
    /// The name is taken: what has it is never overwritten. The folder cannot be written.
    pub(super) fn name(&self, path: &Path) -> io::Result<()> {
        // A link fails where the name is taken; a rename would overwrite it.
        match std::fs::hard_link(&self.path, path) {
            // File systems without links (a memory stick).
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists && !path.exists() => rename(&self.path, path)?,
            other => other?,
        }
        self.remove()?;
        File::open(folder_of(path)).and_then(|folder| folder.sync_all())
    }

    /// Removes it; nothing where it is not there.
    pub(super) fn remove(&self) -> io::Result<()> {
        BESIDE.iter().try_for_each(|end| remove_if_there(&with_end(&self.path, end)))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // The error that brought us here is the one to report; what stays is swept at the next start.
        let _ = self.remove();
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a file that SQLite has written and synced; its folder is synced after it"
)]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::rename(from, to)
}

/// Removes what processes that are no more have left unfinished of `path`. Best effort: what cannot be removed does no harm.
pub(super) fn sweep(path: &Path) {
    files::sweep(path, process_of);
}

/// Which process has made an unfinished form of a catalogue, from what its name has behind the catalogue's.
fn process_of(rest: &str) -> Option<u32> {
    let (process, end) = rest.split_once(".new")?;
    BESIDE.contains(&end).then(|| process.parse().ok()).flatten()
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::process_of;

    #[test]
    fn only_what_this_makes_is_known() {
        for rest in ["2.new", "2.new-journal", "2.new-wal", "2.new-shm"] {
            assert_eq!(process_of(rest), Some(2), "{rest}");
        }
        for rest in ["wal", "2.news", "x.new", "2.new.jpg", "-1.new", "index", "2-0.tmp"] {
            assert_eq!(process_of(rest), None, "{rest}");
        }
    }
}
