//! What a barcode scanner types.
//!
//! **Source** GS1 General Specifications: a UPC-A is an EAN-13 with a zero before it, and either is a GTIN-14 with more of them; 7.9 is the
//! check digit.

use crate::catalogue::csv::{ProblemKind, barcode};

/// Digits of the longest that leading zeros may be left out of.
const GTIN: std::ops::RangeInclusive<usize> = 8..=14;

/// What was scanned or typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Code {
    /// A code, and whether it is of the kinds that have a check digit, which is right.
    Sound(String),
    /// Its last digit is not the one that the others ask for.
    CheckDigit {
        /// As it was typed.
        code: String,
        /// The digit that would fit.
        expected: u32,
    },
}

/// Reads what was typed: spaces and hyphens between digits are nothing. None where nothing was typed.
#[must_use]
pub fn read(typed: &str) -> Option<Code> {
    let code: String = typed.chars().filter(|c| !c.is_whitespace() && !c.is_control()).collect();
    let digits: String = code.chars().filter(|c| *c != '-').collect();
    let code = if digits.bytes().all(|b| b.is_ascii_digit()) { digits } else { code };
    if code.is_empty() {
        return None;
    }
    Some(match barcode(&code) {
        Err(ProblemKind::CheckDigit { expected, .. }) => Code::CheckDigit { code, expected },
        _ => Code::Sound(code),
    })
}

/// Whether two codes are the same one: a scanner may give a UPC-A with or without its zero.
#[must_use]
pub fn is_same(a: &str, b: &str) -> bool {
    a == b || (is_gtin(a) && is_gtin(b) && a.trim_start_matches('0') == b.trim_start_matches('0'))
}

fn is_gtin(code: &str) -> bool {
    GTIN.contains(&code.len()) && code.bytes().all(|b| b.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_scanner_types_is_read() {
        for (typed, expected) in [
            ("4006381333931\r", Some(Code::Sound("4006381333931".into()))),
            (" 4 006381 333931 ", Some(Code::Sound("4006381333931".into()))),
            ("400-6381-333931", Some(Code::Sound("4006381333931".into()))),
            ("SHOP-12", Some(Code::Sound("SHOP-12".into()))),
            ("4006381333932", Some(Code::CheckDigit { code: "4006381333932".into(), expected: 1 })),
            ("", None),
            (" \n", None),
            ("---", None),
        ] {
            assert_eq!(read(typed), expected, "{typed:?}");
        }
    }

    #[test]
    fn a_upc_is_an_ean_with_a_zero() {
        assert!(is_same("036000291452", "0036000291452") && is_same("00036000291452", "036000291452"));
        assert!(is_same("SHOP-12", "SHOP-12") && is_same("7", "7"));
        assert!(!is_same("07", "7") && !is_same("4006381333931", "036000291452") && !is_same("", "00000000"));
    }
}
