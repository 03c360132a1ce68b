//! `clothingid catalogue backup` and `compact`.

use super::list::counted;
use super::{CatalogueArgs, store_report};
use crate::catalogue::Store;
use crate::cli::{Outcome, Report, print_line};
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `catalogue backup`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  clothingid catalogue backup /media/stick/catalogue-2026-11-26.db\n\nThe appliance may go on meanwhile. The copy is a \
                        catalogue: put it back with `cp`, or search it with `--catalogue`."
)]
pub struct BackupArgs {
    /// The copy's file; one that is there is not overwritten
    pub file: PathBuf,

    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `catalogue compact`.
#[derive(clap::Args, Debug)]
pub struct CompactArgs {
    /// Also forget what was before the changes of the last 30 days: they can no longer be undone
    #[arg(long)]
    pub forget: bool,

    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct BackupLine {
    backup: String,
    products: usize,
    photos: usize,
    damage: Vec<String>,
}

#[derive(Serialize)]
struct CompactLine {
    bytes_before: u64,
    bytes_after: u64,
}

pub(super) fn backup(args: &BackupArgs) -> Result<Outcome, Report> {
    let store = Store::open(&args.catalogue.path()?).map_err(|e| store_report(&e))?;
    let check = store
        .backup(&args.file)
        .map_err(|e| store_report(&e).during(format!("copying the catalogue to `{}`", args.file.display())))?;
    let (products, photos) = (check.products, check.photos);
    let backup = args.file.display().to_string();
    let is_whole = check.damage.is_empty();
    if args.json {
        let damage = check.damage.iter().map(ToString::to_string).collect();
        print_line(&serde_json::to_string(&BackupLine { backup, products, photos, damage })?)?;
    } else if is_whole {
        let (products, photos) = (counted(products, "product"), counted(photos, "photo"));
        print_line(&format!("{backup}: {products}, {photos}, every byte looked at"))?;
    }
    for damage in &check.damage {
        eprintln!("error: {damage}");
    }
    if is_whole {
        return Ok(Outcome::Done);
    }
    eprintln!("\nhint: there is no copy, since the catalogue is damaged: `clothingid catalogue check` says what to do");
    Ok(Outcome::SomeFailed)
}

pub(super) fn compact(args: &CompactArgs) -> Result<Outcome, Report> {
    let mut store = Store::open(&args.catalogue.path()?).map_err(|e| store_report(&e))?;
    if args.forget {
        store.forget_all().map_err(|e| store_report(&e))?;
    }
    let [bytes_before, bytes_after] = store.compact().map_err(|e| store_report(&e))?;
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let mib = |bytes: u64| bytes as f64 / f64::from(1 << 20);
    print_line(&if args.json {
        serde_json::to_string(&CompactLine { bytes_before, bytes_after })?
    } else {
        format!("{:.1} MiB before, {:.1} MiB after", mib(bytes_before), mib(bytes_after))
    })?;
    Ok(Outcome::Done)
}
