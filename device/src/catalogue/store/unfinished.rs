//! Catalogues that are being made, under a name of their own: `catalogue.db.PID.new`, with what SQLite keeps beside it.

use std::ffi::OsString;
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
        let mut name: OsString = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.new", std::process::id()));
        Self { path: path.with_file_name(name) }
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
        BESIDE.iter().try_for_each(|end| {
            let mut name = self.path.clone().into_os_string();
            name.push(end);
            remove_if_there(Path::new(&name))
        })
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

/// The folder that a file is in.
pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Removes what processes that are no more have left unfinished of `path`. Best effort: what cannot be removed does no harm.
pub(super) fn sweep(path: &Path) {
    sweep_of(path, |process| Path::new("/proc").join(process.to_string()).exists());
}

fn sweep_of(path: &Path, is_running: impl Fn(u32) -> bool) {
    let Some(name) = path.file_name().and_then(|name| name.to_str()) else { return };
    for entry in std::fs::read_dir(folder_of(path)).into_iter().flatten().flatten() {
        let file = entry.file_name();
        if file.to_str().and_then(|file| process_of(file, name)).is_some_and(|process| !is_running(process)) {
            let _ = remove_if_there(&entry.path());
        }
    }
}

/// Which process has made `file` as an unfinished form of the catalogue `name`, if it is one.
fn process_of(file: &str, name: &str) -> Option<u32> {
    let (process, end) = file.strip_prefix(name)?.strip_prefix('.')?.split_once(".new")?;
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
    use super::*;
    use clothingid_shared::files::write_atomic;

    #[test]
    fn only_what_a_dead_process_left_of_this_catalogue_is_swept() {
        let folder = tempfile::tempdir().unwrap();
        let stay = [
            "a.db",
            "a.db-wal",
            "a.db.1.new",
            "a.db.1.new-wal",
            "b.db.2.new",
            "a.db.2.news",
            "a.db.x.new",
            "a.db.2.new.jpg",
        ];
        let go = ["a.db.2.new", "a.db.2.new-journal", "a.db.2.new-wal", "a.db.2.new-shm"];
        for name in stay.iter().chain(&go) {
            write_atomic(&folder.path().join(name), b"x").unwrap();
        }
        sweep_of(&folder.path().join("a.db"), |process| process == 1);
        let mut left: Vec<_> = std::fs::read_dir(folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        let mut expected = stay.map(str::to_owned);
        expected.sort();
        assert_eq!(left, expected);
        sweep_of(Path::new("/nowhere/a.db"), |_| false);
    }
}
