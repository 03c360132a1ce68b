//! The folders that take part in writing a pack: everything is written beside the target and moved into place at the end.
//!
//! A kill at any line leaves either the old pack or none, never a torn one. The next run removes what a killed one left.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::PackError;
use super::header::HEADER_FILE;

/// The folders.
pub(super) struct Places {
    out: PathBuf,
    /// Where the new pack is written.
    pub(super) partial: PathBuf,
    old: PathBuf,
}

impl Places {
    /// For a target that is a pack, empty, or not there.
    pub(super) fn of(out: &Path) -> Result<Self, PackError> {
        let name = out.file_name().ok_or_else(|| PackError::Occupied { path: out.to_path_buf() })?;
        let named = |ending: &str| {
            let mut hidden = std::ffi::OsString::from(".");
            hidden.push(name);
            hidden.push(ending);
            out.with_file_name(hidden)
        };
        let places = Self { out: out.to_path_buf(), partial: named(".partial"), old: named(".old") };
        // A folder that holds anything but a pack is not ours to replace.
        let is_pack = out.join(HEADER_FILE).is_file();
        let is_empty = std::fs::read_dir(out).map_or(!out.exists(), |mut entries| entries.next().is_none());
        if is_pack || is_empty { Ok(places) } else { Err(PackError::Occupied { path: places.out }) }
    }

    /// Removes what a killed run left, and finishes its last move.
    pub(super) fn clean(&self) -> Result<(), PackError> {
        remove(&self.partial)?;
        if self.old.exists() && !self.out.join(HEADER_FILE).is_file() {
            if self.out.exists() {
                remove(&self.out)?;
            }
            rename(&self.old, &self.out)?;
        }
        remove(&self.old)
    }

    /// Gives the new pack up.
    pub(super) fn abandon(&self) -> Result<(), PackError> {
        remove(&self.partial)
    }

    /// Moves the finished pack into place.
    pub(super) fn commit(&self) -> Result<(), PackError> {
        if self.out.exists() {
            rename(&self.out, &self.old)?;
        }
        rename(&self.partial, &self.out)?;
        let parent = self.out.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let sync = File::open(parent).and_then(|folder| folder.sync_all());
        sync.map_err(|cause| PackError::Io { action: "sync", path: parent.to_path_buf(), cause })?;
        remove(&self.old)
    }
}

#[expect(clippy::disallowed_methods, reason = "moves a folder whose files are synced; the caller syncs the parent")]
fn rename(from: &Path, to: &Path) -> Result<(), PackError> {
    std::fs::rename(from, to).map_err(|cause| PackError::Io { action: "move", path: from.to_path_buf(), cause })
}

fn remove(folder: &Path) -> Result<(), PackError> {
    match std::fs::remove_dir_all(folder) {
        Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => {
            Err(PackError::Io { action: "remove", path: folder.to_path_buf(), cause })
        }
        _ => Ok(()),
    }
}
