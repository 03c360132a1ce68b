//! What a search may be asked with in the address, by photograph and by product alike.

use super::answer::ApiError;
use crate::catalogue::Filter;
use axum::http::StatusCode;
use serde::Deserialize;

/// Matches of a search that does not say how many, and at most.
const TOP: (usize, usize) = (5, 100);

/// `?top=K&in_stock=true&category=…&colour=…&price=MIN..MAX`
#[derive(Debug, Default, Deserialize)]
pub struct Wish {
    top: Option<usize>,
    #[serde(default)]
    in_stock: bool,
    category: Option<String>,
    colour: Option<String>,
    price: Option<String>,
}

impl Wish {
    /// How many matches are wanted.
    #[must_use]
    pub fn top(&self) -> usize {
        self.top.unwrap_or(TOP.0).clamp(1, TOP.1)
    }

    /// What they must be.
    ///
    /// # Errors
    /// The price is no range: status 400.
    pub fn filter(&self) -> Result<Filter, ApiError> {
        let Self { in_stock, category, colour, price, .. } = self;
        let price = price.as_deref().map(str::parse).transpose();
        let price = price.map_err(|error| ApiError::new(StatusCode::BAD_REQUEST, format!("`price`: {error}")))?;
        Ok(Filter { in_stock: *in_stock, category: category.clone(), colour: colour.clone(), price })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::extract::Query;

    fn wish(query: &str) -> Wish {
        Query::try_from_uri(&format!("http://localhost/?{query}").parse().unwrap()).map(|Query(wish)| wish).unwrap()
    }

    #[test]
    fn an_address_says_how_many_and_which() {
        let asked = wish("top=7&in_stock=true&colour=dark%20blue&price=..49.90");
        let filter = asked.filter().unwrap();
        assert_eq!((asked.top(), filter.in_stock, filter.colour.as_deref()), (7, true, Some("dark blue")));
        assert!(filter.category.is_none() && filter.price == "..49.90".parse().ok());
        assert_eq!(wish("").filter().unwrap(), Filter::default());
        assert_eq!((wish("").top(), wish("top=0").top(), wish("top=1000").top()), (5, 1, 100));
        let refused = wish("price=cheap").filter().unwrap_err();
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert!(refused.error.starts_with("`price`: "), "{}", refused.error);
    }
}
