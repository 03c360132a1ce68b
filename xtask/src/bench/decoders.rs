//! `cargo xtask bench decoders`: the decoders of a camera's JPEG frames that were tried, on the same frames in one run.
//!
//! A crate outside the workspace, as [`rten`](super::rten) is. libjpeg-turbo, which is C and assembly, takes part
//! where the system has what builds it.

use std::process::{Command, ExitCode};

use super::{after, ask, figure, outside};
use crate::cargo::{is_in_path, workspace};
use crate::report::Report;

const USAGE: &str = "cargo xtask bench decoders [--photos DIR] [--rounds N]";

/// Runs the benchmark.
pub(crate) fn run(rest: &[String]) -> Result<ExitCode, Report> {
    let (mut photos, mut rounds) = (workspace().join("demo/photos").display().to_string(), "5".to_owned());
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| Report::usage(format!("`{word}` needs a value: {USAGE}")));
        match word.as_str() {
            "--photos" => photos.clone_from(value()?),
            "--rounds" => rounds.clone_from(value()?),
            other => return Err(Report::usage(format!("`bench decoders` does not take `{other}`: {USAGE}"))),
        }
    }
    let has_turbo = ["cmake", "nasm"].iter().all(|name| is_in_path(name));
    if !has_turbo {
        eprintln!("without libjpeg-turbo, whose build wants them: `apt-get install cmake nasm` (as root)");
    }
    let program = outside("decoders", if has_turbo { &["turbo"] } else { &[] })?;
    let lines = ask(Command::new(program).args([photos.as_str(), "--rounds", &rounds]))?;
    let text = |line, key| after(line, key).and_then(|after| after.split('"').nth(1)).unwrap_or_default();
    let (smaller, decoders): (Vec<&str>, Vec<&str>) = lines.lines().partition(|line| after(line, "size").is_some());
    println!("{:<34} {:>9} {:>9}", "1280×720, one thread", "min ms", "median ms");
    for line in decoders {
        println!("{:<34} {:>9.2} {:>9.2}", text(line, "decoder"), figure(line, "min_ms")?, figure(line, "p50_ms")?);
    }
    // The bounds are the picture contract's for frames that are decoded smaller.
    for line in smaller {
        println!(
            "decoded to a {:<8} {:<16} the network's input differs by {:.2} on average at most (bound 1.5), {:.0} at the 99th percentile (bound 6): {:.0} of {:.0} beyond",
            text(line, "size"),
            text(line, "kind"),
            figure(line, "mean")?,
            figure(line, "p99")?,
            figure(line, "beyond")?,
            figure(line, "frames")?
        );
    }
    Ok(ExitCode::SUCCESS)
}
