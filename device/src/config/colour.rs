//! Colours as the configuration writes them, and whether one can be read on another.
//!
//! **Source** Web Content Accessibility Guidelines 2.2, "relative luminance" and "contrast ratio".

use std::fmt;
use std::str::FromStr;

/// What WCAG 2 asks of text, level AA.
pub const READABLE: f64 = 4.5;

/// Red, green and blue in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Colour([u8; 3]);

impl Colour {
    /// As the bytes of a colour.
    #[must_use]
    pub const fn new(rgb: [u8; 3]) -> Self {
        Self(rgb)
    }

    /// 0 (black) to 1 (white).
    fn luminance(self) -> f64 {
        let linear = |byte: u8| {
            let value = f64::from(byte) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    /// How far two colours are apart for a reader: 1 (the same) to 21 (black on white).
    #[must_use]
    pub fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }
}

/// As style sheets write it.
impl fmt::Display for Colour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}

impl FromStr for Colour {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or(())?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(());
        }
        let [_, red, green, blue] = u32::from_str_radix(digits, 16).map_err(drop)?.to_be_bytes();
        Ok(Self([red, green, blue]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_colour_is_read_as_it_is_written() {
        let of = |text: &str| text.parse::<Colour>();
        assert_eq!(of("#0B5a50").unwrap().to_string(), "#0b5a50");
        for text in ["", "#", "0b5a50", "#0b5a5", "#0b5a500", "#0b5a5g", "#+b5a50", "#ÄÄÄ", "red"] {
            assert_eq!(of(text), Err(()), "{text}");
        }
    }

    #[test]
    fn contrasts_are_those_of_the_guidelines() {
        let of = |a: &str, b: &str| a.parse::<Colour>().unwrap().contrast(b.parse().unwrap());
        assert!((of("#000000", "#ffffff") - 21.0).abs() < 1e-9);
        assert!((of("#777777", "#777777") - 1.0).abs() < 1e-9);
        // The best-known pair: the lightest grey that can be read on white, and the one after it.
        assert!(of("#767676", "#ffffff") >= READABLE && of("#777777", "#ffffff") < READABLE);
    }
}
