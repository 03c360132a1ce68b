//! The command line: one file a subcommand, one report at the edge.
//!
//! Every subcommand is an `Args` and a `run(&Args) -> Result<Outcome, Report>`. Data goes to stdout (`--json`: one
//! object a line), everything else to stderr. Exit status: 0 all well, 1 something asked for failed, 2 wrong use,
//! 130 interrupted.

pub mod bench;
pub mod bundle;
pub mod camera;
pub mod catalogue;
pub mod classify;
pub mod demo;
pub mod doctor;
mod network;
mod photos;
pub mod report;
pub mod run;
pub mod search;
pub mod staff;
pub mod update;

pub use network::{EmbedArgs, NetworkArgs};
pub use photos::{PhotoList, expand};
pub use report::{Outcome, Report, Told, one_line, print_line, say};

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Recognises garments and finds them in the shop's catalogue.
#[derive(Parser, Debug)]
#[command(name = "clothingid", version, about, max_term_width = 100, after_help = EXAMPLES)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  clothingid demo                        the whole appliance, on http://localhost:8080
  clothingid classify photo.jpg          which garment is it?
  clothingid classify --json photos/     one JSON object a line, for programs
  clothingid search photo.jpg            which garments of the catalogue look like it?
  clothingid doctor                      is everything as it should be?

Exit status: 0 all well, 1 something asked for failed (the rest was done), 2 wrong use, 130 interrupted.";

/// The subcommands, in the order of `--help`.
#[derive(Subcommand, Debug)]
pub enum Command {
    /// Show the whole appliance on the demo shop, with the kiosk page
    Demo(demo::Args),
    /// Run the appliance from its configuration
    Run(run::Args),
    /// Say which garment a photograph shows
    Classify(classify::Args),
    /// Find garments of the catalogue that look like a photograph
    Search(search::Args),
    /// Import, list and check the shop's catalogue
    Catalogue(catalogue::Args),
    /// Show or verify the network bundle
    Bundle(bundle::Args),
    /// List the cameras, or try one: format, size, rate and controls
    Camera(camera::Args),
    /// Set the PIN of the staff's pages
    Staff(staff::Args),
    /// Take networks and catalogues that a head office has signed, or go back
    Update(update::Args),
    /// Measure how fast this machine is
    Bench(bench::Args),
    /// Say of each part whether it is well, and if not what to do
    Doctor(doctor::Args),
}

impl Command {
    /// Does what was asked.
    ///
    /// # Errors
    /// The report that `main` prints; the program then ends with status 1.
    pub fn run(&self) -> Result<Outcome, Report> {
        match self {
            Self::Demo(args) => demo::run(args),
            Self::Run(args) => run::run(args),
            Self::Classify(args) => classify::run(args),
            Self::Search(args) => search::run(args),
            Self::Catalogue(args) => catalogue::run(args),
            Self::Bundle(args) => bundle::run(args),
            Self::Camera(args) => camera::run(args),
            Self::Staff(args) => staff::run(args),
            Self::Update(args) => update::run(args),
            Self::Bench(args) => bench::run(args),
            Self::Doctor(args) => doctor::run(args),
        }
    }
}

/// Reads the arguments, does what they ask and prints the report of a failure. Wrong use ends the program with
/// status 2 (by `clap`).
#[must_use]
pub fn main() -> ExitCode {
    match Cli::parse().command.run() {
        Ok(outcome) => outcome.exit_code(),
        Err(report) => {
            eprint!("{report}");
            ExitCode::from(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_is_as_reviewed() {
        let mut cli = Cli::command().term_width(100);
        cli.build();
        insta::assert_snapshot!("help", cli.render_long_help());
        for path in
            [&["classify"][..], &["bundle", "show"], &["bundle", "verify"], &["camera"], &["bench"], &["doctor"]]
        {
            let mut command = &mut cli;
            for name in path {
                command = command.find_subcommand_mut(name).unwrap();
            }
            insta::assert_snapshot!(format!("help-{}", path.join("-")), command.render_long_help());
        }
    }
}
