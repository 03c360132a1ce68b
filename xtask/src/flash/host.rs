//! The PC that flashes: NVIDIA's tools are made for one kind alone.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::report::Report;

/// What the checks see of this PC; another one in tests.
pub(super) struct Host {
    /// The processor, as Rust calls it.
    pub(super) arch: &'static str,
    /// `/etc`
    pub(super) etc: PathBuf,
    /// `/sys`
    pub(super) sys: PathBuf,
    /// The number of the user that has to own the board's root.
    pub(super) owner: u32,
    /// How many bytes more the disk of a folder takes, where that can be told.
    pub(super) available: fn(&Path) -> Option<u64>,
    /// What runs a command as root.
    pub(super) sudo: PathBuf,
}

impl Default for Host {
    fn default() -> Self {
        Self {
            arch: std::env::consts::ARCH,
            etc: "/etc".into(),
            sys: "/sys".into(),
            owner: 0,
            available,
            sudo: "sudo".into(),
        }
    }
}

/// The versions of Ubuntu that JetPack 6 may be flashed from.
///
/// **Source**: "How to Install and Configure JetPack SDK", JetPack 6.1, NVIDIA.
const UBUNTU: [&str; 2] = ["20.04", "22.04"];

/// The system's name, where it is one for NVIDIA's tools: x86-64, since `tegrarcm_v2` and others are programs for it, and a version of Ubuntu whose
/// packages `l4t_flash_prerequisites.sh` installs.
pub(super) fn check(host: &Host) -> Result<String, Report> {
    let text = std::fs::read_to_string(host.etc.join("os-release")).unwrap_or_default();
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|value| value.trim().trim_matches(['"', '\'']).to_owned())
    };
    let name = value("PRETTY_NAME").unwrap_or_else(|| "an unknown system".to_owned());
    let is_ubuntu = value("ID").is_some_and(|id| id == "ubuntu");
    let is_version = value("VERSION_ID").is_some_and(|version| UBUNTU.contains(&version.as_str()));
    if host.arch == "x86_64" && is_ubuntu && is_version {
        return Ok(format!("{name}, x86-64"));
    }
    let what = format!(
        "NVIDIA's tools need Ubuntu {} on x86-64, and this PC has {name} on {}",
        UBUNTU.join(" or "),
        host.arch.replace('_', "-")
    );
    Err(Report::failure(what, "take an x86-64 PC with Ubuntu 22.04 on its disk"))
}

/// By `df`: the standard library does not know.
fn available(folder: &Path) -> Option<u64> {
    let output = Command::new("df").args(["--output=avail", "--block-size=1"]).arg(folder).output().ok()?;
    String::from_utf8(output.stdout).ok()?.lines().nth(1)?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::made_up::{MadeUp, failure};
    use super::*;

    #[test]
    fn nvidias_tools_are_for_two_ubuntus_on_one_processor() {
        let mut tree = MadeUp::good();
        assert_eq!(check(&tree.host()).ok().as_deref(), Some("Ubuntu 22.04.5 LTS, x86-64"));
        tree.write("etc/os-release", "ID=ubuntu\nVERSION_ID='20.04'\n");
        assert!(check(&tree.host()).is_ok());
        for other in ["ID=ubuntu\nVERSION_ID=\"24.04\"\n", "ID=debian\nVERSION_ID=\"22.04\"\n", ""] {
            tree.write("etc/os-release", other);
            let told = failure(check(&tree.host()));
            assert!(told.contains("need Ubuntu 20.04 or 22.04 on x86-64"), "{told}");
            assert!(told.contains("hint: take an x86-64 PC with Ubuntu 22.04"), "{told}");
        }
        tree.remove("etc/os-release");
        assert!(failure(check(&tree.host())).contains("has an unknown system on x86-64"));
        tree = MadeUp::good();
        tree.arch = "aarch64";
        assert!(failure(check(&tree.host())).contains("has Ubuntu 22.04.5 LTS on aarch64"));
    }

    #[test]
    fn a_disk_tells_its_room() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(available(folder.path()).is_some());
        assert_eq!(available(&folder.path().join("missing")), None);
    }
}
