//! The catalogue file: `sku,title,photo` and optionally `price,currency,barcode,colour,size,variant_of,url`.
//!
//! Several rows with one `sku` are several photographs of one product. Cells are separated by commas or semicolons
//! (the header decides), the text is UTF-8 with or without a byte order mark, column names may be in any case and
//! order, and other columns are left alone.
//!
//! 1. [`records`] cuts the text into rows of cells and knows the line of each;
//! 2. [`header`] finds the columns;
//! 3. [`listing`] joins rows into products.
//!
//! **Promise**: no panic on any bytes, memory in proportion to the file. What is wrong with the file as a whole is a
//! [`CsvError`] and nothing of it is taken; what is wrong with a row is a [`Problem`], and all other rows are taken.

pub mod header;
pub mod listing;
mod problem;
pub mod records;

pub use header::Column;
pub use listing::{ListedPhoto, ListedProduct, Listing};
pub use problem::{CsvError, Problem, ProblemKind};

/// Reads a catalogue file. `file` is its name in messages.
///
/// # Errors
/// What is wrong with the file as a whole: [`CsvError`].
pub fn read(file: &str, bytes: &[u8]) -> Result<Listing, CsvError> {
    let text = text(file, bytes)?;
    let delimiter = header::delimiter(text);
    let mut records = records::Records::new(text, delimiter);
    let columns = header::Columns::read(file, &mut records)?;
    listing::read(file, &columns, records)
}

/// The bytes as text without byte order mark.
fn text<'a>(file: &str, bytes: &'a [u8]) -> Result<&'a str, CsvError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    std::str::from_utf8(bytes).map_err(|error| {
        let (good, rest) = bytes.split_at_checked(error.valid_up_to()).unwrap_or((bytes, &[]));
        let line_start = good.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
        CsvError::NotUtf8 {
            file: file.to_owned(),
            line: 1 + good.iter().filter(|b| **b == b'\n').count(),
            byte: rest.first().copied().unwrap_or_default(),
            byte_of_line: good.len() - line_start + 1,
        }
    })
}

#[cfg(test)]
mod tests;
