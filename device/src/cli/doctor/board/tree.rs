//! Files of the kernel and the system, below a root.

use clothingid_shared::files;
use std::path::{Path, PathBuf};

/// No file of the kernel that we read is longer.
const MOST_BYTES: u64 = 1 << 20;

/// Where `/proc`, `/sys`, `/dev` and `/etc` are.
pub(super) struct Tree(PathBuf);

impl Tree {
    pub(super) fn new(root: PathBuf) -> Self {
        Self(root)
    }

    pub(super) fn root(&self) -> &Path {
        &self.0
    }

    /// A place of the system, written from `/`.
    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.0.join(path.trim_start_matches('/'))
    }

    /// The trimmed text of a file; none where it cannot be read or is empty.
    pub(super) fn text(&self, path: &str) -> Option<String> {
        let text = files::read_text_at_most(&self.at(path), MOST_BYTES).ok()?;
        Some(text.trim_matches(['\0', '\n', ' ', '\t']).to_owned()).filter(|text| !text.is_empty())
    }

    /// The number that a file is.
    pub(super) fn number(&self, path: &str) -> Option<f64> {
        self.text(path)?.parse().ok()
    }

    /// Whether something is there; a link counts wherever it leads.
    pub(super) fn has(&self, path: &str) -> bool {
        self.at(path).symlink_metadata().is_ok()
    }

    /// The names in a folder, sorted; nothing where it cannot be listed.
    pub(super) fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.at(folder)).into_iter().flatten().flatten();
        let mut names: Vec<String> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        names
    }

    /// Whether a unit starts with the system: something wants it.
    pub(super) fn is_enabled(&self, unit: &str) -> bool {
        ["/etc/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system"].iter().any(|folder| {
            let wants = self.names(folder).into_iter().filter(|name| name.ends_with(".wants"));
            wants.into_iter().any(|wants| self.has(&format!("{folder}/{wants}/{unit}")))
        })
    }
}
