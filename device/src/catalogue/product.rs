//! One product of the shop, as the catalogue file describes it.

use serde::Serialize;

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
