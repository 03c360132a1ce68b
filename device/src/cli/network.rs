//! The flags of every subcommand that runs the network: `--engine`, `--threads`, `--bundle`.

use super::Report;
use crate::network::{EngineChoice, PhotoPath, golden, read_bundle};
use clothingid_shared::bundle::{Bundle, BundleError};
use std::path::PathBuf;

/// Golden photographs that must be answered rightly before anything is said of others.
const GOLDEN_AT_START: usize = 4;

/// Which network on which engine. Flatten it into a subcommand's `Args`.
#[derive(clap::Args, Debug, Clone)]
pub struct NetworkArgs {
    /// What computes: `auto` takes the fastest that is there
    #[arg(long, value_enum, default_value_t = EngineChoice::Auto)]
    pub engine: EngineChoice,

    /// Threads that the network may use for one picture
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
        read_bundle(self.bundle.as_deref()).map_err(|error| match (&error, &self.bundle) {
            (BundleError::Refused { .. }, None) => {
                Report::of(&error).hint("the program itself is damaged: install it again")
            }
            _ => Report::of(&error)
                .hint(error.hint())
                .hint("or leave `--bundle` out to use the bundle inside the program"),
        })
    }

    /// Opens bundle and engine, and has the engine answer the first golden photographs.
    ///
    /// # Errors
    /// The engine is missing, cannot run the network, or gives other answers than the bundle promises.
    pub fn open(&self, bundle: &Bundle) -> Result<PhotoPath, Report> {
        let mut path = self.open_unchecked(bundle)?;
        golden::check(&mut path, bundle, GOLDEN_AT_START).map_err(|error| {
            Report::of(&error)
                .during(format!("checking the engine `{}` against the bundle's golden answers", path.engine().name()))
                .hint(error.hint())
        })?;
        Ok(path)
    }

    /// As [`NetworkArgs::open`], without the golden answers.
    ///
    /// # Errors
    /// The engine is missing or cannot run the network.
    pub fn open_unchecked(&self, bundle: &Bundle) -> Result<PhotoPath, Report> {
        PhotoPath::new(bundle, self.engine, usize::from(self.threads)).map_err(|error| {
            let report = Report::of(&error);
            match error.hint() {
                Some(hint) => report.hint(hint),
                None => report,
            }
        })
    }
}
