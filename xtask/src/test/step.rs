//! One command of a suite: its output passes through as it comes, its tests are counted.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use super::count::Count;
use super::{Mode, SEED_VARIABLE};
use crate::cargo::cargo;

/// How often `--all` kills an import; a number in `CLOTHINGID_KILLS` takes precedence.
const FULL_KILLS: &str = "200";

/// How many cases each property has with `--all`, whatever it asks for itself; a number in `PROPTEST_CASES` takes precedence.
const FULL_CASES: &str = "1024";

/// Whether ignored tests are wanted: those whose need is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ignored {
    /// They stay ignored and count as skipped.
    Skip,
    /// They run with the others.
    Run,
    /// Tests whose names begin like this are left out; the others run.
    Without(&'static str),
    /// The same, and the ignored ones run with the others.
    RunWithout(&'static str),
}

/// `cargo test` with these arguments; every test program is run, whatever the one before it did.
pub(crate) fn test(arguments: &[&str], ignored: Ignored, environment: &[(&str, String)], mode: Mode) -> Count {
    test_in("ci", arguments, ignored, environment, mode)
}

/// The same in another profile.
pub(crate) fn test_in(
    profile: &str,
    arguments: &[&str],
    ignored: Ignored,
    environment: &[(&str, String)],
    mode: Mode,
) -> Count {
    let mut command = cargo();
    command.args(["test", "--profile", profile, "--no-fail-fast"]).args(arguments);
    match ignored {
        Ignored::Skip => {}
        Ignored::Run => drop(command.args(["--", "--include-ignored"])),
        Ignored::Without(name) => drop(command.args(["--", "--skip", name])),
        Ignored::RunWithout(name) => drop(command.args(["--", "--include-ignored", "--skip", name])),
    }
    // libtorch's threads spin while they wait, and would starve the tests beside them.
    command.env("GOMP_SPINCOUNT", "0").env("OMP_NUM_THREADS", "1");
    // A changed snapshot is a failure to look at, not a file to write.
    command.env("INSTA_UPDATE", "no");
    command.env(SEED_VARIABLE, mode.seed.to_string());
    if mode.is_full {
        command.env("CLOTHINGID_TEST_FULL", "1");
        for (name, count) in [("CLOTHINGID_KILLS", FULL_KILLS), ("PROPTEST_CASES", FULL_CASES)] {
            if std::env::var_os(name).is_none() {
                command.env(name, count);
            }
        }
    }
    for (name, value) in environment {
        command.env(name, value);
    }
    let (mut count, ended_well) = counted(command);
    if mode.is_ci && count.skipped > 0 {
        println!("{} ignored tests are failures with `CI=true`", count.skipped);
        let ignored = std::mem::take(&mut count.skipped);
        count = count.failing(ignored, "ignored tests");
    }
    // It did not build, or a test program died before it could say how many had failed.
    if !ended_well && count.failed == 0 {
        count = count.failing(1, &format!("cargo test {}", arguments.join(" ")));
    }
    count
}

/// Another cargo command that counts as one test.
pub(crate) fn check(arguments: &[&str]) -> Count {
    let name = format!("cargo {}", arguments.join(" "));
    println!("-- {name}");
    Count::of_one(&name, cargo().args(arguments).status().is_ok_and(|status| status.success()))
}

/// `cargo build` with these arguments; whether that went well.
pub(crate) fn build(arguments: &[&str]) -> bool {
    let mut command = cargo();
    command.args(["build", "--profile", "ci"]).args(arguments);
    command.status().is_ok_and(|status| status.success())
}

fn counted(mut command: Command) -> (Count, bool) {
    let mut count = Count::default();
    let Ok(mut child) = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() else {
        return (count, false);
    };
    if let Some(stdout) = child.stdout.take() {
        let mut out = std::io::stdout();
        for line in BufReader::new(stdout).split(b'\n').map_while(Result::ok) {
            // A closed terminal is no reason to stop counting.
            let _ = out.write_all(&line).and_then(|()| out.write_all(b"\n"));
            let line = String::from_utf8_lossy(&line);
            if let Some(more) = Count::of_result_line(&line) {
                count += more;
            }
            count.failures.extend(Count::failure_of_line(&line).map(ToOwned::to_owned));
        }
    }
    (count, child.wait().is_ok_and(|status| status.success()))
}
