//! An ordered list of categories; position is the network's output.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One category: a key for machines, a name in each language for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Category {
    /// Stable key (`tshirt`), the `label` of every answer.
    pub key: String,
    /// Key of the coarser category that holds this finer one, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub in14: Option<String>,
    /// Name by language tag (`en`, `zh-Hant`, `de`).
    pub names: BTreeMap<String, String>,
}

/// The categories of one head, in the order of its outputs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taxonomy {
    /// Categories in the order of the logits.
    pub categories: Vec<Category>,
}

impl Taxonomy {
    /// The 14 categories of the poster's first task (our names: the poster's were never published).
    #[must_use]
    pub fn category14() -> Self {
        Self::built_in(include_str!("../../taxonomies/category14.toml"))
    }

    /// The 26 categories of the poster's second task.
    #[must_use]
    pub fn category26() -> Self {
        Self::built_in(include_str!("../../taxonomies/category26.toml"))
    }

    #[expect(clippy::expect_used, reason = "the text is compiled in and read by a test")]
    fn built_in(text: &str) -> Self {
        toml::from_str(text).expect("the built-in taxonomy is well-formed")
    }

    /// Number of categories.
    #[must_use]
    pub fn len(&self) -> usize {
        self.categories.len()
    }

    /// Whether there is no category.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.categories.is_empty()
    }

    /// Position of a key.
    #[must_use]
    pub fn index_of(&self, key: &str) -> Option<usize> {
        self.categories.iter().position(|category| category.key == key)
    }

    /// Key at a position.
    #[must_use]
    pub fn key(&self, index: usize) -> Option<&str> {
        self.categories.get(index).map(|category| category.key.as_str())
    }

    /// Name at a position in `language`, in English where that language is missing.
    #[must_use]
    pub fn name(&self, index: usize, language: &str) -> Option<&str> {
        let names = &self.categories.get(index)?.names;
        names.get(language).or_else(|| names.get("en")).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Taxonomy;

    #[test]
    fn built_in_taxonomies_are_complete() {
        for (taxonomy, len) in [(Taxonomy::category14(), 14), (Taxonomy::category26(), 26)] {
            assert_eq!(taxonomy.len(), len);
            let keys: BTreeSet<_> = taxonomy.categories.iter().map(|c| &c.key).collect();
            assert_eq!(keys.len(), len, "keys are unique");
            for category in &taxonomy.categories {
                for language in ["en", "zh-Hant", "de"] {
                    assert!(category.names.contains_key(language), "{} has no name in {language}", category.key);
                }
            }
        }
    }

    #[test]
    fn the_map_of_26_leads_into_14() {
        let fourteen = Taxonomy::category14();
        let twenty_six = Taxonomy::category26();
        let reached: BTreeSet<_> = twenty_six.categories.iter().filter_map(|c| c.in14.as_deref()).collect();
        assert!(reached.iter().all(|key| fourteen.index_of(key).is_some()));
        assert_eq!(reached.len(), 14, "each of the 14 is reached");
    }

    #[test]
    fn a_missing_language_falls_back_to_english() {
        let taxonomy = Taxonomy::category14();
        assert_eq!(taxonomy.name(0, "fr"), Some("T-shirt"));
        assert_eq!(taxonomy.name(99, "en"), None);
        assert_eq!(taxonomy.index_of("no such"), None);
    }
}
