//! `clothingid bundle`: what a bundle is, and whether it answers as it should.

use super::network::{bundle_of, of_engine};
use super::{NetworkArgs, Outcome, Report, print_line};
use crate::network::nodes::first_difference;
use crate::network::plan::Plan;
use crate::network::{PhotoPath, golden};
use clap::Subcommand;
use clothingid_shared::bundle::{Area, Bundle, Head, Manifest, OperatingPoint, Separation};
use clothingid_shared::embedding::ArithmeticClass;
use serde::Serialize;
use std::path::PathBuf;

/// Arguments of `bundle`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to do with the bundle.
    #[command(subcommand)]
    pub action: Action,
}

/// What may be done with a bundle.
#[derive(Subcommand, Debug)]
pub enum Action {
    /// Say what the bundle is: network, labels, thresholds, sources
    #[command(
        after_help = "Examples:\n  clothingid bundle show\n  clothingid bundle show --plan\n  clothingid bundle show --json --bundle new.bundle"
    )]
    Show(ShowArgs),
    /// Answer all golden photos and compare with the answers of the export
    #[command(
        after_help = "Examples:\n  clothingid bundle verify\n  clothingid bundle verify --nodes --engine cpu\n  clothingid bundle verify --bundle new.bundle"
    )]
    Verify(VerifyArgs),
}

/// Arguments of `bundle show`.
#[derive(clap::Args, Debug)]
pub struct ShowArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    /// Print the layers that the engines run, with shapes, buffers and scales
    #[arg(long, conflicts_with = "json")]
    pub plan: bool,

    /// Show this bundle instead of the one inside the program
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
}

/// Arguments of `bundle verify`.
#[derive(clap::Args, Debug)]
pub struct VerifyArgs {
    /// Print one JSON object
    #[arg(long)]
    pub json: bool,

    /// Compare every layer with the reference on some golden photos, and name the first that differs
    #[arg(long)]
    pub nodes: bool,

    /// The network and what runs it.
    #[command(flatten)]
    pub network: NetworkArgs,
}

/// Does what was asked.
///
/// # Errors
/// The bundle or the engine cannot be used at all.
pub fn run(args: &Args) -> Result<Outcome, Report> {
    match &args.action {
        Action::Show(args) => show(args),
        Action::Verify(args) => verify(args),
    }
}

#[derive(Serialize)]
struct Shown<'a> {
    network_sha256: String,
    network_bytes: usize,
    golden_photos: usize,
    #[serde(flatten)]
    manifest: &'a Manifest,
}

fn show(args: &ShowArgs) -> Result<Outcome, Report> {
    let bundle = bundle_of(args.bundle.as_deref())?;
    if args.plan {
        print_line(plan(&bundle)?.to_string().trim_end())?;
    } else if args.json {
        let shown = Shown {
            network_sha256: bundle.network_sha256(),
            network_bytes: bundle.network.len(),
            golden_photos: bundle.golden.len(),
            manifest: &bundle.manifest,
        };
        print_line(&serde_json::to_string(&shown)?)?;
    } else {
        print_line(describe(&bundle).trim_end())?;
    }
    Ok(Outcome::Done)
}

/// The plan of a bundle's network.
fn plan(bundle: &Bundle) -> Result<Plan, Report> {
    Plan::new(&bundle.network).map_err(|error| match error.hint() {
        Some(hint) => Report::of(&error).hint(hint),
        None => Report::of(&error),
    })
}

/// What a score is worth, after its threshold.
fn separation(of: &Separation) -> String {
    let area = |area: &Area| format!("{:.3} [{:.3}, {:.3}] of {}", area.value, area.low, area.high, area.n);
    let alike = of.like_with_like.as_ref().map(|alike| format!(", like with like {}", area(alike)));
    format!("; AUROC {}{}", area(&of.overall), alike.unwrap_or_default())
}

fn describe(bundle: &Bundle) -> String {
    let m = &bundle.manifest;
    let head = |head: &Head| {
        let keys: Vec<&str> = head.taxonomy.categories.iter().map(|c| c.key.as_str()).collect();
        format!("{} (temperature {:.3}): {}", keys.len(), head.temperature, keys.join(", "))
    };
    let point = |p: &OperatingPoint| {
        format!(
            "at {:.3}: accepts {:.1} % of {} and {:.1} % of {} that it should not ({}){}",
            p.threshold,
            p.true_accept * 100.0,
            p.positives,
            p.false_accept * 100.0,
            p.negatives,
            p.meaning,
            p.auroc.as_ref().map(separation).unwrap_or_default()
        )
    };
    let sha256 = bundle.network_sha256();
    let mut text = format!(
        "bundle      {name}, made {created} by {by}, format {format}\n\
         network     {backbone}, {kib} KiB, SHA-256 {sha256}\n\
         quantised   {quantisation}\n\
         picture     {side}x{side} RGB, {fit:?}, {filter:?}\n\
         embedding   {values} values\n\
         categories  {of14}\n\
         categories  {of26}\n\
         garment     {garment}\n\
         known       {known}\n\
         confident   {confident}\n\
         similar     {similar}\n\
         golden      {golden} photos\n\
         licence     {class:?}\n",
        name = m.name,
        created = m.created,
        by = m.written_by,
        format = m.format,
        backbone = m.network.backbone,
        kib = bundle.network.len() / 1024,
        quantisation = m.network.quantisation,
        side = m.picture.side,
        fit = m.picture.fit,
        filter = m.picture.filter,
        values = m.network.embedding_values,
        of14 = head(&m.category14),
        of26 = head(&m.category26),
        garment = point(&m.rejection.garment),
        known = point(&m.rejection.known),
        confident = point(&m.matching.confident),
        similar = m.matching.similar.as_ref().map_or_else(|| "not set".to_owned(), point),
        golden = bundle.golden.len(),
        class = m.licence_class,
    );
    for s in &m.sources {
        let counts =
            if s.photos > 0 { format!(", {} photos of {} garments", s.photos, s.items) } else { String::new() };
        text.push_str(&format!("source      {}: {} ({}){counts}\n", s.name, s.licence, s.attribution));
    }
    text
}

#[derive(Serialize)]
struct Verified<'a> {
    bundle: &'a str,
    engine: &'a str,
    photos: usize,
    failed: usize,
    largest_logit_difference: f32,
    smallest_cosine: f32,
    #[serde(skip_serializing_if = "Option::is_none")]
    nodes_compared: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_differing_node: Option<&'a str>,
}

fn verify(args: &VerifyArgs) -> Result<Outcome, Report> {
    let bundle = args.network.bundle()?;
    let mut path = args.network.open_unchecked(&bundle)?;
    let (mut failed, mut logit, mut cosine) = (0, 0.0_f32, 1.0_f32);
    for photo in &bundle.golden {
        match golden::check_photo(&mut path, &bundle, photo) {
            Ok(agreement) => {
                logit = logit.max(agreement.logit);
                cosine = cosine.min(agreement.cosine);
            }
            Err(error) => {
                failed += 1;
                eprint!("{}", Report::of(&error));
            }
        }
    }
    let nodes = if args.nodes { Some(nodes(&bundle, &mut path)?) } else { None };
    let photos = bundle.golden.len();
    let (name, engine) = (bundle.manifest.name.as_str(), path.engine().name());
    if args.json {
        let (largest_logit_difference, smallest_cosine) = (logit, cosine);
        let (nodes_compared, node) = nodes.as_ref().map_or((None, None), |n| (Some(n.compared), n.first.as_deref()));
        let line = Verified {
            bundle: name,
            engine,
            photos,
            failed,
            largest_logit_difference,
            smallest_cosine,
            nodes_compared,
            first_differing_node: node,
        };
        print_line(&serde_json::to_string(&line)?)?;
    } else {
        print_line(&format!(
            "{name} on `{engine}`: {right} of {photos} golden photos agree; \
             largest logit difference {logit:.1e}, smallest cosine {cosine:.6}",
            right = photos - failed,
        ))?;
        if let Some(Nodes { compared, first: None }) = nodes {
            let bound = match path.engine().arithmetic() {
                ArithmeticClass::Int8 => String::new(),
                ArithmeticClass::Float => {
                    format!(", within {} of each layer's largest value", path.engine().float_bound())
                }
            };
            print_line(&format!("{compared} results of layers are those of the reference{bound}"))?;
        }
    }
    if photos == 0 {
        return Err(Report::of(&golden::GoldenError::None(path.engine().arithmetic())));
    }
    let all_agree = failed == 0 && nodes.is_none_or(|nodes| nodes.first.is_none());
    Ok(if all_agree { Outcome::Done } else { Outcome::SomeFailed })
}

/// What the comparison by layer found.
struct Nodes {
    /// Results of layers that were compared.
    compared: usize,
    /// The first layer that differs.
    first: Option<String>,
}

/// Compares the layers on the first golden photographs.
fn nodes(bundle: &Bundle, path: &mut PhotoPath) -> Result<Nodes, Report> {
    let plan = plan(bundle)?;
    let mut compared = 0;
    for photo in bundle.golden.iter().take(golden::AT_START) {
        path.answer(&photo.photo).map_err(|error| Report::of(&error).during(format!("answering `{}`", photo.name)))?;
        let picture = path.picture().clone();
        if let Some(difference) =
            first_difference(&plan, path.engine_mut(), &picture).map_err(|error| of_engine(&error))?
        {
            let report = Report::new(format!("golden photo `{}`: {difference}", photo.name));
            eprint!("{}", report.hint("the kernel of this layer, or the driver under it, computes something else"));
            return Ok(Nodes { compared, first: Some(difference.node) });
        }
        compared += plan.layers.len();
    }
    Ok(Nodes { compared, first: None })
}
