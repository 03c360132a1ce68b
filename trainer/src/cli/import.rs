//! `clothingid-train import`: any collection of photographs becomes one manifest.

use std::path::{Path, PathBuf};

use super::everywhere::{Everywhere, Seed};
use super::{ExitStatus, Report};
use crate::import::check::{check, summary};
use crate::import::progress::Progress;
use crate::import::{Found, ImportError, LabelMap, Manifest, SourceTable, data_folder, image_folder, table};

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clothingid-train import manifest data/clothing_cc0 data/magento_luma --out manifest
  clothingid-train import imagefolder my-photos --out manifest            my-photos/dress/red/front.jpg
  clothingid-train import csv shop.csv --photos photos --labels map.csv --out manifest")]
pub struct Args {
    /// Form of the sources
    pub kind: Kind,
    /// Folders, or tables for `csv`
    #[arg(required = true, value_name = "SRC")]
    pub sources: Vec<PathBuf>,
    /// Folder for `manifest.csv`, `sources.toml` and the list of problems
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Word for the column `source` (default: the name of the folder or table)
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Table `label,cat14,cat26` for labels that are no categories of ours
    #[arg(long, value_name = "CSV")]
    pub labels: Option<PathBuf>,
    /// Folder in which the paths of a `csv` begin (default: the table's own)
    #[arg(long, value_name = "DIR")]
    pub photos: Option<PathBuf>,
    /// What every step takes
    #[command(flatten)]
    pub everywhere: Everywhere,
    /// What every step takes
    #[command(flatten)]
    pub seed: Seed,
}

/// Form of the sources.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    /// Folders with a `manifest.csv` in our form, or a folder of such folders
    Manifest,
    /// `CLASS/photo.jpg` or `CLASS/ITEM/photo.jpg`
    Imagefolder,
    /// A table with a column `path` and a column `label` or `item_id`
    Csv,
}

/// Runs the command.
///
/// # Errors
/// When a source cannot be read at all, or nothing in it can be used.
pub fn run(args: &Args) -> Result<ExitStatus, Report> {
    args.everywhere.check("import")?;
    let mut found = Found::default();
    let labels = match &args.labels {
        Some(path) => {
            let (labels, problems) = LabelMap::read(path)?;
            found.problems.append(problems);
            labels
        }
        None => LabelMap::default(),
    };
    let mut known = SourceTable::known();
    for source in &args.sources {
        let read = read(args, source, &labels)
            .map_err(|error| Report::of(&error).during(format!("importing `{}`", source.display())))?;
        found.rows.extend(read.rows);
        found.problems.append(read.problems);
        // A source's own `sources.toml` says more than we know.
        let folder = if source.is_dir() { source.as_path() } else { source.parent().unwrap_or(Path::new(".")) };
        known.sources.extend(SourceTable::beside(folder)?.sources);
    }
    let found = check(found, &labels, &Progress::shown());
    if found.rows.is_empty() {
        let error = ImportError::Nothing {
            sources: args.sources.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", "),
        };
        let report = summary(&found.problems).into_iter().fold(Report::of(&error), Report::cause);
        return Err(report.hint("`clothingid-train import --help` shows the forms that are read"));
    }
    let manifest = Manifest::gather(found.rows, &known);
    manifest.write(&args.out)?;
    let list = found.problems.write(&args.out)?;
    for (source, facts) in &manifest.sources {
        if facts.is_unknown() {
            eprintln!(
                "warning: the licence of source `{source}` is unknown, so its photographs will not ship; say more in `{}`",
                args.out.join("sources.toml").display()
            );
        }
    }
    let count = manifest.rows.len();
    match list {
        None => {
            eprintln!("imported {count} photos into `{}`", args.out.display());
            Ok(ExitStatus::Done)
        }
        Some(list) => {
            eprintln!(
                "imported {count} photos into `{}`, skipped {} (list in `{}`)",
                args.out.display(),
                found.problems.len(),
                list.display()
            );
            for line in summary(&found.problems) {
                eprintln!("  {line}");
            }
            Ok(ExitStatus::Partial)
        }
    }
}

fn read(args: &Args, source: &Path, labels: &LabelMap) -> Result<Found, ImportError> {
    let name = || args.source.clone().unwrap_or_else(|| name_of(source));
    match args.kind {
        Kind::Manifest => data_folder::read(source),
        Kind::Imagefolder => image_folder::read(source, &name(), labels),
        Kind::Csv => table::read(source, args.photos.as_deref(), &name(), labels),
    }
}

/// The name of a folder or table, without its ending; `.` is asked for its real name.
fn name_of(path: &Path) -> String {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let name = if real.is_dir() { real.file_name() } else { real.file_stem() };
    name.map_or_else(|| "photos".to_owned(), |name| name.to_string_lossy().into_owned())
}
