//! USB sticks for virtual machines: a file with a file system as sticks have it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::command::tool;

/// Room on a stick beside its files, in KiB.
const ROOM: u64 = 64 * 1024;

/// A stick named `STICK` with these files, at the given places of it; folders are made.
///
/// # Panics
/// It cannot be made.
#[must_use]
pub fn made(place: &Path, files: &[(&Path, &str)]) -> PathBuf {
    let path = place.join("stick.img");
    let text = path.display().to_string();
    let bytes: u64 = files.iter().map(|(from, _)| std::fs::metadata(from).expect("a file").len()).sum();
    let kibibytes = (bytes / 1024 + ROOM).to_string();
    tool("/sbin/mkfs.vfat", &["-F", "32", "-n", "STICK", "-C", &text, &kibibytes]);
    let mut folders = BTreeSet::new();
    for (from, name) in files {
        if let Some((folder, _)) = name.rsplit_once('/')
            && folders.insert(folder)
        {
            tool("mmd", &["-i", &text, &format!("::/{folder}")]);
        }
        tool("mcopy", &["-i", &text, &from.display().to_string(), &format!("::/{name}")]);
    }
    path
}
