//! Tables that shop systems write, as rows of ours.
//!
//! Such a table has rows of its own kinds (a style with its first variant, another variant, one more picture) and names pictures by their
//! address on the web. Here it becomes the table that somebody would write for this program: a row a variant and photograph, photographs named by the
//! last part of their address. What a row says is looked at afterwards, as with every other table.

mod shopify;
mod woocommerce;

use super::header::Column;
use super::records::Record;

/// A shop system whose tables are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Export {
    /// Shopify: Products, Export.
    Shopify,
    /// `WooCommerce`: Products, Export, in English.
    WooCommerce,
}

impl Export {
    /// The system whose table begins with this row.
    #[must_use]
    pub fn of(header: &Record) -> Option<Self> {
        let table = Table::of(header);
        let has = |names: &[&[&str]]| names.iter().all(|names| table.place(names).is_some());
        if has(&shopify::MARKS) {
            Some(Self::Shopify)
        } else if has(&woocommerce::MARKS) {
            Some(Self::WooCommerce)
        } else {
            None
        }
    }

    /// Its rows as rows of ours, with a cell for each of [`Column::ALL`].
    #[must_use]
    pub fn rows(self, header: &Record, records: &[Record]) -> Vec<Record> {
        let table = Table::of(header);
        match self {
            Self::Shopify => shopify::rows(&table, records),
            Self::WooCommerce => woocommerce::rows(&table, records),
        }
    }
}

/// Where a table has which column.
struct Table<'a> {
    names: Vec<&'a str>,
}

impl<'a> Table<'a> {
    fn of(header: &'a Record) -> Self {
        Self { names: header.cells.iter().map(|cell| cell.trim()).collect() }
    }

    /// The column of one of these names: systems rename theirs.
    fn place(&self, names: &[&str]) -> Option<usize> {
        names.iter().find_map(|name| self.names.iter().position(|own| own.eq_ignore_ascii_case(name)))
    }

    /// The cell of the column of one of these names, or nothing.
    fn cell<'r>(&self, record: &'r Record, names: &[&str]) -> &'r str {
        self.place(names).and_then(|place| record.cells.get(place)).map_or("", |cell| cell.trim())
    }
}

/// A variant while its rows come in.
#[derive(Debug, Clone, Default)]
struct Variant {
    line: u64,
    /// Cells beside the photograph, by column.
    cells: Vec<(Column, String)>,
    /// Photographs, each with the line that names it.
    photos: Vec<(u64, String)>,
}

impl Variant {
    fn new(line: u64, cells: impl IntoIterator<Item = (Column, String)>) -> Self {
        Self { line, cells: cells.into_iter().collect(), photos: Vec::new() }
    }

    /// Its rows: one with all that is known and the first photograph, and one for each further photograph.
    fn rows(&self) -> impl Iterator<Item = Record> {
        let (line, first) = self.photos.first().cloned().unwrap_or((self.line, String::new()));
        let all = row(line, self.cells.iter().cloned().chain([(Column::Photo, first)]));
        let sku = self.cells.iter().find(|(column, _)| *column == Column::Sku).cloned();
        let more = self
            .photos
            .iter()
            .skip(1)
            .map(move |(line, photo)| row(*line, sku.clone().into_iter().chain([(Column::Photo, photo.clone())])));
        std::iter::once(all).chain(more)
    }
}

fn row(line: u64, cells: impl Iterator<Item = (Column, String)>) -> Record {
    let mut row = vec![String::new(); Column::ALL.len()];
    for (column, cell) in cells {
        if let Some(place) = Column::ALL.iter().position(|c| *c == column).and_then(|place| row.get_mut(place)) {
            *place = cell;
        }
    }
    Record { line, cells: row }
}

/// What a picture is called in a folder that it was loaded into: the last part of its address.
fn photo_name(address: &str) -> String {
    let path = address.split(['?', '#']).next().unwrap_or(address);
    let last = path.rsplit('/').next().unwrap_or(path);
    percent_encoding::percent_decode_str(last).decode_utf8_lossy().into_owned()
}

/// Which of our columns an option or attribute of this name is.
fn option_column(name: &str) -> Option<Column> {
    match name.trim().to_lowercase().as_str() {
        "color" | "colour" | "farbe" | "顏色" => Some(Column::Colour),
        "size" | "größe" | "grösse" | "尺寸" | "尺碼" => Some(Column::Size),
        _ => None,
    }
}

/// A number of pieces as ours has it: fewer than none are none.
fn pieces(cell: &str) -> String {
    match cell.parse::<f64>() {
        Ok(count) if count < 1.0 => "out".to_owned(),
        _ => cell.to_owned(),
    }
}

#[cfg(test)]
mod tests;
