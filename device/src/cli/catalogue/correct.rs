//! `clothingid catalogue correct` and `evidence`: what the staff know better than a search.

use super::list::counted;
use super::{ByArgs, CatalogueArgs, store_report};
use crate::catalogue::import::{Embedder, Embedders, embed};
use crate::catalogue::store::{Corrected, Correction, CorrectionError, Store, StoredPhoto};
use crate::catalogue::{Role, StoreError};
use crate::cli::network::open_embedders;
use crate::cli::{NetworkArgs, Outcome, Report, expand, one_line, print_line};
use clothingid_shared::embedding::EmbeddingIdentity;
use clothingid_shared::files::{self, MOST_PHOTO_BYTES};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Arguments of `catalogue correct`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  clothingid catalogue correct photo.jpg --is A1 --is-not B2\n  clothingid catalogue correct counter/*.jpg --is A1\n  \
                  clothingid catalogue undo\n\nThe photographs are kept in the catalogue as evidence, and shown to nobody. One that shows a \
                  product helps to find it; near one that was taken for a product by mistake, that product is not found any more. An import \
                  leaves evidence alone, but for that of products that it removes; a shop's own copy brings it back."
)]
pub struct CorrectArgs {
    /// Photographs (JPEG, PNG, WebP), folders of them, or `-` for a list on stdin
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// The product that they show
    #[arg(long = "is", value_name = "SKU", required_unless_present = "is_not")]
    pub is: Option<String>,

    /// A product that they do not show, though a search said so; may be given several times
    #[arg(long, value_name = "SKU")]
    pub is_not: Vec<String>,

    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// The network and what runs it.
    #[command(flatten)]
    pub network: NetworkArgs,

    /// Who corrects.
    #[command(flatten)]
    pub by: ByArgs,

    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `catalogue evidence`.
#[derive(clap::Args, Debug)]
#[command(
    after_help = "Examples:\n  clothingid catalogue evidence\n  clothingid catalogue evidence A1\n  clothingid catalogue evidence A1 \
                  --remove mistaken/1f2e3d4c5b6a.jpg"
)]
pub struct EvidenceArgs {
    /// Of this product alone
    #[arg(value_name = "SKU")]
    pub sku: Option<String>,

    /// Remove the evidence of this name; may be given several times
    #[arg(long, value_name = "NAME", requires = "sku")]
    pub remove: Vec<String>,

    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// Who removes.
    #[command(flatten)]
    pub by: ByArgs,

    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Bytes of photographs that are kept at a time: they are in memory until then.
const MOST_WAITING: usize = 64 << 20;

#[derive(Debug, Clone, Copy, Default, Serialize)]
struct CorrectedLine {
    photos: usize,
    kept: usize,
    known: usize,
    failed: usize,
}

impl CorrectedLine {
    /// Keeps what waits, and counts it.
    fn keep(
        &mut self,
        store: &mut Store,
        identity: &EmbeddingIdentity,
        waiting: &mut Vec<Correction>,
    ) -> Result<(), Report> {
        let report = |e: CorrectionError| Report::of(&e).during("keeping a correction").hinted(e.hints());
        let Corrected { kept, known } = store.correct(identity, waiting).map_err(report)?;
        self.photos += waiting.len();
        self.kept += kept;
        self.known += known;
        waiting.clear();
        Ok(())
    }
}

#[derive(Serialize)]
struct RemovedLine<'a> {
    sku: &'a str,
    removed: &'a str,
}

#[derive(Serialize)]
struct EvidenceLine<'a> {
    sku: &'a str,
    role: Role,
    name: &'a str,
}

impl CorrectArgs {
    /// What is said of each photograph.
    fn says(&self) -> Vec<(String, Role)> {
        let is = self.is.iter().map(|sku| (sku.clone(), Role::Counter));
        is.chain(self.is_not.iter().map(|sku| (sku.clone(), Role::Mistaken))).collect()
    }

    /// As the history has it.
    fn what(&self) -> String {
        let is = self.is.iter().map(|sku| format!("is {sku}"));
        let said: Vec<String> = is.chain(self.is_not.iter().map(|sku| format!("is not {sku}"))).collect();
        format!("correct: {}", said.join(", "))
    }
}

pub(super) fn correct(args: &CorrectArgs) -> Result<Outcome, Report> {
    if args.is.iter().any(|sku| args.is_not.contains(sku)) {
        return Err(Report::new(
            "a photograph shows a product or does not, and `--is` and `--is-not` name the same one",
        ));
    }
    let path = args.catalogue.path()?;
    let mut store = Store::open(&path).map_err(|e| store_report(&e))?;
    let bundle = args.network.bundle()?;
    let embedders = open_embedders(&bundle, args.network.engine)?;
    let of_network =
        |error: StoreError| store_report(&error.with_network(args.network.bundle.as_deref(), args.network.engine));
    store.expect_identity(embedders.identity()).map_err(of_network)?;
    let mut embedder = embedders.open().map_err(|error| Report::new(one_line(&*error)))?;
    store.sign(args.by.author(args.what()));
    let (mut waiting, mut bytes) = (Vec::new(), 0);
    let mut line = CorrectedLine::default();
    for photo in expand(&args.paths) {
        let (name, read) = match photo {
            Ok(photo) => {
                let read = look(&photo, &mut *embedder, &args.says());
                (photo, read)
            }
            Err(error) => (error.path().to_owned(), Err(one_line(&error))),
        };
        match read {
            Ok(correction) => {
                bytes += correction.bytes.len();
                waiting.push(correction);
            }
            Err(error) => {
                eprintln!("error: {}: {error}", name.display());
                line.failed += 1;
            }
        }
        if bytes >= MOST_WAITING {
            line.keep(&mut store, embedders.identity(), &mut waiting)?;
            bytes = 0;
        }
    }
    line.keep(&mut store, embedders.identity(), &mut waiting)?;
    let CorrectedLine { photos, kept, known, failed } = line;
    print_line(&if args.json {
        serde_json::to_string(&line)?
    } else {
        let known = if known > 0 { format!(" ({known} known already)") } else { String::new() };
        format!("{} kept of {}{known}", counted(kept, "statement"), counted(photos, "photo"))
    })?;
    Ok(if failed == 0 { Outcome::Done } else { Outcome::SomeFailed })
}

/// Reads and embeds a photograph.
fn look(photo: &Path, embedder: &mut dyn Embedder, says: &[(String, Role)]) -> Result<Correction, String> {
    let bytes = files::read_at_most(photo, MOST_PHOTO_BYTES).map_err(|error| one_line(&error))?;
    let embedded = embed::embed(embedder, &bytes).map_err(|error| one_line(&*error))?;
    Ok(Correction { bytes, embedded, says: says.to_vec() })
}

pub(super) fn evidence(args: &EvidenceArgs) -> Result<Outcome, Report> {
    let mut store = Store::open(&args.catalogue.path()?).map_err(|e| store_report(&e))?;
    match &args.sku {
        Some(sku) if !args.remove.is_empty() => remove(args, &mut store, sku),
        of => list(args, &store, of.as_deref()),
    }
}

fn remove(args: &EvidenceArgs, store: &mut Store, sku: &str) -> Result<Outcome, Report> {
    store.sign(args.by.author(format!("remove evidence of {sku}")));
    let mut outcome = Outcome::Done;
    for name in &args.remove {
        if store.forget_evidence(sku, name).map_err(|e| store_report(&e))? {
            let line = RemovedLine { sku, removed: name };
            print_line(&if args.json { serde_json::to_string(&line)? } else { format!("removed {name}") })?;
        } else {
            eprint!(
                "{}",
                Report::new(format!("there is no evidence `{name}` of the product `{sku}`"))
                    .hint("`clothingid catalogue evidence` shows what there is")
            );
            outcome = Outcome::SomeFailed;
        }
    }
    Ok(outcome)
}

fn list(args: &EvidenceArgs, store: &Store, of: Option<&str>) -> Result<Outcome, Report> {
    let mut outcome = Outcome::Done;
    for photo in store.evidence().map_err(|e| store_report(&e))? {
        let StoredPhoto { sku, role, name, is_sound, .. } = &photo;
        if of.is_some_and(|of| of != sku) {
            continue;
        }
        if !is_sound {
            eprintln!("error: {}", photo.damage());
            outcome = Outcome::SomeFailed;
        } else if args.json {
            print_line(&serde_json::to_string(&EvidenceLine { sku, role: *role, name })?)?;
        } else {
            print_line(&format!("{sku}  {}  {name}", if role.shows() { "is" } else { "is not" }))?;
        }
    }
    Ok(outcome)
}
