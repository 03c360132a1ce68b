//! What a match must be besides alike: in stock, of a category, of a colour, within a price.

use super::Product;
use std::str::FromStr;

/// What a match must be; the default takes everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The shop has it, or does not say.
    pub in_stock: bool,
    /// The shop's own word for what it is, whatever its case.
    pub category: Option<String>,
    /// One of its colours, whatever its case.
    pub colour: Option<String>,
    /// Its price lies within; what has no price does not. The currency is not looked at: a shop has one.
    pub price: Option<PriceRange>,
}

impl Filter {
    /// The same with texts as [`folded`] has them.
    #[must_use]
    pub fn folded(&self) -> Self {
        let fold = |text: &Option<String>| text.as_deref().map(folded);
        Self { category: fold(&self.category), colour: fold(&self.colour), ..self.clone() }
    }
}

/// A text in the form in which two that mean the same are the same.
#[must_use]
pub fn folded(text: &str) -> String {
    text.trim().to_lowercase()
}

/// Money in hundredths. Digits behind the second are cut off.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cents(pub u64);

impl Cents {
    /// A product's price.
    #[must_use]
    pub fn of(product: &Product) -> Option<Self> {
        product.price.as_deref()?.parse().ok()
    }
}

impl FromStr for Cents {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (whole, part) = text.trim().split_once('.').unwrap_or((text.trim(), "0"));
        let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(whole) || !is_digits(part) {
            return Err(());
        }
        let part: u64 = part.chars().chain("0".chars()).take(2).collect::<String>().parse().map_err(drop)?;
        let whole: u64 = whole.parse().map_err(drop)?;
        whole.checked_mul(100).and_then(|cents| cents.checked_add(part)).map(Self).ok_or(())
    }
}

/// Prices from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PriceRange {
    least: Cents,
    most: Cents,
}

/// A text that is no range of prices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceRangeError {
    /// There is no `..` in it.
    #[error("expected two prices as `20..49.90`, or one as `20..` or `..49.90`")]
    NoRange,
    /// Something else than a price stands there.
    #[error("`{0}` is no price: expected a number as `49.90`")]
    NoPrice(String),
    /// It ends before it begins.
    #[error("no price is at least `{0}` and at most `{1}`")]
    Empty(String, String),
}

impl PriceRange {
    /// Whether a price lies within.
    #[must_use]
    pub fn has(&self, price: Cents) -> bool {
        (self.least..=self.most).contains(&price)
    }
}

impl FromStr for PriceRange {
    type Err = PriceRangeError;

    fn from_str(text: &str) -> Result<Self, PriceRangeError> {
        let (least, most) = text.split_once("..").ok_or(PriceRangeError::NoRange)?;
        if least.is_empty() && most.is_empty() {
            return Err(PriceRangeError::NoRange);
        }
        let price = |text: &str, open| match text {
            "" => Ok(open),
            text => text.parse().map_err(|()| PriceRangeError::NoPrice(text.to_owned())),
        };
        let range = Self { least: price(least, Cents(0))?, most: price(most, Cents(u64::MAX))? };
        if range.least > range.most {
            return Err(PriceRangeError::Empty(least.to_owned(), most.to_owned()));
        }
        Ok(range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prices() {
        for (text, cents) in [
            ("19.90", Some(1990)),
            ("19", Some(1900)),
            ("0.5", Some(50)),
            ("1.999", Some(199)),
            (" 2 ", Some(200)),
            ("", None),
            (".5", None),
            ("1.", None),
            ("1,5", None),
            ("-1", None),
            ("99999999999999999999", None),
            ("199999999999999999.00", None),
        ] {
            assert_eq!(text.parse().ok(), cents.map(Cents), "{text}");
        }
    }

    #[test]
    fn ranges_and_what_is_none() {
        let has = |range: &str, cents| range.parse::<PriceRange>().unwrap().has(Cents(cents));
        assert!(has("20..49.90", 2000) && has("20..49.90", 4990) && !has("20..49.90", 4991) && !has("20..49.90", 1999));
        assert!(has("20..", u64::MAX) && !has("20..", 0) && has("..20", 0) && !has("..20", 2001) && has("5..5", 500));
        let said: Vec<String> = ["20", "..", "x..3", "1..€3", "3..2", ""]
            .iter()
            .map(|text| format!("{text}: {}", text.parse::<PriceRange>().unwrap_err()))
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r"
        20: expected two prices as `20..49.90`, or one as `20..` or `..49.90`
        ..: expected two prices as `20..49.90`, or one as `20..` or `..49.90`
        x..3: `x` is no price: expected a number as `49.90`
        1..€3: `€3` is no price: expected a number as `49.90`
        3..2: no price is at least `3` and at most `2`
        : expected two prices as `20..49.90`, or one as `20..` or `..49.90`
        ");
    }
}
