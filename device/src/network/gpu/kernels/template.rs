//! From a `.wgsl` file to the text of one kernel: shapes become constants, tiles are unrolled.
//!
//! The files are WGSL with seven marks, so that a reader sees the kernel and not the machinery:
//! - `//flags` says with which flags the file may be filled in: of each word one alternative, `a|b` being `a` or `b`, `|a` nothing or `a`,
//!   and `a+b` both;
//! - `//include file` is replaced by a file that several kernels share;
//! - `?name line` stays only with the flag `name`, `!name line` only without it;
//! - `$p` (any one letter that has a range) repeats the line for each number of the range;
//! - `//for i` … `//end` repeats the lines between them;
//! - `//put name` is replaced by text that the kernel's Rust file makes.
//!
//! Accumulators must be unrolled: an array in a function stays in memory on most drivers, and registers are what tiles are for.
//!
//! The build script fills in every file with every choice of flags and validates the texts (`build/kernels.rs`), so this file and
//! `unrolled.rs` know nothing of the rest of the program.

use std::collections::BTreeSet;
use std::fmt::Write as _;

/// What kernels share.
const SHARED: [(&str, &str); 3] = [
    ("float.wgsl", include_str!("float.wgsl")),
    ("int8.wgsl", include_str!("int8.wgsl")),
    ("window.wgsl", include_str!("window.wgsl")),
];

/// All choices of flags that a file names.
pub(super) fn choices<'f>(file: &'f str) -> Vec<Vec<&'f str>> {
    let words = file.lines().filter_map(|line| line.strip_prefix("//flags ")).flat_map(str::split_whitespace);
    words.fold(vec![Vec::new()], |choices, word| {
        let longer = |flags: &Vec<&'f str>| -> Vec<Vec<&'f str>> {
            let alternatives = word.split('|').map(|both| both.split('+').filter(|flag| !flag.is_empty()));
            alternatives.map(|more| flags.iter().copied().chain(more).collect()).collect()
        };
        choices.iter().flat_map(longer).collect()
    })
}

/// What a file is filled in with.
#[derive(Debug, Default)]
pub(super) struct Template<'a> {
    /// Module constants, `u32` each.
    pub(super) constants: &'a [(&'a str, usize)],
    /// Flags that are set.
    pub(super) flags: Vec<&'a str>,
    /// Letters and how many numbers each stands for, from 0.
    pub(super) ranges: &'a [(char, usize)],
    /// Texts for `//put`.
    pub(super) texts: &'a [(&'a str, &'a str)],
}

impl<'a> Template<'a> {
    /// With a flag set or not.
    pub(super) fn flag(mut self, name: &'a str, is_set: bool) -> Self {
        if is_set {
            self.flags.push(name);
        }
        self
    }

    /// The kernel's text; the constants stand last, for `enable` must stand first and nothing else has an order.
    pub(super) fn fill(&self, file: &str) -> String {
        // A choice that the build has not seen: found when it is tested, never a reason to stop a shop.
        if cfg!(test) {
            assert!(self.is_choice(file), "{:?} is no choice of flags that the file names:\n{file}", self.flags);
        }
        let mut text = String::new();
        self.part(file, &mut text);
        for (name, value) in self.constants {
            let _ = writeln!(text, "const {name} = {value}u;");
        }
        text
    }

    /// Whether the file may be filled in with these flags.
    fn is_choice(&self, file: &str) -> bool {
        choices(file).iter().any(|choice| {
            let (wanted, set): (BTreeSet<_>, BTreeSet<_>) = (choice.iter().collect(), self.flags.iter().collect());
            wanted == set
        })
    }

    fn part(&self, part: &str, text: &mut String) {
        let mut lines = part.lines();
        while let Some(line) = lines.next() {
            let Some(line) = self.kept(line) else { continue };
            if let Some(letter) = line.trim().strip_prefix("//for ").and_then(|rest| rest.chars().next()) {
                let block: Vec<&str> = lines.by_ref().take_while(|line| line.trim() != "//end").collect();
                for number in 0..self.range(letter) {
                    for line in block.iter().filter_map(|line| self.kept(line)) {
                        self.line(&line.replace(&format!("${letter}"), &number.to_string()), text);
                    }
                }
            } else if let Some(name) = line.strip_prefix("//include ") {
                for (_, shared) in SHARED.iter().filter(|(known, _)| *known == name) {
                    self.part(shared, text);
                }
            } else if let Some(name) = line.trim().strip_prefix("//put ") {
                text.extend(self.texts.iter().filter(|(known, _)| *known == name).map(|(_, put)| *put));
            } else {
                self.line(line, text);
            }
        }
    }

    /// The line without its condition, where that holds.
    fn kept<'l>(&self, line: &'l str) -> Option<&'l str> {
        let (is_wanted, rest) = match (line.strip_prefix('?'), line.strip_prefix('!')) {
            (Some(rest), _) => (true, rest),
            (_, Some(rest)) => (false, rest),
            _ => return Some(line),
        };
        let (name, rest) = rest.split_once(' ')?;
        (self.flags.contains(&name) == is_wanted).then_some(rest)
    }

    /// Writes a line for each number of the first letter in it, and so on for the others.
    fn line(&self, line: &str, text: &mut String) {
        match self.ranges.iter().find(|(letter, _)| line.contains(&format!("${letter}"))) {
            None => {
                let _ = writeln!(text, "{line}");
            }
            Some((letter, numbers)) => {
                for number in 0..*numbers {
                    self.line(&line.replace(&format!("${letter}"), &number.to_string()), text);
                }
            }
        }
    }

    fn range(&self, letter: char) -> usize {
        self.ranges.iter().find(|(known, _)| *known == letter).map_or(0, |(_, numbers)| *numbers)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_filled_in() {
        let template = Template {
            constants: &[("SIDE", 3)],
            ranges: &[('p', 2), ('q', 2), ('i', 2)],
            texts: &[("more", "put here\n")],
            ..Template::default()
        };
        let text = "//flags on|off\n?on yes\n!on no\n!off kept\n//for i\n  a$i = b$i_$p;\n?on   c$i;\n//end\n//put more\ns$p_$q\nx[1] != y\n";
        assert_eq!(
            template.flag("on", true).flag("off", false).fill(text),
            "//flags on|off\nyes\nkept\n  a0 = b0_0;\n  a0 = b0_1;\n  c0;\n  a1 = b1_0;\n  a1 = b1_1;\n  c1;\nput here\n\
             s0_0\ns0_1\ns1_0\ns1_1\nx[1] != y\nconst SIDE = 3u;\n"
        );
    }

    #[test]
    fn files_name_their_flags() {
        assert_eq!(choices("// none\n"), [Vec::<&str>::new()]);
        assert_eq!(
            choices("//flags a|b  |c\n//flags |d+e\n"),
            [
                vec!["a"],
                vec!["a", "d", "e"],
                vec!["a", "c"],
                vec!["a", "c", "d", "e"],
                vec!["b"],
                vec!["b", "d", "e"],
                vec!["b", "c"],
                vec!["b", "c", "d", "e"],
            ]
        );
    }

    #[test]
    #[should_panic(expected = "is no choice of flags that the file names")]
    fn other_flags_are_refused() {
        Template::default().flag("b", true).fill("//flags |a\n");
    }
}
