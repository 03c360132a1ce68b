//! What a filter looks at, apart from the price: few products differ in it, so that a filter asks once for all that are alike.

use crate::catalogue::Product;
use crate::catalogue::filter::{Filter, folded};
use serde::{Deserialize, Serialize};

/// Stock, category and colours of a product.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Facet {
    in_stock: bool,
    category: Option<String>,
    colours: Vec<String>,
}

impl Facet {
    /// A product's.
    #[must_use]
    pub fn of(product: &Product) -> Self {
        Self {
            in_stock: product.is_in_stock(),
            category: product.category.as_deref().map(folded),
            colours: product.colours.iter().map(|colour| folded(colour)).collect(),
        }
    }

    /// The colours, in lower case.
    pub fn colours(&self) -> impl Iterator<Item = &str> {
        self.colours.iter().map(String::as_str)
    }

    /// Whether a filter, [folded](Filter::folded), takes it, whatever the price.
    #[must_use]
    pub fn passes(&self, filter: &Filter) -> bool {
        (self.in_stock || !filter.in_stock)
            && filter.category.as_ref().is_none_or(|category| self.category.as_ref() == Some(category))
            && filter.colour.as_ref().is_none_or(|colour| self.colours.contains(colour))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Stock;

    #[test]
    fn each_part_of_a_filter_is_asked_for() {
        let product = Product {
            category: Some("Kleider ".into()),
            colours: vec!["Rot".into(), "BLAU".into()],
            stock: Some(Stock::Out),
            ..Product::default()
        };
        let facet = Facet::of(&product);
        let passes = |filter: Filter| facet.passes(&filter.folded());
        assert!(passes(Filter::default()));
        assert!(!passes(Filter { in_stock: true, ..Filter::default() }));
        for (category, expected) in [("kleider", true), ("KLEIDER", true), ("Kleid", false)] {
            assert_eq!(passes(Filter { category: Some(category.into()), ..Filter::default() }), expected);
        }
        for (colour, expected) in [("rot", true), ("Blau", true), ("grün", false)] {
            assert_eq!(passes(Filter { colour: Some(colour.into()), ..Filter::default() }), expected);
        }
        let unsaid = Facet::of(&Product::default());
        assert!(unsaid.passes(&Filter { in_stock: true, ..Filter::default() }), "a shop that does not count has it");
        assert!(!unsaid.passes(&Filter { category: Some("kleider".into()), ..Filter::default() }));
    }
}
