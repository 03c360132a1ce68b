//! `clothingid-train import`: any collection of photographs becomes one manifest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use clothingid_shared::files;
use clothingid_shared::taxonomy::Taxonomies;

use super::everywhere::{Everywhere, Seed};
use super::{ExitStatus, Report};
use crate::import::check::{check, summary};
use crate::import::pictures::{Pictures, make};
use crate::import::progress::Progress;
use crate::import::{
    Found, ImportError, LabelMap, Manifest, Problems, SourceTable, coco, data_folder, deepfashion_category,
    deepfashion_consumer_to_shop, deepfashion_in_shop, fashion_mnist, image_folder, item_folders, table,
};

/// Arguments of `import`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  clothingid-train import manifest data/clothing_cc0 data/magento_luma --out manifest
  clothingid-train import imagefolder my-photos --out manifest            my-photos/dress/red/front.jpg
  clothingid-train import csv shop.csv --photos photos --labels map.csv --out manifest
  clothingid-train import imagefolder screws --taxonomies screws-taxonomies --out manifest
  clothingid-train import item-folders articles --out manifest            articles/4711/front.jpg
  clothingid-train import deepfashion-in-shop In-shop --out manifest      In-shop/{Anno,Eval,Img}
  clothingid-train import fashionpedia instances_attributes_train2020.json --photos train --out manifest")]
pub struct Args {
    /// Form of the sources
    pub kind: Kind,
    /// Folders; tables for `csv`, JSON files for `coco`, `fashionpedia` and `deepfashion2`
    #[arg(required = true, value_name = "SRC")]
    pub sources: Vec<PathBuf>,
    /// Folder for `manifest.csv`, `sources.toml`, pictures that are cut out, and the list of problems
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
    /// Word for the column `source` (default: the name of the published source, else of the folder or table)
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// Table `label,cat14,cat26` for labels that are no keys of the taxonomies; comes before a published source's own
    #[arg(long, value_name = "CSV")]
    pub labels: Option<PathBuf>,
    /// Folder with `category14.toml` and `category26.toml`: the coarser and the finer categories of other objects than clothing, 2 to 4096
    /// each; written beside the manifest, and kept by pack, weights and bundle
    #[arg(long, value_name = "DIR")]
    pub taxonomies: Option<PathBuf>,
    /// Folder in which the paths of a table or JSON file begin (default: its own)
    #[arg(long, value_name = "DIR")]
    pub photos: Option<PathBuf>,
    /// Leave out rows and photographs that do not fit; otherwise one of them is enough to import nothing
    #[arg(long)]
    pub skip_bad: bool,
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
    /// `ITEM/photo.jpg` or `CLASS/ITEM/photo.jpg`, the category known or not
    ItemFolders,
    /// DeepFashion, Category and Attribute Prediction
    DeepfashionCategory,
    /// DeepFashion, In-Shop Clothes Retrieval
    DeepfashionInShop,
    /// DeepFashion, Consumer-to-Shop Clothes Retrieval
    DeepfashionConsumerToShop,
    /// Fashion-MNIST's four files
    FashionMnist,
    /// Boxes in the form of COCO, categories by `--labels`
    Coco,
    /// Fashionpedia's boxes
    Fashionpedia,
    /// DeepFashion2's boxes, made by its own script for COCO
    Deepfashion2,
}

impl Kind {
    /// A published source's own name and words.
    fn published(self) -> Option<(&'static str, &'static str)> {
        match self {
            Self::Manifest | Self::Imagefolder | Self::Csv | Self::ItemFolders | Self::Coco => None,
            Self::DeepfashionCategory => Some((deepfashion_category::SOURCE, deepfashion_category::WORDS)),
            Self::DeepfashionInShop => Some((deepfashion_in_shop::SOURCE, deepfashion_in_shop::WORDS)),
            Self::DeepfashionConsumerToShop => {
                Some((deepfashion_consumer_to_shop::SOURCE, deepfashion_consumer_to_shop::WORDS))
            }
            Self::FashionMnist => Some((fashion_mnist::SOURCE, fashion_mnist::WORDS)),
            Self::Fashionpedia => Some(coco::FASHIONPEDIA),
            Self::Deepfashion2 => Some(coco::DEEPFASHION2),
        }
    }
}

/// Runs the command.
///
/// # Errors
/// When a source cannot be read at all, something in it does not fit and may not be left out, or nothing in it can be used.
pub fn run(args: &Args) -> Result<ExitStatus, Report> {
    args.everywhere.check("import")?;
    let mut found = Found::default();
    let mut labels = LabelMap::of(taxonomies(args)?);
    if let Some(path) = &args.labels {
        let (with_words, problems) = labels.read(path)?;
        found.problems.append(problems);
        labels = with_words;
    }
    files::create_folder(&args.out)?;
    let mut known = SourceTable::known();
    for source in &args.sources {
        let read =
            read(args, source, &labels).map_err(|report| report.during(format!("importing `{}`", source.display())))?;
        found.append(read);
        // A source's own `sources.toml` says more than we know.
        let folder = if source.is_dir() { source.as_path() } else { source.parent().unwrap_or(Path::new(".")) };
        known.sources.extend(SourceTable::beside(folder)?.sources);
    }
    // Lists that do not fit are told before an hour is spent on photographs.
    let all = found.rows.len() + found.problems.len();
    refuse_unless_asked(args, &found.problems, all)?;
    let progress = Progress::shown();
    let found = check(make(found, &progress), &labels, &progress);
    refuse_unless_asked(args, &found.problems, all)?;
    if found.rows.is_empty() {
        let error = ImportError::Nothing {
            sources: args.sources.iter().map(|path| format!("`{}`", path.display())).collect::<Vec<_>>().join(", "),
        };
        let report = summary(&found.problems).into_iter().fold(Report::of(&error), Report::cause);
        return Err(report.hint("`clothingid-train import --help` shows the forms that are read"));
    }
    let manifest = Manifest::gather(found.rows, &known, labels.taxonomies().clone());
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
    if !found.unknown_words.is_empty() {
        let words = counted(&found.unknown_words);
        eprintln!("warning: these labels are in no map and stay without category (name them with `--labels`): {words}");
    }
    if !found.left_out.is_empty() {
        eprintln!("left out by the map of labels: {}", counted(&found.left_out));
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

/// What the categories are of. Whether they can be written beside the manifest is told before anything is read.
fn taxonomies(args: &Args) -> Result<Taxonomies, Report> {
    let taxonomies = match &args.taxonomies {
        Some(folder) => Taxonomies::read(folder).map_err(|error| {
            Report::of(&error)
                .during("reading the taxonomies")
                .hint("give a folder with `category14.toml` and `category26.toml`, in the form of `shared/taxonomies`")
        })?,
        None => Taxonomies::clothing(),
    };
    taxonomies.fit_into(&args.out).map_err(|error| {
        let out = args.out.display();
        Report::of(&error)
            .hint(format!("import with them: `--taxonomies {out}`"))
            .hint("or choose another folder: `--out DIR`")
    })?;
    Ok(taxonomies)
}

/// Without `--skip-bad` one row or photograph that does not fit ends the import, and all that are known are listed.
fn refuse_unless_asked(args: &Args, problems: &Problems, all: usize) -> Result<(), Report> {
    if args.skip_bad || problems.is_empty() {
        return Ok(());
    }
    let list = problems.write(&args.out)?.unwrap_or_default();
    let report =
        Report::new(format!("{} of {all} rows and photographs do not fit; nothing was imported", problems.len()));
    let report = summary(problems).into_iter().fold(report, Report::cause);
    Err(report
        .hint(format!("all of them are in `{}`", list.display()))
        .hint("leave them out and import the rest: `--skip-bad`"))
}

/// Words with their counts, the commonest first, and not too many of them.
fn counted(words: &BTreeMap<String, usize>) -> String {
    const SHOWN: usize = 12;
    let mut sorted: Vec<_> = words.iter().collect();
    sorted.sort_by_key(|(word, count)| (std::cmp::Reverse(**count), *word));
    let mut text: Vec<String> = sorted.iter().take(SHOWN).map(|(word, count)| format!("`{word}` ({count})")).collect();
    if sorted.len() > SHOWN {
        text.push(format!("and {} more", sorted.len() - SHOWN));
    }
    text.join(", ")
}

fn read(args: &Args, path: &Path, labels: &LabelMap) -> Result<Found, Report> {
    let published = args.kind.published();
    let own = || published.map_or_else(|| name_of(path), |(name, _)| name.to_owned());
    let source = args.source.clone().unwrap_or_else(own);
    let own_labels = published.map(|(_, words)| labels.over(words));
    let labels = own_labels.as_ref().unwrap_or(labels);
    let out = args.out.canonicalize().map_err(|cause| ImportError::NoFolder { path: args.out.clone(), cause })?;
    let pictures = Pictures::of(&out, &source)
        .ok_or_else(|| Report::usage(format!("`{source}` cannot be the name of a source: it names a folder too")))?;
    let photos = args.photos.as_deref();
    let found = match args.kind {
        Kind::Manifest => data_folder::read(path, labels),
        Kind::Imagefolder => image_folder::read(path, &source, labels),
        Kind::Csv => table::read(path, photos, &source, labels),
        Kind::ItemFolders => item_folders::read(path, &source, labels),
        Kind::DeepfashionCategory => deepfashion_category::read(path, &source, labels, &pictures),
        Kind::DeepfashionInShop => deepfashion_in_shop::read(path, &source, labels, &pictures),
        Kind::DeepfashionConsumerToShop => deepfashion_consumer_to_shop::read(path, &source, labels, &pictures),
        Kind::FashionMnist => fashion_mnist::read(path, &source, labels, &pictures),
        Kind::Coco | Kind::Fashionpedia | Kind::Deepfashion2 => coco::read(path, photos, &source, labels, &pictures),
    };
    found.map_err(|error| {
        let report = Report::of(&error);
        match error {
            ImportError::OtherTaxonomies { path, .. } => {
                report.hint(format!("import with them: `--taxonomies {}`", path.display()))
            }
            _ => report,
        }
    })
}

/// The name of a folder or table, without its ending; `.` is asked for its real name.
fn name_of(path: &Path) -> String {
    let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let name = if real.is_dir() { real.file_name() } else { real.file_stem() };
    name.map_or_else(|| "photos".to_owned(), |name| name.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use clap::ValueEnum;

    use super::{Kind, counted};
    use crate::import::{LabelMap, SourceTable};

    #[test]
    fn every_published_source_has_readable_words_and_known_terms_and_does_not_ship() {
        let known = SourceTable::known();
        let published: Vec<_> = Kind::value_variants().iter().filter_map(|kind| kind.published()).collect();
        assert_eq!(published.len(), 6);
        for (name, words) in published {
            let labels = LabelMap::default().over(words);
            let table = csv::ReaderBuilder::new().comment(Some(b'#')).from_reader(words.as_bytes()).into_records();
            let words: Vec<String> = table.map(|line| line.unwrap()[0].to_owned()).collect();
            assert!(words.len() >= 10 && words.iter().all(|word| labels.keys(word).is_some()), "{name}: {words:?}");
            assert!(!known.sources[name].may_ship && !known.sources[name].is_unknown(), "{name}");
        }
    }

    #[test]
    fn words_are_counted_commonest_first_and_not_without_end() {
        let words = |count: usize| (0..count).map(|at| (format!("w{at:02}"), at + 1)).collect::<BTreeMap<_, _>>();
        assert_eq!(counted(&words(2)), "`w01` (2), `w00` (1)");
        assert!(counted(&words(14)).ends_with("`w02` (3), and 2 more"));
    }
}
