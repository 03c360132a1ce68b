//! `clothingid catalogue list`, `show` and `remove`.

use super::{ByArgs, CatalogueArgs, store_report};
use crate::catalogue::store::{Damage, StoredPhoto};
use crate::catalogue::{Product, Store};
use crate::cli::{Outcome, Report, print_line};
use serde::Serialize;
use std::collections::HashMap;

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

/// Products with the names of their photographs, in order; damaged rows are named on stderr.
struct Listing {
    products: Vec<Product>,
    photos: HashMap<String, Vec<StoredPhoto>>,
    outcome: Outcome,
}

impl Listing {
    fn read(store: &Store) -> Result<Self, Report> {
        let mut outcome = Outcome::Done;
        let mut damaged = |damage: &Damage| {
            eprintln!("error: {damage}");
            outcome = Outcome::SomeFailed;
        };
        let mut products = Vec::new();
        for stored in store.products().map_err(|e| store_report(&e))? {
            if stored.is_sound {
                products.push(stored.product);
            } else {
                damaged(&Damage::Product { sku: stored.product.sku });
            }
        }
        let mut photos: HashMap<String, Vec<StoredPhoto>> = HashMap::new();
        for photo in store.photos().map_err(|e| store_report(&e))? {
            if photo.is_sound {
                photos.entry(photo.sku.clone()).or_default().push(photo);
            } else {
                damaged(&photo.damage());
            }
        }
        for of_product in photos.values_mut() {
            of_product.sort_by_key(|p| p.position);
        }
        Ok(Self { products, photos, outcome })
    }

    fn line<'a>(&'a self, product: &'a Product) -> Line<'a> {
        let photos = self.photos.get(&product.sku).map_or(&[][..], Vec::as_slice);
        Line { product, photos: photos.iter().map(|p| p.name.as_str()).collect() }
    }
}

pub(super) fn list(args: &ListArgs) -> Result<Outcome, Report> {
    let store = Store::open(&args.catalogue.path()?).map_err(|e| store_report(&e))?;
    let listing = Listing::read(&store)?;
    for product in &listing.products {
        let line = listing.line(product);
        if args.json {
            print_line(&serde_json::to_string(&line)?)?;
        } else {
            print_line(&format!("{}  {}  ({})", product.sku, product.title, counted(line.photos.len(), "photo")))?;
        }
    }
    Ok(listing.outcome)
}

pub(super) fn show(args: &ShowArgs) -> Result<Outcome, Report> {
    let store = Store::open(&args.catalogue.path()?).map_err(|e| store_report(&e))?;
    let listing = Listing::read(&store)?;
    let Some(product) = listing.products.iter().find(|p| p.sku == args.sku) else {
        return Err(unknown(&args.sku));
    };
    let line = listing.line(product);
    if args.json {
        print_line(&serde_json::to_string(&line)?)?;
        return Ok(listing.outcome);
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
    Ok(listing.outcome)
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
