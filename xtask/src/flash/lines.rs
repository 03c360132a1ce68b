//! NVIDIA's commands, as `docs/flashing.md` has them.

use std::fmt;
use std::path::Path;
use std::process::Command;

use super::deb::Deb;
use super::host::Host;
use crate::report::Report;

/// Installs what the tools below need on the PC; run again it changes nothing.
const PREREQUISITES: [&str; 1] = ["./tools/l4t_flash_prerequisites.sh"];

/// Firmware and disk, with two slots. Both variables are the firmware's: it keeps one slot where the first is missing, for good, and starts the other
/// one after as many failed starts as the second says, three at most. One name serves all modules on NVIDIA's carrier board.
///
/// **Source**: `process_l4t_conf_dtbo` in `flash.sh`, `cfgtab` in `nvautoflash.sh`, both NVIDIA's.
const FLASH: [&str; 14] = [
    "ROOTFS_AB=1",
    "ROOTFS_RETRY_COUNT_MAX=3",
    "./tools/kernel_flash/l4t_initrd_flash.sh",
    "--external-device",
    "nvme0n1p1",
    "-c",
    "tools/kernel_flash/flash_l4t_t234_nvme_rootfs_ab.xml",
    "-p",
    "-c bootloader/generic/cfg/flash_t234_qspi.xml",
    "--showlogs",
    "--network",
    "usb0",
    "jetson-orin-nano-devkit",
    "internal",
];

/// One command, run as root.
pub(super) struct Line {
    words: Vec<String>,
    hint: &'static str,
}

/// What flashes the board, in this order, in NVIDIA's folder.
pub(super) fn of(package: &Deb) -> Vec<Line> {
    let line = |words: &[&str], hint| Line { words: words.iter().map(|&word| word.to_owned()).collect(), hint };
    let mut lines = vec![line(&PREREQUISITES, "its lines above say why")];
    if let Some(from) = &package.from {
        lines.push(line(&["cp", &from.display().to_string(), "rootfs/opt/"], "look at the folder's rights and room"));
    }
    // A board that was interrupted answers no more until it starts anew.
    let hint = "its lines above say why; before the next try put the board into recovery mode again";
    lines.push(line(&FLASH, hint));
    lines
}

impl Line {
    /// Runs it, with the terminal's input and output.
    pub(super) fn run(&self, host: &Host, folder: &Path) -> Result<(), Report> {
        match Command::new(&host.sudo).args(&self.words).current_dir(folder).status() {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(Report::failure(format!("`{self}` failed"), self.hint).caused_by(status)),
            Err(error) => Err(Report::failure(format!("cannot start `{self}`"), "install `sudo`").caused_by(error)),
        }
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<String> = self.words.iter().map(|word| quoted(word)).collect();
        write!(f, "sudo {}", words.join(" "))
    }
}

/// A word as a shell takes it.
pub(super) fn quoted(word: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "=_./-+:,@".contains(letter);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    if word.contains(['"', '$', '`', '\\', '!']) {
        return format!("'{}'", word.replace('\'', r"'\''"));
    }
    format!("\"{word}\"")
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{MadeUp, failure};
    use super::*;
    use crate::cargo::workspace;

    fn named() -> Deb {
        Deb { name: "clothingid_0.1.0_arm64.deb".to_owned(), from: Some("/my out/clothingid_0.1.0_arm64.deb".into()) }
    }

    #[test]
    fn the_documents_lines_are_these() {
        let text = std::fs::read_to_string(workspace().join("docs/flashing.md")).expect("flashing.md");
        let text = text.replace("\\\n    ", "");
        let lines = of(&Deb { from: None, ..named() });
        assert_eq!(lines.len(), 2);
        for line in lines {
            assert!(text.contains(&format!("\n{line}\n")), "docs/flashing.md has not `{line}`");
        }
    }

    #[test]
    fn a_board_is_never_flashed_with_one_slot() {
        let line = of(&named()).pop().expect("a line").to_string();
        assert!(line.starts_with("sudo ROOTFS_AB=1 ROOTFS_RETRY_COUNT_MAX=3 ./tools/"), "{line}");
        assert!(line.contains(" -p \"-c bootloader/generic/cfg/flash_t234_qspi.xml\" "), "{line}");
    }

    #[test]
    fn the_package_is_copied_before_the_root_is_made_an_image() {
        let lines: Vec<String> = of(&named()).iter().map(Line::to_string).collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[1], "sudo cp \"/my out/clothingid_0.1.0_arm64.deb\" rootfs/opt/");
    }

    #[test]
    fn words_are_quoted_as_a_shell_takes_them() {
        for (word, shown) in [("a-b_c/d.e=1", "a-b_c/d.e=1"), ("", "\"\""), ("a b", "\"a b\""), ("a'$b", r"'a'\''$b'")]
        {
            assert_eq!(quoted(word), shown);
        }
    }

    #[test]
    fn a_line_that_fails_says_which_and_what_then() {
        let tree = MadeUp::good();
        let mut host = tree.host();
        let line = of(&named()).pop().expect("a line");
        assert!(line.run(&host, &tree.l4t()).is_ok());
        host.sudo = "false".into();
        let told = failure(line.run(&host, &tree.l4t()));
        assert!(told.contains("l4t_initrd_flash.sh") && told.contains("` failed\n"), "{told}");
        assert!(told.contains("put the board into recovery mode again"), "{told}");
        host.sudo = tree.path("no-sudo");
        assert!(failure(line.run(&host, &tree.l4t())).contains("hint: install `sudo`"));
    }
}
