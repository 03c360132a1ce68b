//! `cargo xtask bench`: what this project is as fast as, beside what a user would take instead.
//!
//! - [`decoders`]: decoders of a camera's JPEG frames.
//! - [`engines`]: the device's engines beside ONNX Runtime, ncnn and [`rten`].
//! - [`search`]: the catalogue's search beside faiss, usearch and Qdrant Edge.
//! - [`trainer`]: the trainer's loader and step beside PyTorch's.
//!
//! Each side is a program that prints one flat JSON object; here they are run and read. [`samples`] is what many turns of one side give.

mod decoders;
mod engines;
mod rten;
mod samples;
mod search;
mod trainer;

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::cargo::{self, cargo, target, workspace};
use crate::report::Report;

/// Runs the benchmark that was asked for.
pub(crate) fn run(rest: &[String]) -> Result<ExitCode, Report> {
    match rest.split_first() {
        Some((name, rest)) if name == "search" => search::run(rest),
        Some((name, rest)) if name == "trainer" => trainer::run(rest),
        Some((name, rest)) if name == "decoders" => decoders::run(rest),
        Some((name, rest)) if name == "engines" => engines::run(rest),
        _ => cargo::run_release("clothingid-device", &["bench"], rest),
    }
}

/// Builds the appliance in this profile.
fn appliance(profile: &str) -> Result<PathBuf, Report> {
    let status = cargo().args(["build", "--quiet", "--profile", profile, "--package", "clothingid-device"]).status();
    if !status.is_ok_and(|status| status.success()) {
        return Err(Report::failure("the appliance was not built", "see what cargo said"));
    }
    Ok(target().join(profile).join("clothingid"))
}

/// Builds a program of `xtask/bench`, always for release: a crate outside the workspace, so that none of our programs waits for it or is audited with it.
fn outside(name: &str, features: &[&str]) -> Result<PathBuf, Report> {
    let target = workspace().join("target/bench").join(name);
    let manifest = format!("xtask/bench/{name}/Cargo.toml");
    let mut command = cargo();
    command.args(["build", "--quiet", "--release", "--locked", "--manifest-path", &manifest, "--features"]);
    let status = command.arg(features.join(",")).arg("--target-dir").arg(&target).status();
    if !status.is_ok_and(|status| status.success()) {
        return Err(Report::failure(
            format!("the program of `xtask/bench/{name}` was not built"),
            "see what cargo said",
        ));
    }
    Ok(target.join("release").join(format!("{name}-bench")))
}

/// Runs one side and takes what it prints.
fn ask(command: &mut Command) -> Result<String, Report> {
    let output = command
        .output()
        .map_err(|error| Report::failure("cannot start one side of the benchmark", "see its cause").caused_by(error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(Report::failure("one side of the benchmark failed", "see its cause").caused_by(said));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What follows a key in a flat JSON object.
fn after<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.split_once(&format!("\"{key}\":")).map(|(_, after)| after.trim_start())
}

/// A number of a flat JSON object.
fn figure(line: &str, key: &str) -> Result<f64, Report> {
    let digits = after(line, key).map(|after| after.split([',', '}']).next().unwrap_or_default().trim());
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Report::failure(format!("no `{key}` in what one side printed"), line.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::figure;

    #[test]
    fn a_figure_is_found_by_its_key() {
        let line = "{\"bench\": \"step\", \"min_ms\": 12.5, \"samples\":[12.5]}";
        assert!((figure(line, "min_ms").unwrap() - 12.5).abs() < 1e-12);
        assert!(figure(line, "median_ms").is_err());
    }
}
