//! Being written.

use super::{Outcome, Report};

/// The arguments.
#[derive(clap::Args, Debug)]
pub struct Args {}

/// Not there yet.
pub fn run(_args: &Args) -> Result<Outcome, Report> {
    Err(Report::new("not there yet"))
}
