//! `clothingid-train report`: what a bundle is worth against its rival, on the report part, in one run; or what a study found.

use std::path::{Path, PathBuf};

use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::ArithmeticClass;
use clothingid_shared::files;

use super::against::{open_pack, rival};
use super::everywhere::{Everywhere, Seed};
use super::{ExitStatus, Report, note_slots};
use crate::evaluate::baseline::{Featured, features, fit_and_predict};
use crate::evaluate::categories::Predictions;
use crate::evaluate::confusion::Confusion;
use crate::evaluate::engine::answer;
use crate::evaluate::measure::{Both, embeddings};
use crate::evaluate::reliability::Reliability;
use crate::evaluate::retrieval::Retrieval;
use crate::evaluate::{Engine, Photos};
use crate::export::answers::take_all;
use crate::export::bundle::side_by_side;
use crate::import::Part;
use crate::import::progress::Progress;
use crate::learn::record::Record;
use crate::report::ReportError;
use crate::report::findings::{BeforeAndAfter, Duel, Findings};
use crate::report::metric::{self, Metric};
use crate::report::page::Page;
use crate::report::pictures::Pictures;
use crate::report::raw::Raw;
use crate::report::sections::quantisation::Exported;
use crate::report::sections::{self, Subject};
use crate::report::slice::Slice;
use crate::report::{lines, side, study};
use crate::study::StudyError;
use crate::study::sheet::Shows;
use crate::study::tables;

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clothingid-train report --bundle clothingid.bundle --pack pack --out report.md
  clothingid-train report --bundle clothingid.bundle --pack pack --run runs/finetune --export-report clothingid.bundle.export.json --html report.html
  clothingid-train report --study studies/poster --html study.html

The rival is a logistic regression on the frozen ImageNet features of the same backbone, its settings chosen on the select part; for
retrieval, those features themselves. Beside the markdown, `OUT.json` gets every figure and every answer; `compare` takes it. The page is
one file that loads nothing; it shows photographs, and says whose they are and whether it may be passed on.")]
pub struct Args {
    /// The bundle
    #[arg(long, value_name = "FILE", required_unless_present = "study")]
    pub bundle: Option<PathBuf>,
    /// The photographs
    #[arg(long, value_name = "DIR", required_unless_present = "study")]
    pub pack: Option<PathBuf>,
    /// Folder of a study to report on instead of a bundle
    #[arg(long, value_name = "DIR", conflicts_with_all = ["bundle", "pack", "run", "export_report", "out"])]
    pub study: Option<PathBuf>,
    /// Recipe of the study, where this program does not carry it
    #[arg(long, value_name = "FILE", requires = "study")]
    pub recipe: Option<PathBuf>,
    /// Weights of the rival's backbone, or `imagenet`
    #[arg(long, value_name = "FILE", default_value = "imagenet")]
    pub weights: PathBuf,
    /// Folder of a training run whose curves the page shows; may be given several times
    #[arg(long, value_name = "DIR", requires = "html")]
    pub run: Vec<PathBuf>,
    /// `BUNDLE.export.json`, for the layers of the page
    #[arg(long, value_name = "FILE", requires = "html")]
    pub export_report: Option<PathBuf>,
    /// Markdown to write, and `OUT.json` (default: standard output)
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// Page to write
    #[arg(long, value_name = "FILE")]
    pub html: Option<PathBuf>,
    /// File of metrics to write, one JSON object a line
    #[arg(long, value_name = "FILE")]
    pub jsonl: Option<PathBuf>,
    /// Show only photographs that may be passed on; the others stand as grey tiles
    #[arg(long, requires = "html")]
    pub only_shippable: bool,
    /// Report on a bundle that was trained on another pack; the page says so
    #[arg(long)]
    pub trained_elsewhere: bool,
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

impl Args {
    /// Whether a file takes what would else be printed.
    fn has_file(&self) -> bool {
        self.out.is_some() || self.html.is_some() || self.jsonl.is_some()
    }

    /// Writes the files that pages and metrics were asked for in.
    fn write(&self, page: impl FnOnce() -> Result<Page, ReportError>, metrics: &[Metric]) -> Result<(), Report> {
        if let Some(path) = &self.html {
            let html = page()?.html()?;
            files::write_atomic(path, html.as_bytes())?;
        }
        if let Some(path) = &self.jsonl {
            files::write_atomic(path, metric::to_text(metrics)?.as_bytes())?;
        }
        Ok(())
    }
}

/// Runs the command.
///
/// # Errors
/// The bundle, the pack, the weights or the study cannot be used.
pub fn run(args: &Args) -> Result<ExitStatus, Report> {
    args.everywhere.check("report")?;
    match (&args.study, &args.bundle, &args.pack) {
        (Some(folder), _, _) => of_study(args, folder),
        (None, Some(bundle), Some(pack)) => of_bundle(args, bundle, pack),
        _ => Err(Report::usage("nothing to report on").hint("give `--bundle FILE --pack DIR`, or `--study DIR`")),
    }
}

fn of_study(args: &Args, folder: &Path) -> Result<ExitStatus, Report> {
    let explain = |error: &ReportError| {
        let report = Report::of(error).during(format!("reading the study `{}`", folder.display()));
        match error {
            ReportError::Study(StudyError::OtherStudy { .. } | StudyError::File(_)) if args.recipe.is_none() => {
                report.hint("give the recipe that it was run with: `--recipe FILE`")
            }
            _ => report,
        }
    };
    let recipe = study::recipe(folder, args.recipe.as_deref()).map_err(|error| explain(&error))?;
    let findings = study::findings(folder, &recipe).map_err(|error| explain(&error))?;
    args.write(|| study::page(folder, &recipe, &findings), &lines::of_study(&findings))?;
    if args.json {
        println!("{}", serde_json::to_string(&findings)?);
    } else if !args.has_file() {
        println!("{}", tables::report(&findings));
    }
    Ok(ExitStatus::Done)
}

fn of_bundle(args: &Args, bundle_path: &Path, pack_path: &Path) -> Result<ExitStatus, Report> {
    // What is quickly read is read first: nobody waits for minutes to learn of a wrong path.
    let runs = args.run.iter().map(|folder| Ok((folder.clone(), side::run(folder)?)));
    let runs: Vec<(PathBuf, Record)> = runs.collect::<Result<_, ReportError>>().map_err(|error| {
        Report::of(&error).hint("give the folder that `finetune` or `pretrain` wrote: it holds `record.jsonl`")
    })?;
    let exported = args.export_report.as_deref().map(Exported::read).transpose().map_err(|error| {
        Report::of(&error).hint("give the file that `export` wrote beside the bundle: `BUNDLE.export.json`")
    })?;
    let bundle = Bundle::read(bundle_path).map_err(|error| Report::of(&error).hint(error.hint()))?;
    let anyway = "or report all the same with `--trained-elsewhere`; the page will say it";
    let (pack, is_trained_elsewhere) = open_pack((&bundle, bundle_path), pack_path, args.trained_elsewhere, anyway)?;
    note_slots(pack.taxonomies());
    let progress = Progress::shown();
    let contract = &bundle.manifest.picture;
    let part = |part: Part| Photos::of_pack(&pack, &pack.rows_in(part));
    let (train, select, report) = (part(Part::Train)?, part(Part::Select)?, part(Part::Report)?);

    let int8 = Engine::of_bundle(&bundle.network, ArithmeticClass::Int8)?;
    let float = Engine::of_bundle(&bundle.network, ArithmeticClass::Float)?;
    let rival = rival(&args.weights, &bundle, int8.side())?;
    let mut answers = answer(&[&float, &int8], &report, contract, "answers of the bundle", &progress)?.into_iter();
    let mut next = || take_all(answers.next().unwrap_or_default());
    let (float_answers, int8_answers) = (next()?, next()?);

    let report_features = features(&rival, &report, contract, "features of the report part", &progress)?;
    let select_features = features(&rival, &select, contract, "features of the select part", &progress)?;
    let train_features = features(&rival, &train, contract, "features of the train part", &progress)?;
    let samples = &report.samples;
    let (rival_both, rival_chosen) = fit_and_predict(
        Featured { samples: &train.samples, features: &train_features },
        Featured { samples: &select.samples, features: &select_features },
        Featured { samples, features: &report_features },
        pack.taxonomies().classes(),
        &progress,
    )?;

    let temperatures = (bundle.manifest.category14.temperature, bundle.manifest.category26.temperature);
    let float_both = Both::of(samples, &float_answers, temperatures);
    let int8_both = Both::of(samples, &int8_answers, temperatures);
    let int8_large = int8_both.large(samples);
    let untempered = Both::of(samples, &int8_answers, (1.0, 1.0)).large(samples);
    let width = report_features.width.max(1);
    let raw_features: Vec<&[f32]> = report_features.values.chunks_exact(width).collect();
    let found =
        [raw_features, embeddings(&float_answers), embeddings(&int8_answers)].map(|e| Retrieval::of(samples, &e));
    let worth = |before: &Predictions, after: &Predictions, temperature: f64| BeforeAndAfter {
        before: Reliability::of(before, 1.0),
        after: Reliability::of(after, temperature),
    };
    let findings = Findings {
        bundle: bundle_path.display().to_string(),
        name: bundle.manifest.name.clone(),
        pack: pack.identity().to_owned(),
        n: samples.len(),
        gallery: found[2].gallery,
        duels: duels([&rival_both, &float_both, &int8_both].map(|both| (both, both.large(samples))), &found),
        rival_chosen,
        figures: side_by_side(&bundle.manifest, samples, &float_answers, &int8_answers),
        reliability: [
            worth(&untempered.category14, &int8_large.category14, temperatures.0),
            worth(&untempered.category26, &int8_large.category26, temperatures.1),
        ],
        confusion: [Confusion::of(&int8_large.category14), Confusion::of(&int8_large.category26)],
        raw: Some(Raw::of(samples, &int8_both, &found[2]).of_categories(pack.taxonomies())),
    };
    let shows = if args.only_shippable { Shows::WhatMayShip } else { Shows::Everything };
    let subject = Subject {
        manifest: &bundle.manifest,
        findings: &findings,
        pack: &pack,
        is_trained_elsewhere,
        pictures: Pictures { photos: &report, shows },
        float: &float_both,
        int8: &int8_both,
        retrieval: &found[2],
        runs: &runs,
        exported: exported.as_ref(),
    };
    args.write(|| sections::page(&subject), &lines::of_findings(&findings))?;
    let text = findings.markdown();
    if let Some(out) = &args.out {
        files::write_atomic(out, text.as_bytes())?;
        let mut name = out.as_os_str().to_owned();
        name.push(".json");
        findings.write(Path::new(&name))?;
    }
    if args.json {
        println!("{}", serde_json::to_string(&Findings { raw: None, ..findings })?);
    } else if args.has_file() {
        eprintln!("{text}");
    } else {
        println!("{text}");
    }
    Ok(ExitStatus::Done)
}

/// Rival, float and int8 on the measures that are compared. Each comes with its larger photographs; `found` is in the same order.
fn duels(all: [(&Both, Both); 3], found: &[Retrieval; 3]) -> Vec<Duel> {
    type Get = fn(&Both) -> &Predictions;
    let heads: [(&str, &str, Get); 2] =
        [("14", "category14", |both| &both.category14), ("26", "category26", |both| &both.category26)];
    let mut duels = Vec::new();
    for (words, slice) in [("larger photographs", Slice::Larger), ("all", Slice::All)] {
        for (count, head, get) in heads {
            let [rival, float, int8] =
                all.each_ref().map(|(whole, large)| get(if slice == Slice::Larger { large } else { whole }));
            duels.push(Duel {
                measure: format!("balanced accuracy of {count}, {words}"),
                metric: "balanced_accuracy".to_owned(),
                head: head.to_owned(),
                slice: slice.clone(),
                rival: rival.balanced(),
                float: float.balanced(),
                int8: int8.balanced(),
                gain: int8.balanced_gain(rival),
            });
        }
    }
    let [rival, float, int8] = found;
    for k in [1, 5, 20] {
        duels.push(Duel {
            measure: format!("R@{k}"),
            metric: format!("recall_at_{k}"),
            head: "embedding".to_owned(),
            slice: Slice::All,
            rival: rival.recall(k),
            float: float.recall(k),
            int8: int8.recall(k),
            gain: int8.recall_gain(k, rival),
        });
    }
    duels
}
