//! `clothingid catalogue embed`: the stored photographs with another network.

use super::import::{Shown, stop_on_ctrl_c};
use super::list::counted;
use super::{CatalogueArgs, store_report};
use crate::catalogue::Store;
use crate::catalogue::import::{Embedders, ImportError, NetworkEmbedders, Reembed, Summary};
use crate::cli::network::open_embedders;
use crate::cli::{EmbedArgs, Outcome, Report, say};
use serde::Serialize;
use std::path::Path;

/// Arguments of `catalogue embed`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// Print one JSON object a line: each batch that is on the disk, the sum
    #[arg(long)]
    pub json: bool,

    /// The network that embeds.
    #[command(flatten)]
    pub network: EmbedArgs,
}

const EXAMPLES: &str = "Examples:
  clothingid catalogue embed
  clothingid catalogue embed --bundle spring.bundle

Only what has no embedding of this network is embedded, so that the same command goes on after an interruption. Until all photographs have
one, searches with the old network go on; then the new one is searched, and the old embeddings are forgotten in the same moment. What is
imported meanwhile is embedded too.";

/// The sum.
#[derive(Serialize)]
struct Done<'a> {
    event: &'static str,
    embedded: usize,
    unusable: usize,
    identity: &'a str,
    /// Whether the embeddings of this network are the ones that are searched.
    served: bool,
    interrupted: bool,
}

pub(super) fn run(args: &Args) -> Result<Outcome, Report> {
    let catalogue = args.catalogue.path()?;
    // Before the network is loaded: the name of the file is what is wrong most often.
    drop(Store::open(&catalogue).map_err(|e| store_report(&e))?);
    let bundle = args.network.bundle()?;
    let embedders = open_embedders(&bundle, args.network.engine)?;
    let work = Reembed {
        catalogue: &catalogue,
        embedders: &embedders,
        threads: args.network.threads(),
        stop: stop_on_ctrl_c()?,
    };
    let report = |error: ImportError| Report::of(&error).during("embedding the catalogue").hinted(error.hints());
    let mut shown = Shown::new(args.json);
    let summary = work.run(&mut shown).map_err(report)?;
    shown.finish();
    let outcome = tell(&summary, args, &catalogue, &embedders, &mut shown)?;
    shown.told.end().map(|()| outcome)
}

fn tell(
    summary: &Summary,
    args: &Args,
    catalogue: &Path,
    embedders: &NetworkEmbedders<'_>,
    shown: &mut Shown,
) -> Result<Outcome, Report> {
    let identity = embedders.identity();
    let served = Store::open(catalogue).and_then(|store| store.served()).map_err(|e| store_report(&e))?;
    let is_served = served.as_ref().is_none_or(|served| served == identity);
    let (embedded, unusable, interrupted) = (summary.reembedded, summary.unusable.len(), summary.is_interrupted);
    for damage in &summary.damage {
        say(format_args!("error: {damage}"));
    }
    shown.told.line(&if args.json {
        let identity = identity.as_str();
        serde_json::to_string(&Done { event: "done", embedded, unusable, identity, served: is_served, interrupted })?
    } else {
        let searched = served.as_ref().unwrap_or(identity).short();
        format!("{} embedded; the network {searched} is searched", counted(embedded, "photo"))
    });
    if interrupted {
        say(format_args!("stopped; what is told above is stored. Go on with: `{}`", again(args, catalogue)));
        return Ok(Outcome::Interrupted);
    }
    if unusable == 0 {
        return Ok(Outcome::Done);
    }
    say(format_args!("error: photos that this network cannot use: {unusable}"));
    say(if is_served {
        "\nhint: `clothingid catalogue check` names them, and says what to do"
    } else {
        "\nhint: not one could be embedded, so the old network is searched as before: look at bundle and engine with `clothingid doctor`"
    });
    Ok(Outcome::SomeFailed)
}

/// The command that goes on.
fn again(args: &Args, catalogue: &Path) -> String {
    let network = (args.network.bundle.as_deref(), args.network.engine);
    crate::catalogue::store::embed_command(args.catalogue.catalogue.as_ref().map(|_| catalogue), network)
}
