//! The virtual machine of the suite `camera`: QEMU, Debian's kernel with drivers of virtual cameras, and a stock system.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::{cache, script};
use crate::image::is_installed;
use crate::report::Report;

const QEMU: &str = "qemu-system-x86_64";

/// What the machine's tests run inside it or beside it.
const FOR_TESTS: [&str; 7] = [QEMU, "busybox", "v4l2-ctl", "curl", "strace", "mkfs.vfat", "mcopy"];

/// What it is made with.
const FOR_MAKING: [&str; 4] = ["busybox", "cpio", "make", "mmdebstrap"];

/// What it is made from, in `tests/machine`; copies lie beside what was made.
const SOURCES: [&str; 3] = ["init.sh", "commands.sh", "make.sh"];

/// What is made.
const MADE: [&str; 3] = ["vmlinuz", "initramfs.gz", "stock.tar"];

/// Whether the machine can be started.
pub(crate) fn is_ready() -> bool {
    folder().is_ok_and(|folder| is_made(&folder)) && FOR_TESTS.iter().all(|name| is_installed(name))
}

/// Makes the machine, if it is not there. It is for x86-64 and made of Debian's packages; elsewhere the suite is skipped.
pub(crate) fn prepare() -> Result<(), Report> {
    let folder = folder()?;
    if is_ready() {
        return Ok(());
    }
    if std::env::consts::ARCH != "x86_64" || !has_debians_kernel() {
        eprintln!("the virtual machine of the suite `camera` is made of Debian's packages for x86-64: skipped");
        return Ok(());
    }
    let missing = FOR_TESTS.iter().chain(&FOR_MAKING).find(|name| !is_installed(name));
    if let Some(name) = missing {
        let hint = "run `cargo xtask setup --system` as root";
        return Err(Report::failure(format!("`{name}` is missing, which the virtual machine needs"), hint));
    }
    script::make("the virtual machine of the suite `camera`", "tests/machine/make.sh", &folder)
}

fn folder() -> Result<PathBuf, Report> {
    Ok(cache()?.join("machine"))
}

fn is_made(folder: &Path) -> bool {
    SOURCES.iter().all(|name| script::is_of(&folder.join(name), &format!("tests/machine/{name}")))
        && MADE.iter().all(|name| folder.join(name).exists())
}

fn has_debians_kernel() -> bool {
    Command::new("apt-cache")
        .args(["policy", "linux-image-amd64"])
        .output()
        .is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("Candidate:"))
}
