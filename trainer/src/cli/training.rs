//! What `pretrain` and `finetune` share: their options, the progress line, Ctrl-C.

use std::io::{ErrorKind, IsTerminal};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use clothingid_shared::files::FileError;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::{ExitStatus, Report, note_slots};
use crate::learn::checkpoint::Checkpoint;
use crate::learn::recipe::{Recipe, Stage};
use crate::learn::training::{Ended, Event, Setup, StageName, train};
use crate::learn::{LearnError, cost, finetune};
use crate::load::LoadError;
use crate::network::backbones::{BackboneName, published};
use crate::network::{DeviceChoice, Graph, Provenance, Weights, WeightsError, device, heads, imagenet};
use crate::pack::Pack;

/// Options of a training run.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Folder written by `pack`
    #[arg(long, value_name = "DIR")]
    pub pack: PathBuf,
    /// Recipe, for example `trainer/recipes/clothingid.toml`
    #[arg(long, value_name = "FILE")]
    pub recipe: PathBuf,
    /// Folder for weights, record and checkpoints
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Weights to start from (safetensors); without: the ImageNet weights of this program for MobileNetV2, random ones for others
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Where the network runs: `auto`, `cpu` or `cuda:N`
    #[arg(long, default_value = "auto", value_name = "DEVICE")]
    pub device: DeviceChoice,
    /// Seed of all random choices, instead of the recipe's
    #[arg(long)]
    pub seed: Option<u64>,
    /// Threads, instead of one for each core
    #[arg(long)]
    pub threads: Option<usize>,
    /// Go on with the run in the output folder
    #[arg(long)]
    pub resume: bool,
    /// Stop and save after so many steps
    #[arg(long, value_name = "STEPS")]
    pub stop_after: Option<u64>,
}

/// Time between two lines where there is no terminal.
const QUIET: Duration = Duration::from_secs(10);

/// Set by Ctrl-C.
pub(super) static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Runs one stage of a recipe.
///
/// # Errors
/// What the stage could not do.
pub fn run(args: &Args, name: StageName) -> Result<ExitStatus, Report> {
    let during = |report: Report| report.during(format!("reading the recipe `{}`", args.recipe.display()));
    let recipe = Recipe::read(&args.recipe).map_err(|error| during(Report::of(&error)))?;
    let device =
        args.device.resolve().map_err(|error| Report::of(&error).hint("train on the processor: `--device cpu`"))?;
    let pack = Pack::open(&args.pack)
        .map_err(|error| Report::of(&error).hint("make a pack: `clothingid-train pack --help`"))?;
    let seed = args.seed.unwrap_or(recipe.seed);
    let graph = heads::with_heads(recipe.backbone.build(), pack.taxonomies().classes());
    let stage = match name {
        StageName::Identify => &recipe.identify,
        StageName::Finetune | StageName::Retrieve => &recipe.finetune,
    };
    check_sides(&graph, stage, &recipe)?;
    let (weights, origin) = starting_weights(args, &recipe, &graph, &pack, seed)?;
    let mut start = finetune::start(&graph, weights, seed);
    if stage.zero_heads {
        finetune::zero_heads(&mut start).map_err(|error| Report::of(&error))?;
    }
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let setup = Setup {
        name,
        stage,
        pack: &Arc::new(pack),
        seed,
        device,
        threads: args.threads.unwrap_or(cores),
        folder: &args.out,
        resume: args.resume,
        stop_after: args.stop_after,
        interrupted: &INTERRUPTED,
    };
    // A second handler is refused where several runs share a process; the first one serves all.
    let _ = ctrlc::set_handler(|| INTERRUPTED.store(true, Ordering::Relaxed));
    eprintln!(
        "{}: {} on {}, {} threads, start {origin}",
        name.text(),
        recipe.name,
        device::name(device),
        setup.threads
    );
    note_what_cuda_leaves_out(device, [stage]);
    note_slots(setup.pack.taxonomies());
    announce(&setup, &graph, &start).map_err(|error| explain(&error, args))?;
    let began = Instant::now();
    let mut progress = Progress::new(name.text());
    let ended = train(&setup, graph, start, |event| progress.hear(&event)).map_err(|error| explain(&error, args))?;
    progress.end();
    let peak = cost::peak().map_or_else(String::new, |peak| format!(", {} of memory at most", cost::in_words(peak)));
    eprintln!("took {}{peak}", cost::time_in_words(began.elapsed()));
    match ended {
        Ended::Finished => {
            eprintln!("wrote {}", args.out.join("weights.safetensors").display());
            Ok(ExitStatus::Done)
        }
        Ended::Interrupted => {
            eprintln!("saved; go on with:\n  {}", resume_command());
            Ok(ExitStatus::Interrupted)
        }
    }
}

/// Refuses pictures too small for the network's windows.
fn check_sides(graph: &Graph, stage: &Stage, recipe: &Recipe) -> Result<(), Report> {
    let sides = [("side", stage.side), ("select_side", stage.select_side), ("prototype_side", stage.prototype_side)];
    for (key, side) in sides {
        if let Some(layer) = graph.too_small(usize::try_from(side).unwrap_or(0)) {
            let what = format!("pictures of {side} × {side} are too small for `{}`", recipe.backbone);
            return Err(Report::new(what)
                .cause(format!("they leave layer `{}` less than its window", layer.name))
                .hint(format!("raise `{key}` in the recipe")));
        }
    }
    Ok(())
}

/// Says what the stage will cost; where it cannot be paid, or the run cannot go on, nothing is started.
fn announce(setup: &Setup<'_>, graph: &Graph, start: &Weights) -> Result<(), LearnError> {
    setup.stage.check()?;
    let is_resumed = setup.resume && Checkpoint::exists(setup.folder);
    if !is_resumed && Checkpoint::exists(setup.folder) {
        return Err(LearnError::RunExists { path: setup.folder.to_owned() });
    }
    cost::check_memory(setup, graph)?;
    let memory = cost::memory(setup, graph) + cost::resident().unwrap_or(0);
    let memory = match cost::available() {
        Some(available) if setup.device == tch::Device::Cpu => {
            format!(" and {} of memory ({} available)", cost::in_words(memory), cost::in_words(available))
        }
        _ => String::new(),
    };
    let done = if is_resumed { Checkpoint::steps_done(setup.folder) } else { 0 };
    match cost::time(setup, graph, start, done)? {
        Some(time) => eprintln!("about {}{memory}", cost::time_in_words(time)),
        None => eprintln!("how long it takes is not estimated on {}", device::name(setup.device)),
    }
    Ok(())
}

/// The weights with which a run starts, and where they come from, for people.
fn starting_weights(
    args: &Args,
    recipe: &Recipe,
    graph: &Graph,
    pack: &Pack,
    seed: u64,
) -> Result<(Weights, String), Report> {
    let Some(path) = &args.weights else {
        return Ok(if recipe.backbone == BackboneName::default() {
            let provenance = Provenance::of_start(Provenance::IMAGENET);
            (imagenet::weights()?.made_from(provenance), "from ImageNet".to_owned())
        } else {
            let provenance = Provenance::of_start(Provenance::RANDOM);
            let origin =
                format!("from random (no ImageNet weights of `{}` ship; `--weights` takes them)", recipe.backbone);
            (heads::random(graph, seed).made_from(provenance), origin)
        });
    };
    let mut weights = Weights::read(path)?;
    let name = || path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    weights.check_categories(pack.taxonomies()).map_err(|error| other_categories(&error, path, &args.pack))?;
    let provenance = weights.provenance.take().unwrap_or_else(|| Provenance::of_start(name()));
    if let Some(stage) = provenance.elsewhere(pack.identity()) {
        eprintln!(
            "warning: `{}` was trained on another pack (stage `{}`): photographs of this pack's other parts may have been shown to it",
            path.display(),
            stage.stage
        );
    }
    let mut weights = of_backbone(weights, recipe.backbone, path)?;
    weights.provenance = Some(provenance);
    Ok((weights, format!("from {}", path.display())))
}

/// What to do with weights whose heads are of other categories than the pack.
pub(super) fn other_categories(error: &WeightsError, weights: &Path, pack: &Path) -> Report {
    Report::new(format!("`{}` cannot be used with `{}`: {error}", weights.display(), pack.display()))
        .hint("give weights that were trained on a pack of the same taxonomies, or weights without heads")
        .hint("or start from ImageNet: leave `--weights` out")
}

/// The weights of a file for a backbone of the recipe; those of a published file adopted to our pixels.
pub(super) fn of_backbone(weights: Weights, backbone: BackboneName, path: &Path) -> Result<Weights, Report> {
    let found = BackboneName::of(&weights);
    if found != Some(backbone) {
        let what = format!("`{}` holds no weights of the recipe's backbone `{backbone}`", path.display());
        let report = match backbone.check(&weights) {
            Err(error) => Report::new(what).cause(error.to_string()),
            Ok(()) => Report::new(what),
        };
        return Err(match found {
            Some(found) => report.hint(format!("name the file's backbone in the recipe: `backbone = \"{found}\"`")),
            None => report
                .hint("give safetensors with torchvision's names of arrays, or the `weights.safetensors` of a run")
                .hint("a checkpoint is taken up with `--resume`"),
        });
    }
    // Files of torchvision's networks have its classifier; ours have heads.
    Ok(if published::is_published(&weights) {
        if let BackboneName::MobilenetV2(_) = backbone {
            eprintln!(
                "warning: `{}` is taken for weights of MobileNetV2's authors; torchvision's were trained with other padding and pixels, and start worse",
                path.display()
            );
        }
        backbone.adopt(weights)?
    } else {
        weights
    })
}

/// Says what a GPU does not do of the stages' augmentation.
pub(super) fn note_what_cuda_leaves_out<'a>(device: tch::Device, stages: impl IntoIterator<Item = &'a Stage>) {
    if device.is_cuda() && stages.into_iter().any(|stage| stage.augment.jpeg > 0.0) {
        eprintln!(
            "note: on a GPU photographs are not recompressed: `augment.jpeg` is passed over, and erased rectangles have one colour"
        );
    }
}

fn explain(error: &LearnError, args: &Args) -> Report {
    let report = Report::of(error);
    match error {
        LearnError::RunExists { .. } => {
            report.hint("go on with it: `--resume`").hint("or choose another folder: `--out DIR`")
        }
        LearnError::OtherRun { .. } => {
            report.hint("give the options that the run was started with, or another `--out`")
        }
        LearnError::NotFinite { .. } => report
            .hint("lower `optimiser.rate` in the recipe")
            .hint("or pass over a few such steps: `optimiser.skip_overflows` in the recipe"),
        LearnError::Memory { .. } => report.hint("lower `batch`, `views` or `side` in the recipe"),
        LearnError::Load(LoadError::Setting { .. }) => {
            report.during(format!("reading the recipe `{}`", args.recipe.display()))
        }
        error if is_disk_full(error) => report
            .during(format!("training into `{}`", args.out.display()))
            .hint(format!("make room, then go on from the last checkpoint:\n  {}", resume_command())),
        _ => report.during(format!("training into `{}`", args.out.display())),
    }
}

/// Whether a file could not be written for want of room.
fn is_disk_full(error: &LearnError) -> bool {
    let (LearnError::File(file) | LearnError::Weights(WeightsError::File(file))) = error else { return false };
    let FileError::Write { source, .. } = file else { return false };
    matches!(source.kind(), ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge)
}

/// The command line of this process with `--resume`, quoted for a shell where it must be.
pub(super) fn resume_command() -> String {
    let mut words: Vec<String> = std::env::args().collect();
    if !words.iter().any(|word| word == "--resume") {
        words.push("--resume".to_owned());
    }
    let quote = |word: &String| {
        let is_plain = !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || "-_./=:,+".contains(c));
        if is_plain { word.clone() } else { format!("'{}'", word.replace('\'', r"'\''")) }
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

/// One line that follows the run: a bar on a terminal, else a line every ten seconds.
pub(super) struct Progress {
    bar: Option<ProgressBar>,
    name: String,
    started: Option<(Instant, u64)>,
    pictures: usize,
    printed: Instant,
    loss: f64,
}

impl Progress {
    pub(super) fn new(name: &str) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let style = ProgressStyle::with_template("{prefix} {bar:30} {pos}/{len} {msg}");
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())).with_prefix(name.to_owned())
        });
        Self { bar, name: name.to_owned(), started: None, pictures: 0, printed: Instant::now(), loss: f64::NAN }
    }

    pub(super) fn hear(&mut self, event: &Event<'_>) {
        match *event {
            Event::Preparing { done, total } => {
                self.show(done as u64, total as u64, "photos for the prototypes".to_owned());
            }
            Event::Step { step, steps, loss, pictures } => {
                let (start, first) = *self.started.get_or_insert_with(|| (Instant::now(), step));
                self.loss = if self.loss.is_nan() { loss } else { 0.95 * self.loss + 0.05 * loss };
                let seconds = start.elapsed().as_secs_f64();
                let done = step - first;
                if done == 0 {
                    return;
                }
                self.pictures += pictures;
                #[expect(clippy::cast_precision_loss, reason = "counts are small")]
                let (rate, left) = (self.pictures as f64 / seconds, seconds / done as f64 * (steps - step) as f64);
                let message = format!("loss {:.3}, {rate:.0} photos/s, {:.0} min left", self.loss, left / 60.0);
                self.show(step, steps, message);
            }
            Event::Epoch { epoch, figures, is_best } => {
                let line = format!(
                    "epoch {epoch}: select balanced {:.3} of 14, {:.3} of 26, top-1 {:.3} and {:.3} ({} photos); recall@1 {:.3}, @5 {:.3} ({} queries){}",
                    figures.balanced_14,
                    figures.balanced_26,
                    figures.top_1_of_14,
                    figures.top_1_of_26,
                    figures.photos,
                    figures.recall_at_1,
                    figures.recall_at_5,
                    figures.queries,
                    if is_best { ", best so far" } else { "" }
                );
                match &self.bar {
                    Some(bar) => bar.println(line),
                    None => eprintln!("{line}"),
                }
            }
        }
    }

    fn show(&mut self, done: u64, total: u64, message: String) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(message);
        } else if self.printed.elapsed() >= QUIET {
            self.printed = Instant::now();
            eprintln!("{} {done}/{total} {message}", self.name);
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
