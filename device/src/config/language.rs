//! The languages of the page.

/// A language that the page speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English.
    #[default]
    English,
    /// Traditional Chinese.
    TraditionalChinese,
    /// German.
    German,
}

impl Language {
    /// All of them, in the order of the page's switch.
    pub const ALL: [Self; 3] = [Self::English, Self::TraditionalChinese, Self::German];

    /// Its tag. **Source** BCP 47; also the key of names in a bundle.
    #[must_use]
    pub fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::TraditionalChinese => "zh-Hant",
            Self::German => "de",
        }
    }

    /// Its own name, as its speakers write it.
    #[must_use]
    pub fn own_name(self) -> &'static str {
        match self {
            Self::English => "English",
            Self::TraditionalChinese => "繁體中文",
            Self::German => "Deutsch",
        }
    }

    /// The language of a tag, in any case.
    #[must_use]
    pub fn of_tag(tag: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|language| language.tag().eq_ignore_ascii_case(tag))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_lead_back() {
        for language in Language::ALL {
            assert_eq!(Language::of_tag(language.tag()), Some(language));
        }
        assert_eq!(Language::of_tag("ZH-HANT"), Some(Language::TraditionalChinese));
        assert_eq!(Language::of_tag("zh"), None);
        assert_eq!(Language::of_tag(""), None);
    }
}
