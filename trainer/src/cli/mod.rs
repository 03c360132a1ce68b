//! The command line of `clothingid-train`: one file a subcommand, each with `Args` and `run(&Args) -> Result<ExitStatus, Report>`; what
//! several share is in `everywhere.rs`, `training.rs` and `against.rs`.
//!
//! Standard output carries data only; everything else goes to standard error. A [`Report`] is printed here, at the edge, and nowhere
//! else. Exit status: 0 all well, 1 something asked for failed and the rest was done, 2 wrong use, 130 interrupted and resumable.

mod against;
pub mod compare;
pub mod evaluate;
pub mod everywhere;
pub mod export;
pub mod finetune;
pub mod import;
pub mod pack;
pub mod pretrain;
pub mod report;
pub mod study;
pub mod training;
pub mod weights;

use std::fmt;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use clothingid_shared::taxonomy::Taxonomies;

/// Trains, evaluates and exports ClothingID's network.
#[derive(Debug, Parser)]
#[command(name = "clothingid-train", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The steps of a training run, in their order.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Turn a collection of photographs into a manifest
    Import(import::Args),
    /// Split by group, keep near-duplicates together and write the photographs for fast reading
    Pack(pack::Args),
    /// Train the backbone to tell garments apart
    Pretrain(pretrain::Args),
    /// Train the category heads and keep the embedding
    Finetune(finetune::Args),
    /// Measure a bundle on photographs
    Evaluate(evaluate::Args),
    /// Fold, quantise, check and write the bundle
    Export(export::Args),
    /// Write the figures of a bundle or a study for people and machines
    Report(report::Args),
    /// Set two reports or two runs side by side
    Compare(compare::Args),
    /// Compare ways to train over grouped folds: is identification a better start than ImageNet?
    Study(study::Args),
    /// Make and look at weight files
    #[command(hide = true)]
    Weights(weights::Args),
}

/// How a command that ran to its end leaves the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExitStatus {
    /// All well: 0.
    Done,
    /// Something asked for failed, the rest was done: 1.
    Partial,
    /// Stopped by the user, resumable: 130.
    Interrupted,
}

impl From<ExitStatus> for ExitCode {
    fn from(status: ExitStatus) -> Self {
        Self::from(match status {
            ExitStatus::Done => 0,
            ExitStatus::Partial => 1,
            ExitStatus::Interrupted => 130,
        })
    }
}

/// An error as people read it: what, where, why, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What is wrong, lower case, literals in backticks, no full stop.
    pub what: String,
    /// What was being done, outermost last.
    pub during: Vec<String>,
    /// Why, outermost first.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hints: Vec<String>,
    /// 1 where the work failed, 2 where the program was used wrongly.
    pub exit: u8,
}

impl Report {
    /// A failure of the work itself.
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), during: Vec::new(), causes: Vec::new(), hints: Vec::new(), exit: 1 }
    }

    /// Wrong use of the program.
    pub fn usage(what: impl Into<String>) -> Self {
        Self { exit: 2, ..Self::new(what) }
    }

    /// An error with the chain of its sources as causes; a source whose text the line above repeats is left out.
    pub fn of(error: &(dyn std::error::Error + 'static)) -> Self {
        let mut report = Self::new(error.to_string());
        let mut last = report.what.clone();
        let mut source = error.source();
        while let Some(cause) = source {
            let text = cause.to_string();
            if !last.contains(&text) {
                report.causes.push(text.clone());
            }
            last = text;
            source = cause.source();
        }
        report
    }

    /// Adds what was being done.
    #[must_use]
    pub fn during(mut self, what: impl Into<String>) -> Self {
        self.during.push(what.into());
        self
    }

    /// Adds a cause.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl<E: std::error::Error + 'static> From<E> for Report {
    fn from(error: E) -> Self {
        Self::of(&error)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "error: {}", self.what)?;
        for line in &self.during {
            write!(f, "\n  while: {line}")?;
        }
        for line in &self.causes {
            write!(f, "\n  cause: {line}")?;
        }
        if !self.hints.is_empty() {
            writeln!(f)?;
        }
        for line in &self.hints {
            write!(f, "\nhint: {line}")?;
        }
        Ok(())
    }
}

/// Says what "of 14" and "of 26" stand for where the categories are not of clothing.
fn note_slots(taxonomies: &Taxonomies) {
    if let Some(slots) = taxonomies.slots_explained() {
        eprintln!("note: {slots}");
    }
}

/// Runs one command.
///
/// # Errors
/// The command's report.
pub fn run(cli: &Cli) -> Result<ExitStatus, Report> {
    match &cli.command {
        Command::Import(args) => import::run(args),
        Command::Pack(args) => pack::run(args),
        Command::Pretrain(args) => pretrain::run(args),
        Command::Finetune(args) => finetune::run(args),
        Command::Evaluate(args) => evaluate::run(args),
        Command::Export(args) => export::run(args),
        Command::Report(args) => report::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Study(args) => study::run(args),
        Command::Weights(args) => weights::run(args),
    }
}

/// The whole program: parses the command line, runs it, prints what went wrong.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    match run(&cli) {
        Ok(status) => status.into(),
        Err(report) => {
            eprintln!("{report}");
            ExitCode::from(report.exit)
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::{Cli, Report};

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn a_report_says_what_where_why_and_what_to_do() {
        let report = Report::new("cannot read `a`")
            .during("loading the weights")
            .cause("gone")
            .hint("look again")
            .hint("or not");
        assert_eq!(
            report.to_string(),
            "error: cannot read `a`\n  while: loading the weights\n  cause: gone\n\nhint: look again\nhint: or not"
        );
    }
}
