//! The catalogue file: `sku,title,photo` and optionally `price,currency,barcode,colour,size,variant_of,url`.
//!
//! Several rows with one `sku` are several photographs of one product. Cells are separated by commas, semicolons or tabs
//! (the header decides, or a line `sep=;` before it), column names may be in any case and order, and other columns are
//! left alone.
//!
//! 1. [`encoding`] makes text of the bytes;
//! 2. [`records`] cuts the text into rows of cells and knows the line of each;
//! 3. [`header`] finds the columns;
//! 4. [`exports`] makes such rows of the tables of shop systems;
//! 5. [`cells`] says what prices, currencies and barcodes must be;
//! 6. [`listing`] joins rows into products.
//!
//! **Promise**: no panic on any bytes, memory in proportion to the file. What is wrong with the file as a whole is a
//! [`CsvError`] and nothing of it is taken; what is wrong with a row is a [`Problem`], and all other rows are taken.

mod cells;
mod encoding;
pub mod exports;
pub mod header;
pub mod listing;
mod problem;
pub mod records;

pub(crate) use cells::barcode;
pub use encoding::Encoding;
pub use exports::Export;
pub use header::Column;
pub use listing::{ListedEvidence, ListedPhoto, ListedProduct, Listing};
pub use problem::{CsvError, Problem, ProblemKind};

/// Reads a catalogue file. `file` is its name in messages.
///
/// # Errors
/// What is wrong with the file as a whole: [`CsvError`].
pub fn read(file: &str, bytes: &[u8]) -> Result<Listing, CsvError> {
    let (text, encoding) = encoding::decode(file, bytes)?;
    let (said, text, line) = header::separator_line(&text);
    let delimiter = said.unwrap_or_else(|| header::delimiter(text));
    let mut records = records::Records::new(text, delimiter, line);
    let header = header::first(file, &mut records)?;
    let listing = match Export::of(&header) {
        Some(export) => {
            let records: Result<Vec<_>, _> = records.collect();
            let records = records.map_err(|quote| CsvError::unclosed(file, quote))?;
            // Office programs write rows of nothing below the table.
            let records = records.into_iter().filter(|record| record.cells.iter().any(|cell| !cell.trim().is_empty()));
            let (whole, torn): (Vec<_>, Vec<_>) = records.partition(|r| r.cells.len() == header.cells.len());
            let rows = export.rows(&header, &whole).into_iter().map(Ok);
            let mut listing = listing::read(file, &header::Columns::all(), rows)?;
            // Whose a torn row is cannot be said: what is stored of any product may be what it means.
            listing.products.iter_mut().for_each(|product| product.has_bad_rows |= !torn.is_empty());
            listing.problems.extend(torn.iter().map(|record| Problem::cell_count(file, &header, record)));
            listing.problems.sort_by_key(|problem| problem.line);
            listing
        }
        None => listing::read(file, &header::Columns::read(file, &header)?, records)?,
    };
    Ok(Listing { encoding, ..listing })
}

#[cfg(test)]
mod tests;
