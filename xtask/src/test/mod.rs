//! `cargo xtask test`: builds once, runs the suites, counts, and says what was left out.
//!
//! - [`suites`]: the suites, what each needs and which commands it is made of.
//! - [`step`]: runs one command of a suite, passes its output on and counts its tests.
//! - [`fuzz`]: the fuzz targets, how long they run and what they may take.
//! - [`count`]: the counts, and how they are read from what the test programs print.

mod board_image;
mod count;
mod fuzz;
mod step;
mod suites;
mod unit;

use std::process::ExitCode;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::report::Report;
use crate::setup;
use count::Count;
use suites::SUITES;

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Request {
    suite: Option<&'static str>,
    is_full: bool,
}

impl Request {
    /// Reads `[--all] [--suite NAME]`.
    pub(crate) fn parse(arguments: &[String]) -> Result<Self, Report> {
        let mut request = Self { suite: None, is_full: false };
        let mut rest = arguments.iter();
        while let Some(argument) = rest.next() {
            match argument.as_str() {
                "--all" => request.is_full = true,
                "--suite" => {
                    let name = rest.next().ok_or_else(|| Report::usage("`--suite` needs a name"))?;
                    let found = SUITES.iter().find(|suite| suite.name == name);
                    let known: Vec<_> = SUITES.iter().map(|suite| suite.name).collect();
                    let unknown = || Report::usage(format!("no suite `{name}`; there are {}", known.join(", ")));
                    request.suite = Some(found.ok_or_else(unknown)?.name);
                }
                other => return Err(Report::usage(format!("`test` does not take `{other}`"))),
            }
        }
        Ok(request)
    }
}

/// How the suites are run here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode {
    /// The full counts of kills, faults and minutes.
    is_full: bool,
    /// One suite was asked for by its name.
    is_named: bool,
    /// A machine that must have everything: what is skipped elsewhere fails here.
    is_ci: bool,
    /// What property tests and fuzz targets draw from.
    seed: u32,
}

/// The seed at the size of CI, where a red run must be repeatable.
const SEED: u32 = 7;

/// proptest's own variable. Set by the user, it takes precedence, in fuzzing too.
const SEED_VARIABLE: &str = "PROPTEST_RNG_SEED";

/// The user's seed, else a new one for the full counts.
fn seed(is_full: bool) -> u32 {
    let wanted = std::env::var(SEED_VARIABLE).ok().and_then(|text| text.parse().ok());
    wanted.unwrap_or_else(|| if is_full { fresh() } else { SEED })
}

/// A number that differs from run to run; never 0, which to libFuzzer is none.
fn fresh() -> u32 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.subsec_nanos() | 1
}

/// Prepares what needs no root, runs the suites, prints the counts.
pub(crate) fn run(request: &Request) -> Result<ExitCode, Report> {
    let is_full = request.is_full;
    let is_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let mode = Mode { is_full, is_named: request.suite.is_some(), is_ci, seed: seed(is_full) };
    println!("property tests and fuzz targets draw from the seed {}: `{SEED_VARIABLE}={0}` repeats them", mode.seed);
    // A failure here is not the end: the suites that need libtorch are skipped and say so.
    if let Err(report) = setup::user() {
        eprint!("{report}");
    }
    let mut total = Count::default();
    let mut took = Vec::new();
    for suite in SUITES.iter().filter(|suite| request.suite.is_none_or(|name| name == suite.name)) {
        println!("== {}: {}", suite.name, suite.holds);
        let started = Instant::now();
        let count = suite.run(mode);
        println!("{}: {count}\n", suite.name);
        total += count;
        took.push(format!("{} {:.1}", suite.name, started.elapsed().as_secs_f64() / 60.0));
    }
    println!("minutes, building included: {}", took.join(", "));
    println!("{total}");
    for name in &total.failures {
        println!("failed: {name}");
    }
    Ok(if total.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Request, Report> {
        Request::parse(&arguments.iter().map(|&argument| argument.to_owned()).collect::<Vec<_>>())
    }

    #[test]
    fn requests_are_read_and_wrong_ones_named() {
        assert_eq!(parse(&[]).expect("none"), Request { suite: None, is_full: false });
        let both = parse(&["--all", "--suite", "unit"]).expect("both");
        assert_eq!(both, Request { suite: Some("unit"), is_full: true });
        for wrong in [&["--suite"][..], &["--suite", "units"], &["unit"]] {
            let report = parse(wrong).expect_err("wrong use").to_string();
            assert!(report.contains("hint: see `cargo xtask help`"), "{report}");
        }
    }
}
