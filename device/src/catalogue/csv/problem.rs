//! What can be wrong with a catalogue file and with its rows.

use super::Column;
use super::records::{Record, UnclosedQuote};

/// The file as a whole cannot be used: nothing of it is taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CsvError {
    /// Text in an encoding that cannot be told, or none.
    #[error(
        "`{file}` line {line}: expected text in UTF-8, UTF-16 or Windows-1252, found the byte 0x{byte:02X} at byte {byte_of_line} of the line"
    )]
    NotText {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// The first byte that is not UTF-8.
        byte: u8,
        /// Its place in the line, from 1.
        byte_of_line: usize,
    },
    /// A workbook, and no table as text.
    #[error("`{file}` is a spreadsheet (or another ZIP), not a CSV file")]
    Spreadsheet {
        /// The file.
        file: String,
    },
    /// It begins as UTF-16 and does not go on so.
    #[error("`{file}` begins as UTF-16 text, and is cut short or damaged")]
    NotUtf16 {
        /// The file.
        file: String,
    },
    /// Nothing in it.
    #[error("`{file}` is empty: expected a first line with the columns `sku`, `title` and `photo`")]
    Empty {
        /// The file.
        file: String,
    },
    /// A column that must be there is not.
    #[error("`{file}` line {line}: expected a column `{column}`, found only {found}")]
    MissingColumn {
        /// The file.
        file: String,
        /// The header's line.
        line: u64,
        /// The one that is missing.
        column: Column,
        /// The names that are there.
        found: String,
    },
    /// Two columns of one name.
    #[error("`{file}` line {line}: expected one column `{column}`, found two")]
    RepeatedColumn {
        /// The file.
        file: String,
        /// The header's line.
        line: u64,
        /// Its name.
        column: Column,
    },
    /// A quote that opens a cell and never closes: all rows after it would be taken for one cell.
    #[error("`{file}` line {line}: the quote `\"` that opens a cell here is never closed")]
    UnclosedQuote {
        /// The file.
        file: String,
        /// Where it opens.
        line: u64,
    },
}

impl CsvError {
    pub(super) fn unclosed(file: &str, UnclosedQuote { line }: UnclosedQuote) -> Self {
        Self::UnclosedQuote { file: file.to_owned(), line }
    }

    /// What the user may do.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::Spreadsheet { .. } => {
                vec!["open it in the office program and save the table as `CSV UTF-8`".to_owned()]
            }
            Self::NotText { .. } | Self::NotUtf16 { .. } => {
                vec!["save it again from the office program as `CSV UTF-8`".to_owned()]
            }
            Self::Empty { .. } | Self::MissingColumn { .. } => {
                vec![
                    "the first line names the columns, as `sku,title,photo,price`, with commas, semicolons or tabs"
                        .to_owned(),
                ]
            }
            Self::RepeatedColumn { column, .. } => vec![format!("rename or remove one of the columns `{column}`")],
            Self::UnclosedQuote { .. } => {
                vec!["close the quote, or write it twice (`\"\"`) where the text itself has one".to_owned()]
            }
        }
    }
}

fn at(line: u64) -> String {
    if line == 0 { String::new() } else { format!(" line {line}") }
}

/// One row that cannot be used as it is. The other rows are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{file}`{}{}: {kind}", at(*line), .column.map_or_else(String::new, |c| format!(", column `{c}`")))]
pub struct Problem {
    /// The catalogue file.
    pub file: String,
    /// The line on which the row begins, from 1; 0 where the file is no table.
    pub line: u64,
    /// The column, where it is one.
    pub column: Option<Column>,
    /// The product, where the row names one.
    pub sku: Option<String>,
    /// What is wrong.
    pub kind: ProblemKind,
}

impl Problem {
    /// A row with more or fewer cells than the first one.
    pub(super) fn cell_count(file: &str, header: &Record, record: &Record) -> Self {
        let kind = ProblemKind::CellCount { expected: header.cells.len(), found: record.cells.len() };
        Self { file: file.to_owned(), line: record.line, column: None, sku: None, kind }
    }
}

/// What is wrong with a row.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProblemKind {
    /// More or fewer cells than the header has.
    #[error("expected {expected} cells as in the first line, found {found}")]
    CellCount {
        /// The header's.
        expected: usize,
        /// The row's.
        found: usize,
    },
    /// A cell that must not be empty.
    #[error("expected a value, found nothing")]
    Empty,
    /// A character that no cell may have.
    #[error("expected text, found the control character U+{0:04X}")]
    ControlCharacter(u32),
    /// Two rows of one product contradict each other: none of its rows is taken.
    #[error("the product `{sku}` has `{first}` on line {first_line} and `{second}` here: none of its rows is taken")]
    Contradiction {
        /// The product.
        sku: String,
        /// What an earlier row says.
        first: String,
        /// That row's line.
        first_line: u64,
        /// What this row says.
        second: String,
    },
    /// The row says nothing new.
    #[error("the photo `{photo}` of the product `{sku}` is already on line {first_line}")]
    Duplicate {
        /// The product.
        sku: String,
        /// The photograph.
        photo: String,
        /// The first row's line.
        first_line: u64,
    },
    /// A formula that was saved in place of its value.
    #[error("expected text, found the formula `{found}`: save the table's values")]
    Formula {
        /// The cell.
        found: String,
    },
    /// Not a price.
    #[error("expected a price such as `19.90`, found `{found}`")]
    NotAPrice {
        /// The cell.
        found: String,
    },
    /// Not a currency.
    #[error("expected a currency such as `EUR`, found `{found}`")]
    NotACurrency {
        /// The cell.
        found: String,
    },
    /// A difference that was made for another state of the product.
    #[error(
        "the product `{sku}` is not as it was where this difference was made: it was changed on this board, or an edition was left out; take the whole edition"
    )]
    OtherBase {
        /// The product.
        sku: String,
    },
    /// A difference has the bytes of new photographs only.
    #[error("the photo `{photo}` is not in this difference, since it was there before; it is not in this catalogue")]
    NotInDifference {
        /// Its name.
        photo: String,
    },
    /// Not a number of pieces.
    #[error("expected how many there are, as `12`, `0`, `in` or `out`, found `{found}`")]
    NotAStock {
        /// The cell.
        found: String,
    },
    /// A barcode with a wrong digit.
    #[error("the barcode `{found}` has a wrong digit: its last one should be {expected}, or another one is wrong")]
    CheckDigit {
        /// The cell.
        found: String,
        /// What the other digits ask for.
        expected: u32,
    },
    /// A barcode that an office program took for a number.
    #[error("the barcode `{found}` was rounded by an office program: make the column's cells text there")]
    RoundedBarcode {
        /// The cell.
        found: String,
    },
    /// The photograph is not there.
    #[error("the photo `{photo}` does not exist in {source_name}")]
    PhotoMissing {
        /// As the row names it.
        photo: String,
        /// The folder.
        source_name: String,
    },
    /// The photograph is not there, but one whose name has other capital letters.
    #[error("the photo `{photo}` does not exist in {source_name}, which has `{there}`")]
    PhotoOtherCase {
        /// As the row names it.
        photo: String,
        /// The ZIP file.
        source_name: String,
        /// The name that is there.
        there: String,
    },
    /// The photograph lies elsewhere.
    #[error("the photo `{photo}` is outside {source_name}")]
    PhotoOutside {
        /// As the row names it.
        photo: String,
        /// The folder.
        source_name: String,
    },
    /// The file cannot be read.
    #[error("the photo `{photo}` cannot be read: {cause}")]
    PhotoUnreadable {
        /// As the row names it.
        photo: String,
        /// Why.
        cause: String,
    },
    /// The file is not a usable photograph.
    #[error("the photo `{photo}` cannot be used: {cause}")]
    PhotoUnusable {
        /// As the row names it.
        photo: String,
        /// Why.
        cause: String,
    },
}
