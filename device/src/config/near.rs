//! Where in a text something is, and which word was probably meant. Nothing but the standard library: `xtask` reads boards with it too.

use std::ops::Range;

/// The line of a place in the text, from 1.
pub(crate) fn line_of(text: &str, span: Option<Range<usize>>) -> usize {
    let before = span.and_then(|span| text.get(..span.start)).unwrap_or_default();
    before.matches('\n').count() + 1
}

/// The key that is nearest to what was written, if one is near: at most one change in three letters.
pub(crate) fn nearest(written: &str, known: &[&str]) -> Option<String> {
    let near = known.iter().map(|key| (distance(written, key), key)).min()?;
    (near.0 * 3 <= written.chars().count().max(3)).then(|| (*near.1).to_owned())
}

/// Levenshtein's distance in letters.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut left = i + 1;
        let mut diagonal = i;
        for (cell, y) in row.iter_mut().skip(1).zip(b.chars()) {
            let best = (diagonal + usize::from(x != y)).min(left + 1).min(*cell + 1);
            diagonal = std::mem::replace(cell, best);
            left = best;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances_of_known_words() {
        for (a, b, expected) in [("", "", 0), ("abc", "", 3), ("kitten", "sitting", 3), ("listn", "listen", 1)] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
