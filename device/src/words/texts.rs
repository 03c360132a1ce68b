//! The texts of page and screen: one file a language in `strings/`.

use crate::config::Language;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Texts by key.
pub type Strings = BTreeMap<String, String>;

static ENGLISH: LazyLock<Strings> = LazyLock::new(|| read(include_str!("strings/en.toml")));
static TRADITIONAL_CHINESE: LazyLock<Strings> = LazyLock::new(|| read(include_str!("strings/zh-Hant.toml")));
static GERMAN: LazyLock<Strings> = LazyLock::new(|| read(include_str!("strings/de.toml")));

/// A text of a language; nothing for a key that no language has.
#[must_use]
pub fn text(language: Language, key: &str) -> &'static str {
    strings(language).get(key).map_or("", String::as_str)
}

/// The texts of a language.
#[must_use]
pub fn strings(language: Language) -> &'static Strings {
    match language {
        Language::English => &ENGLISH,
        Language::TraditionalChinese => &TRADITIONAL_CHINESE,
        Language::German => &GERMAN,
    }
}

static STAFF_ENGLISH: LazyLock<Strings> = LazyLock::new(|| read(include_str!("strings/staff/en.toml")));
static STAFF_TRADITIONAL_CHINESE: LazyLock<Strings> =
    LazyLock::new(|| read(include_str!("strings/staff/zh-Hant.toml")));
static STAFF_GERMAN: LazyLock<Strings> = LazyLock::new(|| read(include_str!("strings/staff/de.toml")));

/// The texts of the staff's pages, which customers do not load.
#[must_use]
pub fn staff_strings(language: Language) -> &'static Strings {
    match language {
        Language::English => &STAFF_ENGLISH,
        Language::TraditionalChinese => &STAFF_TRADITIONAL_CHINESE,
        Language::German => &STAFF_GERMAN,
    }
}

/// The files are part of the program, and a test reads each of them.
fn read(text: &str) -> Strings {
    toml::from_str(text).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the staff's page sets in italics is what the kiosk says.
    #[test]
    fn the_staffs_page_quotes_what_the_page_says() {
        let staff = include_str!("../../../docs/staff.md").replace("**", "").replace('\n', " ");
        let quotes: Vec<&str> = staff.split('*').skip(1).step_by(2).collect();
        assert!(quotes.len() >= 4, "{quotes:?}");
        for quote in quotes {
            let english = strings(Language::English).values().chain(staff_strings(Language::English).values());
            assert!(english.into_iter().any(|text| text == quote), "the page never says *{quote}*");
        }
    }

    /// With the same values in them.
    #[test]
    fn every_language_says_the_same_things_to_the_staff() {
        let values = |text: &str| {
            let mut names: Vec<_> = text
                .split('{')
                .skip(1)
                .filter_map(|part| part.split_once('}'))
                .map(|(name, _)| name.to_owned())
                .collect();
            names.sort();
            names
        };
        let english = staff_strings(Language::English);
        assert!(english.len() > 100);
        for language in Language::ALL {
            let texts = staff_strings(language);
            assert_eq!(texts.keys().collect::<Vec<_>>(), english.keys().collect::<Vec<_>>(), "{language:?}");
            for (key, text) in texts {
                assert!(!text.trim().is_empty(), "{language:?}: {key}");
                assert_eq!(values(text), values(&english[key]), "{language:?}: {key}");
            }
        }
    }

    #[test]
    fn every_language_says_the_same_things() {
        let keys: Vec<_> = strings(Language::English).keys().collect();
        assert!(keys.len() > 20);
        for language in Language::ALL {
            let texts = strings(language);
            assert_eq!(texts.keys().collect::<Vec<_>>(), keys, "{language:?}");
            assert!(texts.values().all(|text| !text.trim().is_empty()), "{language:?}");
            for key in ["sure", "catalogue_reembedding"] {
                assert!(texts[key].contains("{percent}"), "{language:?}");
            }
        }
    }
}
