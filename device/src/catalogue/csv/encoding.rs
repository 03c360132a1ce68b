//! The bytes of a catalogue file → text.
//!
//! Office programs write UTF-8, with a byte order mark or without, UTF-16 with one (Excel's "Unicode text"), or the Western European
//! Windows-1252 (Excel's plain "CSV"). The first two say what they are. Bytes that are neither are taken for Windows-1252 where they look
//! like it: letters with accents among plain ones. Where most of them stand side by side they are Cyrillic, Chinese or Japanese in an
//! encoding that nobody can tell for sure, and wrong titles on a shop's screen are worse than an error.
//!
//! **Source** WHATWG Encoding Standard, index windows-1252.

use super::CsvError;
use std::borrow::Cow;
use std::fmt;

/// How a file was written.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, with or without byte order mark.
    #[default]
    Utf8,
    /// UTF-16 with a byte order mark.
    Utf16,
    /// Windows-1252, which no file says of itself.
    Windows1252,
}

impl fmt::Display for Encoding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Utf8 => "UTF-8",
            Self::Utf16 => "UTF-16",
            Self::Windows1252 => "Windows-1252",
        })
    }
}

/// The characters of the bytes 0x80 to 0x9F; a space where a byte means nothing. All others are the characters of their numbers.
const WINDOWS_1252: &str = "€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ";

/// How two bytes become a unit of UTF-16.
type Unit = fn([u8; 2]) -> u16;

/// The bytes as text without byte order mark, and what they were.
///
/// # Errors
/// [`CsvError::NotText`] with the first byte that is wrong.
pub(super) fn decode<'a>(file: &str, bytes: &'a [u8]) -> Result<(Cow<'a, str>, Encoding), CsvError> {
    if bytes.starts_with(b"PK\x03\x04") {
        return Err(CsvError::Spreadsheet { file: file.to_owned() });
    }
    if let Some((rest, unit)) = utf16(bytes) {
        let units = rest.as_chunks::<2>().0.iter().map(|pair| unit(*pair));
        let is_whole = rest.len().is_multiple_of(2);
        let text: Option<String> = char::decode_utf16(units).map(Result::ok).collect();
        let text = text.filter(|_| is_whole).ok_or_else(|| CsvError::NotUtf16 { file: file.to_owned() })?;
        // Four bytes a character begin with the same mark.
        return if text.starts_with('\0') { Err(not_text(file, bytes, 0)) } else { Ok((text.into(), Encoding::Utf16)) };
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    // UTF-16 that does not say so, and whatever is no text: a header has no zeros. Further down it is one bad row.
    let header = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if let Some(zero) = header.iter().position(|byte| *byte == 0) {
        return Err(not_text(file, bytes, zero));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok((text.into(), Encoding::Utf8)),
        Err(error) => match windows1252(bytes) {
            Some(text) => Ok((text.into(), Encoding::Windows1252)),
            None => Err(not_text(file, bytes, error.valid_up_to())),
        },
    }
}

/// What follows a byte order mark of UTF-16, and how two bytes become a unit.
fn utf16(bytes: &[u8]) -> Option<(&[u8], Unit)> {
    let little = bytes.strip_prefix(b"\xff\xfe").map(|rest| (rest, u16::from_le_bytes as Unit));
    little.or_else(|| Some((bytes.strip_prefix(b"\xfe\xff")?, u16::from_be_bytes)))
}

/// Windows-1252, where the bytes look like it.
fn windows1252(bytes: &[u8]) -> Option<String> {
    let is_high = |byte: &u8| *byte >= 0x80;
    let high = bytes.iter().filter(|byte| is_high(byte)).count();
    let side_by_side = bytes.array_windows::<2>().filter(|pair| pair.iter().all(is_high)).count();
    if 4 * side_by_side > high || bytes.contains(&0) {
        return None;
    }
    let character = |byte: &u8| match byte {
        0x80..=0x9f => WINDOWS_1252.chars().nth(usize::from(byte - 0x80)).filter(|c| *c != ' '),
        _ => Some(char::from(*byte)),
    };
    bytes.iter().map(character).collect()
}

fn not_text(file: &str, bytes: &[u8], valid: usize) -> CsvError {
    let (good, rest) = bytes.split_at_checked(valid).unwrap_or((bytes, &[]));
    let line_start = good.iter().rposition(|b| *b == b'\n').map_or(0, |at| at + 1);
    CsvError::NotText {
        file: file.to_owned(),
        line: 1 + good.iter().filter(|b| **b == b'\n').count(),
        byte: rest.first().copied().unwrap_or_default(),
        byte_of_line: good.len() - line_start + 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_office_programs_write_is_read() {
        let text = "sku,title\n1,Größe „38“ – 19 €\n";
        let utf16 = |unit: fn(u16) -> [u8; 2]| text.encode_utf16().flat_map(unit).collect::<Vec<u8>>();
        let little = [b"\xff\xfe".to_vec(), utf16(u16::to_le_bytes)].concat();
        let big = [b"\xfe\xff".to_vec(), utf16(u16::to_be_bytes)].concat();
        let windows = b"sku,title\n1,Gr\xf6\xdfe \x8438\x93 \x96 19 \x80\n";
        for (bytes, encoding) in [
            (text.as_bytes(), Encoding::Utf8),
            (&["\u{feff}", text].concat().into_bytes(), Encoding::Utf8),
            (&little, Encoding::Utf16),
            (&big, Encoding::Utf16),
            (windows, Encoding::Windows1252),
        ] {
            assert_eq!(decode("f", bytes).unwrap(), (text.into(), encoding));
        }
    }

    #[test]
    fn what_is_neither_is_refused() {
        // Cyrillic in Windows-1251, Chinese in Big5, a byte that means nothing, half a UTF-16 unit, half a pair.
        let cyrillic = b"sku,title\n1,\xcf\xeb\xe0\xf2\xfc\xe5 \xea\xf0\xe0\xf1\xed\xee\xe5\n";
        let chinese = b"sku,title\n1,\xac\xf5\xa6\xe2\xb3s\xa6\xe7\xb8\xc8\n";
        for bytes in [&cyrillic[..], chinese, b"sku\n\x81", b"\xff\xfea", b"\xff\xfe\x00\xd8a\x00"] {
            assert!(decode("f", bytes).is_err(), "{bytes:?}");
        }
    }
}
