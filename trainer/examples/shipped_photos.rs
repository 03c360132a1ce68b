//! Writes the photographs that ship with the product: the demo shop, and the photographs of the tests.
//!
//! - `shipped_photos demo PACK DEMO` reads `DEMO/choice.csv` and writes the shop, the camera's photographs and their attribution.
//!   Each photograph must be of the part `report`, which nothing was learned, chosen or set on.
//! - `shipped_photos corpus PACK CORPUS` chooses small photographs of the part `train` and writes `CORPUS/photos` and its manifest.
//!
//! Photographs that may not ship are refused by name.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::path::{Path, PathBuf};

use clothingid_shared::files;
use clothingid_shared::taxonomy::Taxonomy;
use clothingid_trainer::import::manifest::to_csv;
use clothingid_trainer::import::{Part, Row, ViewSplit};
use clothingid_trainer::pack::{Pack, PackedRow};
use serde::{Deserialize, Serialize};

/// Most bytes that the demo's photographs may have together.
const DEMO_BYTES: usize = 8_000_000;
/// Photographs of each category in the corpus.
const A_CATEGORY: usize = 25;
/// Largest photograph of the corpus in bytes.
const CORPUS_PHOTO_BYTES: usize = 11_000;

/// A line of `choice.csv`.
#[derive(Deserialize)]
struct Choice {
    role: Role,
    path: String,
    sku: String,
    title: String,
    price: String,
    colour: String,
    size: String,
}

/// What a photograph does in the demo.
#[derive(Deserialize, Serialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Role {
    /// A product of the shop.
    Shop,
    /// Another photograph of a product, seen by the camera.
    View,
    /// A garment that the shop does not have.
    Stranger,
    /// No garment.
    Nothing,
}

/// A line of `catalogue.csv`.
#[derive(Serialize)]
struct Product<'a> {
    sku: &'a str,
    title: &'a str,
    photo: String,
    price: &'a str,
    currency: &'a str,
    colour: &'a str,
    size: &'a str,
}

/// A line of `camera.csv`.
#[derive(Serialize)]
struct Seen<'a> {
    photo: String,
    kind: Role,
    sku: &'a str,
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["demo", pack, out] => demo(&Pack::open(Path::new(pack))?, Path::new(out)),
        ["corpus", pack, out] => corpus(&Pack::open(Path::new(pack))?, Path::new(out)),
        _ => Err("usage: shipped_photos demo|corpus PACK OUT".into()),
    }
}

fn demo(pack: &Pack, out: &Path) -> Result<(), Box<dyn Error>> {
    let by_path: BTreeMap<&str, usize> =
        pack.rows().iter().enumerate().map(|(index, row)| (row.path.as_str(), index)).collect();
    let text = files::read(&out.join("choice.csv"))?;
    let choices: Vec<Choice> = csv::Reader::from_reader(text.as_slice()).deserialize().collect::<Result<_, _>>()?;
    let mut products = Vec::new();
    let mut camera = Vec::new();
    let mut credits = BTreeMap::new();
    let mut written = BTreeSet::new();
    let mut byte_len = 0;
    for folder in ["photos", "camera"] {
        files::create_folder(&out.join(folder))?;
    }
    for choice in &choices {
        let &index =
            by_path.get(choice.path.as_str()).ok_or_else(|| format!("`{}` is not in the pack", choice.path))?;
        let row = pack.row(index)?;
        if row.part != Part::Report || !row.may_ship {
            return Err(format!(
                "`{}` is of part `{}` and may {}ship",
                row.path,
                row.part,
                if row.may_ship { "" } else { "not " }
            )
            .into());
        }
        let name = if choice.role == Role::Shop {
            let photo = format!("{}.jpg", slug(&[&choice.sku, &choice.title]));
            let file = format!("photos/{photo}");
            let Choice { sku, title, price, colour, size, .. } = choice;
            products.push(Product { sku, title, photo, price, currency: "EUR", colour, size });
            file
        } else {
            let number = format!("{:02}", camera.len() + 1);
            let what = match choice.role {
                Role::Nothing => format!("no-garment-{}", row.label),
                Role::Stranger => format!("not-in-the-shop-{}", row.label),
                Role::View | Role::Shop => choice.sku.clone(),
            };
            let photo = format!("{}.jpg", slug(&[&number, &what]));
            let file = format!("camera/{photo}");
            camera.push(Seen { photo, kind: choice.role, sku: &choice.sku });
            file
        };
        let bytes = pack.read(index)?;
        byte_len += bytes.len();
        files::write_atomic(&out.join(&name), &bytes)?;
        credits.insert(name.clone(), credit(pack, row));
        written.insert(out.join(&name));
    }
    if byte_len > DEMO_BYTES {
        return Err(format!("{byte_len} bytes of photographs are more than {DEMO_BYTES}").into());
    }
    remove_others(out, &written)?;
    files::write_atomic(&out.join("catalogue.csv"), &to_csv(&products)?)?;
    files::write_atomic(&out.join("camera.csv"), &to_csv(&camera)?)?;
    let mut attribution = String::from(
        "# Attribution\n\nEvery photograph of the demo shop, made smaller than its original and otherwise unchanged. \
         The licences' notices are in `LICENSES/`.\n\n| photograph | source | original | licence | author |\n|---|---|---|---|---|\n",
    );
    for (name, credit) in &credits {
        attribution += &format!("| `{name}` | {credit} |\n");
    }
    files::write_atomic(&out.join("ATTRIBUTION.md"), attribution.as_bytes())?;
    eprintln!("wrote {} products and {} photographs of the camera, {byte_len} bytes", products.len(), camera.len());
    Ok(())
}

/// Source, original, licence and author as cells of a table.
fn credit(pack: &Pack, row: &PackedRow) -> String {
    let Some(source) = pack.sources().get(row.source) else { return String::new() };
    let facts = &source.facts;
    let file = row.path.rsplit('/').next().unwrap_or(&row.path);
    let original = match row.note.split_once(':') {
        Some(("freesewing/markdown", path)) => path.to_owned(),
        _ => file.to_owned(),
    };
    format!("[{}]({}) | `{original}` | {} | {} |", facts.name, facts.url, facts.licence, facts.attribution)
        .trim_end_matches(" |")
        .to_owned()
}

/// Lower-case words and digits with single dashes between.
fn slug(parts: &[&str]) -> String {
    let text = parts.join(" ").to_lowercase();
    let words: Vec<&str> =
        text.split(|letter: char| !letter.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words.join("-")
}

fn remove_others(out: &Path, written: &BTreeSet<PathBuf>) -> Result<(), Box<dyn Error>> {
    for folder in ["photos", "camera"] {
        for photo in files::photos_in(&out.join(folder))? {
            if !written.contains(&photo) {
                std::fs::remove_file(&photo)?;
            }
        }
    }
    Ok(())
}

fn corpus(pack: &Pack, out: &Path) -> Result<(), Box<dyn Error>> {
    let (taxonomy14, taxonomy26) = (Taxonomy::category14(), Taxonomy::category26());
    let is_train = |row: &PackedRow| row.part == Part::Train && row.may_ship;
    let is_small = |row: &PackedRow| is_train(row) && row.byte_len <= CORPUS_PHOTO_BYTES;
    let mut chosen: BTreeSet<usize> = BTreeSet::new();
    // Categories: by the finer taxonomy, the first photographs in the order of the manifest, one a sender in turn would be finer still.
    let mut by_category: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, row) in pack
        .rows()
        .iter()
        .enumerate()
        .filter(|(_, row)| is_small(row) && row.long_side() > 200 && row.view_split == ViewSplit::None)
    {
        if let Some(category) = row.cat26 {
            by_category.entry(category).or_default().push(index);
        }
    }
    for rows in by_category.values().filter(|rows| rows.len() >= A_CATEGORY) {
        chosen.extend(rows.iter().take(A_CATEGORY));
    }
    // Garments with several views, for retrieval.
    let mut by_item: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (index, row) in
        pack.rows().iter().enumerate().filter(|(_, row)| is_train(row) && row.view_split != ViewSplit::None)
    {
        by_item.entry(row.item).or_default().push(index);
    }
    let several =
        by_item.values().filter(|rows| rows.len() > 1 && rows.iter().all(|&row| pack.rows()[row].byte_len < 20_000));
    chosen.extend(several.take(10).flatten());
    // What is no garment.
    chosen.extend(
        pack.rows()
            .iter()
            .enumerate()
            .filter(|(_, row)| is_small(row) && !row.is_garment)
            .map(|(index, _)| index)
            .take(16),
    );

    files::create_folder(&out.join("photos"))?;
    let mut written = BTreeSet::new();
    let mut rows = Vec::new();
    let mut byte_len = 0;
    for &index in &chosen {
        let row = pack.row(index)?;
        let source = pack.sources().get(row.source).map(|source| source.key.clone()).unwrap_or_default();
        let name = row.path.rsplit('/').next().unwrap_or(&row.path);
        let path = format!("photos/{name}");
        let bytes = pack.read(index)?;
        byte_len += bytes.len();
        files::write_atomic(&out.join(&path), &bytes)?;
        written.insert(out.join(&path));
        let key = |taxonomy: &Taxonomy, index: Option<usize>| {
            index.and_then(|index| taxonomy.key(index)).unwrap_or_default().to_owned()
        };
        rows.push(Row {
            path,
            source,
            label: row.label.clone(),
            cat14: key(&taxonomy14, row.cat14),
            cat26: key(&taxonomy26, row.cat26),
            item_id: row.item_id.clone(),
            group: if row.note.contains("sender=") { sender(&row.note) } else { row.item_id.clone() },
            view: row.view.clone(),
            split: match row.view_split {
                ViewSplit::Gallery => "gallery".into(),
                ViewSplit::Query => "query".into(),
                ViewSplit::None => String::new(),
            },
            part: String::new(),
            width: row.width,
            height: row.height,
            orig_id: name.to_owned(),
            note: row.note.clone(),
        });
    }
    for photo in files::photos_in(&out.join("photos"))? {
        if !written.contains(&photo) {
            std::fs::remove_file(&photo)?;
        }
    }
    files::write_atomic(&out.join("manifest.csv"), &to_csv(&rows)?)?;
    eprintln!("wrote {} photographs, {byte_len} bytes", rows.len());
    Ok(())
}

/// The group of a photograph of the clothing dataset: its sender.
fn sender(note: &str) -> String {
    let number = note.split('|').find_map(|part| part.strip_prefix("sender=")).unwrap_or("unknown");
    format!("cc0_sender_{number}")
}
