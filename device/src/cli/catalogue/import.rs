//! `clothingid catalogue import`: a catalogue file and its photographs into the catalogue.

use super::list::counted;
use super::{ByArgs, CatalogueArgs, store_report};
use crate::catalogue::csv::{self, Encoding, Listing, Problem};
use crate::catalogue::edition::{Edition, EditionError, signature};
use crate::catalogue::import::{
    Change, Committed, Embedders, Import, ImportError, NetworkEmbedders, Plan, Progress, Removes, SharedPhoto, Summary,
};
use crate::catalogue::photos::{self, PhotoSource};
use crate::catalogue::store::quoted;
use crate::catalogue::{Store, StoreError};
use crate::cli::{NetworkArgs, Outcome, Report, Told, say};
use crate::network::EngineChoice;
use clothingid_shared::files::{self, FileError};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::fs::Metadata;
use std::io::{IsTerminal, Read as _, Stdout};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Arguments of `catalogue import`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// The catalogue file: `sku,title,photo`, and optionally price, currency, barcode, colour, size, variant_of, url, category, stock; or an
    /// edition that a head office has exported
    pub file: PathBuf,

    /// The folder, or the ZIP file, in which the photographs are that a catalogue file names; an edition has them
    #[arg(long, value_name = "DIR|ZIP")]
    pub photos: Option<PathBuf>,

    /// The public key of the head office, or its file: an edition that it has not signed is not taken
    #[arg(long, value_name = "KEY")]
    pub key: Option<String>,

    /// Take an edition whoever made it
    #[arg(long, conflicts_with = "key")]
    pub unsigned: bool,

    /// Only say what would change
    #[arg(long)]
    pub dry_run: bool,

    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// Who imports.
    #[command(flatten)]
    pub by: ByArgs,

    /// Print one JSON object a line: each batch that is on the disk, each bad row, the sum
    #[arg(long)]
    pub json: bool,

    /// What computes: `auto` takes the fastest that is there
    #[arg(long, value_enum, default_value_t)]
    pub engine: EngineChoice,

    /// Photographs embedded at a time [default: one a processor core]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=256))]
    pub threads: Option<u16>,

    /// Use this bundle instead of the one inside the program
    #[arg(long, value_name = "FILE")]
    pub bundle: Option<PathBuf>,
}

const EXAMPLES: &str = "Examples:
  clothingid catalogue import catalogue.csv --photos photos/ --dry-run
  clothingid catalogue import catalogue.csv --photos photos/
  clothingid catalogue import catalogue.csv --photos photos.zip
  clothingid catalogue import spring.edition --key head-office.key.pub

Importing again does what is left. Products that a catalogue file does not list stay: `catalogue remove SKU` removes them. A whole edition
removes the products that it does not have. Either can be taken back: `catalogue undo`.";

/// A table of a hundred thousand products has some 20 MB.
const MOST_CSV_BYTES: u64 = 256 << 20;

/// Photographs of several products that are named one by one.
const MOST_SHARED: usize = 10;

/// Set by Ctrl-C.
static STOP: AtomicBool = AtomicBool::new(false);

pub(super) fn run(args: &Args) -> Result<Outcome, Report> {
    if is_database(&args.file) { run_edition(args) } else { run_table(args) }
}

/// Whether the file is an edition, or anything else that SQLite wrote.
fn is_database(path: &Path) -> bool {
    let mut first = [0; 15];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut first));
    read.is_ok() && &first == b"SQLite format 3"
}

/// What an error was about.
fn while_importing(args: &Args) -> String {
    format!("importing `{}`", args.file.display())
}

fn run_table(args: &Args) -> Result<Outcome, Report> {
    let csv = files::read_at_most(&args.file, MOST_CSV_BYTES).map_err(|e| {
        Report::of(&e)
            .during(while_importing(args))
            .hint("name the shop's catalogue file: its first line has `sku,title,photo`")
    })?;
    let folder = "name the folder of photographs, or a ZIP file of them: `--photos DIR`";
    let photos = args.photos.as_ref().ok_or_else(|| {
        Report::new("a catalogue file names photographs, and `--photos DIR` is missing".to_owned()).hint(folder)
    })?;
    let source = photos::open(photos).map_err(|e| {
        let report = Report::of(&e).during(while_importing(args));
        e.hints().into_iter().fold(report, Report::hint)
    })?;
    let name = args.file.display().to_string();
    let listing = csv::read(&name, &csv).map_err(|e| {
        let report = Report::of(&e).during(while_importing(args));
        e.hints().into_iter().fold(report, Report::hint)
    })?;
    let names = [&args.file, photos].map(|path| absolute(path));
    with_network(args, |embedders| {
        let arguments = Some((names[0].as_str(), names[1].as_str()));
        let what =
            From { name: &name, listing: &listing, removes: Removes::Nothing, photos: source.as_ref(), arguments };
        import(args, what, embedders)
    })
}

fn run_edition(args: &Args) -> Result<Outcome, Report> {
    let report = |error: EditionError| {
        let report = Report::of(&error).during(while_importing(args));
        error.hints().into_iter().fold(report, Report::hint)
    };
    let unread = |source| FileError::Read { path: args.file.clone(), source };
    let facts = || std::fs::metadata(&args.file).map_err(|e| Report::of(&unread(e)).during(while_importing(args)));
    let signed = facts()?;
    match &args.key {
        Some(key) => signature::verify(&args.file, key).map_err(|e| report(e.into()))?,
        None if args.unsigned => say("note: nobody looks who made this edition (`--unsigned`)"),
        None => {
            return Err(Report::new("an edition is taken from a head office that is known, and `--key KEY` is missing".to_owned())
                .hint("name its public key or the file of it: `--key head-office.key.pub`; or trust the file as it is: `--unsigned`"));
        }
    }
    let edition = Edition::open(&args.file).map_err(report)?;
    let opened = facts()?;
    let of = |facts: &Metadata| {
        (facts.dev(), facts.ino(), facts.len(), facts.mtime_nsec(), facts.ctime(), facts.ctime_nsec())
    };
    if of(&signed) != of(&opened) {
        return Err(Report::new("the file was changed while its signature was looked at").during(while_importing(args)));
    }
    let name = args.file.display().to_string();
    let target = match Store::open(&args.catalogue.path()?) {
        Err(StoreError::Missing { .. }) => None,
        opened => Some(opened.map_err(|e| store_report(&e))?),
    };
    let wanted = edition.wanted(&name, target.as_ref()).map_err(report)?;
    drop(target);
    with_network(args, |network| {
        let embedders = edition.embedders(network).map_err(report)?;
        let (listing, removes) = (&wanted.listing, wanted.removes());
        import(args, From { name: &name, listing, removes, photos: &edition, arguments: None }, &embedders)
    })
}

/// A path as a shell takes it, from wherever.
fn absolute(path: &Path) -> String {
    quoted(&std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
}

fn with_network(
    args: &Args,
    work: impl FnOnce(&NetworkEmbedders<'_>) -> Result<Outcome, Report>,
) -> Result<Outcome, Report> {
    let network = NetworkArgs { engine: args.engine, threads: 1, bundle: args.bundle.clone() };
    let bundle = network.bundle()?;
    let embedders = NetworkEmbedders::new(&bundle, args.engine).map_err(|e| {
        let report = Report::of(&e);
        e.hint().into_iter().fold(report, Report::hint)
    })?;
    work(&embedders)
}

/// Where products come from.
struct From<'a> {
    name: &'a str,
    listing: &'a Listing,
    removes: Removes<'a>,
    photos: &'a dyn PhotoSource,
    arguments: Option<(&'a str, &'a str)>,
}

fn import(args: &Args, from: From<'_>, embedders: &dyn Embedders) -> Result<Outcome, Report> {
    let catalogue = args.catalogue.path()?;
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let From { name, listing, removes, photos, arguments } = from;
    let import = Import {
        name,
        listing,
        removes,
        photos,
        catalogue: &catalogue,
        embedders,
        threads: args.threads.map_or(cores, usize::from),
        arguments,
        author: args.by.author(format!("import {name}")),
        stop: &STOP,
    };
    let report = |error: ImportError| {
        let report = Report::of(&error).during(while_importing(args));
        error.hints().into_iter().fold(report, Report::hint)
    };
    let mut shown = Shown::new(args.json);
    if args.dry_run {
        let plan = import.dry_run(&mut shown).map_err(report)?;
        shown.finish();
        let outcome = show_plan(&plan, args.json, &mut shown.told)?;
        return shown.told.end().map(|()| outcome);
    }
    // A second Ctrl-C does not wait: what is told as committed is safe at any moment.
    ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::Relaxed) {
            std::process::exit(130);
        }
        say("stopping after the batch that has begun");
    })?;
    let summary = import.run(&mut shown).map_err(report)?;
    shown.finish();
    let outcome = show_summary(&summary, args, &catalogue, &mut shown.told)?;
    shown.told.end().map(|()| outcome)
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Line<'a> {
    Committed {
        skus: Vec<&'a str>,
        photos: usize,
        reembedded: usize,
    },
    Would {
        sku: &'a str,
        change: &'a str,
        what: &'a [String],
    },
    SharedPhoto {
        photo: &'a str,
        skus: &'a [String],
    },
    WouldRemove {
        sku: &'a str,
    },
    Problem {
        line: u64,
        column: Option<&'a str>,
        sku: Option<&'a str>,
        error: String,
    },
    Done {
        new: usize,
        changed: usize,
        unchanged: usize,
        wrong: usize,
        kept: usize,
        removed: usize,
        photos: usize,
        reembedded: usize,
        interrupted: bool,
    },
    DryRun {
        new: usize,
        changed: usize,
        unchanged: usize,
        wrong: usize,
        kept: usize,
        removed: usize,
    },
}

fn tell_json(line: &Line<'_>, told: &mut Told<Stdout>) -> Result<(), Report> {
    told.line(&serde_json::to_string(line)?);
    Ok(())
}

fn show_problems(problems: &[Problem], json: bool, told: &mut Told<Stdout>) -> Result<(), Report> {
    for problem in problems {
        say(format_args!("error: {problem}"));
        if json {
            let column = problem.column.map(|c| c.name());
            let (sku, error) = (problem.sku.as_deref(), problem.to_string());
            tell_json(&Line::Problem { line: problem.line, column, sku, error }, told)?;
        }
    }
    Ok(())
}

/// What is no error, and worth a look.
fn note(plan: &Plan, json: bool, told: &mut Told<Stdout>) {
    if plan.encoding == Encoding::Windows1252 {
        say("note: the file is not UTF-8 and was read as Windows-1252: look at letters with accents");
    }
    if !plan.ignored_columns.is_empty() {
        let names: Vec<String> = plan.ignored_columns.iter().map(|c| format!("`{c}`")).collect();
        say(format_args!("note: columns that are not used: {}", names.join(", ")));
    }
    for SharedPhoto { name, skus } in plan.shared.iter().take(MOST_SHARED) {
        let skus: Vec<String> = skus.iter().map(|sku| format!("`{sku}`")).collect();
        say(format_args!("note: the photo `{name}` is that of several products: {}", skus.join(", ")));
    }
    if plan.shared.len() > MOST_SHARED {
        say(format_args!("note: and {} more such photos: `--json` names all", plan.shared.len() - MOST_SHARED));
    }
    for SharedPhoto { name, skus } in plan.shared.iter().filter(|_| json) {
        if let Ok(line) = serde_json::to_string(&Line::SharedPhoto { photo: name, skus }) {
            told.line(&line);
        }
    }
}

fn show_plan(plan: &Plan, json: bool, told: &mut Told<Stdout>) -> Result<Outcome, Report> {
    for step in &plan.steps {
        let product = &step.product;
        let change = match &step.change {
            Change::New => "new",
            Change::Changed(_) => "changed",
        };
        let what = step.differences();
        if json {
            tell_json(&Line::Would { sku: &product.sku, change, what: &what }, told)?;
        } else {
            let what = if step.change == Change::New { counted(step.photos.len(), "photo") } else { what.join(", ") };
            told.line(&format!("{change:<8} {}  {}  ({what})", product.sku, product.title));
        }
    }
    for sku in &plan.going {
        if json {
            tell_json(&Line::WouldRemove { sku }, told)?;
        } else {
            told.line(&format!("{:<8} {sku}", "removed"));
        }
    }
    show_problems(&plan.problems, json, told)?;
    let removed = plan.going.len();
    let (new, unchanged, wrong, kept) = (plan.new_count(), plan.unchanged, plan.problems.len(), plan.kept.len());
    let changed = plan.steps.len() - new;
    if json {
        tell_json(&Line::DryRun { new, changed, unchanged, wrong, kept, removed }, told)?;
    } else {
        let sum = sum(new, changed, unchanged, wrong, [kept, removed]);
        told.line(&format!("{sum}; nothing was changed (dry run)"));
    }
    Ok(if wrong == 0 { Outcome::Done } else { Outcome::SomeFailed })
}

fn sum(new: usize, changed: usize, unchanged: usize, wrong: usize, [kept, removed]: [usize; 2]) -> String {
    let kept = if kept == 0 { String::new() } else { format!(", not in the file {kept} (kept)") };
    let removed = if removed == 0 { String::new() } else { format!(", removed {removed}") };
    format!("new {new}, changed {changed}, unchanged {unchanged}, wrong {wrong}{kept}{removed}")
}

fn show_summary(summary: &Summary, args: &Args, catalogue: &Path, told: &mut Told<Stdout>) -> Result<Outcome, Report> {
    show_problems(&summary.problems, args.json, told)?;
    for damage in &summary.damage {
        say(format_args!("error: {damage}"));
    }
    let &Summary { new, changed, unchanged, photos, reembedded, is_interrupted: interrupted, .. } = summary;
    let (wrong, kept, removed) = (summary.problems.len(), summary.kept.len(), summary.removed);
    if args.json {
        tell_json(
            &Line::Done { new, changed, unchanged, wrong, kept, removed, photos, reembedded, interrupted },
            told,
        )?;
    } else {
        let of_photos = match (photos, reembedded) {
            (0, 0) => String::new(),
            (_, 0) => format!("; {} stored", counted(photos, "photo")),
            _ => format!("; {} stored, {reembedded} embedded with the network in use", counted(photos, "photo")),
        };
        told.line(&format!("{}{of_photos}", sum(new, changed, unchanged, wrong, [kept, removed])));
    }
    if interrupted {
        say(format_args!("stopped; what is told above is stored. Go on with: `{}`", again(args, catalogue)));
        return Ok(Outcome::Interrupted);
    }
    Ok(if wrong == 0 && summary.damage.is_empty() { Outcome::Done } else { Outcome::SomeFailed })
}

/// The command that goes on.
fn again(args: &Args, catalogue: &Path) -> String {
    let mut command = format!("clothingid catalogue import {}", quoted(&args.file));
    if let Some(photos) = &args.photos {
        command = format!("{command} --photos {}", quoted(photos));
    }
    if let Some(key) = &args.key {
        command = format!("{command} --key {}", quoted(Path::new(key)));
    }
    if args.unsigned {
        command.push_str(" --unsigned");
    }
    if args.catalogue.catalogue.is_some() {
        command = format!("{command} --catalogue {}", quoted(catalogue));
    }
    if let Some(bundle) = &args.bundle {
        command = format!("{command} --bundle {}", quoted(bundle));
    }
    if args.engine != EngineChoice::default() {
        command = format!("{command} --engine {}", args.engine);
    }
    command
}

/// The progress on stderr: a bar for people at a terminal, else a line every ten seconds. The batches that are on the
/// disk on stdout with `--json`.
struct Shown {
    json: bool,
    /// Where stdout is gone, nobody is told; the import goes on.
    told: Told<Stdout>,
    bar: ProgressBar,
    is_terminal: bool,
    total: usize,
    embedded: usize,
    stored: usize,
    started: Instant,
    last_line: Instant,
}

impl Shown {
    fn new(json: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let now = Instant::now();
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        let told = Told::on_stdout();
        Self { json, told, bar, is_terminal, total: 0, embedded: 0, stored: 0, started: now, last_line: now }
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Photographs a second, and the time that the rest will take.
    fn rate(&self) -> (f64, Duration) {
        #[expect(clippy::cast_precision_loss, reason = "counts of photographs")]
        let [done, left] = [self.embedded, self.total.saturating_sub(self.embedded)].map(|n| n as f64);
        let rate = done / self.started.elapsed().as_secs_f64().max(1e-3);
        (rate, Duration::try_from_secs_f64((left / rate).round()).unwrap_or_default())
    }
}

impl Progress for Shown {
    fn comparing(&mut self, photos: usize) {
        say(format_args!("comparing {} with the catalogue", counted(photos, "photo")));
    }

    fn planned(&mut self, plan: &Plan) {
        note(plan, self.json, &mut self.told);
        self.total = plan.embed_count();
        if self.total == 0 {
            return;
        }
        say(format_args!("embedding {}", counted(self.total, "photo")));
        self.started = Instant::now();
        self.last_line = self.started;
        if self.is_terminal {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.set_length(self.total as u64);
            let template = "{wide_bar} {pos}/{len} photos, {per_sec}, {eta} left{msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style);
            }
        }
    }

    fn embedded(&mut self) {
        self.embedded += 1;
        self.bar.inc(1);
    }

    fn committed(&mut self, committed: &Committed<'_>) {
        self.stored += committed.photos + committed.reembedded;
        self.bar.set_message(format!(", {} stored", self.stored));
        if self.json {
            let skus = committed.products.iter().map(|p| p.product.sku.as_str()).collect();
            let (photos, reembedded) = (committed.photos, committed.reembedded);
            // This line is made of texts and counts: it has a form in JSON.
            let _ = tell_json(&Line::Committed { skus, photos, reembedded }, &mut self.told);
        }
        if !self.is_terminal && self.last_line.elapsed() >= Duration::from_secs(10) {
            self.last_line = Instant::now();
            let (rate, left) = self.rate();
            say(format_args!(
                "stored {} of {}, {rate:.1} a second, {} s left",
                self.stored,
                counted(self.total, "photo"),
                left.as_secs()
            ));
        }
    }
}
