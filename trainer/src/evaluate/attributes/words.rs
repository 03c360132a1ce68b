//! Colour and audience in the notes of myntra: `audience|colour|name`.

use std::collections::BTreeMap;

use serde::Serialize;

/// Key of the source whose notes have this form.
pub const SOURCE: &str = "myntra_kaggle";
/// The source's own word for none.
const NOT_GIVEN: &str = "NA";

/// What a note says of a garment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    /// Its main colour.
    Colour,
    /// Whom it is for: men, women, boys, girls, everyone.
    Audience,
}

impl Attribute {
    /// Both, in the order of tables.
    pub const BOTH: [Self; 2] = [Self::Colour, Self::Audience];

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Colour => "colour",
            Self::Audience => "audience",
        }
    }

    /// The word of a note; none where it has none or another form.
    #[must_use]
    pub fn of(self, note: &str) -> Option<&str> {
        let mut parts = note.splitn(3, '|').map(str::trim);
        let (audience, colour, _name) = (parts.next()?, parts.next()?, parts.next()?);
        let word = if self == Self::Colour { colour } else { audience };
        (!word.is_empty() && word != NOT_GIVEN).then_some(word)
    }
}

/// The words that at least so many of some photographs have, each with its number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary(BTreeMap<String, usize>);

impl Vocabulary {
    /// The frequent ones among the words of photographs.
    #[must_use]
    pub fn of<'a>(words: impl IntoIterator<Item = &'a str>, at_least: usize) -> Self {
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for word in words {
            *counts.entry(word).or_default() += 1;
        }
        let frequent = counts.into_iter().filter(|(_, count)| *count >= at_least).map(|(word, _)| word.to_owned());
        Self(frequent.zip(0..).collect())
    }

    /// Number of a word; none for one that is too rare.
    #[must_use]
    pub fn number(&self, word: &str) -> Option<usize> {
        self.0.get(word).copied()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::{Attribute, Vocabulary};

    #[test]
    fn a_note_of_the_form_has_both_and_any_other_has_none() {
        for (note, audience, colour) in [
            ("Women|White|Palm Tree Skirts", Some("Women"), Some("White")),
            ("Men|Navy Blue|A|B", Some("Men"), Some("Navy Blue")),
            ("Men|NA|Nike Tee", Some("Men"), None),
            ("|Blue|Tee", None, Some("Blue")),
            ("Men|Blue", None, None),
            ("sender=322", None, None),
            ("", None, None),
        ] {
            assert_eq!(Attribute::Audience.of(note), audience, "{note}");
            assert_eq!(Attribute::Colour.of(note), colour, "{note}");
        }
    }

    #[test]
    fn rare_words_have_no_number() {
        let words = Vocabulary::of(["red", "blue", "red", "tan", "blue"], 2);
        assert_eq!((words.number("blue"), words.number("red"), words.number("tan")), (Some(0), Some(1), None));
        assert_eq!(words.len(), 2);
        assert!(Vocabulary::of([], 1).is_empty());
    }
}
