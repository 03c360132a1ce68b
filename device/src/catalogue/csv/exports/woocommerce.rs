//! `WooCommerce`'s table of products: a row a product; variations name their style in `Parent`, by its number (`id:44`) or its SKU.
//!
//! **Source** <https://github.com/woocommerce/woocommerce/wiki/Product-CSV-Import-Schema>

use super::super::header::Column;
use super::super::records::Record;
use super::{Table, Variant, option_column, photo_name, pieces};
use std::collections::HashMap;

const SKU: &[&str] = &["SKU"];

/// Columns by which the table is known.
pub(super) const MARKS: [&[&str]; 5] = [&["Type"], SKU, &["Name"], &["Regular price"], &["Images"]];

/// Attributes of a product, at most.
const MOST_ATTRIBUTES: usize = 20;

pub(super) fn rows(table: &Table<'_>, records: &[Record]) -> Vec<Record> {
    let kind = |record: &Record| {
        let kinds = table.cell(record, &["Type"]).to_lowercase();
        kinds.split(',').next().unwrap_or_default().trim().to_owned()
    };
    let of = |wanted: &'static [&'static str]| {
        records.iter().filter(move |record| wanted.contains(&kind(record).as_str())).collect::<Vec<_>>()
    };
    let styles = of(&["variable"]);
    let names = styles
        .iter()
        .enumerate()
        .flat_map(|(place, style)| [(number(table, style), place), (sku(table, style), place)]);
    let places: HashMap<String, usize> = names.collect();
    let mut variants: Vec<(Option<usize>, Variant)> = Vec::new();
    for record in records {
        match kind(record).as_str() {
            "variation" => {
                let parent = table.cell(record, &["Parent"]);
                let style = places.get(parent).copied();
                let own = table.cell(record, SKU);
                // A variation without an SKU of its own is written with its style's.
                let is_own = !own.is_empty() && style.and_then(|s| styles.get(s)).is_none_or(|s| own != sku(table, s));
                let name = if is_own { own.to_owned() } else { number(table, record) };
                variants.push((style, variant(table, record, name)));
            }
            // A style is what its variations are; a group is other products.
            "variable" | "grouped" => {}
            _ => variants.push((None, variant(table, record, sku(table, record)))),
        }
    }
    for (place, style) in styles.iter().enumerate() {
        match variants.iter_mut().find(|(of, _)| *of == Some(place)) {
            Some((_, first)) => {
                let known: Vec<String> = variants_photos(first);
                first.photos.extend(photos(table, style).into_iter().filter(|(_, photo)| !known.contains(photo)));
            }
            // Without variations there is only the style itself.
            None => variants.push((None, variant(table, style, sku(table, style)))),
        }
    }
    let mut counts = vec![0; styles.len()];
    for place in variants.iter().filter_map(|(style, _)| *style) {
        counts.get_mut(place).into_iter().for_each(|count| *count += 1);
    }
    for (place, variant) in &mut variants {
        let Some((style, count)) = place.and_then(|place| styles.get(place).zip(counts.get(place))) else { continue };
        // Variations are of their style's category.
        if let Some((_, cell)) = variant.cells.iter_mut().find(|(c, cell)| *c == Column::Category && cell.is_empty()) {
            *cell = category(table, style);
        }
        // A style of one is the garment itself.
        if *count > 1 {
            variant.cells.push((Column::VariantOf, sku(table, style)));
        }
    }
    variants.iter().flat_map(|(_, variant)| variant.rows()).collect()
}

fn variants_photos(variant: &Variant) -> Vec<String> {
    variant.photos.iter().map(|(_, photo)| photo.clone()).collect()
}

fn number(table: &Table<'_>, record: &Record) -> String {
    format!("id:{}", table.cell(record, &["ID"]))
}

fn sku(table: &Table<'_>, record: &Record) -> String {
    match table.cell(record, SKU) {
        "" => number(table, record),
        sku => sku.to_owned(),
    }
}

/// `Clothing > T-shirts, Sale`: the last word of the first one.
fn category(table: &Table<'_>, record: &Record) -> String {
    let first = table.cell(record, &["Categories"]).split(',').next().unwrap_or_default();
    first.rsplit('>').next().unwrap_or_default().trim().to_owned()
}

fn photos(table: &Table<'_>, record: &Record) -> Vec<(u64, String)> {
    let addresses = table.cell(record, &["Images"]).split(',').map(photo_name).map(|name| name.trim().to_owned());
    addresses.filter(|name| !name.is_empty()).map(|name| (record.line, name)).collect()
}

fn variant(table: &Table<'_>, record: &Record, sku: String) -> Variant {
    let cell = |names: &[&str]| table.cell(record, names).to_owned();
    let price = match table.cell(record, &["Sale price"]) {
        "" => cell(&["Regular price"]),
        sale => sale.to_owned(),
    };
    let is_published = ["", "1"].contains(&table.cell(record, &["Published"]));
    let stock = match (is_published, table.cell(record, &["Stock"]), table.cell(record, &["In stock?"])) {
        (false, ..) | (true, "", "0") => "out".to_owned(),
        (true, "", "1") => "in".to_owned(),
        (true, count, _) => pieces(count),
    };
    let mut variant = Variant::new(
        record.line,
        [
            (Column::Sku, sku),
            (Column::Title, cell(&["Name"])),
            (Column::Price, price),
            (Column::Stock, stock),
            (Column::Barcode, cell(&["GTIN, UPC, EAN, or ISBN"])),
            (Column::Url, cell(&["External URL"])),
            (Column::Category, category(table, record)),
        ],
    );
    for number in 1..=MOST_ATTRIBUTES {
        let column = option_column(table.cell(record, &[&format!("Attribute {number} name")]));
        let values = cell(&[&format!("Attribute {number} value(s)")]);
        variant.cells.extend(column.map(|column| (column, values)));
    }
    variant.photos = photos(table, record);
    variant
}
