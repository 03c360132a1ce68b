//! What was meant by a key that no recipe has: the nearest known one.

/// What serde says before the word that it does not know.
const BEGINNINGS: [(&str, &str); 2] = [("unknown field `", "key"), ("unknown variant `", "value")];

/// For an error about an unknown key or value: what it is and which known one is nearest, in words; empty for other errors.
pub(super) fn nearest(error: &toml::de::Error) -> String {
    nearest_in(error.message()).unwrap_or_default()
}

/// The message names the unknown word first, then the known ones, each in backticks.
fn nearest_in(message: &str) -> Option<String> {
    let (rest, kind) = BEGINNINGS.iter().find_map(|(begin, kind)| Some((message.strip_prefix(begin)?, kind)))?;
    let (unknown, known) = rest.split_once('`')?;
    let known = known.split('`').skip(1).step_by(2);
    // Ties go to the first of the message, which is the order of the documentation.
    let nearest = known.min_by_key(|known| strsim::damerau_levenshtein(unknown, known))?;
    Some(format!(": there is no {kind} `{unknown}`; the nearest is `{nearest}`"))
}

#[cfg(test)]
mod tests {
    use super::nearest_in;

    #[test]
    fn the_nearest_word_is_named_and_other_errors_are_left_alone() {
        for (message, expected) in [
            (
                "unknown field `rat`, expected one of `clip`, `rate`, `warm_up`",
                Some("no key `rat`; the nearest is `rate`"),
            ),
            ("unknown field `sede`, expected `name` or `seed`", Some("no key `sede`; the nearest is `seed`")),
            (
                "unknown variant `arcfase`, expected `plain`, `arcface`",
                Some("no value `arcfase`; the nearest is `arcface`"),
            ),
            ("unknown field `x`, there are no fields", None),
            ("missing field `seed`", None),
        ] {
            let found = nearest_in(message);
            assert_eq!(found.is_some(), expected.is_some(), "{message}");
            assert!(found.unwrap_or_default().ends_with(expected.unwrap_or_default()), "{message}");
        }
    }
}
