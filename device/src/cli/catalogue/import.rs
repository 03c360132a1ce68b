//! `clothingid catalogue import`: a catalogue file and its photographs, or an edition, into the catalogue.

mod progress;
mod source;
mod told;

use super::{ByArgs, CatalogueArgs};
use crate::catalogue::csv::Listing;
use crate::catalogue::import::{Embedders, Import, ImportError, Removes};
use crate::catalogue::photos::PhotoSource;
use crate::catalogue::store::quoted;
use crate::cli::{EmbedArgs, Outcome, Report, say};
use crate::network::EngineChoice;
pub(super) use progress::Shown;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// Arguments of `catalogue import`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The catalogue file: `sku,title,photo`, and optionally price, currency, barcode, colour, size, variant_of, url, category, stock; or an
    /// edition that a head office has exported
    pub file: PathBuf,

    /// The folder, or the ZIP file, in which the photographs are that a catalogue file names; an edition has them
    #[arg(long, value_name = "DIR|ZIP")]
    pub photos: Option<PathBuf>,

    /// The public key of the head office, or its file: an edition that it has not signed is not taken
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,

    /// Take an edition whoever made it
    #[arg(long, conflicts_with = "key")]
    pub unsigned: bool,

    /// Only say what would change
    #[arg(long)]
    pub dry_run: bool,

    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// Who imports.
    #[command(flatten)]
    pub by: ByArgs,

    /// Print one JSON object a line: each batch that is on the disk, each bad row, the sum
    #[arg(long)]
    pub json: bool,

    /// The network that embeds.
    #[command(flatten)]
    pub network: EmbedArgs,
}

const EXAMPLES: &str = "Examples:
  clothingid catalogue import catalogue.csv --photos photos/ --dry-run
  clothingid catalogue import catalogue.csv --photos photos/
  clothingid catalogue import catalogue.csv --photos photos.zip
  clothingid catalogue import spring.edition --key head-office.key.pub

Importing again does what is left. Products that a catalogue file does not list stay: `catalogue remove SKU` removes them. A whole edition
removes the products that it does not have. Either can be taken back: `catalogue undo`.";

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

pub(super) fn run(args: &Args) -> Result<Outcome, Report> {
    if source::is_database(&args.file) { source::run_edition(args) } else { source::run_table(args) }
}

/// What an error was about.
fn while_importing(args: &Args) -> String {
    format!("importing `{}`", args.file.display())
}

/// Where products come from.
struct From<'a> {
    name: &'a str,
    listing: &'a Listing,
    removes: Removes<'a>,
    photos: &'a dyn PhotoSource,
    arguments: Option<(&'a str, &'a str)>,
}

fn import(args: &Args, from: From<'_>, embedders: &dyn Embedders) -> Result<Outcome, Report> {
    let catalogue = args.catalogue.path()?;
    let From { name, listing, removes, photos, arguments } = from;
    let import = Import {
        name,
        listing,
        removes,
        photos,
        catalogue: &catalogue,
        embedders,
        threads: args.network.threads(),
        arguments,
        author: args.by.author(format!("import {name}")),
        stop: &STOP,
    };
    let report = |error: ImportError| Report::of(&error).during(while_importing(args)).hinted(error.hints());
    let mut shown = Shown::new(args.json);
    if args.dry_run {
        let plan = import.dry_run(&mut shown).map_err(report)?;
        shown.finish();
        let outcome = told::show_plan(&plan, args.json, &mut shown.told)?;
        return shown.told.end().map(|()| outcome);
    }
    stop_on_ctrl_c()?;
    let summary = import.run(&mut shown).map_err(report)?;
    shown.finish();
    let outcome = told::show_summary(&summary, args, &catalogue, &mut shown.told)?;
    shown.told.end().map(|()| outcome)
}

/// Ctrl-C stops after the batches that have begun. A second one does not wait: what is told as committed is safe at any moment.
pub(super) fn stop_on_ctrl_c() -> Result<&'static AtomicBool, Report> {
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        say("stopping after the batch that has begun");
    })?;
    Ok(&STOP)
}

/// The command that goes on.
fn again(args: &Args, catalogue: &Path) -> String {
    let mut command = format!("clothingid catalogue import {}", quoted(&args.file));
    if let Some(photos) = &args.photos {
        command = format!("{command} --photos {}", quoted(photos));
    }
    if let Some(key) = &args.key {
        command = format!("{command} --key {}", quoted(Path::new(key)));
    }
    if args.unsigned {
        command.push_str(" --unsigned");
    }
    if args.catalogue.catalogue.is_some() {
        command = format!("{command} --catalogue {}", quoted(catalogue));
    }
    if let Some(bundle) = &args.network.bundle {
        command = format!("{command} --bundle {}", quoted(bundle));
    }
    if args.network.engine != EngineChoice::default() {
        command = format!("{command} --engine {}", args.network.engine);
    }
    command
}
