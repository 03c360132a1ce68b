//! `clothingid-train export`: from trained weights to a bundle.

use std::path::{Path, PathBuf};

use clothingid_shared::files;
use clothingid_shared::picture::PictureContract;

use super::{ExitStatus, Report};
use crate::evaluate::EvaluateError;
use crate::export::bundle::{Export, Findings, export};
use crate::export::{ExportError, Gate};
use crate::import::progress::Progress;
use crate::network::heads::{clothingid, initialise_missing};
use crate::network::{Weights, imagenet};
use crate::pack::Pack;

/// Word for the ImageNet start in place of a file of weights.
const IMAGENET: &str = "imagenet";

/// Arguments of `export`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clothingid-train export --weights run/finetune/weights.safetensors --pack pack --out clothingid.bundle
  clothingid-train export --weights imagenet --pack pack --out untrained.bundle      random heads, to try the path out

Beside OUT, `OUT.export.json` gets every way to quantise that was compared, the loss of each layer, and all figures.")]
pub struct Args {
    /// Weights of a fine-tuning, or `imagenet`
    #[arg(long, value_name = "FILE")]
    pub weights: PathBuf,
    /// The photographs: ranges, choices, thresholds and figures each come from a part of their own
    #[arg(long, value_name = "DIR")]
    pub pack: PathBuf,
    /// The bundle to write
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Side of the square picture in pixels
    #[arg(long, default_value_t = 160, value_parser = clap::value_parser!(u32).range(32..=512))]
    pub side: u32,
    /// Name for people (default: by backbone and side)
    #[arg(long)]
    pub name: Option<String>,
    /// Markdown for the model card: how the weights were trained
    #[arg(long, value_name = "FILE")]
    pub story: Option<PathBuf>,
    /// Largest mean divergence of a head from float, in nats
    #[arg(long, default_value_t = Gate::default().divergence)]
    pub gate_divergence: f64,
    /// Smallest mean cosine of the embeddings against float
    #[arg(long, default_value_t = Gate::default().cosine)]
    pub gate_cosine: f64,
    /// Start of the heads that the weights lack
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
}

/// Runs the command.
///
/// # Errors
/// The weights or photographs cannot be used, or the bundle is beyond the gate; nothing is written then.
pub fn run(args: &Args) -> Result<ExitStatus, Report> {
    let pack = Pack::open(&args.pack)?;
    let graph = clothingid();
    let weights = read_weights(&args.weights, args.seed, &graph)?;
    let story = match &args.story {
        Some(path) => files::read_text(path)? + "\n",
        None => String::new(),
    };
    let plan = Export {
        graph: &graph,
        weights: &weights,
        pack: &pack,
        contract: PictureContract::with_side(args.side),
        name: args.name.clone().unwrap_or_else(|| format!("clothingid-{}-{}", graph.backbone, args.side)),
        story,
        gate: Gate { divergence: args.gate_divergence, cosine: args.gate_cosine },
    };
    let (bundle, findings) = export(&plan, &Progress::shown()).map_err(|error| refused(&error))?;
    let bytes = bundle.to_bytes()?;
    files::write_atomic(&args.out, &bytes)?;
    let json = serde_json::to_vec_pretty(&findings)?;
    files::write_atomic(&beside(&args.out), &json)?;
    say(&args.out, bytes.len(), &findings);
    Ok(ExitStatus::Done)
}

/// The file of the findings.
fn beside(out: &Path) -> PathBuf {
    let mut name = out.as_os_str().to_owned();
    name.push(".export.json");
    PathBuf::from(name)
}

fn read_weights(path: &Path, seed: u64, graph: &crate::network::Graph) -> Result<Weights, Report> {
    let mut weights = if path.as_os_str() == IMAGENET {
        eprintln!("warning: the heads of this bundle are random: its categories mean nothing");
        imagenet::weights()?
    } else {
        Weights::read(path)?
    };
    if path.as_os_str() == IMAGENET {
        initialise_missing(graph, &mut weights, seed);
    }
    Ok(weights)
}

/// What to do about an export that failed.
fn refused(error: &EvaluateError) -> Report {
    let report = Report::of(error).during("exporting the bundle");
    match error {
        EvaluateError::Network(ExportError::Gate { .. }) => report
            .hint("nothing was written; train longer at a lower rate of weight decay, or look at the layers that lose most")
            .hint("`--gate-divergence` and `--gate-cosine` move the bounds, and the model card will say what they let pass"),
        EvaluateError::Network(ExportError::MissingParameter { .. }) => {
            report.hint("give the weights of a fine-tuning: `clothingid-train finetune` writes `weights.safetensors`")
        }
        EvaluateError::TooFew { .. } => report.hint("add photographs of things that are no garment, with `item_id` beginning `none_`"),
        _ => report,
    }
}

fn say(out: &Path, byte_len: usize, findings: &Findings) {
    let agreement = &findings.agreement;
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let mib = byte_len as f64 / 1_048_576.0;
    eprintln!("wrote `{}`, {mib:.2} MiB; all figures in `{}`", out.display(), beside(out).display());
    eprintln!(
        "against float on {} photographs: divergence {:.4} (14) and {:.4} (26) nats, cosine {:.4}",
        agreement.photos, agreement.category14_divergence, agreement.category26_divergence, agreement.embedding_cosine
    );
    for (class, figures) in [("float", &findings.figures.float), ("int8", &findings.figures.int8)] {
        eprintln!(
            "{class}: balanced accuracy on larger photographs {} (14) and {} (26)",
            figures.category14.balanced_large, figures.category26.balanced_large
        );
        if let Some(retrieval) = &figures.retrieval {
            eprintln!("{class}: R@1 {} of {} queries", retrieval.recall_at_1, retrieval.recall_at_1.n);
        }
    }
}
