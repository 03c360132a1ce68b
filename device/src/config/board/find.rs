//! Which board this machine is: by what its device tree calls itself, else by how it was started.

use super::known::KNOWN;
use super::read::parse;
use super::schema::Board;
use std::path::{Path, PathBuf};

/// What a machine says of itself. All of it is read below `root`, `/` on a real one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Machine {
    /// What people call it: the device tree's model, or the firmware's words.
    pub title: Option<String>,
    /// The device tree's `compatible`, most exact first.
    pub compatible: Vec<String>,
    /// Whether UEFI started it.
    pub is_uefi: bool,
    /// The processor's architecture, in Rust's words.
    pub architecture: String,
}

impl Machine {
    /// Reads what there is.
    #[must_use]
    pub fn read(root: &Path, architecture: &str) -> Self {
        let text = |path: &str| {
            let bytes = std::fs::read(root.join(path)).ok()?;
            let text = String::from_utf8_lossy(&bytes).trim_matches(['\0', '\n', ' ']).to_owned();
            (!text.is_empty()).then_some(text)
        };
        let dmi = || {
            let words: Vec<String> = ["sys_vendor", "product_name"]
                .iter()
                .filter_map(|file| text(&format!("sys/class/dmi/id/{file}")))
                .collect();
            (!words.is_empty()).then(|| words.join(" "))
        };
        let compatible = text("proc/device-tree/compatible").unwrap_or_default();
        Self {
            title: text("proc/device-tree/model").or_else(dmi),
            compatible: compatible.split('\0').filter(|name| !name.is_empty()).map(str::to_owned).collect(),
            is_uefi: root.join("sys/firmware/efi").is_dir(),
            architecture: architecture.to_owned(),
        }
    }
}

/// The first board that this machine is; none where no file fits it.
#[must_use]
pub fn found(machine: &Machine) -> Option<Board> {
    // Our own files are read by a test; one that cannot be read is none.
    let boards: Vec<Board> =
        KNOWN.iter().filter_map(|(name, text)| parse(&PathBuf::from(format!("{name}.toml")), text).ok()).collect();
    let is_built_for = |board: &&Board| board.target.split('-').next() == Some(&machine.architecture);
    let is_named = |board: &&Board| board.found_by.compatible.iter().any(|name| machine.compatible.contains(name));
    let is_general = |board: &&Board| board.found_by.uefi && machine.is_uefi;
    let of = |fits: &dyn Fn(&&Board) -> bool| boards.iter().filter(is_built_for).find(fits).cloned();
    of(&is_named).or_else(|| of(&is_general))
}
