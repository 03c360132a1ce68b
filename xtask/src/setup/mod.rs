//! Prepares a machine.
//!
//! - [`libtorch`]: the libraries that the trainer links, into the user's cache folder.
//! - [`onnxruntime`]: the independent judge of the exported network, into the user's cache folder.
//! - [`cargo_fuzz`]: what builds and runs the fuzz targets, into the user's cache folder.
//! - [`machine`]: the virtual machine with cameras and a screen, into the user's cache folder, as root.
//! - [`arm64`]: the compiler and the emulator of the arm64 build, into the user's cache folder.
//! - [`script`]: how the last two are made.
//! - [`system()`]: a browser, Node.js and a software Vulkan from the system's packages, as root, and what is missing of Rust ([`rust`]).

pub(crate) mod arm64;
pub(crate) mod cargo_fuzz;
pub(crate) mod libtorch;
pub(crate) mod machine;
pub(crate) mod onnxruntime;
pub(crate) mod packages;
pub(crate) mod rust;
mod script;

use std::path::PathBuf;

use crate::report::Report;

/// What needs no root: libtorch, which must succeed, and what one suite or one comparison alone is skipped without.
pub(crate) fn user() -> Result<(), Report> {
    if let Err(report) = cargo_fuzz::prepare() {
        eprint!("{report}");
        eprintln!("going on without: the suite `fuzz` will be skipped");
    }
    libtorch::prepare()?;
    if let Err(report) = onnxruntime::prepare() {
        eprint!("{report}");
        eprintln!("going on without: the comparison with ONNX Runtime will be skipped");
    }
    Ok(())
}

/// Everything, on Debian or Ubuntu, as root.
pub(crate) fn system() -> Result<(), Report> {
    packages::install()?;
    cargo_fuzz::prepare()?;
    libtorch::prepare()?;
    onnxruntime::prepare()?;
    packages::install_browser_driver()?;
    machine::prepare()?;
    arm64::prepare()?;
    rust::add_components()
}

/// The user's cache folder for this project.
fn cache() -> Result<PathBuf, Report> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .map(|folder| folder.join("clothingid"))
        .ok_or_else(|| Report::failure("no cache folder: neither `XDG_CACHE_HOME` nor `HOME` is set", "set `HOME`"))
}
