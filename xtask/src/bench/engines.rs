//! `cargo xtask bench engines`: our engines beside ONNX Runtime, ncnn and rten on the same network, in one run on the same
//! cores.
//!
//! All engines take turns, several rounds over, each in a process of its own: what disturbs the machine for a while disturbs all of them.
//! Every sample is kept in a file; the table has minima, medians and 99th percentiles over all rounds, and each minimum against that of
//! ONNX Runtime's best form.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::process::ExitCode;

use super::samples::{Contender, all_ms, cannot, keep, quantile};
use super::{appliance, ask, figure, rten};
use crate::cargo::workspace;
use crate::report::Report;

const USAGE: &str = "cargo xtask bench engines [--bundle FILE] [--python PROGRAM] [--rounds N] [--sides A,B] [--threads A,B] [--gpu] [--profile NAME] [--keep FILE]";
/// Samples of one turn.
const SAMPLES: &str = "300";

/// What is asked for.
struct Asked {
    bundle: PathBuf,
    python: String,
    rounds: usize,
    sides: Vec<String>,
    threads: Vec<String>,
    gpu: bool,
    profile: String,
    keep: PathBuf,
}

impl Asked {
    fn parse(rest: &[String]) -> Result<Self, Report> {
        let list = |text: &str| text.split(',').map(str::to_owned).collect::<Vec<String>>();
        let mut asked = Self {
            bundle: workspace().join("models/clothingid.bundle"),
            python: "python3".to_owned(),
            rounds: 5,
            sides: list("160,224"),
            threads: list("1,2"),
            gpu: false,
            profile: "release".to_owned(),
            keep: workspace().join("target/bench/engines.jsonl"),
        };
        let mut words = rest.iter();
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| Report::usage(format!("`{word}` needs a value: {USAGE}")));
            match word.as_str() {
                "--bundle" => asked.bundle = value()?.into(),
                "--python" => asked.python.clone_from(value()?),
                "--rounds" => {
                    let text = value()?;
                    asked.rounds =
                        text.parse().map_err(|_| Report::usage(format!("`{text}` is no number of rounds")))?;
                }
                "--sides" => asked.sides = list(value()?),
                "--threads" => asked.threads = list(value()?),
                "--gpu" => asked.gpu = true,
                "--profile" => asked.profile.clone_from(value()?),
                "--keep" => asked.keep = value()?.into(),
                other => return Err(Report::usage(format!("`bench engines` does not take `{other}`: {USAGE}"))),
            }
        }
        Ok(asked)
    }
}

/// The programs that were built.
struct Programs {
    ours: PathBuf,
    rten: PathBuf,
}

/// All samples of one engine at one setting, in milliseconds.
#[derive(Default)]
struct Samples {
    all: Vec<f64>,
    load: Vec<f64>,
    first: Vec<f64>,
    memory: Vec<f64>,
}

/// Runs the benchmark.
pub(crate) fn run(rest: &[String]) -> Result<ExitCode, Report> {
    let asked = Asked::parse(rest)?;
    let check = Command::new(&asked.python).args(["-c", "import onnx, onnxruntime, ncnn, numpy"]).output();
    if !check.is_ok_and(|output| output.status.success()) {
        return Err(Report::failure(
            format!("`{}` has no onnx, onnxruntime, ncnn and numpy", asked.python),
            "in an environment of its own: `python3 -m venv E && E/bin/pip install onnx onnxruntime ncnn numpy`, then `--python E/bin/python`",
        ));
    }
    let programs = Programs { ours: appliance(&asked.profile)?, rten: rten::build()? };
    let work = std::env::temp_dir().join(format!("clothingid-bench-{}", std::process::id()));
    fs::create_dir_all(&work).map_err(|error| cannot("make a folder for the rivals' files", error))?;
    let result = measure(&asked, &programs, &work);
    let _ = fs::remove_dir_all(&work);
    result?;
    println!("every sample: {}", asked.keep.display());
    Ok(ExitCode::SUCCESS)
}

fn measure(asked: &Asked, programs: &Programs, work: &Path) -> Result<(), Report> {
    let mut lines = String::new();
    for side in &asked.sides {
        let networks = rten::networks(|runtime, form| script(asked, work, side, runtime, form))?;
        for threads in &asked.threads {
            let mut found: BTreeMap<usize, (String, Samples)> = BTreeMap::new();
            for round in 0..asked.rounds.max(1) {
                let mut contenders = contenders(asked, &programs.ours, work, side, threads);
                let rten = |network| rten::contender(&programs.rten, network, side, threads, SAMPLES);
                contenders.extend(networks.iter().map(rten));
                for (place, mut contender) in contenders.into_iter().enumerate() {
                    eprintln!("side {side}, {threads} thread(s), round {}: {}", round + 1, contender.name);
                    let line = ask(&mut contender.command)?;
                    let (_, samples) = found.entry(place).or_insert_with(|| (contender.name, Samples::default()));
                    take(&line, samples)?;
                    lines.push_str(line.trim());
                    lines.push('\n');
                }
            }
            print(side, threads, &found);
        }
    }
    keep(&asked.keep, &lines)
}

/// `engines.py` on the bundle, without threads and samples.
fn script(asked: &Asked, work: &Path, side: &str, runtime: &str, form: &str) -> Command {
    let mut command = Command::new(&asked.python);
    command.arg(workspace().join("xtask/bench/engines.py")).arg(&asked.bundle).args([runtime, form]);
    command.args(["--side", side, "--work"]).arg(work);
    command
}

fn contenders(asked: &Asked, program: &Path, work: &Path, side: &str, threads: &str) -> Vec<Contender> {
    let ours = |name: &str, engine: &str| {
        let mut command = Command::new(program);
        command.args(["bench", "network", "--json", "--samples", "--engine", engine]);
        command.args(["--side", side, "--threads", threads, "--bundle"]).arg(&asked.bundle);
        Contender { name: name.to_owned(), command }
    };
    let theirs = |runtime: &str, form: &str| {
        let mut command = script(asked, work, side, runtime, form);
        command.args(["--threads", threads, "--samples", SAMPLES]);
        Contender { name: format!("{runtime} {form}"), command }
    };
    let mut all =
        vec![ours("clothingid cpu int8", "cpu"), theirs("onnxruntime", "int8"), theirs("onnxruntime", "float")];
    all.extend([theirs("ncnn", "float"), theirs("ncnn", "int8")]);
    if threads == "1" {
        // tract works on one thread.
        all.push(ours("tract float", "tract"));
    }
    if asked.gpu {
        all.extend([ours("clothingid gpu", "gpu"), theirs("ncnn", "vulkan-fp32"), theirs("ncnn", "vulkan-fp16")]);
    }
    all
}

fn take(line: &str, into: &mut Samples) -> Result<(), Report> {
    into.all.extend(all_ms(line)?);
    into.load.extend(figure(line, "load_ms"));
    into.first.extend(figure(line, "first_ms"));
    into.memory.extend(figure(line, "memory_mib"));
    Ok(())
}

fn print(side: &str, threads: &str, found: &BTreeMap<usize, (String, Samples)>) {
    let least = |samples: &Samples| quantile(&samples.all, 0.0);
    let best = found.values().filter(|(name, _)| name.starts_with("onnxruntime")).map(|(_, samples)| least(samples));
    let best = best.fold(f64::INFINITY, f64::min);
    println!("\npictures of {side}x{side}, {threads} thread(s), milliseconds");
    println!(
        "| engine | least | median | p99 | load | first answer | memory MiB | least against ONNX Runtime's best |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for (name, samples) in found.values() {
        println!(
            "| {name} | {:.2} | {:.2} | {:.2} | {:.0} | {:.1} | {:.0} | {:.2} |",
            least(samples),
            quantile(&samples.all, 0.5),
            quantile(&samples.all, 0.99),
            quantile(&samples.load, 0.5),
            quantile(&samples.first, 0.5),
            quantile(&samples.memory, 0.5),
            least(samples) / best
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_all_rounds_are_taken() {
        let mut samples = Samples::default();
        take(r#"{"all_ms":[3.0,1.0],"load_ms":5}"#, &mut samples).unwrap();
        take("{\"all_ms\":[2.0],\"load_ms\":7,\"memory_mib\":1}\n", &mut samples).unwrap();
        assert_eq!(samples.all, [3.0, 1.0, 2.0]);
        assert_eq!((samples.load.len(), samples.first.len(), samples.memory.len()), (2, 0, 1));
        assert!(take("hello", &mut samples).is_err());
    }
}
