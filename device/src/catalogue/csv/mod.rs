//! The catalogue file: `sku,title,photo` and optionally `price,currency,barcode,colour,size,variant_of,url`.
//!
//! Several rows with one `sku` are several photographs of one product. Cells are separated by commas, semicolons or tabs
//! (the header decides, or a line `sep=;` before it), column names may be in any case and order, and other columns are
//! left alone.
//!
//! 1. [`encoding`] makes text of the bytes;
//! 2. [`records`] cuts the text into rows of cells and knows the line of each;
//! 3. [`header`] finds the columns;
//! 4. [`cells`] says what prices, currencies and barcodes must be;
//! 5. [`listing`] joins rows into products.
//!
//! **Promise**: no panic on any bytes, memory in proportion to the file. What is wrong with the file as a whole is a
//! [`CsvError`] and nothing of it is taken; what is wrong with a row is a [`Problem`], and all other rows are taken.

mod cells;
mod encoding;
pub mod header;
pub mod listing;
mod problem;
pub mod records;

pub use encoding::Encoding;
pub use header::Column;
pub use listing::{ListedPhoto, ListedProduct, Listing};
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
    let columns = header::Columns::read(file, &mut records)?;
    Ok(Listing { encoding, ..listing::read(file, &columns, records)? })
}

#[cfg(test)]
mod tests;
