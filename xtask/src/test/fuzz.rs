//! The suite `fuzz`: libFuzzer on each reader of outside bytes that the appliance has, with the stable compiler.
//!
//! A target starts from good files, from the inputs that were once a fault and from what earlier runs here found worth keeping. It has some
//! seconds, with `--all` ten minutes, and a bound on the memory of its whole process; as many run at a time as there are processors. The
//! readers of the trainer's import need libtorch, whose libraries alone would take that memory: the trainer's own tests mutate their inputs.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::Mode;
use super::count::Count;
use super::step;
use super::suites::packages;
use crate::cargo::{target, workspace};
use crate::setup::libtorch;

/// Every target of the appliance. The test `readers` holds that there is one for each reader.
const TARGETS: [&str; 10] = [
    "catalogue_csv",
    "catalogue_zip",
    "catalogue_file",
    "catalogue_index",
    "config",
    "update_index",
    "staff_form",
    "bundle",
    "network",
    "photo",
];

/// What the process of a target may take, libFuzzer and its inputs included, in MiB.
const MEMORY_MIB: u32 = 256;

/// The same for networks: libFuzzer holds in memory all inputs worth keeping, of three megabytes each.
const NETWORK_MEMORY_MIB: u32 = 1024;

/// How long a target runs, in seconds.
const SECONDS: u32 = 20;
const FULL_SECONDS: u32 = 600;

/// An input that takes so many seconds is a fault. Machines are busy: the slowest good ones take a few tenths.
const SLOW_SECONDS: u32 = 20;

/// How many checks there are where everything is.
pub(super) const COUNT: u64 = TARGETS.len() as u64;

/// Builds all targets, then runs them.
pub(super) fn run(program: &Path, mode: Mode) -> Count {
    let mut count = Count::default();
    let corpus = workspace().join("fuzz/corpus");
    let mut arguments = packages(libtorch::is_ready());
    arguments.extend(["--example", "seeds"]);
    let seeds = || Command::new(target().join("ci/examples/seeds")).arg(&corpus).status();
    if !step::build(&arguments) || !seeds().is_ok_and(|status| status.success()) {
        return count.failing(COUNT, "the seeds for fuzzing were not made");
    }
    if !fuzz(program, "build", &[]).status().is_ok_and(|status| status.success()) {
        return count.failing(COUNT, "the fuzz targets were not made");
    }
    let next = AtomicUsize::new(0);
    let turn = || {
        let mut count = Count::default();
        while let Some(name) = TARGETS.get(next.fetch_add(1, Ordering::Relaxed)) {
            count += Target { name, corpus: corpus.join(name) }.run(program, mode);
        }
        count
    };
    thread::scope(|scope| {
        let turns: Vec<_> = (0..processors()).map(|_| scope.spawn(turn)).collect();
        for turn in turns {
            count += turn.join().unwrap_or_else(|_| Count::of_one("a turn of the fuzz targets", false));
        }
    });
    count
}

fn processors() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// `cargo fuzz`; without a sanitizer, which the stable compiler lacks, and built on all processors to the end.
fn fuzz(program: &Path, verb: &str, words: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.current_dir(workspace()).args(["fuzz", verb, "--sanitizer", "none", "--codegen-units", "16"]).args(words);
    command
}

struct Target<'a> {
    name: &'a str,
    /// What it starts from, and where what is worth keeping goes.
    corpus: PathBuf,
}

impl Target<'_> {
    fn run(&self, program: &Path, mode: Mode) -> Count {
        let name = format!("fuzz target {}", self.name);
        let saved = workspace().join("fuzz/saved").join(self.name);
        let mut command = fuzz(program, "run", &[self.name]);
        command.arg(&self.corpus).args(saved.is_dir().then_some(&saved)).arg("--").args(self.limits(mode));
        let output = match command.stdin(Stdio::null()).output() {
            Ok(output) => output,
            Err(error) => {
                println!("{name}: {error}");
                return Count::of_one(&name, false);
            }
        };
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() {
            println!("{name}: {}", figures(&said));
        } else {
            println!("{said}\n{name} found a fault\n{}", self.what_to_do(&said));
        }
        Count::of_one(&name, output.status.success())
    }

    /// libFuzzer's own flags.
    fn limits(&self, mode: Mode) -> [String; 6] {
        let seconds = if mode.is_full { FULL_SECONDS } else { SECONDS };
        let memory = if self.name == "network" { NETWORK_MEMORY_MIB } else { MEMORY_MIB };
        [
            format!("-max_total_time={seconds}"),
            format!("-seed={}", mode.seed),
            format!("-rss_limit_mb={memory}"),
            format!("-timeout={SLOW_SECONDS}"),
            // It would cut a network to a megabyte.
            format!("-max_len={}", self.longest()),
            "-print_final_stats=1".to_owned(),
        ]
    }

    /// Bytes of the longest input it starts from; at least a page.
    fn longest(&self) -> u64 {
        let entries = std::fs::read_dir(&self.corpus).into_iter().flatten().flatten();
        entries.filter_map(|entry| Some(entry.metadata().ok()?.len())).max().unwrap_or(0).max(4096)
    }

    fn what_to_do(&self, said: &str) -> String {
        let name = self.name;
        match input(said) {
            Some(path) => format!(
                "its input: {path}\nonce more: cargo fuzz run --sanitizer none {name} {path}\n\
                 when it is mended: move the input into fuzz/saved/{name}/, which the test `readers` replays"
            ),
            None => format!("it saved no input; once more: cargo fuzz run --sanitizer none {name}"),
        }
    }
}

/// The file that libFuzzer wrote the faulty input to.
fn input(said: &str) -> Option<&str> {
    said.lines().find_map(|line| line.split_once("Test unit written to ")).map(|(_, path)| path.trim())
}

/// How many inputs were tried, and the most memory.
fn figures(said: &str) -> String {
    let figure = |key: &str| {
        said.lines().find_map(|line| line.strip_prefix("stat::")?.strip_prefix(key)?.strip_prefix(':')).map(str::trim)
    };
    let [inputs, memory] = ["number_of_executed_units", "peak_rss_mb"].map(|key| figure(key).unwrap_or("?"));
    format!("{inputs} inputs, at most {memory} MiB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_target_without_libtorch_runs() {
        let folder = workspace().join("fuzz/fuzz_targets");
        let names = std::fs::read_dir(folder).expect("fuzz targets").map(|entry| entry.expect("an entry").path());
        let mut there: Vec<String> =
            names.map(|path| path.file_stem().expect("a name").to_string_lossy().into_owned()).collect();
        there.retain(|name| !name.starts_with("import_"));
        there.sort();
        let mut listed = TARGETS;
        listed.sort_unstable();
        assert_eq!(listed.to_vec(), there);
    }

    #[test]
    fn the_input_of_a_fault_is_named_with_the_command_that_repeats_it() {
        let said = "==7== ERROR: libFuzzer: deadly signal\n\
                    artifact_prefix='fuzz/artifacts/photo/'; Test unit written to fuzz/artifacts/photo/crash-1\nBase64: AA\n";
        let target = Target { name: "photo", corpus: PathBuf::new() };
        let told = target.what_to_do(said);
        assert!(told.contains("cargo fuzz run --sanitizer none photo fuzz/artifacts/photo/crash-1\n"), "{told}");
        assert!(target.what_to_do("").contains("saved no input"));
    }

    #[test]
    fn figures_are_those_at_the_end() {
        let said = "INFO: seed 7\nstat::number_of_executed_units: 4096\nstat::peak_rss_mb:              31\n";
        assert_eq!(figures(said), "4096 inputs, at most 31 MiB");
        assert_eq!(figures(""), "? inputs, at most ? MiB");
    }
}
