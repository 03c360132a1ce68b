//! `cargo xtask arm64`: the appliance for boards, built on x86-64 with Debian's packages, without a container and without a target of `rustup`.
//!
//! Debian's Rust and rustup's cannot share what they build: a standard library is read only by the compiler that built it. So the build has a target
//! folder of its own. [`needs`] says what the program asks of a board's system, and refuses what some board does not have.

mod needs;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::cargo::{cargo, workspace};
use crate::report::Report;
use crate::setup::arm64::{LIBRARIES, LINKER, Tools};

const TARGET: &str = "aarch64-unknown-linux-gnu";

/// What the program is built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    /// For the suite: quick to build.
    Quick,
    /// For boards: small.
    Release,
}

impl Profile {
    /// As cargo knows it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Quick => "emulated",
            Self::Release => "release",
        }
    }
}

/// Builds as asked for, says what the program needs, and where it is.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode, Report> {
    let profile = match arguments {
        [] => Profile::Quick,
        [flag] if flag == "--release" => Profile::Release,
        _ => return Err(Report::usage(format!("`arm64` does not take `{}`", arguments.join(" ")))),
    };
    build(&tools()?, profile)?;
    Ok(ExitCode::SUCCESS)
}

/// The tools, or how to get them.
pub(crate) fn tools() -> Result<Tools, Report> {
    Tools::find().ok_or_else(|| {
        let hint = if cfg!(target_arch = "aarch64") {
            "this machine is one: `cargo build --release --package clothingid-device`"
        } else {
            "on Debian 12, as root: `cargo xtask setup --system`; elsewhere with `cross` (firmware-config/README.md)"
        };
        Report::failure("what builds for 64-bit Arm is missing", hint)
    })
}

/// Builds the program and looks at it.
pub(crate) fn build(tools: &Tools, profile: Profile) -> Result<PathBuf, Report> {
    let arguments = ["build", "--locked", "--profile", profile.name(), "--package", "clothingid-device"];
    let status = cargo().args(arguments).envs(environment(tools)).status();
    let failed = || Report::failure("the program for 64-bit Arm was not built", "the compiler's lines above say why");
    match status {
        Ok(status) if status.success() => {}
        Ok(status) => return Err(failed().caused_by(status)),
        Err(error) => return Err(failed().caused_by(error)),
    }
    let program = folder().join(TARGET).join(profile.name()).join("clothingid");
    needs::check(&program, profile)?;
    Ok(program)
}

fn folder() -> PathBuf {
    workspace().join("target/arm64")
}

/// What makes cargo build for the other processor, and run what it built.
pub(crate) fn environment(tools: &Tools) -> Vec<(&'static str, String)> {
    let shown = |path: &Path| path.display().to_string();
    vec![
        ("RUSTC", shown(&tools.rustc)),
        ("RUSTDOC", shown(&tools.rustdoc)),
        ("CARGO_BUILD_TARGET", TARGET.to_owned()),
        ("CARGO_TARGET_DIR", shown(&folder())),
        ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER", LINKER.to_owned()),
        ("CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER", format!("{} -L {LIBRARIES}", shown(&tools.qemu))),
        ("CC_aarch64_unknown_linux_gnu", LINKER.to_owned()),
        ("AR_aarch64_unknown_linux_gnu", "aarch64-linux-gnu-ar".to_owned()),
    ]
}

/// What the end-to-end tests find program and emulator by.
pub(crate) fn test_environment(tools: &Tools, program: &Path) -> [(&'static str, String); 2] {
    [
        ("CLOTHINGID_ARM64_PROGRAM", program.display().to_string()),
        ("CLOTHINGID_ARM64_EMULATOR", tools.qemu.display().to_string()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn in_a_container_the_same_compiler_for_c_builds() {
        let tools = Tools { rustc: "rustc".into(), rustdoc: "rustdoc".into(), qemu: "qemu-aarch64-static".into() };
        let config = std::fs::read_to_string(workspace().join("cross.toml")).expect("cross.toml");
        let of_the_target = |name: &str| name.starts_with("CARGO_TARGET_AARCH64") || name.ends_with("_gnu");
        let ours = environment(&tools);
        let ours: Vec<_> = ours.iter().filter(|(name, _)| of_the_target(name)).collect();
        assert_eq!(ours.len(), 4);
        for (name, value) in ours {
            assert!(config.contains(&format!("\"{name}={value}\",")), "cross.toml lacks `{name}={value}`");
        }
    }

    #[test]
    fn wrong_use_is_named() {
        let report = run(&["--debug".to_owned()]).expect_err("wrong use").to_string();
        assert!(report.contains("`arm64` does not take `--debug`"), "{report}");
    }
}
