//! `clothingid doctor`: is each part well, and if not, what to do.

use super::{NetworkArgs, Outcome, Report, print_line, say};
use serde::Serialize;
use std::path::PathBuf;

mod board;
mod checks;
mod support;

/// Arguments of `doctor`.
#[derive(clap::Args, Debug)]
#[command(after_help = "Examples:
  clothingid doctor
  clothingid doctor --config /etc/clothingid/config.toml --json
  clothingid doctor --board                 also what only the board itself can show
  clothingid doctor --board raspberry-pi-5
  clothingid doctor --board --report support.txt")]
pub struct Args {
    /// Look at what this configuration names, and read no other
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Also compare this machine with the file of its board: the one it is, or the one that is named
    #[arg(long, value_name = "NAME|FILE", num_args = 0..=1)]
    pub board: Option<Option<String>>,

    /// Also write a text file for whoever helps: findings, versions, settings, journal; no picture, no secret
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,

    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,

    /// The network and what runs it.
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warning,
    Failed,
}

/// One part, how it is, and what to do where it is not well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct Finding {
    part: &'static str,
    status: Status,
    found: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    advice: Vec<String>,
}

impl Finding {
    fn ok(part: &'static str, found: impl Into<String>) -> Self {
        Self { part, status: Status::Ok, found: found.into(), advice: Vec::new() }
    }

    fn warning(part: &'static str, found: impl Into<String>, advice: &str) -> Self {
        Self { part, status: Status::Warning, found: found.into(), advice: vec![advice.to_string()] }
    }

    fn failed(part: &'static str, report: Report) -> Self {
        let found = match report.cause {
            Some(cause) => format!("{}: {cause}", report.what),
            None => report.what,
        };
        Self { part, status: Status::Failed, found, advice: report.hints }
    }

    /// What should be there to be read and is not: nothing is guessed, and the command tells.
    fn not_seen(part: &'static str, what: &str, command: &str) -> Self {
        Self::warning(part, format!("not seen: {what}"), &format!("look by hand: `{command}`"))
    }

    fn human(&self) -> String {
        let status = match self.status {
            Status::Ok => "ok",
            Status::Warning => "warning",
            Status::Failed => "failed",
        };
        let mut text = format!("{:10} {status:8} {}", self.part, self.found);
        for advice in &self.advice {
            text.push_str(&format!("\n{:19} -> {advice}", ""));
        }
        text
    }
}

/// Looks at each part. A part that failed does not stop the others.
///
/// # Errors
/// Only when stdout or the file of `--report` cannot be written.
pub fn run(args: &Args) -> Result<Outcome, Report> {
    let mut worst = Status::Ok;
    let mut findings = checks::all(&args.network, args.config.as_deref());
    if let Some(board) = &args.board {
        findings.extend(board::all(board.as_deref()));
    }
    for finding in &findings {
        worst = worst.max(finding.status);
        print_line(&if args.json { serde_json::to_string(finding)? } else { finding.human() })?;
    }
    if let Some(file) = &args.report {
        support::write(file, &findings, args.config.as_deref())?;
        say(format!("the support file is `{}`; it has no picture in it, read it before you send it", file.display()));
    }
    Ok(if worst == Status::Failed { Outcome::SomeFailed } else { Outcome::Done })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_well_says_what_to_do() {
        let findings = [
            Finding::ok("engine", "cpu: int8 avx2"),
            Finding::warning("heat", "the processor is at 91 °C", "give the board air"),
            Finding::failed("bundle", Report::new("`a.bundle` is missing").hint("copy it again")),
        ];
        let text: Vec<String> = findings.iter().map(Finding::human).collect();
        insta::assert_snapshot!(text.join("\n"), @r"
        engine     ok       cpu: int8 avx2
        heat       warning  the processor is at 91 °C
                            -> give the board air
        bundle     failed   `a.bundle` is missing
                            -> copy it again
        ");
        assert_eq!(
            serde_json::to_string(&findings[1]).unwrap(),
            r#"{"part":"heat","status":"warning","found":"the processor is at 91 °C","advice":["give the board air"]}"#
        );
    }
}
