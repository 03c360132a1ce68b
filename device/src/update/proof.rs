//! A network is asked for all its golden answers, in a program of its own and on the engine of the configuration, before it is let near customers:
//! one that crashes or hangs there harms nobody.

use super::error::UpdateError;
use super::program;
use crate::network::EngineChoice;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// How long the golden answers may take.
pub const LIMIT: Duration = Duration::from_secs(120);

/// What runs a network here.
#[derive(Debug, Clone)]
pub struct Runner {
    /// This program.
    pub program: PathBuf,
    /// By the configuration.
    pub engine: EngineChoice,
    /// By the configuration.
    pub threads: usize,
}

/// Asks the network of a file, `title` to people, for its golden answers.
///
/// # Errors
/// It does not give them, or not in time.
pub fn prove(runner: &Runner, bundle: &Path, title: &str) -> Result<(), UpdateError> {
    let unproven = |cause, is_passing| UpdateError::Unproven { title: title.to_owned(), cause, is_passing };
    let mut command = Command::new(&runner.program);
    command.args([
        "bundle",
        "verify",
        "--engine",
        &runner.engine.to_string(),
        "--threads",
        &runner.threads.to_string(),
    ]);
    command.arg("--bundle").arg(bundle);
    match program::run(&mut command, Some(LIMIT)) {
        Ok(ran) if ran.is_well() => Ok(()),
        Ok(ran) => Err(unproven(format!("its golden answers: {}", ran.why()), ran.was_ended())),
        Err(error) => Err(unproven(error.to_string(), true)),
    }
}
