//! `clothingid-train pack`: split by item, find near-duplicates, and write the photographs for fast reading.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::everywhere::Everywhere;
use super::{ExitStatus, Report};
use crate::import::check::summary;
use crate::import::progress::Progress;
use crate::import::{Fractions, ImportError, Manifest, Part, Problems, ViewSplit};
use crate::pack::balance::warnings;
use crate::pack::check::check;
use crate::pack::duplicates::Kind;
use crate::pack::header::DUPLICATES_FILE;
use crate::pack::narrow;
use crate::pack::{BuildOptions, Pack, PackError, Unfit, build};

/// Arguments of `pack`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clothingid-train pack manifest --out pack
  clothingid-train pack manifest/manifest.csv --root photos --out pack --seed 7 --parts 0.7,0.1,0.1,0.1
  clothingid-train pack manifest --only-shippable --like pack --out clean   what may be passed on, divided as `pack` is
  clothingid-train pack --check pack                                      every byte against its checksums")]
pub struct Args {
    /// Folder of an import, or a `manifest.csv`
    #[arg(value_name = "MANIFEST", required_unless_present = "check", conflicts_with = "check")]
    pub manifest: Option<PathBuf>,
    /// Folder to write; an older pack in it is replaced when the new one is complete
    #[arg(long, value_name = "DIR", required_unless_present = "check", conflicts_with = "check")]
    pub out: Option<PathBuf>,
    /// Look at every byte of a pack instead of writing one
    #[arg(long, value_name = "PACK")]
    pub check: Option<PathBuf>,
    /// Leave out rows and photographs that do not fit; otherwise one of them is enough to pack nothing
    #[arg(long)]
    pub skip_bad: bool,
    /// Folder in which the manifest's paths begin
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// Only photographs of sources that may be passed on
    #[arg(long, conflicts_with = "check")]
    pub only_shippable: bool,
    /// Give each photograph the part that it has in this pack; what it does not have is drawn as ever
    #[arg(long, value_name = "PACK", conflicts_with = "check")]
    pub like: Option<PathBuf>,
    /// Seed of the split
    #[arg(long, default_value_t = 1, value_name = "N")]
    pub seed: u64,
    /// Shares of train, select, calibrate and report
    #[arg(long, value_delimiter = ',', num_args = 1.., value_name = "T,S,C,R", default_value = "0.60,0.08,0.12,0.20")]
    pub parts: Vec<f64>,
    /// What every step takes
    #[command(flatten)]
    pub everywhere: Everywhere,
}

/// Runs the command.
///
/// # Errors
/// When the manifest cannot be read, or the pack not be written.
pub fn run(args: &Args) -> Result<ExitStatus, Report> {
    args.everywhere.check("pack")?;
    if let Some(pack) = &args.check {
        return check_whole(pack);
    }
    // One of them is absent only beside `--check`.
    let (Some(path), Some(out)) = (&args.manifest, &args.out) else {
        return Err(Report::usage("`pack` needs a manifest and `--out`"));
    };
    let [train, select, calibrate, report] = args.parts.as_slice() else {
        return Err(Report::usage(format!("`--parts` needs four shares, not {}", args.parts.len())));
    };
    if args.parts.iter().any(|share| !share.is_finite() || *share < 0.0) || args.parts.iter().sum::<f64>() <= 0.0 {
        return Err(Report::usage("`--parts` needs shares that are not negative, and one above zero"));
    }
    let fractions = Fractions { train: *train, select: *select, calibrate: *calibrate, report: *report };
    let (mut manifest, mut problems) = Manifest::open(path, args.root.as_deref()).map_err(|error| {
        let hint = match error {
            ImportError::GroupInTwoParts { .. } => {
                "give all lines of a group one part, or leave their column `part` empty"
            }
            _ => "`clothingid-train import` makes a manifest of any collection of photographs",
        };
        Report::of(&error).hint(hint)
    })?;
    let unfit = if args.skip_bad { Unfit::LeaveOut } else { Unfit::Refuse };
    if unfit == Unfit::Refuse && !problems.is_empty() {
        let all = manifest.rows.len() + problems.len();
        return Err(refused(format!("{} of {all} rows of the manifest do not fit", problems.len()), &problems));
    }
    narrow_down(&mut manifest, args)?;
    let stop = Arc::new(AtomicBool::new(false));
    let flag = Arc::clone(&stop);
    // A second handler in one process is refused, and then the first serves.
    let _ = ctrlc::set_handler(move || flag.store(true, Ordering::Relaxed));
    let options = BuildOptions { fractions, seed: args.seed, unfit };
    let built = match build(&manifest, out, options, &Progress::shown(), &stop) {
        Ok(built) => built,
        Err(PackError::Stopped) => {
            eprintln!("stopped; nothing was changed in `{}`, the same command starts again", out.display());
            return Ok(ExitStatus::Interrupted);
        }
        Err(error @ PackError::Unfit { .. }) => {
            let what = error.to_string();
            let PackError::Unfit { problems, .. } = error else { return Err(Report::new(what)) };
            return Err(refused(what, &problems));
        }
        Err(error @ PackError::InTwoParts { .. }) => {
            return Err(Report::of(&error)
                .hint("empty the column `part` of one of them in the manifest, or take one of the photographs out"));
        }
        Err(error @ PackError::Empty { .. }) => {
            return Err(Report::of(&error).hint("`--root DIR` says where the manifest's paths begin"));
        }
        Err(error) => return Err(Report::of(&error).during(format!("packing into `{}`", out.display()))),
    };
    problems.append(built.problems);
    let pack = Pack::open(out)?;
    let count = |kind: Kind| built.duplicates.iter().filter(|pair| pair.kind == kind).count();
    eprintln!(
        "packed {} photos of {} items into `{}`; {} pairs show the same picture (exact {}, near {}, mirrored {})",
        built.photos,
        pack.items(),
        out.display(),
        built.duplicates.len(),
        count(Kind::Exact),
        count(Kind::Near),
        count(Kind::Mirrored),
    );
    for line in built.leaks.lines() {
        eprintln!("{line}");
    }
    if built.leaks.count() > 0 {
        eprintln!("  all pairs are in `{}`", out.join(DUPLICATES_FILE).display());
    }
    eprint!("{}", counts(&pack));
    for line in warnings(&pack) {
        eprintln!("warning: {line}");
    }
    if problems.is_empty() {
        return Ok(ExitStatus::Done);
    }
    let list = problems.write(out)?.unwrap_or_default();
    eprintln!("skipped {} (list in `{}`)", problems.len(), list.display());
    for line in summary(&problems) {
        eprintln!("  {line}");
    }
    Ok(ExitStatus::Partial)
}

/// Leaves out what is not asked for, and takes over the parts of another pack.
fn narrow_down(manifest: &mut Manifest, args: &Args) -> Result<(), Report> {
    if args.only_shippable {
        let left_out = narrow::only_shippable(manifest);
        if manifest.rows.is_empty() {
            return Err(Report::new("no photograph may be passed on")
                .hint("say in `sources.toml` beside the manifest which source's may: `may_ship = true`"));
        }
        eprintln!("left out {left_out} photographs of sources that may not be passed on");
    }
    if let Some(like) = &args.like {
        let whole = Pack::open(like).map_err(|error| Report::of(&error).during("reading the parts for `--like`"))?;
        let unknown = narrow::parts_of(manifest, &whole);
        if unknown > 0 {
            eprintln!("note: {unknown} photographs are not in `{}`; their parts are drawn", like.display());
        }
    }
    Ok(())
}

/// Nothing is packed while something does not fit.
fn refused(what: String, problems: &Problems) -> Report {
    let report = summary(problems).into_iter().fold(Report::new(what), Report::cause);
    report.hint("mend them, or leave them out and pack the rest: `--skip-bad`")
}

/// `--check`: what is damaged goes to standard error.
fn check_whole(path: &Path) -> Result<ExitStatus, Report> {
    let pack = Pack::open(path)?;
    let checked = check(&pack, &Progress::shown());
    let blocks = match &checked.damaged_blocks {
        Some(damaged) if damaged.is_empty() => "all blocks whole".to_owned(),
        Some(damaged) => format!("{} damaged blocks", damaged.len()),
        None => "no block checksums".to_owned(),
    };
    eprintln!(
        "checked {} photos in {} MiB of `{}`: {} damaged photos, {blocks}",
        checked.photos,
        pack.header().photos_byte_len >> 20,
        path.display(),
        checked.damaged_photos.len(),
    );
    for error in &checked.damaged_photos {
        eprintln!("  {error}");
    }
    if checked.is_whole() {
        return Ok(ExitStatus::Done);
    }
    eprintln!("hint: pack the manifest again; until then training stops at the first damaged photograph");
    Ok(ExitStatus::Partial)
}

/// Photographs by source and part, and queries by part, as a table for people.
#[must_use]
pub fn counts(pack: &Pack) -> String {
    let mut by_source: BTreeMap<(String, bool), [usize; 4]> = BTreeMap::new();
    let mut sums = [0; 4];
    let mut queries = [0; 4];
    for row in pack.rows() {
        let source = pack.sources().get(row.source).map_or("?", |source| source.key.as_str());
        let cell = row.part as usize;
        by_source.entry((source.to_owned(), row.is_garment)).or_default()[cell] += 1;
        sums[cell] += 1;
        queries[cell] += usize::from(row.view_split == ViewSplit::Query);
    }
    let mut text = format!("{:<32}", "source");
    for part in Part::ALL {
        text += &format!(" {:>10}", part.name());
    }
    let line = |name: &str, cells: &[usize; 4]| {
        cells.iter().fold(format!("\n{name:<32}"), |text, cell| format!("{text} {cell:>10}"))
    };
    for ((source, is_garment), cells) in &by_source {
        let name = if *is_garment { source.clone() } else { format!("{source} (no garment)") };
        text += &line(&name, cells);
    }
    text += &line("all", &sums);
    text += &line("queries of several views", &queries);
    text + "\n"
}
