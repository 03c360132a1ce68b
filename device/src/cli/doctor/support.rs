//! `doctor --report FILE`: what somebody who helps from afar needs to know, as one text file that its owner can read before it goes out.
//!
//! Findings, versions, settings, what lies in the state folder by name and size, and the last lines of the journal. No picture, no content of
//! the state folder, no article of the shop. What could open a door is left out: values of keys that are named for it, and in the journal what
//! looks like a PIN, a hash or a token.

use super::Finding;
use crate::cli::Report;
use crate::config;
use crate::state;
use clothingid_shared::files;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What stands in the place of what is left out.
const LEFT_OUT: &str = "(left out)";
/// Settings are a page of text.
const MOST_BYTES: u64 = 1 << 20;
/// Lines of the journal, and bytes of them.
const LINES: &str = "400";
const MOST_LOG_BYTES: usize = 256 << 10;
/// Tokens and their hashes are longer.
const SECRET_LETTERS: usize = 32;

/// Writes the file, which nobody but its owner may read.
///
/// # Errors
/// It cannot be written.
pub(super) fn write(path: &Path, findings: &[Finding], config: Option<&Path>) -> Result<(), Report> {
    let text = told(findings, &settings(config), &journal());
    files::write_private(path, text.as_bytes())
        .map_err(|error| Report::of(&error).hint("name another place, as in `--report /media/STICK/support.txt`"))
}

/// The whole file.
fn told(findings: &[Finding], settings: &str, journal: &str) -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let first = |path: &str| {
        let text = files::read_text_at_most(Path::new(path), MOST_BYTES).unwrap_or_default();
        text.lines().next().unwrap_or("not seen").trim().to_owned()
    };
    let name = files::read_text_at_most(Path::new("/etc/os-release"), MOST_BYTES).unwrap_or_default();
    let name = name.lines().find_map(|line| line.strip_prefix("PRETTY_NAME=")).unwrap_or("not seen");
    let findings: Vec<String> = findings.iter().map(Finding::human).collect();
    format!(
        "ClothingID support file. It has no picture and none of the shop's articles; read it before you send it.\n\n\
         == Versions\n\
         clothingid {} for {}\nsystem {name}\nkernel {}\nby this machine's clock {seconds} s after 1970, and it has run for {} s (before the blank)\n\n\
         == Findings\n{}\n\n\
         == Settings\n{settings}\n\
         == State folder\n{}\n\
         == Journal, the last lines\n{journal}\n",
        env!("CARGO_PKG_VERSION"),
        std::env::consts::ARCH,
        first("/proc/version"),
        first("/proc/uptime"),
        findings.join("\n"),
        state_folder(),
    )
}

/// The settings that are read, each file with what it sets.
fn settings(config: Option<&Path>) -> String {
    let places = config.map_or_else(|| config::places(|name| std::env::var_os(name)), |file| vec![file.to_owned()]);
    let of = |path: &PathBuf| {
        let text = files::read_text_at_most(path, MOST_BYTES).ok()?;
        Some(format!("`{}`\n{}", path.display(), without_secrets(&text)))
    };
    let read: Vec<String> = places.iter().filter_map(of).collect();
    if read.is_empty() { "none: the defaults hold\n".to_owned() } else { read.join("\n") }
}

/// What a file of settings sets, without comments and without the values of keys that are named for secrets.
fn without_secrets(text: &str) -> String {
    match DeTable::parse(text) {
        Ok(table) => {
            let mut lines = String::new();
            tell(table.get_ref(), text, "", &mut lines);
            lines
        }
        // Its lines could be anything.
        Err(_) => "left out: it cannot be read (see `config` above)\n".to_owned(),
    }
}

/// A line for each key, with its value as the text has it.
fn tell(table: &DeTable<'_>, text: &str, above: &str, lines: &mut String) {
    const NAMED: [&str; 5] = ["pin", "token", "password", "secret", "key"];
    for (key, value) in table {
        let name = format!("{above}{}", key.get_ref());
        let is_secret = NAMED.iter().any(|named| key.get_ref().to_lowercase().contains(named));
        match value.get_ref() {
            DeValue::Table(inner) if !is_secret => tell(inner, text, &format!("{name}."), lines),
            // A list may have comments between its values.
            DeValue::Array(values) if !is_secret => {
                let of = |value: &Spanned<DeValue<'_>>| match value.get_ref() {
                    DeValue::Table(_) | DeValue::Array(_) => "…",
                    _ => text.get(value.span()).unwrap_or_default(),
                };
                let values: Vec<&str> = values.iter().map(of).collect();
                lines.push_str(&format!("{name} = [{}]\n", values.join(", ")));
            }
            _ => {
                let value = if is_secret { LEFT_OUT } else { text.get(value.span()).unwrap_or_default() };
                lines.push_str(&format!("{name} = {value}\n"));
            }
        }
    }
}

/// Names and sizes of what lies in the state folder itself.
fn state_folder() -> String {
    let Ok(folder) = state::folder() else { return "there is none\n".to_owned() };
    let mut lines: Vec<String> = std::fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            let facts = entry.metadata().ok()?;
            let what = if facts.is_dir() { "a folder".to_owned() } else { format!("{} bytes", facts.len()) };
            Some(format!("{}: {what}\n", entry.file_name().to_string_lossy()))
        })
        .collect();
    lines.sort();
    format!("`{}`\n{}", folder.display(), lines.concat())
}

/// The last lines of the service's journal, or why there are none.
fn journal() -> String {
    let arguments = ["--unit", "clothingid", "--lines", LINES, "--no-pager", "--output", "short-iso"];
    let output = match Command::new("journalctl").args(arguments).output() {
        Err(error) => return format!("not seen: `journalctl` cannot be started: {error}"),
        Ok(output) if !output.status.success() => {
            let said = String::from_utf8_lossy(&output.stderr);
            return format!("not seen: {}", scrubbed(said.lines().next().unwrap_or("`journalctl` failed")));
        }
        Ok(output) => output.stdout,
    };
    let text = String::from_utf8_lossy(&output);
    let start = text.len().saturating_sub(MOST_LOG_BYTES);
    let kept = (start..text.len()).find_map(|at| text.get(at..)).unwrap_or_default();
    kept.lines().map(scrubbed).collect::<Vec<_>>().join("\n")
}

/// A line without what looks like a PIN, a hash or a token.
fn scrubbed(line: &str) -> String {
    let names_pin = line.contains("PIN");
    let is_letter = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_' | '+' | '=' | '$');
    let word = |word: &str| {
        // The text of a hash has letters that part other words.
        if word.contains("$argon2") {
            return LEFT_OUT.to_owned();
        }
        let parts = word.split_inclusive(|letter: char| !is_letter(letter));
        let of = |part: &str| {
            let letters = part.trim_end_matches(|letter: char| !is_letter(letter));
            let end = part.get(letters.len()..).unwrap_or_default();
            format!("{}{end}", if is_secret(letters, names_pin) { LEFT_OUT } else { letters })
        };
        parts.map(of).collect()
    };
    line.split(' ').map(word).collect::<Vec<String>>().join(" ")
}

fn is_secret(letters: &str, names_pin: bool) -> bool {
    let has = |of: fn(&u8) -> bool| letters.as_bytes().iter().any(of);
    let is_long = letters.len() >= SECRET_LETTERS && has(u8::is_ascii_digit) && has(u8::is_ascii_alphabetic);
    let is_pin = names_pin && letters.len() >= 4 && letters.bytes().all(|byte| byte.is_ascii_digit());
    is_long || is_pin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_go_without_comments_and_secrets() {
        let text = "# the PIN is 2580\nshop = \"Corner\"\n[lan]\nlisten = \"0.0.0.0:8443\"\nkey = \"/etc/ours.pem\"\n[staff]\nmedia = [\"/a\", # 774411\n\"/b\"]\nPinHash = \"$argon2id$x\"\n";
        let told = without_secrets(text);
        for kept in [
            "shop = \"Corner\"\n",
            "lan.listen = \"0.0.0.0:8443\"\n",
            "lan.key = (left out)\n",
            "media = [\"/a\", \"/b\"]\n",
        ] {
            assert!(told.contains(kept), "{told}");
        }
        for secret in ["2580", "774411", "ours.pem", "argon2"] {
            assert!(!told.contains(secret), "{told}");
        }
        assert!(without_secrets("pin = 2580 oh").starts_with("left out"));
    }

    #[test]
    fn lines_of_the_journal_lose_what_opens_doors_and_nothing_else() {
        for (line, expected) in [
            ("the staff's PIN for this run is 482913", "the staff's PIN for this run is (left out)"),
            ("PIN 1234, port 8080", "PIN (left out), port (left out)"),
            ("listening on 127.0.0.1:8080", "listening on 127.0.0.1:8080"),
            ("GET /pair#t=9f86d081884c7d659a2feaa0c55ad015 200", "GET /pair#(left out) 200"),
            ("hash $argon2id$v=19$m=19456,t=2,p=1$c2Fs/dA$aG/FzaA kept", "hash (left out) kept"),
            ("cookie abcdefghijklmnopqrstuvwxyzabcdefghi", "cookie abcdefghijklmnopqrstuvwxyzabcdefghi"),
            (
                "2026-01-02T03:04:05+0100 board clothingid[712]: camera `/dev/video0` is gone",
                "2026-01-02T03:04:05+0100 board clothingid[712]: camera `/dev/video0` is gone",
            ),
            ("", ""),
        ] {
            assert_eq!(scrubbed(line), expected);
        }
    }
}
