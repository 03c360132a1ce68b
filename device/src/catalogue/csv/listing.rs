//! Rows → products with their photographs.

use super::cells::{barcode, cents, currency, price, stock};
use super::encoding::Encoding;
use super::header::{Column, Columns};
use super::problem::{CsvError, Problem, ProblemKind};
use super::records::{Record, UnclosedQuote};
use crate::catalogue::{Product, Role};
use std::collections::{BTreeMap, BTreeSet};

/// What a catalogue file says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listing {
    /// Its products, in the order of their first rows.
    pub products: Vec<ListedProduct>,
    /// The products of which no row is taken, because the rows contradict each other.
    pub refused: BTreeSet<String>,
    /// Its bad rows, in order.
    pub problems: Vec<Problem>,
    /// How many rows it has under the header.
    pub rows: usize,
    /// Columns that mean nothing to us.
    pub ignored_columns: Vec<String>,
    /// How the file was written.
    pub encoding: Encoding,
    /// Whether a product is left as it is where one of its photographs cannot be used. Else the rest of it is taken.
    pub is_all_or_nothing: bool,
    /// What the staff of a shop have found out at the counter. Tables have none.
    pub evidence: Vec<ListedEvidence>,
}

/// One product and its photographs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedProduct {
    /// What the file says of it.
    pub product: Product,
    /// Its photographs in the order of the rows.
    pub photos: Vec<ListedPhoto>,
    /// Whether the file has more rows of it that are bad. Its stored photographs then stay, listed or not.
    pub has_bad_rows: bool,
}

/// A picture of the counter, and what it says of which product.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedEvidence {
    /// The picture.
    pub photo: ListedPhoto,
    /// What it says of which product; at least one.
    pub says: Vec<(String, Role)>,
}

/// One photograph of a product.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedPhoto {
    /// As the row names it.
    pub name: String,
    /// What the source of photographs calls it: its name, where it is a file.
    pub key: String,
    /// The row's line; 0 where it came from no table.
    pub line: u64,
    /// SHA-256 of its bytes, where it is known before they are read.
    pub sha256: Option<[u8; 32]>,
}

/// The row's cells as they are understood.
struct Row {
    line: u64,
    sku: String,
    /// Nothing in a row that says something else of the product.
    photo: Option<String>,
    /// Those that hold for the whole product.
    common: Vec<(Column, String)>,
    colours: Vec<String>,
    sizes: Vec<String>,
}

/// One product while its rows come in.
#[derive(Default)]
struct Group {
    listed: Option<ListedProduct>,
    common: BTreeMap<Column, (String, u64)>,
    first_line: u64,
    contradicted: bool,
}

/// The columns in which all rows of a product must agree; an empty cell agrees with all.
const COMMON: [Column; 8] = [
    Column::Title,
    Column::Price,
    Column::Currency,
    Column::Barcode,
    Column::VariantOf,
    Column::Url,
    Column::Category,
    Column::Stock,
];

/// Reads all rows under the header.
///
/// # Errors
/// A quote that never closes.
pub fn read(
    file: &str,
    columns: &Columns,
    records: impl Iterator<Item = Result<Record, UnclosedQuote>>,
) -> Result<Listing, CsvError> {
    let mut listing = Listing { ignored_columns: columns.ignored.clone(), ..Listing::default() };
    let mut groups: Vec<Group> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    // Products whose row could be read as far as the sku.
    let mut with_bad_rows: BTreeSet<String> = BTreeSet::new();

    for record in records {
        let record = record.map_err(|quote| CsvError::unclosed(file, quote))?;
        // Office programs write rows of nothing below the table.
        if record.cells.iter().all(|c| c.trim().is_empty()) {
            continue;
        }
        listing.rows += 1;
        let outcome = row(file, columns, &record).and_then(|row| {
            let place = *places.entry(row.sku.clone()).or_insert_with(|| {
                groups.push(Group { first_line: row.line, ..Group::default() });
                groups.len() - 1
            });
            groups.get_mut(place).map_or(Ok(()), |group| group.add(file, row))
        });
        if let Err(problem) = outcome {
            with_bad_rows.extend(problem.sku.clone());
            listing.problems.push(*problem);
        }
    }

    for group in groups {
        let Some(mut listed) = group.listed else { continue };
        if group.contradicted {
            listing.refused.insert(listed.product.sku);
            continue;
        }
        if listed.product.title.is_empty() {
            let sku = listed.product.sku;
            listing.problems.push(problem(file, group.first_line, Column::Title, Some(&sku), ProblemKind::Empty));
            listing.refused.insert(sku);
            continue;
        }
        // A variant may be shown by the photographs of its style.
        if listed.photos.is_empty() && listed.product.variant_of.is_none() {
            let sku = listed.product.sku;
            listing.problems.push(problem(file, group.first_line, Column::Photo, Some(&sku), ProblemKind::Empty));
            listing.refused.insert(sku);
            continue;
        }
        listed.has_bad_rows = with_bad_rows.contains(&listed.product.sku);
        listing.products.push(listed);
    }
    listing.problems.sort_by_key(|p| p.line);
    Ok(listing)
}

fn problem(file: &str, line: u64, column: impl Into<Option<Column>>, sku: Option<&str>, kind: ProblemKind) -> Problem {
    Problem { file: file.to_owned(), line, column: column.into(), sku: sku.map(str::to_owned), kind }
}

/// Checks one row alone.
fn row(file: &str, columns: &Columns, record: &Record) -> Result<Row, Box<Problem>> {
    let text = |column| plain(tidy(columns.cell(&record.cells, column)));
    let sku = text(Column::Sku);
    let named = (!sku.is_empty()).then_some(sku.as_str());
    let bad = |column: Option<Column>, kind| Box::new(problem(file, record.line, column, named, kind));

    if record.cells.len() != columns.count {
        let (expected, found) = (columns.count, record.cells.len());
        return Err(bad(None, ProblemKind::CellCount { expected, found }));
    }
    for column in Column::ALL {
        let cell = text(column);
        if cell.starts_with('=') {
            return Err(bad(Some(column), ProblemKind::Formula { found: cell }));
        }
        if let Some(c) = cell.chars().find(|c| c.is_control()) {
            return Err(bad(Some(column), ProblemKind::ControlCharacter(u32::from(c))));
        }
        if cell.is_empty() && column == Column::Sku {
            return Err(bad(Some(column), ProblemKind::Empty));
        }
    }
    let mut common = Vec::new();
    for column in COMMON {
        let cell = text(column);
        if cell.is_empty() {
            continue;
        }
        let value = match column {
            Column::Price => price(&cell),
            Column::Currency => currency(&cell),
            Column::Barcode => barcode(&cell),
            Column::Stock => stock(&cell),
            _ => Ok(cell),
        };
        common.push((column, value.map_err(|kind| bad(Some(column), kind))?));
    }
    let photo = Some(plain(columns.cell(&record.cells, Column::Photo).trim().to_owned())).filter(|p| !p.is_empty());
    // `S|M|L` and `S, M, L`; but not `38,5`, which is one size.
    let list = |column| {
        let cell = plain(columns.cell(&record.cells, column).to_owned());
        cell.split('|').flat_map(|c| c.split(", ")).map(tidy).filter(|c| !c.is_empty()).collect::<Vec<String>>()
    };
    let (colours, sizes) = (list(Column::Colour), list(Column::Size));
    Ok(Row { line: record.line, photo, common, colours, sizes, sku })
}

/// `="00123"`, with which people keep an office program from eating zeros, is `00123`.
fn plain(cell: String) -> String {
    match cell.strip_prefix("=\"").and_then(|rest| rest.strip_suffix('"')) {
        Some(text) if !text.contains('"') => text.to_owned(),
        _ => cell,
    }
}

/// Line breaks and runs of spaces become one space.
fn tidy(cell: &str) -> String {
    cell.split_whitespace().collect::<Vec<_>>().join(" ")
}

impl Group {
    /// Adds a row that is good in itself.
    fn add(&mut self, file: &str, row: Row) -> Result<(), Box<Problem>> {
        let Row { line, sku, photo, common, colours, sizes } = row;
        let listed = self.listed.get_or_insert_with(|| ListedProduct {
            product: Product { sku: sku.clone(), ..Product::default() },
            photos: Vec::new(),
            has_bad_rows: false,
        });
        for (column, second) in &common {
            let differs = |(first, _): &&(String, u64)| match column {
                Column::Price => cents(first) != cents(second),
                _ => first != second,
            };
            if let Some((first, first_line)) = self.common.get(column).filter(differs) {
                self.contradicted = true;
                let (first, first_line, second) = (first.clone(), *first_line, second.clone());
                let kind = ProblemKind::Contradiction { sku: sku.clone(), first, first_line, second };
                return Err(Box::new(problem(file, line, *column, Some(&sku), kind)));
            }
        }
        let known = photo.as_ref().and_then(|name| listed.photos.iter().find(|p| p.name == *name)).map(|p| p.line);
        let says_nothing_new = colours.iter().all(|c| listed.product.colours.contains(c))
            && sizes.iter().all(|s| listed.product.sizes.contains(s))
            && common.iter().all(|(column, _)| self.common.contains_key(column));
        match (known, photo) {
            (Some(first_line), Some(photo)) if says_nothing_new => {
                let kind = ProblemKind::Duplicate { sku: sku.clone(), photo, first_line };
                return Err(Box::new(problem(file, line, Column::Photo, Some(&sku), kind)));
            }
            (None, Some(name)) => {
                listed.photos.push(ListedPhoto { key: name.clone(), name, line, sha256: None });
            }
            _ => {}
        }
        for (list, new) in [(&mut listed.product.colours, colours), (&mut listed.product.sizes, sizes)] {
            for value in new {
                if !list.contains(&value) {
                    list.push(value);
                }
            }
        }
        for (column, value) in common {
            if self.common.contains_key(&column) {
                continue;
            }
            let product = &mut listed.product;
            match column {
                Column::Title => product.title.clone_from(&value),
                Column::Price => product.price = Some(value.clone()),
                Column::Currency => product.currency = Some(value.clone()),
                Column::Barcode => product.barcode = Some(value.clone()),
                Column::VariantOf => product.variant_of = Some(value.clone()),
                Column::Url => product.url = Some(value.clone()),
                Column::Category => product.category = Some(value.clone()),
                Column::Stock => product.stock = value.parse().ok(),
                Column::Sku | Column::Photo | Column::Colour | Column::Size => {}
            }
            self.common.insert(column, (value, line));
        }
        Ok(())
    }
}
