//! `clothingid-train report`: the bundle against its rival, on the report part, in one run.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::ArithmeticClass;
use clothingid_shared::files;
use serde::Serialize;

use super::everywhere::{Everywhere, Seed};
use super::{ExitStatus, Report};
use crate::evaluate::baseline::{Chosen, Featured, features, features_engine, fit_and_predict};
use crate::evaluate::categories::Predictions;
use crate::evaluate::engine::answer;
use crate::evaluate::figure::Figure;
use crate::evaluate::measure::{Both, embeddings};
use crate::evaluate::report::SideBySide;
use crate::evaluate::retrieval::Retrieval;
use crate::evaluate::{Engine, Photos};
use crate::export::answers::take_all;
use crate::export::bundle::side_by_side;
use crate::import::Part;
use crate::import::progress::Progress;
use crate::network::backbones::mobilenet_v2;
use crate::network::{Weights, imagenet};
use crate::pack::Pack;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clothingid-train report --bundle clothingid.bundle --pack pack --out report.md

The rival is a logistic regression on the frozen ImageNet features of the same backbone, its settings chosen on the select part; for
retrieval, those features themselves. Beside the markdown, `OUT.json` gets every figure.")]
pub struct Args {
    /// The bundle
    #[arg(long, value_name = "FILE")]
    pub bundle: PathBuf,
    /// The photographs
    #[arg(long, value_name = "DIR")]
    pub pack: PathBuf,
    /// Weights of the rival's backbone, or `imagenet`
    #[arg(long, value_name = "FILE", default_value = "imagenet")]
    pub weights: PathBuf,
    /// Markdown to write (default: standard output)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Print one JSON object instead
    #[arg(long)]
    pub json: bool,
    /// What every step takes
    #[command(flatten)]
    pub everywhere: Everywhere,
    /// What every step takes
    #[command(flatten)]
    pub seed: Seed,
}

/// The bundle and the rival on one measure.
#[derive(Debug, Serialize)]
struct Duel {
    measure: &'static str,
    rival: Figure,
    float: Figure,
    int8: Figure,
    /// `int8` minus rival, paired.
    gain: Figure,
}

/// Everything that the report says.
#[derive(Debug, Serialize)]
struct Findings {
    bundle: String,
    name: String,
    n: usize,
    duels: Vec<Duel>,
    rival_chosen: [Chosen; 2],
    figures: SideBySide,
}

/// Runs the command.
///
/// # Errors
/// The bundle, the pack or the weights cannot be used.
pub fn run(args: &Args) -> Result<ExitStatus, Report> {
    args.everywhere.check("report")?;
    let bundle = Bundle::read(&args.bundle).map_err(|error| Report::of(&error).hint(error.hint()))?;
    let pack = Pack::open(&args.pack)?;
    if !bundle.manifest.pack.is_empty() && bundle.manifest.pack != pack.identity() {
        let what = format!("`{}` was trained on another pack than `{}`", args.bundle.display(), args.pack.display());
        return Err(Report::new(what)
            .cause("photographs of this pack's report part may have trained it, and the comparison would be unfair")
            .hint("give the pack that it was exported with: `--pack DIR`"));
    }
    let weights =
        if args.weights == Path::new("imagenet") { imagenet::weights()? } else { Weights::read(&args.weights)? };
    let progress = Progress::shown();
    let contract = &bundle.manifest.picture;
    let part = |part: Part| Photos::of_pack(&pack, &pack.rows_in(part));
    let (train, select, report) = (part(Part::Train)?, part(Part::Select)?, part(Part::Report)?);

    let int8 = Engine::of_bundle(&bundle.network, ArithmeticClass::Int8)?;
    let float = Engine::of_bundle(&bundle.network, ArithmeticClass::Float)?;
    let mut answers = answer(&[&float, &int8], &report, contract, "answers of the bundle", &progress)?.into_iter();
    let mut next = || take_all(answers.next().unwrap_or_default());
    let (float_answers, int8_answers) = (next()?, next()?);

    let rival = features_engine(&mobilenet_v2::backbone(), &weights, int8.side())?;
    let report_features = features(&rival, &report, contract, "features of the report part", &progress)?;
    let select_features = features(&rival, &select, contract, "features of the select part", &progress)?;
    let train_features = features(&rival, &train, contract, "features of the train part", &progress)?;
    let featured = |photos: &Photos<'_>| photos.samples.clone();
    let (train_samples, select_samples) = (featured(&train), featured(&select));
    let samples = &report.samples;
    let (rival_both, rival_chosen) = fit_and_predict(
        Featured { samples: &train_samples, features: &train_features },
        Featured { samples: &select_samples, features: &select_features },
        Featured { samples, features: &report_features },
        &progress,
    )?;

    let temperatures = (bundle.manifest.category14.temperature, bundle.manifest.category26.temperature);
    let rival_large = rival_both.large(samples);
    let float_both = Both::of(samples, &float_answers, temperatures);
    let int8_both = Both::of(samples, &int8_answers, temperatures);
    let (float_large, int8_large) = (float_both.large(samples), int8_both.large(samples));
    let mut duels = vec![
        duel(
            "balanced accuracy of 14, larger photographs",
            &rival_large.category14,
            &float_large.category14,
            &int8_large.category14,
        ),
        duel(
            "balanced accuracy of 26, larger photographs",
            &rival_large.category26,
            &float_large.category26,
            &int8_large.category26,
        ),
        duel("balanced accuracy of 14, all", &rival_both.category14, &float_both.category14, &int8_both.category14),
        duel("balanced accuracy of 26, all", &rival_both.category26, &float_both.category26, &int8_both.category26),
    ];
    let width = report_features.width.max(1);
    let raw: Vec<&[f32]> = report_features.values.chunks_exact(width).collect();
    let found = [raw, embeddings(&float_answers), embeddings(&int8_answers)].map(|e| Retrieval::of(samples, &e));
    for (measure, k) in [("R@1", 1), ("R@5", 5), ("R@20", 20)] {
        let [rival, float, int8] = &found;
        duels.push(Duel {
            measure,
            rival: rival.recall(k),
            float: float.recall(k),
            int8: int8.recall(k),
            gain: int8.recall_gain(k, rival),
        });
    }
    let findings = Findings {
        bundle: args.bundle.display().to_string(),
        name: bundle.manifest.name.clone(),
        n: samples.len(),
        duels,
        rival_chosen,
        figures: side_by_side(&bundle.manifest, samples, &float_answers, &int8_answers),
    };
    let text = markdown(&findings, found[0].gallery);
    if let Some(out) = &args.out {
        files::write_atomic(out, text.as_bytes())?;
        let mut name = out.as_os_str().to_owned();
        name.push(".json");
        files::write_atomic(Path::new(&name), &serde_json::to_vec_pretty(&findings)?)?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&findings)?);
    } else if args.out.is_none() {
        println!("{text}");
    } else {
        eprintln!("{text}");
    }
    Ok(ExitStatus::Done)
}

fn duel(measure: &'static str, rival: &Predictions, float: &Predictions, int8: &Predictions) -> Duel {
    Duel {
        measure,
        rival: rival.balanced(),
        float: float.balanced(),
        int8: int8.balanced(),
        gain: int8.balanced_gain(rival),
    }
}

fn markdown(findings: &Findings, gallery: usize) -> String {
    let mut text = format!(
        "# `{}` against a logistic regression on frozen ImageNet features\n\n{} photographs of the report part, the same for all, in one run. \
         Intervals are 95 %, by a bootstrap that resamples groups; the gain is paired. \"Larger photographs\": larger than thumbnails (> 100 px), \
         without myntra. For retrieval ({gallery} photographs in the gallery) the rival is the cosine of the raw features.\n\n\
         | measure | n | rival | float | int8 | int8 - rival |\n| --- | --- | --- | --- | --- | --- |\n",
        findings.name, findings.n
    );
    for d in &findings.duels {
        let _ =
            writeln!(text, "| {} | {} | {} | {} | {} | {} |", d.measure, d.int8.n, d.rival, d.float, d.int8, d.gain);
    }
    let [a, b] = &findings.rival_chosen;
    let words = |c: &Chosen| {
        format!(
            "l2 {}, {}",
            c.l2,
            if c.is_balanced { "categories weighted alike" } else { "photographs weighted alike" }
        )
    };
    let _ = writeln!(
        text,
        "\nThe rival's settings, chosen on the select part: 14 categories: {}; 26 categories: {}.",
        words(a),
        words(b)
    );
    text
}
