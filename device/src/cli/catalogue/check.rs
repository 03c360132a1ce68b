//! `clothingid catalogue check`: every byte of the catalogue.

use super::list::counted;
use super::{CatalogueArgs, store_report};
use crate::catalogue::Store;
use crate::catalogue::store::{Check, Damage, embed_command};
use crate::cli::{Outcome, Report, print_line};
use crate::network::{self, EngineChoice};
use clothingid_shared::embedding::ArithmeticClass;
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `catalogue check`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// The bundle that it should fit, instead of the one inside the program
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,

    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

#[derive(Serialize)]
struct Line<'a> {
    catalogue: String,
    products: usize,
    photos: usize,
    photo_bytes: u64,
    embeddings: usize,
    identity: Option<&'a str>,
    fits_bundle: bool,
    damage: Vec<String>,
}

pub(super) fn run(args: &Args) -> Result<Outcome, Report> {
    let path = args.catalogue.path()?;
    let store = Store::open(&path).map_err(|e| store_report(&e))?;
    let check = store.check().map_err(|e| store_report(&e))?;
    let bundle = network::read_bundle(args.bundle.as_deref())?;
    let identities = [ArithmeticClass::Float, ArithmeticClass::Int8].map(|class| bundle.identity(class));
    let fits_bundle = check.served.as_ref().is_none_or(|served| identities.contains(served));
    let import = store.import_command().map_err(|e| store_report(&e))?;

    let Check { products, photos, photo_bytes, embeddings, .. } = check;
    let identity = check.served.as_ref();
    if args.json {
        let damage = check.damage.iter().map(ToString::to_string).collect();
        let (catalogue, identity) = (path.display().to_string(), identity.map(|i| i.as_str()));
        let line = Line { catalogue, products, photos, photo_bytes, embeddings, identity, fits_bundle, damage };
        print_line(&serde_json::to_string(&line)?)?;
    } else {
        let network = identity.map_or_else(String::new, |i| format!(", network {}", i.short()));
        #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
        let mib = photo_bytes as f64 / f64::from(1 << 20);
        print_line(&format!(
            "{}: {}, {} ({mib:.1} MiB), {}{network}",
            path.display(),
            counted(products, "product"),
            counted(photos, "photo"),
            counted(embeddings, "embedding"),
        ))?;
    }
    for damage in &check.damage {
        eprintln!("error: {damage}");
    }
    if !fits_bundle {
        eprintln!("error: the catalogue was embedded with another network than the bundle's");
    }
    if check.damage.is_empty() && fits_bundle {
        if !args.json {
            print_line("all of it is as it was written")?;
        }
        return Ok(Outcome::Done);
    }
    eprintln!();
    let (past, now): (Vec<&Damage>, Vec<&Damage>) = check.damage.iter().partition(|d| matches!(d, Damage::Past { .. }));
    let (evidence, now): (Vec<&Damage>, Vec<&Damage>) =
        now.into_iter().partition(|d| matches!(d, Damage::Evidence { .. }));
    if let Some(Damage::Evidence { sku, name }) = evidence.first() {
        eprintln!("hint: to be rid of damaged evidence: `clothingid catalogue evidence {sku} --remove {name}`");
    }
    if !past.is_empty() {
        eprintln!(
            "hint: what is stored is not touched by a damaged history; to be rid of it: `clothingid catalogue compact --forget`"
        );
    }
    if !fits_bundle {
        let embed = embed_command(Some(&path), (args.bundle.as_deref(), EngineChoice::default()));
        eprintln!("hint: embed it with that network, while searches go on: `{embed}`");
    }
    if now.is_empty() {
        return Ok(Outcome::SomeFailed);
    }
    if now.iter().any(|d| !d.is_mended_by_import()) {
        let old = crate::catalogue::store::quoted(&path);
        eprintln!("hint: keep the file aside with `mv {old} {old}.damaged`, then make the catalogue anew: `{import}`");
    } else {
        eprintln!("hint: import again, which writes anew what is damaged: `{import}`");
        if check.damage.iter().any(|d| matches!(d, Damage::Product { .. } | Damage::NoPhoto { .. })) {
            eprintln!("hint: or remove a product that the shop no longer has: `clothingid catalogue remove SKU`");
        }
    }
    Ok(Outcome::SomeFailed)
}
