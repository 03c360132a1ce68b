//! Which lists of categories can be used: by a network, in a CSV, on a screen.

use std::collections::BTreeMap;

use super::{Category, Taxonomy};

/// Most categories of one list.
pub const MOST_CATEGORIES: usize = 4096;
/// Fewest: one category is no question.
const FEWEST_CATEGORIES: usize = 2;
/// Longest key in bytes.
const KEY_BYTE_LEN: usize = 64;
/// Longest name in bytes.
const NAME_BYTE_LEN: usize = 256;

/// The label of photographs that show nothing of what the categories are of; no category may be called so.
pub const RESERVED: &str = "no_garment";

/// Why a list of categories cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaxonomyProblem {
    /// Too few or too many.
    #[error("{found} categories, expected {FEWEST_CATEGORIES} to {MOST_CATEGORIES}")]
    Size {
        /// How many there are.
        found: usize,
    },
    /// A key that could not stand in a CSV, a URL and a table as it is.
    #[error(
        "category {number} has the key `{}`, expected 1 to {KEY_BYTE_LEN} letters a to z, digits, `_`, `-` and `.`",
        key.escape_debug()
    )]
    Key {
        /// Place in the list, from 1.
        number: usize,
        /// The key.
        key: String,
    },
    /// Two categories with one key.
    #[error("categories {first} and {second} have the same key `{key}`")]
    Duplicate {
        /// Place of the first, from 1.
        first: usize,
        /// Place of the second.
        second: usize,
        /// Their key.
        key: String,
    },
    /// A key with a meaning of its own.
    #[error("category {number} has the key `{RESERVED}`, which is the label of photographs without any of the objects")]
    Reserved {
        /// Place in the list, from 1.
        number: usize,
    },
    /// A name that is missing or cannot be shown.
    #[error("category `{key}` has no name that can be shown in the language `{language}`")]
    Name {
        /// Its key.
        key: String,
        /// The language.
        language: String,
    },
    /// A finer category in a coarser one that is not there.
    #[error("category `{key}` is in `{in14}`, which the coarser list does not have")]
    NoSuchCoarser {
        /// Key of the finer one.
        key: String,
        /// What it names.
        in14: String,
    },
}

impl Taxonomy {
    /// Whether the list can be used.
    ///
    /// # Errors
    /// The first [`TaxonomyProblem`], but for [`TaxonomyProblem::NoSuchCoarser`], which takes both lists.
    pub fn check(&self) -> Result<(), TaxonomyProblem> {
        let found = self.categories.len();
        if !(FEWEST_CATEGORIES..=MOST_CATEGORIES).contains(&found) {
            return Err(TaxonomyProblem::Size { found });
        }
        let mut seen = BTreeMap::new();
        for (number, category) in (1..).zip(&self.categories) {
            let key = &category.key;
            let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-.".contains(c);
            if key.is_empty() || key.len() > KEY_BYTE_LEN || !key.chars().all(is_plain) {
                return Err(TaxonomyProblem::Key { number, key: key.clone() });
            }
            if key == RESERVED {
                return Err(TaxonomyProblem::Reserved { number });
            }
            if let Some(first) = seen.insert(key, number) {
                return Err(TaxonomyProblem::Duplicate { first, second: number, key: key.clone() });
            }
            check_names(category)?;
        }
        Ok(())
    }
}

/// English stands in for every language that is missing, so it must be there.
fn check_names(category: &Category) -> Result<(), TaxonomyProblem> {
    let wrong = |language: &str| TaxonomyProblem::Name { key: category.key.clone(), language: language.to_owned() };
    if !category.names.contains_key("en") {
        return Err(wrong("en"));
    }
    let is_shown =
        |name: &str| !name.trim().is_empty() && name.len() <= NAME_BYTE_LEN && !name.chars().any(char::is_control);
    match category.names.iter().find(|(_, name)| !is_shown(name)) {
        Some((language, _)) => Err(wrong(language)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::{MOST_CATEGORIES, TaxonomyProblem};
    use crate::taxonomy::{Category, Taxonomy};

    fn list<'a>(keys: impl IntoIterator<Item = &'a str>) -> Taxonomy {
        let category = |key: &str| Category {
            key: key.to_owned(),
            in14: None,
            names: [("en".to_owned(), key.to_uppercase())].into(),
        };
        Taxonomy { categories: keys.into_iter().map(category).collect() }
    }

    #[test]
    fn sizes_keys_and_names_are_held_to_what_the_rest_relies_on() {
        let said = |taxonomy: Taxonomy| taxonomy.check().err().map(|problem| problem.to_string());
        assert_eq!(said(list(["a", "b-2.x"])), None);
        assert_eq!(said(list([])).unwrap(), "0 categories, expected 2 to 4096");
        assert_eq!(said(list(["a"])).unwrap(), "1 categories, expected 2 to 4096");
        let many: Vec<String> = (0..=MOST_CATEGORIES).map(|n| n.to_string()).collect();
        let of = |count: usize| list(many.iter().take(count).map(String::as_str));
        assert_eq!(said(of(MOST_CATEGORIES)), None);
        assert_eq!(said(of(MOST_CATEGORIES + 1)).unwrap(), "4097 categories, expected 2 to 4096");
        assert_eq!(said(list(["a", "b", "a"])).unwrap(), "categories 1 and 3 have the same key `a`");
        assert!(said(list(["a", "no_garment"])).unwrap().contains("`no_garment`"));
        for key in ["", "A", "a b", "a,b", "ä", "a\nb", "../a", &"x".repeat(65)] {
            assert!(matches!(list(["a", key]).check(), Err(TaxonomyProblem::Key { number: 2, .. })), "{key:?}");
        }
        let mut nameless = list(["a", "b"]);
        nameless.categories[1].names = [("de".to_owned(), "B".to_owned())].into();
        assert_eq!(said(nameless.clone()).unwrap(), "category `b` has no name that can be shown in the language `en`");
        nameless.categories[1].names = [("en", "B"), ("de", "\u{7}")].map(|(a, b)| (a.into(), b.into())).into();
        assert!(said(nameless).unwrap().ends_with("`de`"));
    }
}
