//! The suite `unit`: format, lints, the tests beside the code and those of the documentation.

use super::Mode;
use super::count::Count;
use super::step::{self, Ignored};
use super::suites::{ADAPTER_TESTS, missing, packages};
use crate::cargo::{cargo, is_in_path, workspace};
use crate::setup::{libtorch, onnxruntime, rust};

/// The release of Rust whose clippy the workspace is held to.
const CLIPPY_OF: &str = "1.95.";

pub(super) fn run(mode: Mode) -> Count {
    let mut count = component("cargo-fmt", "rustfmt", mode, || step::check(&["fmt", "--all", "--check"]));
    let with_trainer = libtorch::is_ready();
    let packages = packages(with_trainer);
    if !with_trainer {
        count += missing(1, "libtorch, which the trainer's own tests need,", "cargo xtask setup", mode);
    }
    count += component("cargo-clippy", "clippy", mode, || clippy(&packages));
    deny();
    let mut arguments = packages.clone();
    arguments.extend(["--lib", "--bins"]);
    // The exporter's own tests ask ONNX Runtime when `python3` has it.
    let python = onnxruntime::ready().map(|folder| ("PYTHONPATH", folder.display().to_string()));
    if python.is_none() && with_trainer {
        count += missing(1, "ONNX Runtime, the judge of the integer network,", "cargo xtask setup", mode);
    }
    count += step::test(&arguments, Ignored::Without(ADAPTER_TESTS), python.as_slice(), mode);
    let mut arguments = packages;
    arguments.push("--doc");
    // Documentation tests are linked by rustdoc, which knows nothing of the search paths of build scripts.
    let libraries = ["torch/lib", "nvidia/cu13/lib"]
        .map(|folder| workspace().join("third_party/libtorch").join(folder).display().to_string())
        .join(":");
    count += step::test(&arguments, Ignored::Skip, &[("LD_LIBRARY_PATH", libraries)], mode);
    count
}

/// Runs a check of a component of Rust when it is installed.
fn component(program: &str, name: &str, mode: Mode, run: impl FnOnce() -> Count) -> Count {
    if rust::works(program) { run() } else { missing(1, name, &format!("rustup component add {name}"), mode) }
}

/// Lints. Another release of Rust has other lints, which must not turn a stranger's first run red.
fn clippy(packages: &[&str]) -> Count {
    let mut arguments = vec!["clippy", "--profile", "ci", "--all-targets"];
    arguments.extend(packages);
    let version = cargo().args(["clippy", "--version"]).output().map(|out| out.stdout).unwrap_or_default();
    let is_ours = rustc_version().is_some_and(|version| version.starts_with(CLIPPY_OF));
    if is_ours {
        arguments.extend(["--", "--deny", "warnings"]);
    } else {
        let version = String::from_utf8_lossy(&version).trim().to_owned();
        println!("`{version}` is not of Rust {CLIPPY_OF}x: its warnings are shown and not counted as failures");
    }
    step::check(&arguments)
}

fn rustc_version() -> Option<String> {
    let output = std::process::Command::new("rustc").arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.strip_prefix("rustc ")?.split(' ').next().map(str::to_owned)
}

/// Advisories, when `cargo deny` is there; licences and sources are held by the suite `programs` in any case.
fn deny() {
    if is_in_path("cargo-deny") {
        println!("-- cargo deny check");
        if !cargo().args(["deny", "check"]).status().is_ok_and(|status| status.success()) {
            println!(
                "cargo deny has complaints (above); they are not counted: advisories change without a change here"
            );
        }
    } else {
        println!(
            "cargo deny is not installed, so known advisories are not looked up: `cargo install cargo-deny --locked`"
        );
    }
}
