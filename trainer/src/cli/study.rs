//! `clothingid-train study`: the poster's question over grouped folds, a cell at a time.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::Ordering;

use clothingid_shared::files;

use super::training::{INTERRUPTED, Progress, note_what_cuda_leaves_out, of_backbone, resume_command};
use super::{ExitStatus, Report};
use crate::learn::cost;
use crate::network::backbones::{BackboneName, UnknownBackbone};
use crate::network::{DeviceChoice, Weights, device, imagenet};
use crate::pack::Pack;
use crate::study::StudyError;
use crate::study::cost as study_cost;
use crate::study::findings::{Data, Findings, smallest};
use crate::study::photos::{self, Photo};
use crate::study::recipe::{Arm, Start, StudyRecipe};
use crate::study::record::CellRecord;
use crate::study::run::Bench;
use crate::study::sheet::{self, Shows};
use crate::study::tables;

/// Arguments of `study`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clothingid-train study trainer/recipes/poster.toml --pack pack --weights squeezenet=squeezenet1_1.safetensors
  clothingid-train study poster --pack pack --arm imagenet --arm clothingid --cells 2
  clothingid-train study poster --report-only

A cell is one arm on one fold. Finished cells lie in `studies/NAME/ARM/fold-K.json` and are not run again; a cell that was stopped goes on
where it was. After each cell `studies/NAME/report.md` is written anew; with `--report-only` it is computed from the records alone.")]
pub struct Args {
    /// Recipe: a file, or `poster`, `poster-cuda` or `poster-mini`
    #[arg(value_name = "RECIPE")]
    pub recipe: PathBuf,
    /// Folder written by `pack`
    #[arg(long, value_name = "DIR", required_unless_present = "report_only")]
    pub pack: Option<PathBuf>,
    /// Folder of the records (default: `studies/NAME`)
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Folder of unfinished cells (default: `target/studies/NAME`)
    #[arg(long, value_name = "DIR")]
    pub work: Option<PathBuf>,
    /// ImageNet weights of a backbone that this program does not carry: `squeezenet=FILE`
    #[arg(long, value_name = "BACKBONE=FILE")]
    pub weights: Vec<BackboneWeights>,
    /// Only this arm; may be given several times
    #[arg(long, value_name = "NAME")]
    pub arm: Vec<String>,
    /// Only this fold, from 0; may be given several times
    #[arg(long, value_name = "K")]
    pub fold: Vec<usize>,
    /// Stop after so many cells
    #[arg(long, value_name = "N")]
    pub cells: Option<usize>,
    /// Run nothing: write the report of what is there
    #[arg(long)]
    pub report_only: bool,
    /// Seed of all random choices, instead of the recipe's
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Where the network runs: `auto`, `cpu` or `cuda:N`
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceChoice,
    /// Threads, instead of one for each core
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Go on with what is there; a study always does
    #[arg(long)]
    pub resume: bool,
    /// Print the findings as one JSON object
    #[arg(long)]
    pub json: bool,
}

/// A backbone with the file of its weights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BackboneWeights {
    backbone: BackboneName,
    file: PathBuf,
}

impl FromStr for BackboneWeights {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, file) =
            text.split_once('=').ok_or("expected BACKBONE=FILE, as in `squeezenet=weights.safetensors`")?;
        let backbone = name.parse().map_err(|error: UnknownBackbone| error.to_string())?;
        Ok(Self { backbone, file: file.into() })
    }
}

/// Answers of a query sheet, from the top.
const SHEET_ROWS: usize = 10;

/// Runs the command.
///
/// # Errors
/// The recipe, the pack, the weights or a record cannot be used, or a cell fails.
pub fn run(args: &Args) -> Result<ExitStatus, Report> {
    let mut recipe = StudyRecipe::find(&args.recipe)
        .map_err(|error| explain(&error).during(format!("reading the recipe `{}`", args.recipe.display())))?;
    recipe.seed = args.seed.unwrap_or(recipe.seed);
    let out = args.out.clone().unwrap_or_else(|| Path::new("studies").join(&recipe.name));
    let work = args.work.clone().unwrap_or_else(|| Path::new("target/studies").join(&recipe.name));
    if args.report_only {
        let photos = photos::read(&out).map_err(|error| explain(&error).hint("run some cells first"))?;
        return say(args, &write(&recipe, &photos, &out)?);
    }
    let arms = chosen_arms(args, &recipe)?;
    let folds: Vec<usize> = if args.fold.is_empty() { (0..recipe.folds).collect() } else { args.fold.clone() };
    if let Some(fold) = folds.iter().find(|&&fold| fold >= recipe.folds) {
        return Err(Report::usage(format!("there is no fold {fold}: the recipe has {}, from 0", recipe.folds)));
    }
    let on =
        args.device.resolve().map_err(|error| Report::of(&error).hint("train on the processor: `--device cpu`"))?;
    let folder = args.pack.as_deref().unwrap_or(Path::new("pack"));
    let pack =
        Pack::open(folder).map_err(|error| Report::of(&error).hint("make a pack: `clothingid-train pack --help`"))?;
    let photos = photos::of_pack(&pack);
    let imagenet = imagenet_weights(args, &arms)?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let bench = Bench {
        recipe: &recipe,
        pack: &pack,
        photos: &photos,
        imagenet: &imagenet,
        device: on,
        threads: args.threads.unwrap_or(cores),
        work: &work,
        interrupted: &INTERRUPTED,
    };
    for arm in arms.iter().filter(|arm| arm.start == Start::Imagenet) {
        bench.imagenet(arm).map_err(|error| explain(&error))?;
    }
    files::create_folder(&out)?;
    photos::write(&out, &photos).map_err(|error| explain(&error))?;
    // A second handler is refused where several runs share a process; the first one serves all.
    let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
    announce(&bench);
    let is_finished = |arm: &Arm, fold: usize| -> Result<bool, Report> {
        let record = CellRecord::read(&out, &recipe, &bench.settings(arm, fold));
        Ok(record.map_err(|error| explain(&error))?.is_some())
    };
    let mut cells = Vec::new();
    for &fold in &folds {
        for &arm in &arms {
            if !is_finished(arm, fold)? {
                cells.push((arm, fold));
            }
        }
    }
    cells.truncate(args.cells.unwrap_or(usize::MAX));
    announce_cost(&bench, &cells)?;
    for &(arm, fold) in &cells {
        // Hours may have passed since the list was made, and another program may have been at work in the same folder.
        if is_finished(arm, fold)? {
            continue;
        }
        eprintln!("cell {}, fold {fold}: {} pictures to learn from", arm.name, recipe.pictures(arm));
        let Some(record) = run_cell(&bench, arm, fold)? else {
            eprintln!("saved; go on with:\n  {}", resume_command());
            return Ok(ExitStatus::Interrupted);
        };
        record.write(&out).map_err(|error| explain(&error))?;
        draw_sheets(&bench, &record, &out, &work)?;
        // Only now: a kill before leaves the cell's work where it is.
        let _ = std::fs::remove_dir_all(work.join(&arm.name).join(format!("fold-{fold}")));
        write(&recipe, &photos, &out)?;
    }
    say(args, &write(&recipe, &photos, &out)?)
}

fn chosen_arms<'a>(args: &Args, recipe: &'a StudyRecipe) -> Result<Vec<&'a Arm>, Report> {
    if let Some(name) = args.arm.iter().find(|name| recipe.arm(name).is_none()) {
        let names: Vec<String> = recipe.arms.iter().map(|arm| format!("`{}`", arm.name)).collect();
        return Err(
            Report::usage(format!("the recipe has no arm `{name}`")).hint(format!("its arms: {}", names.join(", ")))
        );
    }
    Ok(recipe.arms.iter().filter(|arm| args.arm.is_empty() || args.arm.contains(&arm.name)).collect())
}

/// The ImageNet weights that the arms start from, as far as there are any.
fn imagenet_weights(args: &Args, arms: &[&Arm]) -> Result<Vec<(BackboneName, Weights)>, Report> {
    let mut found = Vec::new();
    for BackboneWeights { backbone, file } in &args.weights {
        let during = |report: Report| report.during(format!("reading the weights `{}`", file.display()));
        let weights = Weights::read(file).map_err(|error| during(Report::of(&error)))?;
        found.push((*backbone, of_backbone(weights, *backbone, file)?));
    }
    let is_carried = |arm: &&Arm| arm.start == Start::Imagenet && arm.backbone == BackboneName::default();
    if arms.iter().any(is_carried) {
        found.push((BackboneName::default(), imagenet::weights()?));
    }
    Ok(found)
}

/// What the study is about to do, and what it could see, before anything is trained.
fn announce(bench: &Bench<'_>) {
    let recipe = bench.recipe;
    let data = Data::of(bench.photos, recipe.least_photos);
    eprintln!(
        "study {}: {} arms over {} folds on {}, {} threads; {} photographs of {} garments, {} queries",
        recipe.name,
        recipe.arms.len(),
        recipe.folds,
        device::name(bench.device),
        bench.threads,
        data.identification.1,
        data.identification.0,
        data.retrieval.0
    );
    note_what_cuda_leaves_out(bench.device, [&recipe.identify, &recipe.finetune, &recipe.retrieve]);
    let primary = &recipe.primary;
    for (measure, own, alike) in smallest(recipe, bench.photos) {
        eprintln!(
            "primary contrast: {} against {} by {}; smallest difference that can be seen: {own:.3} (photographs of a group independent) to {alike:.3} (alike)",
            primary.better,
            primary.against,
            measure.name()
        );
    }
}

/// How long the cells will take, before the first one.
fn announce_cost(bench: &Bench<'_>, cells: &[(&Arm, usize)]) -> Result<(), Report> {
    let time = study_cost::of_cells(bench, cells).map_err(|error| explain(&error))?;
    let time = time.map_or_else(String::new, |time| format!(", about {}", cost::time_in_words(time)));
    eprintln!("{} cells to run{time}", cells.len());
    Ok(())
}

fn run_cell(bench: &Bench<'_>, arm: &Arm, fold: usize) -> Result<Option<CellRecord>, Report> {
    let mut progress: Option<(String, Progress)> = None;
    let record = bench.run(arm, fold, |step, event| {
        if progress.as_ref().is_none_or(|(name, _)| name != step) {
            if let Some((_, before)) = &progress {
                before.end();
            }
            progress = Some((step.to_owned(), Progress::new(&format!("{} {fold} {step}", arm.name))));
        }
        if let Some((_, progress)) = &mut progress {
            progress.hear(&event);
        }
    });
    if let Some((_, progress)) = &progress {
        progress.end();
    }
    record.map_err(|error| explain(&error).during(format!("running the cell `{}`, fold {fold}", arm.name)))
}

/// A sheet of everything where unfinished cells lie; and of the arms of the primary contrast one of what may be passed on, beside the
/// records.
fn draw_sheets(bench: &Bench<'_>, record: &CellRecord, out: &Path, work: &Path) -> Result<(), Report> {
    let arm = &record.settings.arm.name;
    let name = format!("{arm}-fold-{}.jpg", record.settings.fold);
    let primary = &bench.recipe.primary;
    let is_kept = *arm == primary.better || *arm == primary.against;
    let kept = is_kept.then(|| (out.join("sheets"), Shows::WhatMayShip));
    for (folder, shows) in [(work.join("sheets"), Shows::Everything)].into_iter().chain(kept) {
        let sheet =
            sheet::draw(bench.pack, bench.photos, record, SHEET_ROWS, shows).map_err(|error| explain(&error))?;
        if let Some(sheet) = sheet {
            files::create_folder(&folder)?;
            sheet::write(&folder.join(&name), &sheet).map_err(|error| explain(&error))?;
        }
    }
    Ok(())
}

/// Writes what the records that are there say, for people and for machines.
fn write(recipe: &StudyRecipe, photos: &[Photo], out: &Path) -> Result<Findings, Report> {
    let records = CellRecord::all(out, recipe).map_err(|error| explain(&error))?;
    let findings = Findings::of(recipe, photos, &records);
    files::write_atomic(&out.join("report.md"), tables::report(&findings).as_bytes())?;
    files::write_atomic(&out.join("findings.json"), &serde_json::to_vec_pretty(&findings)?)?;
    Ok(findings)
}

fn say(args: &Args, findings: &Findings) -> Result<ExitStatus, Report> {
    if args.json {
        println!("{}", serde_json::to_string(findings)?);
    } else {
        println!("{}", tables::report(findings));
    }
    Ok(ExitStatus::Done)
}

fn explain(error: &StudyError) -> Report {
    let report = Report::of(error);
    match error {
        StudyError::NoWeights { backbone, .. } => {
            report.hint(format!("give them: `--weights {backbone}=FILE`")).hint("or choose other arms: `--arm NAME`")
        }
        StudyError::OtherStudy { .. } => {
            report.hint("give the recipe, pack and seed that it was run with").hint("or another folder: `--out DIR`")
        }
        _ => report,
    }
}
