//! `cargo xtask bench trainer`: our loader and training step beside PyTorch's, in one run on the same cores.
//!
//! Each side is measured in turn, several times over, and the best of each is compared: on a machine that does other work besides, the
//! minimum is what is left of the noise.

use std::path::Path;
use std::process::{Command, ExitCode};

use super::{ask, figure};
use crate::cargo::{cargo, workspace};
use crate::report::Report;

const USAGE: &str = "cargo xtask bench trainer PACK [--python PROGRAM] [--turns N]";
/// Photographs a turn of the loader.
const PHOTOS: &str = "3000";
/// Steps a turn, after two that warm up.
const STEPS: &str = "6";
/// Pictures a step.
const BATCH: &str = "64";

/// What is measured: side, threads, batch norm of ours and of theirs. Ours takes statistics by the piece a thread has.
const CASES: [(&str, &str, &str, &str); 4] = [
    ("128", "1", "running", "running"),
    ("128", "2", "running", "running"),
    ("128", "1", "batch", "batch"),
    ("128", "2", "pieces", "batch"),
];

/// Runs the benchmark.
pub(crate) fn run(rest: &[String]) -> Result<ExitCode, Report> {
    let (mut pack, mut python, mut turns) = (None, "python3".to_owned(), 3_usize);
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| Report::usage(format!("`{word}` needs a value: {USAGE}")));
        match word.as_str() {
            "--python" => python.clone_from(value()?),
            "--turns" => {
                let text = value()?;
                turns = text.parse().map_err(|_| Report::usage(format!("`{text}` is no number of turns")))?;
            }
            folder if pack.is_none() && !folder.starts_with('-') => pack = Some(folder.to_owned()),
            other => return Err(Report::usage(format!("`bench trainer` does not take `{other}`: {USAGE}"))),
        }
    }
    let pack = pack.ok_or_else(|| Report::usage(format!("which photographs? {USAGE}")))?;
    let has_torch = Command::new(&python).args(["-c", "import torch, PIL, numpy; print(torch.__version__)"]).output();
    let version = match has_torch {
        Ok(output) if output.status.success() => String::from_utf8_lossy(&output.stdout).trim().to_owned(),
        _ => {
            return Err(Report::failure(
                format!("`{python}` has no torch, pillow and numpy"),
                "in an environment of its own: `python3 -m venv E && E/bin/pip install torch==2.11.0 pillow numpy`, then `--python E/bin/python`",
            ));
        }
    };
    println!(
        "PyTorch {version} against clothingid-train, {turns} turns each, minima; processor time for the loader, wall time for a step"
    );
    let script = workspace().join("xtask/bench/trainer.py");
    let theirs = |words: &[&str]| {
        let mut command = Command::new(&python);
        command.arg(&script).arg(&pack).args(words).env("GOMP_SPINCOUNT", "0");
        ask(&mut command)
    };
    let ours = |words: &[&str]| {
        let mut command = cargo();
        command
            .args([
                "run",
                "--quiet",
                "--profile",
                "ci",
                "--package",
                "clothingid-trainer",
                "--example",
                "trainer_speed",
                "--",
            ])
            .arg(Path::new(&pack))
            .args(words)
            .env("GOMP_SPINCOUNT", "0");
        ask(&mut command)
    };
    println!("| what | PyTorch | clothingid-train | ratio |\n| --- | --- | --- | --- |");
    let loader = |side: &str| {
        compare(turns, "ms_a_photo", || theirs(&["loader", side, PHOTOS]), || ours(&["loader", side, PHOTOS]))
    };
    for side in ["128", "160"] {
        let (theirs, ours) = loader(side)?;
        println!(
            "| decode and augment to {side}², ms a photo, one core | {theirs:.3} | {ours:.3} | {:.2} |",
            ours / theirs
        );
    }
    for (side, threads, own, other) in CASES {
        let (theirs, ours) = compare(
            turns,
            "min_ms",
            || theirs(&["step", side, BATCH, threads, other, STEPS]),
            || ours(&["step", side, BATCH, threads, own, STEPS]),
        )?;
        println!(
            "| a step of {BATCH} at {side}², {threads} thread(s), batch norm {own} against {other}, ms | {theirs:.0} | {ours:.0} | {:.2} |",
            ours / theirs
        );
    }
    let folder = std::env::temp_dir().join(format!("clothingid-bench-{}", std::process::id()));
    let line = ours(&["memory", &folder.to_string_lossy()]);
    let _ = std::fs::remove_dir_all(&folder);
    println!("\nresident memory after each epoch of a run: {}", line?.trim());
    Ok(ExitCode::SUCCESS)
}

/// The least of a figure of either side, measured in turn.
fn compare(
    turns: usize,
    key: &str,
    theirs: impl Fn() -> Result<String, Report>,
    ours: impl Fn() -> Result<String, Report>,
) -> Result<(f64, f64), Report> {
    let (mut least, mut own) = (f64::INFINITY, f64::INFINITY);
    for _ in 0..turns.max(1) {
        least = least.min(figure(&theirs()?, key)?);
        own = own.min(figure(&ours()?, key)?);
    }
    Ok((least, own))
}
