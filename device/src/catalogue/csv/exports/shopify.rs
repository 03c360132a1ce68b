//! Shopify's table of products: rows of one handle are a style; the first has its fields, and each row a variant, a picture, or both.
//!
//! **Source** <https://help.shopify.com/en/manual/products/import-export/using-csv>, with the column names of before and after 2025.

use super::super::header::Column;
use super::super::records::Record;
use super::{Table, Variant, option_column, photo_name, pieces};

const HANDLE: &[&str] = &["URL handle", "Handle"];
const IMAGE: &[&str] = &["Product image URL", "Image Src"];
const PRICE: &[&str] = &["Price", "Variant Price"];

/// Columns by which the table is known.
pub(super) const MARKS: [&[&str]; 4] = [HANDLE, &["Title"], IMAGE, PRICE];

/// Names and values of the options.
const OPTIONS: [(&str, &str); 3] =
    [("Option1 name", "Option1 value"), ("Option2 name", "Option2 value"), ("Option3 name", "Option3 value")];

/// What Shopify writes where a style has one variant only.
const NO_OPTION: &str = "Default Title";

struct Style {
    handle: String,
    title: String,
    category: String,
    options: Vec<String>,
    is_sold: bool,
    variants: Vec<Variant>,
    /// Pictures of the style, each with the line that names it.
    photos: Vec<(u64, String)>,
}

pub(super) fn rows(table: &Table<'_>, records: &[Record]) -> Vec<Record> {
    let mut styles: Vec<Style> = Vec::new();
    for record in records {
        let cell = |names: &[&str]| table.cell(record, names);
        let handle = cell(HANDLE);
        let is_next = styles.last().is_none_or(|style| !handle.is_empty() && style.handle != handle);
        if is_next {
            styles.push(Style {
                handle: handle.to_owned(),
                title: cell(&["Title"]).to_owned(),
                category: cell(&["Type", "Product category"]).to_owned(),
                options: OPTIONS.iter().map(|(name, _)| cell(&[name]).to_owned()).collect(),
                is_sold: ["", "active"].contains(&cell(&["Status"]).to_lowercase().as_str()),
                variants: Vec::new(),
                photos: Vec::new(),
            });
        }
        if let Some(style) = styles.last_mut() {
            style.add(table, record);
        }
    }
    styles.into_iter().flat_map(Style::rows).collect()
}

impl Style {
    fn add(&mut self, table: &Table<'_>, record: &Record) {
        let cell = |names: &[&str]| table.cell(record, names);
        let image = photo_name(cell(IMAGE));
        if !image.is_empty() {
            self.photos.push((record.line, image));
        }
        let options: Vec<&str> = OPTIONS.iter().map(|(_, value)| cell(&[value])).collect();
        let (sku, price) = (cell(&["SKU", "Variant SKU"]), cell(PRICE));
        if options.iter().all(|option| option.is_empty()) && sku.is_empty() && price.is_empty() {
            return;
        }
        let named: Vec<&str> = options.iter().copied().filter(|o| !o.is_empty() && *o != NO_OPTION).collect();
        let sku = if sku.is_empty() {
            [&[self.handle.as_str()], named.as_slice()].concat().join("-")
        } else {
            // An apostrophe keeps office programs from eating zeros.
            sku.trim_start_matches('\'').to_owned()
        };
        let is_counted = !cell(&["Inventory tracker", "Variant Inventory Tracker"]).is_empty();
        let quantity = cell(&["Inventory quantity", "Variant Inventory Qty"]);
        let stock = match (self.is_sold, is_counted) {
            (false, _) => "out".to_owned(),
            (true, true) => pieces(quantity),
            (true, false) => String::new(),
        };
        let barcode = cell(&["Barcode", "Variant Barcode"]).trim_start_matches('\'');
        let mut variant = Variant::new(
            record.line,
            [
                (Column::Sku, sku),
                (Column::Price, price.to_owned()),
                (Column::Barcode, barcode.to_owned()),
                (Column::Stock, stock),
            ],
        );
        for (name, value) in self.options.iter().zip(&options) {
            variant.cells.extend(option_column(name).map(|column| (column, (*value).to_owned())));
        }
        let own = photo_name(cell(&["Variant image URL", "Variant Image"]));
        if !own.is_empty() {
            variant.photos.push((record.line, own));
        }
        self.variants.push(variant);
    }

    /// Each picture once: with the first variant that names it, and all others with the first variant.
    fn rows(mut self) -> Vec<Record> {
        let mut taken: Vec<String> = Vec::new();
        for variant in &mut self.variants {
            variant.photos.retain(|(_, photo)| !taken.contains(photo));
            taken.extend(variant.photos.iter().map(|(_, photo)| photo.clone()));
        }
        let is_alone = self.variants.len() == 1;
        let others = self.photos.into_iter().filter(|(_, photo)| !taken.contains(photo));
        if let Some(first) = self.variants.first_mut() {
            first.photos.extend(others);
        }
        for variant in &mut self.variants {
            variant.cells.push((Column::Title, self.title.clone()));
            variant.cells.push((Column::Category, self.category.clone()));
            if !is_alone {
                variant.cells.push((Column::VariantOf, self.handle.clone()));
            }
        }
        self.variants.iter().flat_map(Variant::rows).collect()
    }
}
