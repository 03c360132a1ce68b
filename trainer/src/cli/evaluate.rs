//! `clothingid-train evaluate`: what a bundle does on photographs.
//!
//! `customer_to_shop.rs`, `attributes.rs`: what it is worth beside the raw ImageNet features, on a pack. `ways.rs`: whether it finds more when
//! asked otherwise.

mod attributes;
mod customer_to_shop;
mod ways;

use std::path::{Path, PathBuf};

use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::ArithmeticClass;
use serde::Serialize;

use super::against::open_pack;
use super::everywhere::{Everywhere, Seed};
use super::{ExitStatus, Report, note_slots};
use crate::evaluate::engine::answer;
use crate::evaluate::figure::Figure;
use crate::evaluate::localisation::composites::compose;
use crate::evaluate::localisation::measure::{Looker, Shows, measure as localise};
use crate::evaluate::measure::{Measured, measure};
use crate::evaluate::{Engine, EvaluateError, Photos};
use crate::export::answers::take_all;
use crate::import::progress::Progress;
use crate::import::{Part, Problems};
use crate::pack::Pack;

/// Arguments that take a pack, of which one is measured on instead of manifests.
const OF_A_PACK: [&str; 5] = ["pack", "composites", "customer_to_shop", "attributes", "ways_to_search"];

/// Arguments of `evaluate`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clothingid-train evaluate --bundle clothingid.bundle --manifest photos/manifest.csv --root photos --json
  clothingid-train evaluate --bundle clothingid.bundle --manifest a.csv --root a --manifest b.csv --root b --arithmetic float
  clothingid-train evaluate --bundle clothingid.bundle --pack pack
  clothingid-train evaluate --bundle clothingid.bundle --composites pack
  clothingid-train evaluate --bundle clothingid.bundle --customer-to-shop pack
  clothingid-train evaluate --bundle clothingid.bundle --attributes pack --json
  clothingid-train evaluate --bundle clothingid.bundle --ways-to-search pack

The integer simulation that is the bundle's definition answers; `--arithmetic float` computes in float on the same weights.
With `--composites` and `--attributes` float answers: its activations can be looked at. `--customer-to-shop` and `--attributes` compare with
the raw ImageNet features of the same backbone.")]
pub struct Args {
    /// The bundle
    #[arg(long, value_name = "FILE")]
    pub bundle: PathBuf,
    /// Photographs with their categories; may be given several times
    #[arg(long, value_name = "CSV", required_unless_present_any = OF_A_PACK)]
    pub manifest: Vec<PathBuf>,
    /// Measure on this pack's report part
    #[arg(long, value_name = "PACK", conflicts_with_all = ["manifest", "root", "composites", "customer_to_shop", "attributes", "ways_to_search"])]
    pub pack: Option<PathBuf>,
    /// Folder in which a manifest's paths begin, one for each manifest (default: the manifest's own)
    #[arg(long, value_name = "DIR")]
    pub root: Vec<PathBuf>,
    /// How the network computes
    #[arg(long, value_enum, default_value_t = Arithmetic::Int8)]
    pub arithmetic: Arithmetic,
    /// Measure instead how well the garment is located: garments of this pack's report part pasted onto its other photographs
    #[arg(long, value_name = "PACK", conflicts_with_all = ["manifest", "root", "arithmetic"])]
    pub composites: Option<PathBuf>,
    /// Measure instead whether worn and pasted garments of this pack's report part find their other photographs: proxies for a customer
    /// who looks for what a shop has
    #[arg(long, value_name = "PACK", conflicts_with_all = ["manifest", "root", "composites"])]
    pub customer_to_shop: Option<PathBuf>,
    /// Measure instead how well colour and audience, where this pack's notes name them, can be read from the bundle's features
    #[arg(long, value_name = "PACK", conflicts_with_all = ["manifest", "root", "arithmetic", "composites", "customer_to_shop"])]
    pub attributes: Option<PathBuf>,
    /// Measure instead whether other ways to search find more on this pack's report part (several looks at the query, categories that agree,
    /// a product's photographs together), and what more photographs of a garment are worth
    #[arg(long, value_name = "PACK", conflicts_with_all = ["manifest", "root", "composites", "customer_to_shop", "attributes"])]
    pub ways_to_search: Option<PathBuf>,
    /// Weights of the rival's backbone, or `imagenet`
    #[arg(long, value_name = "FILE", default_value = "imagenet", conflicts_with_all = ["manifest", "pack", "composites", "ways_to_search"])]
    pub weights: PathBuf,
    /// Measure a bundle that was trained on another pack; its figures may be too good
    #[arg(long, conflicts_with = "manifest")]
    pub trained_elsewhere: bool,
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,
    /// What every step takes
    #[command(flatten)]
    pub everywhere: Everywhere,
    /// What every step takes
    #[command(flatten)]
    pub seed: Seed,
}

/// How a network computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Arithmetic {
    /// Integers, rounded per layer
    Int8,
    /// Float arithmetic on the integer weights
    Float,
}

impl From<Arithmetic> for ArithmeticClass {
    fn from(arithmetic: Arithmetic) -> Self {
        match arithmetic {
            Arithmetic::Int8 => Self::Int8,
            Arithmetic::Float => Self::Float,
        }
    }
}

/// The line on standard output.
#[derive(Debug, Serialize)]
struct Line<'a> {
    bundle: String,
    name: &'a str,
    arithmetic: String,
    skipped: usize,
    #[serde(flatten)]
    measured: &'a Measured,
}

/// Runs the command.
///
/// # Errors
/// The bundle or a manifest cannot be read, or no photograph can.
pub fn run(args: &Args) -> Result<ExitStatus, Report> {
    args.everywhere.check("evaluate")?;
    if !args.root.is_empty() && args.root.len() != args.manifest.len() {
        let what = format!("{} manifests and {} roots", args.manifest.len(), args.root.len());
        return Err(Report::usage(what).hint("give one `--root` for each `--manifest`, in the same order, or none"));
    }
    let bundle = Bundle::read(&args.bundle).map_err(|error| Report::of(&error).hint(error.hint()))?;
    note_slots(&bundle.manifest.taxonomies());
    if let Some(folder) = &args.composites {
        return locate(args, &bundle, folder);
    }
    if let Some(folder) = &args.customer_to_shop {
        return customer_to_shop::run(args, &bundle, folder);
    }
    if let Some(folder) = &args.attributes {
        return attributes::run(args, &bundle, folder);
    }
    if let Some(folder) = &args.ways_to_search {
        return ways::run(args, &bundle, folder);
    }
    let pack = args.pack.as_deref().map(|folder| open(args, &bundle, folder)).transpose()?;
    let (photos, problems) = match &pack {
        Some(pack) => (Photos::of_pack(pack, &pack.rows_in(Part::Report))?, Problems::default()),
        None => of_manifests(args, &bundle)?,
    };
    for problem in problems.iter() {
        eprintln!("skipped `{}`: {}", problem.path, problem.reason);
    }
    if photos.samples.is_empty() {
        return Err(Report::of(&EvaluateError::Nothing { what: "measuring the bundle" }));
    }
    let arithmetic = ArithmeticClass::from(args.arithmetic);
    let engine = Engine::of_bundle(&bundle.network, arithmetic).map_err(|error| {
        Report::of(&error)
            .during(format!("reading the network of `{}`", args.bundle.display()))
            .hint("export the bundle again")
    })?;
    let answers = answer(&[&engine], &photos, &bundle.manifest.picture, "answers", &Progress::shown())?;
    let answers = take_all(answers.into_iter().flatten().collect())?;
    let measured = measure(&bundle.manifest, &photos.samples, &answers);
    if args.json {
        let line = Line {
            bundle: args.bundle.display().to_string(),
            name: &bundle.manifest.name,
            arithmetic: arithmetic.to_string(),
            skipped: problems.len(),
            measured: &measured,
        };
        println!("{}", serde_json::to_string(&line)?);
    } else {
        println!("{}", table(&measured));
    }
    Ok(if problems.is_empty() { ExitStatus::Done } else { ExitStatus::Partial })
}

/// The photographs of all manifests, and those that cannot be read.
fn of_manifests(args: &Args, bundle: &Bundle) -> Result<(Photos<'static>, Problems), Report> {
    let manifests: Vec<(PathBuf, Option<PathBuf>)> =
        args.manifest.iter().enumerate().map(|(i, path)| (path.clone(), args.root.get(i).cloned())).collect();
    let (photos, mut problems) = Photos::of_manifests(&manifests, &bundle.manifest.taxonomies()).map_err(|error| {
        let report = Report::of(&error);
        match error {
            EvaluateError::OtherTaxonomies { .. } => report.hint(
                "give a manifest of the bundle's taxonomies: `clothingid-train import --taxonomies DIR` writes them beside it",
            ),
            _ => report,
        }
    })?;
    let (photos, unreadable) = photos.drop_unreadable();
    problems.append(unreadable);
    Ok((photos, problems))
}

/// The pack, if the bundle may be measured on it.
fn open(args: &Args, bundle: &Bundle, folder: &Path) -> Result<Pack, Report> {
    let anyway = "or measure all the same with `--trained-elsewhere`";
    Ok(open_pack((bundle, &args.bundle), folder, args.trained_elsewhere, anyway)?.0)
}

/// Composites of either part.
const COMPOSITES: usize = 400;
/// Seed of the composites, so that every bundle sees the same ones.
const COMPOSITE_SEED: u64 = 1;

/// How well the garment is located on composites, by the float arithmetic of the bundle, whose activations can be looked at.
fn locate(args: &Args, bundle: &Bundle, folder: &Path) -> Result<ExitStatus, Report> {
    let pack = open(args, bundle, folder)?;
    let composed = |part: Part| compose(&pack, part, COMPOSITES, COMPOSITE_SEED);
    let report = composed(Part::Report)?;
    // A small pack may have none to choose on in the parts that are made for it; the train part is not reported on either.
    let mut chosen_on = None;
    for part in [Part::Select, Part::Calibrate, Part::Train] {
        let composites = composed(part)?;
        if !composites.is_empty() {
            chosen_on = Some((part, composites));
            break;
        }
    }
    let Some((part, choices)) = chosen_on.filter(|_| !report.is_empty()) else {
        return Err(Report::new(
            "the pack has no garment before a plain background, or no photograph of anything else",
        )
        .hint("composites need both in the report part and in another one"));
    };
    let Engine::Float(runner) = Engine::of_bundle(&bundle.network, ArithmeticClass::Float)? else {
        return Err(Report::new("the network cannot be run in float"));
    };
    let looker = Looker::new(&runner, &bundle.manifest.picture)?;
    let temperature = bundle.manifest.category26.temperature;
    let figures = localise(&looker, &pack, &choices, &report, temperature, &Progress::shown())?;
    if args.json {
        println!("{}", serde_json::to_string(&figures)?);
        return Ok(ExitStatus::Done);
    }
    println!(
        "garments pasted onto other photographs (a proxy): {}; box around {} of the peak of the map of {}, chosen on part {part}",
        figures.overlap.n,
        figures.threshold,
        match figures.shows {
            Shows::Category => "the category said",
            Shows::Anything => "any category",
        }
    );
    for (name, figure) in [
        ("overlap of box and garment", &figures.overlap),
        ("overlap of the whole picture and the garment", &figures.overlap_of_whole),
        ("boxes that overlap by half or more", &figures.found),
        ("top-1 of 26, one look at the whole", &figures.top_1_first_look),
        ("top-1 of 26, a look at the box", &figures.top_1_second_look),
        ("top-1 of 26, both looks", &figures.top_1_both_looks),
        ("top-1 of 26, a look at the true box", &figures.top_1_true_box),
        ("both looks minus one, paired", &figures.gain),
        ("R@1 among the originals, one look", &figures.recall_at_1_first_look),
        ("R@1 among the originals, both looks", &figures.recall_at_1_both_looks),
        ("both looks minus one, paired", &figures.recall_gain),
    ] {
        println!("{name:<52} {figure}  (n = {})", figure.n);
    }
    Ok(ExitStatus::Done)
}

/// The figures for people.
fn table(measured: &Measured) -> String {
    let mut lines = vec![format!("{} photographs; 95 % intervals that resample groups", measured.n)];
    let mut line = |name: &str, f: &Figure| lines.push(format!("{name:<64} {f}  (n = {})", f.n));
    for (head, figures) in [("14", &measured.category14), ("26", &measured.category26)] {
        line(&format!("balanced accuracy of {head}, larger without myntra"), &figures.balanced_large);
        line(&format!("top-1 of {head}, larger without myntra"), &figures.top_1_large);
        line(&format!("balanced accuracy of {head}"), &figures.balanced);
        line(&format!("top-1 of {head}"), &figures.top_1);
        line(&format!("calibration error of {head}"), &figures.ece);
    }
    if let Some(retrieval) = &measured.retrieval {
        line("R@1", &retrieval.recall_at_1);
        line("R@5", &retrieval.recall_at_5);
        line("R@10", &retrieval.recall_at_10);
        line("R@20", &retrieval.recall_at_20);
        line("mAP", &retrieval.map);
    }
    for (name, figure) in measured.rejection() {
        line(name, figure);
    }
    lines.join("\n")
}
