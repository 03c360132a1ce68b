//! The first line of a catalogue file: which column is where, and what separates the cells.

use super::CsvError;
use super::records::{Record, Records};

/// The columns that a catalogue file may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Column {
    /// The shop's number of the product.
    Sku,
    /// Its name.
    Title,
    /// The photograph, relative to the folder of photographs.
    Photo,
    /// Its price.
    Price,
    /// The price's currency.
    Currency,
    /// Its barcode.
    Barcode,
    /// Its colour.
    Colour,
    /// Its size.
    Size,
    /// The style that it is a variant of.
    VariantOf,
    /// Its page in the web shop.
    Url,
    /// What it is, in the shop's words.
    Category,
    /// How many there are.
    Stock,
}

impl Column {
    /// All of them; the first three must be there.
    pub const ALL: [Self; 12] = [
        Self::Sku,
        Self::Title,
        Self::Photo,
        Self::Price,
        Self::Currency,
        Self::Barcode,
        Self::Colour,
        Self::Size,
        Self::VariantOf,
        Self::Url,
        Self::Category,
        Self::Stock,
    ];

    /// Those without which there is no catalogue.
    pub const NEEDED: [Self; 3] = [Self::Sku, Self::Title, Self::Photo];

    /// Its name in the file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sku => "sku",
            Self::Title => "title",
            Self::Photo => "photo",
            Self::Price => "price",
            Self::Currency => "currency",
            Self::Barcode => "barcode",
            Self::Colour => "colour",
            Self::Size => "size",
            Self::VariantOf => "variant_of",
            Self::Url => "url",
            Self::Category => "category",
            Self::Stock => "stock",
        }
    }
}

impl std::fmt::Display for Column {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What Excel writes before everything else where it trusts no reader: `sep=;`. The separator that it says, the text after it, and that text's
/// first line.
#[must_use]
pub fn separator_line(text: &str) -> (Option<char>, &str, u64) {
    let said = text.strip_prefix("sep=").and_then(|rest| {
        let mut characters = rest.chars();
        let said = characters.next()?;
        let rest = characters.as_str();
        let rest = rest.strip_prefix("\r\n").or_else(|| rest.strip_prefix(['\n', '\r']))?;
        Some((said, rest))
    });
    said.map_or((None, text, 1), |(said, rest)| (Some(said), rest, 2))
}

/// What separates the cells: the one of comma, semicolon and tab that the first line has most of, outside quotes.
#[must_use]
pub fn delimiter(text: &str) -> char {
    let mut quoted = false;
    let (mut commas, mut semicolons, mut tabs) = (0_usize, 0_usize, 0_usize);
    for c in text.trim_start_matches(['\r', '\n']).chars() {
        match c {
            '"' => quoted = !quoted,
            '\n' | '\r' if !quoted => break,
            ',' if !quoted => commas += 1,
            ';' if !quoted => semicolons += 1,
            '\t' if !quoted => tabs += 1,
            _ => {}
        }
    }
    // Of equals the comma.
    let most = [(tabs, '\t'), (semicolons, ';'), (commas, ',')].into_iter().max_by_key(|(count, _)| *count);
    most.map_or(',', |(_, delimiter)| delimiter)
}

/// Cells of a first line that are named in an error, and characters of each: it may be any file's first line.
const MOST_NAMED: usize = 12;
const MOST_CHARACTERS: usize = 40;

/// A cell of the first line as an error names it.
fn named(cell: &str) -> String {
    let visible = |c: char| if c.is_control() { '\u{fffd}' } else { c };
    let mut shown: String = cell.trim().chars().take(MOST_CHARACTERS).map(visible).collect();
    if cell.trim().chars().nth(MOST_CHARACTERS).is_some() {
        shown.push('…');
    }
    format!("`{shown}`")
}

/// The first row.
///
/// # Errors
/// There is none, or a quote in it never closes.
pub fn first(file: &str, records: &mut Records<'_>) -> Result<Record, CsvError> {
    match records.next() {
        None => Err(CsvError::Empty { file: file.to_owned() }),
        Some(Err(quote)) => Err(CsvError::unclosed(file, quote)),
        Some(Ok(record)) => Ok(record),
    }
}

/// Where each column is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Columns {
    places: Vec<(Column, usize)>,
    /// How many cells the first line has, and so each row.
    pub count: usize,
    /// Names that mean nothing to us, as they are written.
    pub ignored: Vec<String>,
}

impl Columns {
    /// Those of rows with a cell for each column.
    #[must_use]
    pub fn all() -> Self {
        Self { places: Column::ALL.into_iter().zip(0..).collect(), count: Column::ALL.len(), ignored: Vec::new() }
    }

    /// Reads the first row.
    ///
    /// # Errors
    /// A column that must be there is not, or one is there twice.
    pub fn read(file: &str, header: &Record) -> Result<Self, CsvError> {
        let mut places: Vec<(Column, usize)> = Vec::new();
        let mut ignored = Vec::new();
        for (place, cell) in header.cells.iter().enumerate() {
            let name = cell.trim();
            match Column::ALL.into_iter().find(|c| c.name().eq_ignore_ascii_case(name)) {
                None if name.is_empty() => {}
                None => ignored.push(name.to_owned()),
                Some(column) if places.iter().any(|(c, _)| *c == column) => {
                    return Err(CsvError::RepeatedColumn { file: file.to_owned(), line: header.line, column });
                }
                Some(column) => places.push((column, place)),
            }
        }
        for column in Column::NEEDED {
            if !places.iter().any(|(c, _)| *c == column) {
                let found: Vec<String> = header.cells.iter().take(MOST_NAMED).map(|c| named(c)).collect();
                let found = found.join(", ");
                return Err(CsvError::MissingColumn { file: file.to_owned(), line: header.line, column, found });
            }
        }
        Ok(Self { places, count: header.cells.len(), ignored })
    }

    /// The cell of a column, or nothing where the file has no such column.
    #[must_use]
    pub fn cell<'r>(&self, cells: &'r [String], column: Column) -> &'r str {
        self.places
            .iter()
            .find(|(c, _)| *c == column)
            .and_then(|(_, place)| cells.get(*place))
            .map_or("", String::as_str)
    }
}
