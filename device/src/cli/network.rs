//! The flags of every subcommand that runs the network: `--engine`, `--threads`, `--bundle`.

use super::Report;
use crate::network::{self, EngineChoice, PhotoPath};
use clothingid_shared::bundle::Bundle;
use std::path::PathBuf;

/// Which network on which engine. Flatten it into a subcommand's `Args`.
#[derive(clap::Args, Debug, Clone, Default)]
pub struct NetworkArgs {
    /// What computes: `auto` takes the fastest that is there
    #[arg(long, value_enum, default_value_t)]
    pub engine: EngineChoice,

    /// Threads that the network may use
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: u16,

    /// Use this bundle instead of the one inside the program
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
}

impl NetworkArgs {
    /// Reads the bundle that was asked for, or the embedded one.
    ///
    /// # Errors
    /// The bundle is missing, torn, altered or newer than this program.
    pub fn bundle(&self) -> Result<Bundle, Report> {
        network::read_bundle(self.bundle.as_deref()).map_err(|e| {
            let report = Report::of(&e);
            match &self.bundle {
                Some(_) => report.hint("leave `--bundle` out to use the bundle inside the program"),
                None => report.hint("the program itself is damaged: install it again"),
            }
        })
    }

    /// Opens bundle and engine: the whole path from the bytes of a photograph to the network's answer.
    ///
    /// # Errors
    /// As [`NetworkArgs::bundle`], and the engine is missing or cannot run the network.
    pub fn open(&self, bundle: &Bundle) -> Result<PhotoPath, Report> {
        PhotoPath::new(bundle, self.engine, usize::from(self.threads)).map_err(|e| e.report())
    }
}
