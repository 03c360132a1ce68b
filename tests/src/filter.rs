//! What is replaced in a program's output before it is compared: paths, times, sizes, ports.

/// The text with a newline at its end, unless it is empty.
pub(crate) fn ended(text: &str) -> String {
    if text.is_empty() || text.ends_with('\n') { text.to_owned() } else { format!("{text}\n") }
}

/// Units after a number that say a time or a size.
const UNITS: [(&str, &str); 15] = [
    ("ms", "[TIME]"),
    ("µs", "[TIME]"),
    ("us", "[TIME]"),
    ("ns", "[TIME]"),
    ("s", "[TIME]"),
    ("min", "[TIME]"),
    ("B", "[SIZE]"),
    ("kB", "[SIZE]"),
    ("KB", "[SIZE]"),
    ("KiB", "[SIZE]"),
    ("MB", "[SIZE]"),
    ("MiB", "[SIZE]"),
    ("GB", "[SIZE]"),
    ("GiB", "[SIZE]"),
    ("bytes", "[SIZE]"),
];

/// Text with the given pieces replaced, numbers with a unit of time or size, values of `"ms"`, and ports of this machine.
#[must_use]
pub fn filtered(text: &str, replacements: &[(String, String)]) -> String {
    let mut text = text.to_owned();
    // The longest first: a rig may lie inside the workspace or the other way round.
    let mut ordered: Vec<_> = replacements.iter().filter(|(from, _)| !from.is_empty()).collect();
    ordered.sort_by_key(|(from, _)| std::cmp::Reverse(from.len()));
    for (from, to) in ordered {
        text = text.replace(from, to);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (before, from_number) = rest.split_at(start);
        let number_len =
            from_number.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',').unwrap_or(from_number.len());
        let (number, after) = from_number.split_at(number_len);
        let (number, after) = match number.strip_suffix(['.', ',']) {
            Some(shorter) => (shorter, &from_number[shorter.len()..]),
            None => (number, after),
        };
        out.push_str(before);
        let part_of_a_word = out.ends_with(|c: char| c.is_alphanumeric() || c == '_');
        rest = after;
        if part_of_a_word {
            out.push_str(number);
        } else if out.ends_with("\"ms\":") {
            out.push_str("[TIME]");
        } else if out.ends_with("127.0.0.1:") || out.ends_with("localhost:") {
            out.push_str("[PORT]");
        } else if let Some((replacement, taken)) = unit(after) {
            out.push_str(replacement);
            rest = &after[taken..];
        } else {
            out.push_str(number);
        }
    }
    out.push_str(rest);
    out
}

/// The replacement for a number with this unit after it, and how many bytes the unit takes.
fn unit(after: &str) -> Option<(&'static str, usize)> {
    let spaces = usize::from(after.starts_with(' '));
    let word = &after[spaces..];
    let len = word.find(|c: char| !c.is_alphanumeric()).unwrap_or(word.len());
    UNITS.iter().find(|(name, _)| *name == &word[..len]).map(|(_, replacement)| (*replacement, spaces + len))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn filters_replace_what_differs_between_runs_and_nothing_else() {
        let replacements = [("/tmp/a".to_owned(), "[RIG]".to_owned()), ("/tmp/a/b".to_owned(), "[DEEP]".to_owned())];
        for (text, expected) in [
            ("", ""),
            ("7", "7"),
            ("/tmp/a/b/c and /tmp/a/x", "[DEEP]/c and [RIG]/x"),
            ("took 3.25 ms, 12 s.", "took [TIME], [TIME]."),
            ("412 photos in 1,024 KiB", "412 photos in [SIZE]"),
            ("{\"ms\":3.1,\"n\":4}", "{\"ms\":[TIME],\"n\":4}"),
            ("http://127.0.0.1:43210/x", "http://127.0.0.1:[PORT]/x"),
            ("category14 int8 3,", "category14 int8 3,"),
            ("1 photo. 2. 3", "1 photo. 2. 3"),
            ("5 shops", "5 shops"),
        ] {
            assert_eq!(filtered(text, &replacements), expected, "{text}");
        }
    }
}
