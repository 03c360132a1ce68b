//! CSV text → rows of cells (RFC 4180, and as office programs write it).
//!
//! Our own and not the `csv` crate's reader: we must name the line on which a row begins, with blank lines and line
//! breaks in cells before it, and refuse a quote that never closes, which that reader takes for one long cell.
//! **Source** RFC 4180, section 2.

use std::iter::Peekable;
use std::str::Chars;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The line on which it begins, from 1.
    pub line: u64,
    /// Its cells, at least one.
    pub cells: Vec<String>,
}

/// A quote opens a cell on this line and never closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UnclosedQuote {
    /// The line, from 1.
    pub line: u64,
}

/// The rows of a text, in order. Blank lines are passed over. Lines end with LF, CR LF or CR.
pub struct Records<'a> {
    text: Peekable<Chars<'a>>,
    delimiter: char,
    line: u64,
}

impl<'a> Records<'a> {
    /// From the beginning of `text`, which is this line of its file.
    #[must_use]
    pub fn new(text: &'a str, delimiter: char, line: u64) -> Self {
        Self { text: text.chars().peekable(), delimiter, line }
    }

    /// Takes a line end, if one is next.
    fn line_end(&mut self) -> bool {
        match self.text.peek() {
            Some('\n') => {
                self.text.next();
            }
            Some('\r') => {
                self.text.next();
                self.text.next_if_eq(&'\n');
            }
            _ => return false,
        }
        self.line += 1;
        true
    }

    /// Takes one cell up to its delimiter or line end, which stays.
    fn cell(&mut self) -> Result<String, UnclosedQuote> {
        let mut cell = String::new();
        if self.text.next_if_eq(&'"').is_some() {
            let opened = self.line;
            loop {
                match self.text.next() {
                    None => return Err(UnclosedQuote { line: opened }),
                    Some('"') if self.text.next_if_eq(&'"').is_some() => cell.push('"'),
                    Some('"') => break,
                    Some(c) => {
                        // CR LF counts once, at its LF.
                        self.line += u64::from(c == '\n' || (c == '\r' && self.text.peek() != Some(&'\n')));
                        cell.push(c);
                    }
                }
            }
        }
        // Unquoted text, or what stands after a closing quote.
        let delimiter = self.delimiter;
        while let Some(c) = self.text.next_if(|c| *c != delimiter && *c != '\n' && *c != '\r') {
            cell.push(c);
        }
        Ok(cell)
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, UnclosedQuote>;

    fn next(&mut self) -> Option<Self::Item> {
        while self.line_end() {}
        self.text.peek()?;
        let line = self.line;
        let mut cells = Vec::new();
        loop {
            match self.cell() {
                Ok(cell) => cells.push(cell),
                Err(error) => {
                    // What follows is no row.
                    self.text = "".chars().peekable();
                    return Some(Err(error));
                }
            }
            let delimiter = self.delimiter;
            if self.text.next_if_eq(&delimiter).is_none() {
                self.line_end();
                return Some(Ok(Record { line, cells }));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rows(text: &str) -> Vec<(u64, Vec<String>)> {
        Records::new(text, ',', 1).map(|r| r.map(|r| (r.line, r.cells)).unwrap()).collect()
    }

    fn row(line: u64, cells: &[&str]) -> (u64, Vec<String>) {
        (line, cells.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn edges() {
        assert_eq!(rows(""), []);
        assert_eq!(rows("\n\r\n\r"), []);
        assert_eq!(rows("a"), [row(1, &["a"])]);
        assert_eq!(rows("a,\n,b"), [row(1, &["a", ""]), row(2, &["", "b"])]);
        assert_eq!(rows("a\r\rb\r\n\r\nc\n"), [row(1, &["a"]), row(3, &["b"]), row(5, &["c"])]);
        assert_eq!(
            rows("\"\"\n\"\"\"\"\n\"a\"b\nc\"d"),
            [row(1, &[""]), row(2, &["\""]), row(3, &["ab"]), row(4, &["c\"d"])]
        );
        assert_eq!(rows("\"a\r\nb\rc\nd\",1\ne"), [row(1, &["a\r\nb\rc\nd", "1"]), row(5, &["e"])]);
        assert_eq!(Records::new("a;\"b,\"", ';', 1).next().unwrap().unwrap().cells, ["a", "b,"]);
    }

    #[test]
    fn a_quote_that_never_closes_is_named_where_it_opens() {
        let all: Vec<_> = Records::new("a,b\nc,\"d\ne,f\n", ',', 1).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[1], Err(UnclosedQuote { line: 2 }));
    }

    proptest! {
        /// What the `csv` crate writes, in any quoting style, we read.
        #[test]
        fn reads_what_the_csv_crate_writes(
            table in prop::collection::vec(prop::collection::vec("[a-c,;\"\r\n é]{0,6}", 3), 0..8),
            semicolon: bool,
            always: bool,
        ) {
            let delimiter = if semicolon { ';' } else { ',' };
            let mut writer = ::csv::WriterBuilder::new()
                .delimiter(delimiter as u8)
                .quote_style(if always { ::csv::QuoteStyle::Always } else { ::csv::QuoteStyle::Necessary })
                .from_writer(Vec::new());
            for row in &table {
                writer.write_record(row).unwrap();
            }
            let text = String::from_utf8(writer.into_inner().unwrap()).unwrap();
            let read: Vec<Vec<String>> = Records::new(&text, delimiter, 1).map(|r| r.unwrap().cells).collect();
            prop_assert_eq!(read, table);
        }

        #[test]
        fn any_text_is_read_without_panic_and_lines_never_fall(text in "[ab,;\"\r\n]{0,60}") {
            let mut last = 0;
            for record in Records::new(&text, ';', 1).flatten() {
                prop_assert!(record.line > last);
                last = record.line;
            }
        }
    }
}
