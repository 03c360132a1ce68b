//! From a `.wgsl` file to the text of one kernel: shapes become constants, tiles are unrolled.
//!
//! The files are WGSL with five marks, so that a reader sees the kernel and not the machinery:
//! - `?name line` stays only with the flag `name`, `!name line` only without it;
//! - `$p` (any one letter that has a range) repeats the line for each number of the range;
//! - `//for i` … `//end` repeats the lines between them;
//! - `//put name` is replaced by text that the kernel's Rust file makes.
//!
//! Accumulators must be unrolled: an array in a function stays in memory on most drivers, and registers are what tiles are for.

use std::fmt::Write as _;

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

    /// The kernel's text.
    pub(super) fn fill(&self, parts: &[&str]) -> String {
        let mut text = String::new();
        for (name, value) in self.constants {
            let _ = writeln!(text, "const {name} = {value}u;");
        }
        for part in parts {
            self.part(part, &mut text);
        }
        text
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
        let text =
            "?on yes\n!on no\n!off kept\n//for i\n  a$i = b$i_$p;\n?on   c$i;\n//end\n//put more\ns$p_$q\nx[1] != y\n";
        assert_eq!(
            template.flag("on", true).flag("off", false).fill(&[text]),
            "const SIDE = 3u;\nyes\nkept\n  a0 = b0_0;\n  a0 = b0_1;\n  c0;\n  a1 = b1_0;\n  a1 = b1_1;\n  c1;\nput here\n\
             s0_0\ns0_1\ns1_0\ns1_1\nx[1] != y\n"
        );
    }
}
