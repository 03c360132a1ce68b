//! `clothingid-train export`: from trained weights to a bundle.

use std::path::{Path, PathBuf};

use clothingid_shared::files;
use clothingid_shared::picture::PictureContract;

use super::everywhere::Everywhere;
use super::training::other_categories;
use super::{ExitStatus, Report, note_slots};
use crate::evaluate::EvaluateError;
use crate::export::bundle::{Export, Findings, export};
use crate::export::{ExportError, Gate};
use crate::import::progress::Progress;
use crate::network::backbones::BackboneName;
use crate::network::{Graph, Provenance, Weights, heads, imagenet};
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
    /// Export weights that were trained on another pack, or do not say on which
    #[arg(long)]
    pub trained_elsewhere: bool,
    /// Start of the heads that the weights lack
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// What every step takes
    #[command(flatten)]
    pub everywhere: Everywhere,
}

/// Runs the command.
///
/// # Errors
/// The weights or photographs cannot be used, or the bundle is beyond the gate; nothing is written then.
pub fn run(args: &Args) -> Result<ExitStatus, Report> {
    args.everywhere.check("export")?;
    let pack = Pack::open(&args.pack)?;
    let (graph, weights) = read_weights(&args.weights, args.seed, &pack)?;
    weights.check_categories(pack.taxonomies()).map_err(|error| other_categories(&error, &args.weights, &args.pack))?;
    check_provenance(&weights, &pack, args)?;
    note_slots(pack.taxonomies());
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

/// The weights with the graph that they fill.
fn read_weights(path: &Path, seed: u64, pack: &Pack) -> Result<(Graph, Weights), Report> {
    if path.as_os_str() == IMAGENET {
        eprintln!("warning: the heads of this bundle are random: its categories mean nothing");
        let mut weights = imagenet::weights()?;
        let graph = heads::with_heads(BackboneName::default().build(), pack.taxonomies().classes());
        heads::initialise_missing(&graph, &mut weights, seed);
        let provenance = Provenance::of_start(Provenance::IMAGENET);
        weights.provenance = Some(provenance.of_categories(pack.taxonomies()));
        return Ok((graph, weights));
    }
    let weights = Weights::read(path)?;
    let backbone = BackboneName::of(&weights).ok_or_else(|| {
        Report::new(format!("`{}` holds no weights of a backbone of ours", path.display()))
            .hint("give the weights of a fine-tuning: `clothingid-train finetune` writes `weights.safetensors`")
    })?;
    Ok((heads::with_heads(backbone.build(), pack.taxonomies().classes()), weights))
}

/// Refuses weights that may have been trained on the photographs that are about to report on them.
fn check_provenance(weights: &Weights, pack: &Pack, args: &Args) -> Result<(), Report> {
    let problem = match &weights.provenance {
        None => "does not say on which photographs it was trained".to_owned(),
        Some(provenance) => match provenance.elsewhere(pack.identity()) {
            Some(stage) => {
                format!("was trained on another pack than `{}` (stage `{}`)", args.pack.display(), stage.stage)
            }
            None => return Ok(()),
        },
    };
    if args.trained_elsewhere {
        eprintln!("warning: `{}` {problem}; the model card says so", args.weights.display());
        return Ok(());
    }
    Err(Report::new(format!("`{}` {problem}", args.weights.display()))
        .cause("photographs of the pack's other parts may have trained it, and every figure would be too good")
        .hint("give the pack that it was trained on: `--pack DIR`")
        .hint("or export all the same with `--trained-elsewhere`; the model card will say it"))
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
        EvaluateError::TooFew { .. } => report.hint("pack more photographs: thresholds are set on their calibrate part"),
        EvaluateError::Network(ExportError::TooFewPhotos { .. }) => {
            report.hint("pack more photographs: ranges of activations come from at least 128 of the train part")
        }
        _ => report,
    }
}

fn say(out: &Path, byte_len: usize, findings: &Findings) {
    let agreement = &findings.agreement;
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let mib = byte_len as f64 / 1_048_576.0;
    for warning in &findings.warnings {
        eprintln!("warning: {warning}");
    }
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
