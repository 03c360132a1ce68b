//! What is wrong with a row of a catalogue file, in the languages of the staff.

use super::render::say;
use crate::catalogue::csv::ProblemKind;
use crate::config::Language;

/// What is wrong with a row; the file's line and column stand beside it. What a decoder says of a photograph is in English.
#[must_use]
pub fn words(language: Language, kind: &ProblemKind) -> String {
    use ProblemKind as Kind;
    let number = |number: u64| number.to_string();
    let (key, values): (&str, Vec<(&str, String)>) = match kind {
        Kind::CellCount { expected, found } => {
            ("row_cells", vec![("expected", expected.to_string()), ("found", found.to_string())])
        }
        Kind::Empty => ("row_empty", vec![]),
        Kind::ControlCharacter(_) => ("row_control", vec![]),
        Kind::Contradiction { first, first_line, second, .. } => (
            "row_contradiction",
            vec![("first", first.clone()), ("line", number(*first_line)), ("second", second.clone())],
        ),
        Kind::Duplicate { first_line, .. } => ("row_duplicate", vec![("line", number(*first_line))]),
        Kind::Formula { found } => ("row_formula", vec![("found", found.clone())]),
        Kind::NotAPrice { found } => ("row_price", vec![("found", found.clone())]),
        Kind::NotACurrency { found } => ("row_currency", vec![("found", found.clone())]),
        Kind::OtherBase { .. } => ("row_other_base", vec![]),
        Kind::NotInDifference { photo } => ("row_not_in_difference", vec![("photo", photo.clone())]),
        Kind::NotAStock { found } => ("row_stock", vec![("found", found.clone())]),
        Kind::CheckDigit { found, expected } => {
            ("check_digit", vec![("code", found.clone()), ("digit", expected.to_string())])
        }
        Kind::RoundedBarcode { found } => ("row_rounded", vec![("found", found.clone())]),
        Kind::PhotoMissing { photo, .. } => ("row_photo_missing", vec![("photo", photo.clone())]),
        Kind::PhotoOtherCase { photo, there, .. } => {
            ("row_photo_other_case", vec![("photo", photo.clone()), ("there", there.clone())])
        }
        Kind::PhotoOutside { photo, .. } => ("row_photo_outside", vec![("photo", photo.clone())]),
        Kind::PhotoUnreadable { photo, cause } => {
            ("row_photo_unreadable", vec![("photo", photo.clone()), ("cause", cause.clone())])
        }
        Kind::PhotoUnusable { photo, cause } => {
            ("row_photo_unusable", vec![("photo", photo.clone()), ("cause", cause.clone())])
        }
    };
    // One pass: what a cell says is no place for a value, whatever braces it has.
    fill(say(language, key), &values)
}

fn fill(text: &str, values: &[(&str, String)]) -> String {
    let mut filled = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let (name, left) = after.split_once('}').unwrap_or((after, ""));
        filled.push_str(values.iter().find(|(of, _)| *of == name).map_or("", |(_, value)| value));
        rest = left;
    }
    filled + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_explained_in_each_language() {
        let price = ProblemKind::NotAPrice { found: "{found}".into() };
        assert_eq!(words(Language::English, &price), "A price is written like 19.90; here it says “{found}”.");
        assert!(words(Language::German, &price).contains("19,90"));
        for language in Language::ALL {
            let photo = ProblemKind::PhotoOtherCase {
                photo: "a.jpg".into(),
                source_name: "the folder".into(),
                there: "A.JPG".into(),
            };
            let said = words(language, &photo);
            assert!(said.contains("a.jpg") && said.contains("A.JPG") && !said.contains('{'), "{said}");
        }
    }
}
