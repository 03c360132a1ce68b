//! What the arm64 build is made and tried with on x86-64: Debian's cross compiler for C from the system, and Debian's Rust with both standard
//! libraries and QEMU's user emulation in the user's cache folder.

use std::path::{Path, PathBuf};

use super::{cache, script};
use crate::cargo::is_in_path;
use crate::report::Report;

/// Makes the folder, and is kept in it.
const SCRIPT: &str = "xtask/src/setup/arm64.sh";

/// Debian's compiler and linker for C.
pub(crate) const LINKER: &str = "aarch64-linux-gnu-gcc";

/// Tells what a program needs.
pub(crate) const OBJDUMP: &str = "aarch64-linux-gnu-objdump";

/// The C library of the other processor, for its programs under emulation.
pub(crate) const LIBRARIES: &str = "/usr/aarch64-linux-gnu";

/// The packages of the system that the build needs.
pub(crate) const PACKAGES: [&str; 2] = ["gcc-aarch64-linux-gnu", "libc6-dev-arm64-cross"];

/// The tools of a machine that is ready.
#[derive(Debug)]
pub(crate) struct Tools {
    /// Debian's Rust.
    pub(crate) rustc: PathBuf,
    /// Its documentation tool, which runs examples.
    pub(crate) rustdoc: PathBuf,
    /// Runs programs of the other processor.
    pub(crate) qemu: PathBuf,
}

impl Tools {
    /// The tools, if this machine has all of them.
    pub(crate) fn find() -> Option<Self> {
        let folder = folder().ok()?;
        if !is_made(&folder) || !has_c() {
            return None;
        }
        let tool = |name: &str| folder.join("bin").join(name);
        Some(Self { rustc: tool("rustc"), rustdoc: tool("rustdoc"), qemu: tool("qemu-aarch64-static") })
    }
}

/// Whether this system has Debian 12's packages for x86-64. Another release has another C library, which the boards' may be older than.
pub(crate) fn is_possible() -> bool {
    let system = std::fs::read_to_string("/etc/os-release").unwrap_or_default();
    cfg!(target_arch = "x86_64") && is_debian_12(&system)
}

fn is_debian_12(os_release: &str) -> bool {
    let has = |wanted: &str| os_release.lines().any(|line| line.replace('"', "") == wanted);
    has("ID=debian") && has("VERSION_ID=12")
}

/// Makes the folder, if it is not there. It is made of Debian's packages; elsewhere the suite is skipped.
pub(crate) fn prepare() -> Result<(), Report> {
    if !is_possible() {
        eprintln!("the arm64 build is made with packages of Debian 12 for x86-64: skipped");
        return Ok(());
    }
    let folder = folder()?;
    if is_made(&folder) {
        return Ok(());
    }
    script::make("Rust for arm64 and its emulation", SCRIPT, &folder)
}

/// Whether there are a compiler for C and its library. The packages of the first are of use without those of the second to kernels alone.
pub(crate) fn has_c() -> bool {
    is_in_path(LINKER) && is_in_path(OBJDUMP) && Path::new(LIBRARIES).join("lib/libc.so.6").exists()
}

fn folder() -> Result<PathBuf, Report> {
    Ok(cache()?.join("arm64"))
}

/// The script writes its own copy last.
fn is_made(folder: &Path) -> bool {
    script::is_of(&folder.join("made"), SCRIPT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_release_of_one_system_is_taken() {
        for (text, expected) in [
            ("ID=debian\nVERSION_ID=\"12\"\n", true),
            ("VERSION_ID=12\nID=debian", true),
            ("ID=debian\nVERSION_ID=\"13\"\n", false),
            ("ID=ubuntu\nVERSION_ID=\"12\"\n", false),
            ("", false),
        ] {
            assert_eq!(is_debian_12(text), expected, "{text}");
        }
    }
}
