//! One product of the shop, as the catalogue file describes it.

use serde::Serialize;
use std::fmt;
use std::str::FromStr;

/// What the shop says of one product. Its photographs are kept beside it.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Product {
    /// The shop's own number, unique in the catalogue.
    pub sku: String,
    /// Its name.
    pub title: String,
    /// A decimal number with a point, as `19.90`: text, because money is not binary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub price: Option<String>,
    /// As given, usually three letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// As given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub barcode: Option<String>,
    /// The colours of all its rows, in their order, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub colours: Vec<String>,
    /// The sizes of all its rows, in their order, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub sizes: Vec<String>,
    /// The style that it is a variant of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variant_of: Option<String>,
    /// Its page in the shop's own web shop.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// The shop's own word for what it is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// How many the shop has.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock: Option<Stock>,
}

impl Product {
    /// What a search gives one answer for: the style, where it is a variant of one.
    #[must_use]
    pub fn style(&self) -> &str {
        self.variant_of.as_deref().unwrap_or(&self.sku)
    }

    /// Whether the shop has one; where it does not say, it has.
    #[must_use]
    pub fn is_in_stock(&self) -> bool {
        self.stock != Some(Stock::Out)
    }
}

/// How many of a product the shop has, in the words of catalogue file and store: `in`, `out`, `12`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stock {
    /// None.
    Out,
    /// Some.
    In,
    /// So many, at least one.
    Pieces(u32),
}

impl fmt::Display for Stock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Out => f.write_str("out"),
            Self::In => f.write_str("in"),
            Self::Pieces(count) => count.fmt(f),
        }
    }
}

impl FromStr for Stock {
    type Err = ();

    /// Takes the words of shop programs too: WooCommerce's `instock`, a spreadsheet's `yes`.
    fn from_str(text: &str) -> Result<Self, ()> {
        let word: String = text.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
        match word.as_str() {
            "out" | "outofstock" | "no" | "false" | "soldout" => Ok(Self::Out),
            "in" | "instock" | "yes" | "true" | "onbackorder" => Ok(Self::In),
            // More were sold than there were: shop programs count on below nothing.
            _ if text.strip_prefix('-').is_some_and(|count| count.parse::<u32>().is_ok()) => Ok(Self::Out),
            _ => match text.parse().map_err(drop)? {
                0 => Ok(Self::Out),
                count => Ok(Self::Pieces(count)),
            },
        }
    }
}

impl Serialize for Stock {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// One stored photograph. A number is never used again, and what it names never changes: another photograph under the
/// same name gets another number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct PhotoId(i64);

impl PhotoId {
    /// The photograph with this number, if there is one.
    #[must_use]
    pub const fn new(number: i64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }
}

impl std::fmt::Display for PhotoId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stock_in_the_words_of_shop_programs() {
        for (text, expected) in [
            ("0", Some(Stock::Out)),
            ("-3", Some(Stock::Out)),
            ("outofstock", Some(Stock::Out)),
            ("Out of stock", Some(Stock::Out)),
            ("12", Some(Stock::Pieces(12))),
            ("instock", Some(Stock::In)),
            ("Yes", Some(Stock::In)),
            ("", None),
            ("some", None),
            ("1.5", None),
            ("-", None),
            ("99999999999", None),
        ] {
            assert_eq!(text.parse().ok(), expected, "{text}");
        }
        for stock in [Stock::Out, Stock::In, Stock::Pieces(7)] {
            assert_eq!(stock.to_string().parse(), Ok(stock));
        }
    }
}
