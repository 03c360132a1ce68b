//! A folder for what a measurement writes, gone with it: whatever comes of it, its files are of no use to anybody.

use crate::cli::Report;
use clothingid_shared::files;
use std::path::{Path, PathBuf};

/// The folder, below that for temporary files.
pub(super) struct Scratch(PathBuf);

impl Scratch {
    /// Makes it.
    ///
    /// **Errors** it cannot be made.
    pub(super) fn new() -> Result<Self, Report> {
        let folder = std::env::temp_dir().join(format!("clothingid-bench-{}", std::process::id()));
        files::create_folder(&folder)?;
        Ok(Self(folder))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed lies in the folder for such.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
