//! The commands that the documents name, and whether the programs know them.

use std::path::{Path, PathBuf};

/// The documents of the workspace, beside the change log: each command in them must work today.
///
/// **Panics** when the workspace cannot be read.
#[must_use]
pub fn documents() -> Vec<PathBuf> {
    let root = crate::rig::workspace();
    let mut found = Vec::new();
    for folder in [root.clone(), root.join("docs"), root.join("firmware-config"), root.join("demo")] {
        let Ok(entries) = std::fs::read_dir(folder) else { continue };
        found.extend(entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| is_document(path)));
    }
    found.sort();
    found
}

fn is_document(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "md") && !path.ends_with("CHANGELOG.md")
}

/// The words after `program` in each command of the documents: lines of code blocks, and code between backticks.
///
/// **Panics** when a document cannot be read.
#[must_use]
pub fn commands(documents: &[PathBuf], program: &str) -> Vec<(PathBuf, Vec<String>)> {
    let mut found = Vec::new();
    for document in documents {
        let text = std::fs::read_to_string(document).expect("a document");
        found.extend(commands_in(&text, program).into_iter().map(|words| (document.clone(), words)));
    }
    found
}

/// The same of one text.
#[must_use]
pub fn commands_in(text: &str, program: &str) -> Vec<Vec<String>> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            found.extend(command(line, program));
        } else {
            // Every second piece stands between backticks.
            found.extend(line.split('`').skip(1).step_by(2).filter_map(|code| command(code, program)));
        }
    }
    found
}

/// The words after `program` when the line calls it: as such, by a path, or through `cargo run --`.
fn command(line: &str, program: &str) -> Option<Vec<String>> {
    let line = line.trim().trim_start_matches("$ ").split(" #").next().unwrap_or_default();
    let rest = match line.strip_prefix(program) {
        Some(rest) => rest,
        None if program == "clothingid" => line.strip_prefix("cargo run --release --")?,
        None => return None,
    };
    if !rest.starts_with(char::is_whitespace) {
        return None;
    }
    let words = rest.split_whitespace().map(|word| word.trim_matches(|c| "[]()|…,.".contains(c)).to_owned());
    let words: Vec<String> = words.take_while(|word| ![">", "&&", "\\", "|"].contains(&word.as_str())).collect();
    (!words.is_empty()).then_some(words)
}

/// Looks up each command of the documents in the program's own help: subcommands and flags. Gives how many there were
/// and those that are wrong.
///
/// `help` runs the program with the given words and gives what it printed on standard output.
pub fn check(
    documents: &[PathBuf],
    program: &str,
    mut help: impl FnMut(Vec<String>) -> String,
) -> (usize, Vec<String>) {
    let top = help(vec!["--help".to_owned()]);
    let mut wrong = Vec::new();
    let mut seen = 0;
    for (document, words) in commands(documents, program) {
        seen += 1;
        // `bench network|path|search|live` in a table of commands names several.
        let first = words.first().map_or("", |word| word.split('|').next().unwrap_or_default()).to_owned();
        if first.starts_with('-') || first.starts_with("COMMAND") {
            continue;
        }
        let shown = format!("{}: `{program} {}`", document.display(), words.join(" "));
        if !top.lines().any(|line| line.split_whitespace().next() == Some(&first)) {
            wrong.push(format!("{shown}: no subcommand `{first}`"));
            continue;
        }
        let mut own = help(vec![first.clone(), "--help".to_owned()]);
        if let Some(second) =
            words.get(1).filter(|word| own.lines().any(|line| line.split_whitespace().next() == Some(word)))
        {
            own.push_str(&help(vec![first, second.clone(), "--help".to_owned()]));
        }
        for flag in words.iter().filter(|word| word.starts_with("--") && word.len() > 2) {
            let name = flag.split('=').next().unwrap_or(flag);
            if !own.split(|c: char| !c.is_alphanumeric() && c != '-').any(|known| known == name) {
                wrong.push(format!("{shown}: no flag `{name}`"));
            }
        }
    }
    (seen, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_found_in_blocks_and_between_backticks() {
        let text = "Run `clothingid demo`, not `clothingid-train pack`.\n```\n$ clothingid search --top 3 x.jpg   # note\n\
                    cargo run --release -- demo\n```\nclothingid is a name here.";
        let found = commands_in(text, "clothingid");
        assert_eq!(found, [vec!["demo"], vec!["search", "--top", "3", "x.jpg"], vec!["demo"]]);
        assert_eq!(commands_in(text, "clothingid-train"), [vec!["pack"]]);
    }
}
