//! `clothingid-train pretrain`. Pre-training: the network learns to tell the garments of the train part apart.

use super::training;
use super::{ExitStatus, Report};
use crate::learn::training::StageName;

/// Options of the run.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What both stages share.
    #[command(flatten)]
    pub training: training::Args,
}

/// Runs the stage.
///
/// # Errors
/// What it could not do.
pub fn run(args: &Args) -> Result<ExitStatus, Report> {
    training::run(&args.training, StageName::Identify)
}
