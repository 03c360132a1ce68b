//! Packages of Debian and Ubuntu, as root, and the browser's driver for the tests.

use std::path::Path;
use std::process::Command;

use super::arm64;
use crate::cargo::{is_in_path, workspace};
use crate::image;
use crate::report::Report;

/// A browser, Node.js, pip, a font, a software Vulkan, a virtual machine, what makes images and a compiler for arm64, each when it is missing.
pub(crate) fn install() -> Result<(), Report> {
    let mut missing = Vec::new();
    if !has_browser() {
        // Ubuntu has its browser under another name, as a snap.
        missing.push(if is_ubuntu() { "chromium-browser" } else { "chromium" });
        missing.push("fonts-dejavu-core");
    }
    if !is_in_path("node") {
        missing.push("nodejs");
    }
    if !is_in_path("npm") {
        missing.push("npm");
    }
    if !Command::new("python3").args(["-m", "pip", "--version"]).output().is_ok_and(|output| output.status.success()) {
        missing.push("python3-pip");
    }
    if !has_vulkan() {
        missing.push("mesa-vulkan-drivers");
    }
    // What a program writes is watched by it.
    if !is_in_path("strace") {
        missing.push("strace");
    }
    // Units are checked by it.
    if !is_in_path("systemd-analyze") {
        missing.push("systemd");
    }
    // The virtual machine with cameras; on other processors its suite is skipped.
    if cfg!(target_arch = "x86_64") {
        let programs = [
            ("qemu-system-x86_64", "qemu-system-x86"),
            ("busybox", "busybox-static"),
            ("cpio", "cpio"),
            ("depmod", "kmod"),
            ("v4l2-ctl", "v4l-utils"),
            ("curl", "curl"),
            ("make", "make"),
            ("gcc", "gcc"),
            // A system is made of packages by a user who is not root.
            ("newuidmap", "uidmap"),
        ];
        // A tool of the kernel's build needs it; Ubuntu has another kernel and goes without the machine.
        if !Path::new("/usr/lib/x86_64-linux-gnu/libelf.so.1").exists() && !is_ubuntu() {
            missing.push("libelf1");
        }
        missing.extend(programs.iter().filter(|(program, _)| !has_program(program)).map(|(_, package)| *package));
        // System images, and UEFI to start them.
        if !is_ubuntu() {
            let programs = image::PROGRAMS.iter().filter(|(program, _)| !image::is_installed(program));
            missing.extend(programs.map(|(_, package)| *package));
            missing.extend((!Path::new(image::UEFI).exists()).then_some("ovmf"));
        }
    }
    if arm64::is_possible() && !arm64::has_c() {
        missing.extend(arm64::PACKAGES);
    }
    if missing.is_empty() {
        return Ok(());
    }
    if !is_in_path("apt-get") {
        return Err(Report::failure(
            "`setup --system` knows Debian and Ubuntu only",
            "install a Chromium, Node.js 18 or later with npm, Python 3 with pip and Mesa's Vulkan drivers; then `cargo xtask setup`",
        ));
    }
    apt(&["update", "-qq"])?;
    let mut arguments = vec!["install", "-y", "-qq", "--no-install-recommends"];
    arguments.extend(missing);
    apt(&arguments)
}

/// Whether a program is there, those for root included.
fn has_program(name: &str) -> bool {
    is_in_path(name) || Path::new("/usr/sbin").join(name).exists()
}

/// Whether a Chromium is in the search path.
pub(crate) fn has_browser() -> bool {
    ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"].iter().any(|name| is_in_path(name))
}

/// Whether Vulkan's loader and Mesa's software adapter are installed, or another driver that `CLOTHINGID_GPU_ADAPTER` chooses.
pub(crate) fn has_vulkan() -> bool {
    let names = |folder: &str| {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
    };
    let wanted = if std::env::var_os("CLOTHINGID_GPU_ADAPTER").is_some() { "" } else { "lvp_icd" };
    let has_driver = ["/usr/share/vulkan/icd.d", "/usr/local/share/vulkan/icd.d", "/etc/vulkan/icd.d"]
        .iter()
        .any(|folder| names(folder).iter().any(|name| name.starts_with(wanted) && name.ends_with(".json")));
    let folder = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    let has_loader = [folder.as_str(), "/usr/lib64", "/usr/lib", "/usr/local/lib"]
        .iter()
        .any(|folder| names(folder).iter().any(|name| name == "libvulkan.so.1"));
    has_driver && has_loader
}

/// The folder of the browser tests' own packages.
fn browser_tests() -> std::path::PathBuf {
    workspace().join("tests").join("browser")
}

/// Whether the driver is installed.
pub(crate) fn has_browser_driver() -> bool {
    let modules = browser_tests().join("node_modules");
    ["playwright-core", "axe-core", "ajv"].iter().all(|name| modules.join(name).is_dir())
}

/// The driver that the page's tests steer the browser with, by the lock file.
pub(crate) fn install_browser_driver() -> Result<(), Report> {
    if has_browser_driver() {
        return Ok(());
    }
    let status = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(browser_tests())
        .env("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")
        .status();
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => {
            Err(Report::failure("`npm ci` in `tests/browser` failed", "run it there to see why").caused_by(status))
        }
        Err(error) => Err(Report::failure("cannot start `npm`", "install Node.js with npm").caused_by(error)),
    }
}

fn is_ubuntu() -> bool {
    std::fs::read_to_string("/etc/os-release").is_ok_and(|text| text.lines().any(|line| line == "ID=ubuntu"))
}

fn apt(arguments: &[&str]) -> Result<(), Report> {
    let shown = format!("apt-get {}", arguments.join(" "));
    eprintln!("{shown}");
    let status = Command::new("apt-get").args(arguments).env("DEBIAN_FRONTEND", "noninteractive").status();
    let hint = "run `cargo xtask setup --system` as root, with a network";
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Report::failure(format!("`{shown}` failed"), hint).caused_by(status)),
        Err(error) => Err(Report::failure(format!("cannot start `{shown}`"), hint).caused_by(error)),
    }
}
