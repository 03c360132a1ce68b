//! What the program may say of troubles, read from its sources, and what docs/messages.md lists of it.
//!
//! A source is read as far as it takes to tell code from comments, literals and tests; nothing of it is compiled.

use std::path::{Path, PathBuf};

/// Stands for a literal in code without its literals.
const LITERAL: char = '\u{e000}';

/// Files and folders of sources whose words nobody meets at an appliance.
const NOT_MET: [&str; 6] = ["tests.rs", "board_tests.rs", "testing.rs", "on_adapter", "bench", "bench.rs"];

/// The sources whose messages a person can meet, below a folder.
///
/// **Panics** when it cannot be listed.
#[must_use]
pub fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.expect("an entry").path();
        if NOT_MET.iter().any(|name| path.ends_with(name)) {
            continue;
        } else if path.is_dir() {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// A source file without comments, white space and tests, its literals taken out.
#[derive(Debug)]
pub struct Source {
    code: String,
    literals: Vec<String>,
}

impl Source {
    /// Reads a source file's text.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let (mut code, mut literals) = (String::new(), Vec::new());
        let mut rest = text;
        while let Some(next) = rest.chars().next() {
            let hashes = rest.strip_prefix('r').map(|raw| raw.len() - raw.trim_start_matches('#').len());
            if let Some(comment) = rest.strip_prefix("//") {
                rest = comment.find('\n').map_or("", |end| &comment[end..]);
            } else if let Some(comment) = rest.strip_prefix("/*") {
                rest = comment.split_once("*/").map_or("", |(_, after)| after);
            } else if let Some(literal) = rest.strip_prefix('"') {
                let end = end_of(literal);
                literals.push(unescaped(&literal[..end]));
                code.push(LITERAL);
                rest = literal.get(end + 1..).unwrap_or_default();
            } else if let Some((hashes, raw)) =
                hashes.and_then(|hashes| Some((hashes, rest[1 + hashes..].strip_prefix('"')?)))
                && !code.ends_with(|before: char| before.is_alphanumeric() || before == '_')
            {
                let (literal, after) = raw.split_once(&format!("\"{}", "#".repeat(hashes))).unwrap_or((raw, ""));
                literals.push(literal.to_owned());
                code.push(LITERAL);
                rest = after;
            } else if let Some(character) = rest.strip_prefix('\'') {
                rest = after_quote(character);
            } else {
                code.extend(Some(next).filter(|next| !next.is_whitespace()));
                rest = &rest[next.len_utf8()..];
            }
        }
        Self { code, literals }.without_tests()
    }

    fn without_tests(self) -> Self {
        const TEST: &str = "#[cfg(test)]";
        let mut kept = Self { code: String::new(), literals: Vec::new() };
        let (mut rest, mut literals) = (self.code.as_str(), self.literals.into_iter());
        while !rest.is_empty() {
            let (before, after) = rest.split_once(TEST).unwrap_or((rest, ""));
            kept.code.push_str(before);
            kept.literals.extend(literals.by_ref().take(count(before)));
            let item = match after.find([';', '{']) {
                Some(at) if after[at..].starts_with('{') => at + 1 + within(&after[at + 1..], '{', '}').len(),
                Some(at) => at,
                None => after.len(),
            };
            rest = after.get(item + 1..).unwrap_or_default();
            literals.by_ref().take(count(&after[..item])).for_each(drop);
        }
        kept
    }

    /// The first literal of each call, as a person reads it: `Report::new(`, `#[error(`. A call that has none names a text that stands
    /// elsewhere, and gives nothing.
    #[must_use]
    pub fn said_in(&self, call: &str) -> Vec<String> {
        let of = |(at, _): (usize, &str)| {
            let start = at + call.len();
            let arguments = within(&self.code[start..], '(', ')');
            let (before, after) = arguments.split_once(LITERAL)?;
            let first = count(&self.code[..start + before.len()]);
            let joined = if before.ends_with("concat!(") { count(within(after, '(', ')')) } else { 0 };
            Some(in_words(&self.literals[first..=first + joined].concat()))
        };
        self.code.match_indices(call).filter_map(of).collect()
    }

    /// All literals, as a person reads them.
    #[must_use]
    pub fn literals(&self) -> Vec<String> {
        self.literals.iter().map(|literal| in_words(literal)).collect()
    }
}

/// How many literals were taken out of code.
fn count(code: &str) -> usize {
    code.matches(LITERAL).count()
}

/// The code up to the bracket that closes one which was opened before it.
fn within(code: &str, open: char, close: char) -> &str {
    let mut depth = 0;
    for (at, c) in code.char_indices() {
        if c == close && depth == 0 {
            return &code[..at];
        }
        depth += i32::from(c == open) - i32::from(c == close);
    }
    code
}

/// Where the quote is that ends a literal.
fn end_of(literal: &str) -> usize {
    let mut is_escaped = false;
    for (at, c) in literal.char_indices() {
        if c == '"' && !is_escaped {
            return at;
        }
        is_escaped = c == '\\' && !is_escaped;
    }
    literal.len()
}

/// What follows a single quote: a character's end, or a lifetime's name.
fn after_quote(text: &str) -> &str {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some('\\'), Some(escaped)) => {
            let after = &text[1 + escaped.len_utf8()..];
            after.split_once('\'').map_or("", |(_, after)| after)
        }
        (Some(_), Some('\'')) => characters.as_str(),
        _ => text,
    }
}

/// A literal as the compiler takes it.
fn unescaped(literal: &str) -> String {
    let (mut text, mut rest) = (String::new(), literal);
    while let Some((before, escape)) = rest.split_once('\\') {
        text.push_str(before);
        let kind = escape.chars().next();
        rest = kind.map_or("", |kind| &escape[kind.len_utf8()..]);
        match kind {
            Some('\n') => rest = rest.trim_start(),
            Some('n' | 't' | 'r') => text.push(' '),
            Some('u') => {
                let (digits, after) = rest.trim_start_matches('{').split_once('}').unwrap_or((rest, ""));
                text.extend(u32::from_str_radix(digits, 16).ok().and_then(char::from_u32));
                rest = after;
            }
            other => text.extend(other),
        }
    }
    text + rest
}

/// A format string with `…` for each value, and for values side by side.
fn in_words(format: &str) -> String {
    let (mut words, mut rest) = (String::new(), format);
    while let Some(at) = rest.find(['{', '}']) {
        words.push_str(&rest[..at]);
        let bracket = &rest[at..at + 1];
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix(bracket) {
            words.push_str(bracket);
            rest = after;
        } else if bracket == "{" {
            rest = rest.split_once('}').map_or("", |(_, after)| after);
            words.push_str(if words.ends_with('…') { "" } else { "…" });
        }
    }
    words.push_str(rest);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether it says something itself, and is not only a frame around another message.
#[must_use]
pub fn has_words(message: &str) -> bool {
    message.chars().any(char::is_alphabetic)
}

/// A line of a table of the document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The heading above it.
    pub section: String,
    /// Its first column.
    pub message: String,
    /// How many columns say something.
    pub columns: usize,
}

/// The lines of all tables of a document, without the tables' heads.
#[must_use]
pub fn rows(document: &str) -> Vec<Row> {
    let (mut rows, mut section, mut is_body) = (Vec::new(), String::new(), false);
    for line in document.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            heading.clone_into(&mut section);
        }
        let Some(row) = line.strip_prefix('|').and_then(|row| row.trim_end().strip_suffix('|')) else {
            is_body = false;
            continue;
        };
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        if cells.iter().all(|cell| cell.bytes().all(|byte| byte == b'-')) {
            is_body = true;
        } else if is_body {
            let columns = cells.iter().filter(|cell| !cell.is_empty()).count();
            rows.push(Row { section: section.clone(), message: cells[0].to_owned(), columns });
        }
    }
    rows
}

/// By what the lines of a table are in order: letters and digits alone.
#[must_use]
pub fn order(message: &str) -> String {
    message.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Whether each piece of a message between its values stands in one of these literals.
#[must_use]
pub fn stands_in(message: &str, literals: &[String]) -> bool {
    let mut pieces = message.split('…').map(str::trim).filter(|piece| has_words(piece)).peekable();
    pieces.peek().is_some() && pieces.all(|piece| literals.iter().any(|literal| literal.contains(piece)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = r##"
        //! In a comment `"` and #[error("not this")].
        #[derive(Debug, Error)]
        enum Wrong<'a> {
            #[error(
                "`{file}` line {line}: the quote `\"` is never \
                 closed"
            )]
            Quote { file: &'a str, line: u64 },
            #[error(transparent)]
            Other(#[from] io::Error),
            #[error(r#"raw "{0}" stays"#)]
            Raw(char),
            #[error("{}{}: {{kept}}", at(*line), .column.map_or('"', |c| '\'' ))]
            Frame,
            #[error(concat!("one, ", "two", " and {}"), "three")]
            Joined,
        }
        #[cfg(test)]
        mod tests;
        fn of(text: String) -> Report {
            health.events.say(if text.is_empty() { "nothing" } else { "something" });
            let _ = Report::new(text).hint("no message");
            Report
                ::new(format!("there is no `{}`", name("(")))
                .hint("look")
        }
        #[cfg(test)]
        mod tests { fn in_braces() { Report::new("in { a test"); } }
        fn after() { Report::new("after\u{20}the test") }
    "##;

    #[test]
    fn messages_are_found_where_they_are_given() {
        let source = Source::of(SOURCE);
        assert_eq!(
            source.said_in("#[error("),
            ["`…` line …: the quote `\"` is never closed", "raw \"…\" stays", "…: {kept}", "one, two and …"]
        );
        assert_eq!(source.said_in("Report::new("), ["there is no `…`", "after the test"]);
        assert_eq!(source.said_in("events.say("), ["nothing"]);
        assert!(source.literals().iter().any(|literal| literal == "something"));
        assert!(!source.literals().iter().any(|literal| literal == "in { a test"));
    }

    #[test]
    fn lines_of_the_document_are_read_with_their_heading() {
        let row = |section: &str, message: &str, columns| Row {
            section: section.to_owned(),
            message: message.to_owned(),
            columns,
        };
        let document = "# M\n## One\n| message | means | do |\n|---|---|---|\n| a `…` | b | c |\n| d | | e |\n\ntext\n\
                        ## Two\n| message | do |\n|---|---|\n| f | g |\n";
        assert_eq!(rows(document), [row("One", "a `…`", 3), row("One", "d", 2), row("Two", "f", 2)]);
    }

    #[test]
    fn pieces_are_looked_for_in_literals() {
        let literals = ["nobody draws on `…` here".to_owned(), "cores".to_owned()];
        for (message, expected) in
            [("nobody draws on `…` here", true), ("nobody … cores", true), ("nobody sings", false), ("…", false)]
        {
            assert_eq!(stands_in(message, &literals), expected, "{message}");
        }
        assert!(has_words("no") && !has_words("`…`: …"));
        assert_eq!(order("`…` No 1"), "no1");
    }
}
