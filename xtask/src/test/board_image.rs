//! The image that the suites `image` and `update` start: that of a PC, with the program of the tests and a shell for them.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::cargo::{is_in_path, target, workspace};
use crate::image;
use crate::report::Report;

/// Whose image it is.
pub(super) const BOARD: &str = "generic-x86-64";

/// What the kernel is told besides: a console, a shell, a virtual camera and a screen. The processor is emulated, so that a start takes longer.
const FOR_TESTS: [&str; 4] = [
    "--kernel-options",
    "console=ttyS0 systemd.journald.forward_to_console=1 systemd.debug_shell=ttyS1 modules-load=vivid,bochs",
    "--patience",
    "480",
];

/// Where images can be made at all.
pub(super) fn is_possible() -> bool {
    let is_debian =
        std::fs::read_to_string("/etc/os-release").is_ok_and(|text| text.lines().any(|line| line == "ID=debian"));
    cfg!(target_arch = "x86_64") && is_debian
}

/// What is not installed of that which an image is made with and started by.
pub(super) fn missing() -> Option<&'static str> {
    let programs = image::PROGRAMS.iter().filter(|(program, _)| !image::is_installed(program));
    let mut packages = programs.map(|(_, package)| *package);
    packages.next().or_else(|| (!is_in_path("qemu-system-x86_64")).then_some("QEMU")).or_else(|| {
        // UEFI's code comes with a package of its own.
        (!Path::new(image::UEFI).exists()).then_some("ovmf")
    })
}

/// The folder with the image, made anew where something that is in it has changed since.
pub(super) fn prepare() -> Result<PathBuf, Report> {
    let folder = target().join("board");
    let program = target().join("ci/clothingid");
    let made = made_at(&folder);
    let is_old =
        made.is_none_or(|made| newest(&program).max(newest(&workspace().join("firmware-config"))) > Some(made));
    if is_old {
        let words = ["--board", BOARD, "--out"].map(str::to_owned).into_iter();
        let paths = [folder.display().to_string(), "--program".to_owned(), program.display().to_string()];
        let arguments: Vec<String> = words.chain(paths).chain(FOR_TESTS.map(str::to_owned)).collect();
        let _ = image::run(&arguments)?;
    }
    Ok(folder)
}

/// When the image was made, if it is whole: the list of what is in it is written last.
fn made_at(folder: &Path) -> Option<SystemTime> {
    let entries = std::fs::read_dir(folder).ok()?.flatten();
    let mut lists = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(".cdx.json"));
    lists.next()?.metadata().ok()?.modified().ok()
}

/// When a file, or the newest of a folder, was changed; what people read is in no image.
fn newest(path: &Path) -> Option<SystemTime> {
    if path.extension().is_some_and(|end| end == "md") {
        return None;
    }
    if path.is_dir() {
        let entries = std::fs::read_dir(path).ok()?.flatten();
        return entries.filter_map(|entry| newest(&entry.path())).max();
    }
    path.metadata().ok()?.modified().ok()
}
