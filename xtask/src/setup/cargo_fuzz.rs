//! cargo-fuzz, which builds and runs the fuzz targets, in the user's cache folder.
//!
//! `cargo install --root` needs no rights of the system's and changes no program that the user has.

use std::path::PathBuf;
use std::process::Command;

use super::cache;
use crate::cargo::cargo;
use crate::report::Report;

/// The release whose flags the suite `fuzz` gives.
const VERSION: &str = "0.13.2";

fn folder() -> Result<PathBuf, Report> {
    Ok(cache()?.join(format!("cargo-fuzz-{VERSION}")))
}

/// The program when it runs.
pub(crate) fn ready() -> Option<PathBuf> {
    let program = folder().ok()?.join("bin/cargo-fuzz");
    let output = Command::new(&program).arg("--version").output();
    output.is_ok_and(|output| output.status.success()).then_some(program)
}

/// Installs it; nothing when it is there. It only starts other programs, so it is built as quickly as can be.
pub(crate) fn prepare() -> Result<(), Report> {
    if ready().is_some() {
        return Ok(());
    }
    let folder = folder()?;
    eprintln!("cargo-fuzz {VERSION}: building it into `{}`", folder.display());
    let status = cargo()
        .args(["install", "cargo-fuzz", "--version", VERSION, "--locked", "--debug", "--force", "--quiet", "--root"])
        .arg(&folder)
        .status();
    let failed =
        || Report::failure(format!("`cargo install cargo-fuzz --version {VERSION}` failed"), "it needs a network");
    match status {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed().caused_by(status)),
        Err(error) => Err(failed().caused_by(error)),
    }
}
