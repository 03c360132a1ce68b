//! `clothingid catalogue export` and `key`: what a head office does.

use super::list::counted;
use super::{CatalogueArgs, store_report};
use crate::catalogue::Store;
use crate::catalogue::edition::{Edition, EditionError, write};
use crate::cli::{Outcome, Report, print_line};
use crate::signature::{self, SignatureError};
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `catalogue export`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  clothingid catalogue export spring.edition --key head-office.key\n  clothingid catalogue export april.edition \
                        --since spring.edition --key head-office.key\n\nBoards take it with `catalogue import spring.edition --key \
                        head-office.key.pub`; the signature `spring.edition.minisig` must lie beside it."
)]
pub struct ExportArgs {
    /// The edition; a file that is there is not overwritten
    pub file: PathBuf,

    /// Only what differs from this whole edition, which the boards have
    #[arg(long, value_name = "EDITION")]
    pub since: Option<PathBuf>,

    /// Sign it with the secret key in this file (`catalogue key` makes one)
    #[arg(long, value_name = "FILE")]
    pub key: Option<PathBuf>,

    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `catalogue key`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  clothingid catalogue key head-office.key\n\nThe secret key signs editions: keep it where only the head office can \
                        read it. The public key, `head-office.key.pub`, goes to the boards. Both are minisign's."
)]
pub struct KeyArgs {
    /// The secret key's file; the public one gets `.pub` behind it
    pub file: PathBuf,
}

#[derive(Serialize)]
struct ExportLine {
    edition: String,
    signature: Option<String>,
    products: usize,
    removes: usize,
    photos: usize,
}

fn report(error: &EditionError, doing: String) -> Report {
    Report::of(error).during(doing).hinted(error.hints())
}

pub(super) fn export(args: &ExportArgs) -> Result<Outcome, Report> {
    let store = Store::open(&args.catalogue.path()?).map_err(|e| store_report(&e))?;
    let doing = || format!("exporting the catalogue to `{}`", args.file.display());
    let since = args.since.as_deref().map(Edition::open).transpose().map_err(|e| report(&e, doing()))?;
    let key = args.key.as_deref().map(signature::secret_key).transpose().map_err(|e| report(&e.into(), doing()))?;
    let written = write::write(&store, &args.file, since.as_ref()).map_err(|e| report(&e, doing()))?;
    let sign = |key| signature::sign(&args.file, key).map_err(|e| report(&e.into(), doing()));
    let signature = key.as_ref().map(sign).transpose()?;
    let write::Written { products, removes, photos, .. } = written;
    let edition = args.file.display().to_string();
    if args.json {
        let signature = signature.map(|path| path.display().to_string());
        print_line(&serde_json::to_string(&ExportLine { edition, signature, products, removes, photos })?)?;
        return Ok(Outcome::Done);
    }
    let removes = if removes == 0 { String::new() } else { format!(", {} to remove", counted(removes, "product")) };
    let signed = signature.map_or_else(|| "not signed".to_owned(), |path| format!("signed by `{}`", path.display()));
    print_line(&format!(
        "{edition}: {}{removes}, {}; {signed}",
        counted(products, "product"),
        counted(photos, "photo")
    ))?;
    Ok(Outcome::Done)
}

pub(super) fn key(args: &KeyArgs) -> Result<Outcome, Report> {
    let public = signature::make_keys(&args.file)
        .map_err(|e: SignatureError| Report::of(&e).during("making a pair of keys").hinted(e.hints()))?;
    print_line(&format!("{}: the secret key, for the head office alone", args.file.display()))?;
    print_line(&format!("{}.pub: the public key, for the boards: {public}", args.file.display()))?;
    Ok(Outcome::Done)
}
