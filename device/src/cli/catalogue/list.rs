//! `clothingid catalogue list`, `show` and `remove`.

use super::{ByArgs, CatalogueArgs, store_report};
use crate::catalogue::store::Item;
use crate::catalogue::{Product, Store};
use crate::cli::{Outcome, Report, print_line};
use serde::Serialize;

/// Arguments of `catalogue list`.
#[derive(clap::Args, Debug)]
pub struct ListArgs {
    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `catalogue show`.
#[derive(clap::Args, Debug)]
pub struct ShowArgs {
    /// The product
    pub sku: String,

    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// Print a JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `catalogue remove`.
#[derive(clap::Args, Debug)]
pub struct RemoveArgs {
    /// The products
    #[arg(required = true, value_name = "SKU")]
    pub skus: Vec<String>,

    /// Which catalogue.
    #[command(flatten)]
    pub catalogue: CatalogueArgs,

    /// Who removes.
    #[command(flatten)]
    pub by: ByArgs,
}

/// One line of `--json`.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(flatten)]
    product: &'a Product,
    photos: Vec<&'a str>,
}

impl<'a> Line<'a> {
    fn of(item: &'a Item) -> Self {
        Self { product: &item.product, photos: item.photos.iter().map(|photo| photo.name.as_str()).collect() }
    }
}

/// All products that are what was written; the others are named on stderr.
fn read(store: &Store) -> Result<(Vec<Item>, Outcome), Report> {
    let (items, damage) = store.items().map_err(|e| store_report(&e))?;
    for damage in &damage {
        eprintln!("error: {damage}");
    }
    Ok((items, if damage.is_empty() { Outcome::Done } else { Outcome::SomeFailed }))
}

pub(super) fn list(args: &ListArgs) -> Result<Outcome, Report> {
    let store = Store::open(&args.catalogue.path()?).map_err(|e| store_report(&e))?;
    let (items, outcome) = read(&store)?;
    for item in &items {
        let (product, line) = (&item.product, Line::of(item));
        if args.json {
            print_line(&serde_json::to_string(&line)?)?;
        } else {
            print_line(&format!("{}  {}  ({})", product.sku, product.title, counted(line.photos.len(), "photo")))?;
        }
    }
    Ok(outcome)
}

pub(super) fn show(args: &ShowArgs) -> Result<Outcome, Report> {
    let store = Store::open(&args.catalogue.path()?).map_err(|e| store_report(&e))?;
    let (items, outcome) = read(&store)?;
    let Some(item) = items.iter().find(|item| item.product.sku == args.sku) else {
        return Err(unknown(&args.sku));
    };
    let (product, line) = (&item.product, Line::of(item));
    if args.json {
        print_line(&serde_json::to_string(&line)?)?;
        return Ok(outcome);
    }
    let Product { sku, title, price, currency, barcode, colours, sizes, variant_of, url, category, stock } = product;
    let price = price.as_ref().map(|p| [p.as_str(), currency.as_deref().unwrap_or_default()].join(" "));
    let fields = [
        ("sku", Some(sku.clone())),
        ("title", Some(title.clone())),
        ("price", price.map(|p| p.trim_end().to_owned())),
        ("barcode", barcode.clone()),
        ("colour", Some(colours.join(", "))),
        ("size", Some(sizes.join(", "))),
        ("variant of", variant_of.clone()),
        ("url", url.clone()),
        ("category", category.clone()),
        ("stock", stock.map(|stock| stock.to_string())),
        ("photos", Some(line.photos.join(", "))),
    ];
    for (name, value) in fields {
        if let Some(value) = value.filter(|v| !v.is_empty()) {
            print_line(&format!("{name:<11} {value}"))?;
        }
    }
    Ok(outcome)
}

pub(super) fn remove(args: &RemoveArgs) -> Result<Outcome, Report> {
    let mut store = Store::open(&args.catalogue.path()?).map_err(|e| store_report(&e))?;
    store.sign(args.by.author(format!("remove {}", args.skus.join(" "))));
    let mut outcome = Outcome::Done;
    for sku in &args.skus {
        if store.remove(sku).map_err(|e| store_report(&e))? {
            print_line(&format!("removed {sku}"))?;
        } else {
            eprint!("{}", unknown(sku));
            outcome = Outcome::SomeFailed;
        }
    }
    Ok(outcome)
}

fn unknown(sku: &str) -> Report {
    Report::new(format!("the catalogue has no product `{sku}`"))
        .hint("`clothingid catalogue list` shows the products that it has")
}

/// `1 photo`, `2 photos`.
pub(super) fn counted(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}
