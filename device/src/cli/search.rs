//! `clothingid search`: which garments of the catalogue look like a photograph.

use super::catalogue::{CatalogueArgs, store_report};
use super::{NetworkArgs, Outcome, Report, expand, one_line, print_line};
use crate::catalogue::filter::PriceRange;
use crate::catalogue::{Filter, Gallery, GalleryError, Match, Search, Snapshot};
use crate::network::{PathError, PhotoPath};
use crate::reading::Verdict;
use clothingid_shared::bundle::Matching;
use clothingid_shared::embedding::EmbeddingIdentity;
use clothingid_shared::files::{self, FileError, MOST_PHOTO_BYTES};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Arguments of `search`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Photographs (JPEG, PNG, WebP), folders of them, or `-` for a list on stdin
    #[arg(required_unless_present = "like", value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Instead of a photograph: garments of other styles that look like this product
    #[arg(long, value_name = "SKU", conflicts_with = "paths")]
    pub like: Option<String>,

    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,

    /// Products a photograph, at most
    #[arg(long, value_name = "K", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub top: u32,

    /// Only products that the shop has, or does not count
    #[arg(long)]
    pub in_stock: bool,

    /// Only products of this category, in the shop's own word
    #[arg(long, value_name = "WORD")]
    pub category: Option<String>,

    /// Only products with this colour among theirs, in the shop's own word
    #[arg(long, value_name = "WORD")]
    pub colour: Option<String>,

    /// Only products whose price lies within: `20..49.90`, `20..`, `..49.90`
    #[arg(long, value_name = "MIN..MAX")]
    pub price: Option<PriceRange>,

    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// The network and what runs it.
    #[command(flatten)]
    pub network: NetworkArgs,
}

impl Args {
    fn filter(&self) -> Filter {
        let Self { in_stock, category, colour, price, .. } = self;
        Filter { in_stock: *in_stock, category: category.clone(), colour: colour.clone(), price: *price }
    }
}

const EXAMPLES: &str = "Examples:
  clothingid search photo.jpg
  clothingid search --in-stock --category dress --price ..49.90 photo.jpg
  clothingid search --like DEMO-003 --colour red
  clothingid search --json --top 20 photos/ > matches.jsonl";

/// One line of `--json`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Like { like: &'a str, matches: &'a [Match] },
    Answer { path: &'a str, matches: &'a [Match], confident: bool, verdict: Verdict },
    Failure { path: &'a str, error: &'a str },
}

/// A photograph that got no answer.
#[derive(Debug, thiserror::Error)]
enum PhotoError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Path(#[from] PathError),
    #[error("the catalogue cannot be searched")]
    Gallery(#[from] GalleryError),
}

/// A photograph's matches, or why it has none.
type Found = Result<Vec<Match>, PhotoError>;

/// Searches for every photograph; a bad one gets a line of its own and the rest goes on.
///
/// # Errors
/// Bundle, engine or catalogue cannot be used, or stdout cannot be written.
pub fn run(args: &Args) -> Result<Outcome, Report> {
    let bundle = args.network.bundle()?;
    let matching = &bundle.manifest.matching;
    let mut path = args.network.open(&bundle)?;
    let identity = bundle.identity(path.engine().arithmetic());
    let snapshot = open(&args.catalogue.path()?, &identity, &args.network)?;
    let filter = args.filter();
    if let Some(sku) = &args.like {
        return like(args, &snapshot, sku, &filter);
    }
    let mut outcome = Outcome::Done;
    for photo in expand(&args.paths) {
        let (name, found) = match photo {
            Ok(photo) => {
                let found = read(&photo, &mut path).and_then(|query| search(&snapshot, query, args.top, &filter));
                (photo, found)
            }
            Err(error) => (error.path().to_owned(), Err(error.into())),
        };
        if found.is_err() {
            outcome = Outcome::SomeFailed;
        }
        show(args.json, &name, &found, matching)?;
    }
    Ok(if tell_damage(&snapshot) { Outcome::SomeFailed } else { outcome })
}

/// Names what was found to be damaged; whether there was any.
fn tell_damage(snapshot: &Snapshot) -> bool {
    let damage = snapshot.damage();
    for damage in &damage {
        eprintln!("error: {damage}; it is left out\nhint: `clothingid catalogue check` says what to do");
    }
    !damage.is_empty()
}

/// Garments that look like one of the shop's.
fn like(args: &Args, snapshot: &Snapshot, sku: &str, filter: &Filter) -> Result<Outcome, Report> {
    let top = usize::try_from(args.top).unwrap_or(usize::MAX);
    let matches = snapshot.like(sku, top, Some(filter)).map_err(|error| Report::of(&error).during("searching"))?;
    let Some(matches) = matches else {
        return Err(Report::new(format!("the catalogue has no product `{sku}`"))
            .hint("`clothingid catalogue list` shows the products that it has"));
    };
    print_line(&if args.json {
        serde_json::to_string(&Line::Like { like: sku, matches: &matches })?
    } else if matches.is_empty() {
        format!("{sku}: no product is as asked for")
    } else {
        format!("{sku}: others like it are{}", lines(&matches))
    })?;
    Ok(if tell_damage(snapshot) { Outcome::SomeFailed } else { Outcome::Done })
}

fn open(catalogue: &Path, identity: &EmbeddingIdentity, network: &NetworkArgs) -> Result<Snapshot, Report> {
    let snapshot = Snapshot::open(catalogue, identity)
        .map_err(|e| store_report(&e.with_network(network.bundle.as_deref(), network.engine)))?;
    if snapshot.photo_count() == 0 {
        let path = crate::catalogue::store::quoted(catalogue);
        return Err(Report::new(format!("the catalogue `{}` is empty: there is nothing to find", catalogue.display()))
            .hint(format!("fill it: `clothingid catalogue import CSV --photos DIR --catalogue {path}`")));
    }
    Ok(snapshot)
}

fn read<'a>(photo: &Path, path: &'a mut PhotoPath) -> Result<&'a [f32], PhotoError> {
    let bytes = files::read_at_most(photo, MOST_PHOTO_BYTES)?;
    Ok(&path.answer(&bytes)?.embedding)
}

fn search(gallery: &dyn Gallery, query: &[f32], top: u32, filter: &Filter) -> Found {
    let search = Search::of(query, usize::try_from(top).unwrap_or(usize::MAX));
    Ok(gallery.search(&search.among(filter))?)
}

fn verdict(matches: &[Match], matching: &Matching) -> Verdict {
    Verdict::of(matches.first().map(|best| best.similarity), matching)
}

fn show(json: bool, name: &Path, found: &Found, matching: &Matching) -> Result<(), Report> {
    let name = &*name.to_string_lossy();
    match (found, json) {
        (Ok(matches), true) => {
            let verdict = verdict(matches, matching);
            let confident = verdict.is_confident();
            print_line(&serde_json::to_string(&Line::Answer { path: name, matches, confident, verdict })?)
        }
        (Err(error), true) => {
            print_line(&serde_json::to_string(&Line::Failure { path: name, error: &one_line(error) })?)
        }
        (Ok(matches), false) => print_line(&human(name, matches, verdict(matches, matching))),
        (Err(error), false) => {
            eprintln!("error: {name}: {}", one_line(error));
            Ok(())
        }
    }
}

fn human(name: &str, matches: &[Match], verdict: Verdict) -> String {
    if matches.is_empty() {
        return format!("{name}: no product is as asked for");
    }
    let said = match verdict {
        Verdict::Confident => "found",
        Verdict::Similar => "not sure that it is in the catalogue; closest are",
        Verdict::Nothing => "nothing like it in the catalogue; closest are all the same",
    };
    format!("{name}: {said}{}", lines(matches))
}

fn lines(matches: &[Match]) -> String {
    matches.iter().map(|m| format!("\n  {:.3}  {}  {}  ({})", m.similarity, m.sku, m.title, m.photo)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Matches;

    fn matches() -> Vec<Match> {
        let one = |sku: &str, similarity| Match {
            sku: sku.into(),
            title: "Red dress".into(),
            photo: "a.jpg".into(),
            similarity,
        };
        vec![one("A1", 0.83), one("B2", 0.5)]
    }

    #[test]
    fn the_json_line_is_the_contract() {
        let line =
            Line::Answer { path: "q.jpg", matches: &matches()[..1], confident: true, verdict: Verdict::Confident };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"path":"q.jpg","matches":[{"sku":"A1","title":"Red dress","photo":"a.jpg","similarity":0.83}],"confident":true,"verdict":"confident"}"#
        );
        let line = Line::Failure { path: "x", error: "the file is empty" };
        assert_eq!(serde_json::to_string(&line).unwrap(), r#"{"path":"x","error":"the file is empty"}"#);
    }

    #[test]
    fn a_search_that_fails_is_the_photographs_own_line() {
        struct Torn;
        impl Gallery for Torn {
            fn search_into(&self, _search: &Search<'_>, _matches: &mut Matches) -> Result<(), GalleryError> {
                Err(GalleryError::ValueCount { expected: 4, found: 2 })
            }
        }
        let found = search(&Torn, &[1.0, 0.5], 5, &Filter::default());
        let expected = "the catalogue cannot be searched: the query has 2 values, the gallery's embeddings have 4";
        assert_eq!(one_line(&found.unwrap_err()), expected);
    }

    #[test]
    fn people_read_who_it_is_and_how_sure() {
        insta::assert_snapshot!(human("q.jpg", &matches(), Verdict::Confident), @r"
        q.jpg: found
          0.830  A1  Red dress  (a.jpg)
          0.500  B2  Red dress  (a.jpg)
        ");
        insta::assert_snapshot!(human("q.jpg", &matches()[1..], Verdict::Similar), @r"
        q.jpg: not sure that it is in the catalogue; closest are
          0.500  B2  Red dress  (a.jpg)
        ");
        insta::assert_snapshot!(human("q.jpg", &matches()[1..], Verdict::Nothing), @r"
        q.jpg: nothing like it in the catalogue; closest are all the same
          0.500  B2  Red dress  (a.jpg)
        ");
        insta::assert_snapshot!(human("q.jpg", &[], Verdict::Nothing), @"q.jpg: no product is as asked for");
    }
}
