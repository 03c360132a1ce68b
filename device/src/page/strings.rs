//! The page's texts: one file a language in `assets/strings/`.

use crate::config::Language;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Texts by key.
pub type Strings = BTreeMap<String, String>;

static ENGLISH: LazyLock<Strings> = LazyLock::new(|| read(include_str!("assets/strings/en.toml")));
static TRADITIONAL_CHINESE: LazyLock<Strings> = LazyLock::new(|| read(include_str!("assets/strings/zh-Hant.toml")));
static GERMAN: LazyLock<Strings> = LazyLock::new(|| read(include_str!("assets/strings/de.toml")));

/// The texts of a language.
#[must_use]
pub fn strings(language: Language) -> &'static Strings {
    match language {
        Language::English => &ENGLISH,
        Language::TraditionalChinese => &TRADITIONAL_CHINESE,
        Language::German => &GERMAN,
    }
}

/// The files are part of the program, and a test reads each of them.
fn read(text: &str) -> Strings {
    toml::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_language_says_the_same_things() {
        let keys: Vec<_> = strings(Language::English).keys().collect();
        assert!(keys.len() > 20);
        for language in Language::ALL {
            let texts = strings(language);
            assert_eq!(texts.keys().collect::<Vec<_>>(), keys, "{language:?}");
            assert!(texts.values().all(|text| !text.trim().is_empty()), "{language:?}");
            assert!(texts["sure"].contains("{percent}"), "{language:?}");
        }
    }
}
