//! Passed, failed, skipped, and which failed.

use std::fmt;
use std::ops::AddAssign;

/// Numbers of tests.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Count {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) skipped: u64,
    /// What failed, as it is called; for the end of a long output.
    pub(crate) failures: Vec<String>,
}

impl Count {
    /// One check that passed or failed.
    pub(crate) fn of_one(name: &str, passed: bool) -> Self {
        if passed { Self { passed: 1, ..Self::default() } } else { Self::default().failing(1, name) }
    }

    /// Tests that could not be run: skipped on a user's machine, failed on one that must have everything.
    pub(crate) fn missed(need: &str, tests: u64, is_ci: bool) -> Self {
        if is_ci {
            Self::default().failing(tests, &format!("{need} is missing"))
        } else {
            Self { skipped: tests, ..Self::default() }
        }
    }

    /// With so many failures more, under one name.
    pub(crate) fn failing(mut self, tests: u64, name: &str) -> Self {
        self.failed += tests;
        self.failures.push(name.to_owned());
        self
    }

    /// The name in a line `test NAME ... FAILED`.
    pub(crate) fn failure_of_line(line: &str) -> Option<&str> {
        line.strip_prefix("test ")?.strip_suffix(" ... FAILED")
    }

    /// The counts of a line `test result: ok. 3 passed; 0 failed; 1 ignored; …`, else nothing.
    pub(crate) fn of_result_line(line: &str) -> Option<Self> {
        let counts = line.strip_prefix("test result: ")?.split_once(". ")?.1;
        let number =
            |of: &str| counts.split(';').find_map(|part| part.trim().strip_suffix(of)?.trim().parse::<u64>().ok());
        Some(Self {
            passed: number("passed")?,
            failed: number("failed")?,
            skipped: number("ignored")?,
            failures: Vec::new(),
        })
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.failures.extend(other.failures);
    }
}

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed, {} skipped", self.passed, self.failed, self.skipped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_counted_and_others_are_not() {
        let ok = "test result: ok. 12 passed; 0 failed; 3 ignored; 0 measured; 1 filtered out; finished in 0.42s";
        assert_eq!(Count::of_result_line(ok), Some(Count { passed: 12, skipped: 3, ..Count::default() }));
        let red = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(Count::of_result_line(red), Some(Count { passed: 1, failed: 2, ..Count::default() }));
        for line in ["", "test x ... ok", "test result: ok.", "test result: ok. many passed; 0 failed; 0 ignored"] {
            assert_eq!(Count::of_result_line(line), None, "{line}");
        }
    }

    #[test]
    fn a_missing_need_fails_only_where_everything_must_be_there() {
        assert_eq!(Count::missed("a browser", 4, false).to_string(), "0 passed, 0 failed, 4 skipped");
        let failed = Count::missed("a browser", 4, true);
        assert_eq!(failed.to_string(), "0 passed, 4 failed, 0 skipped");
        assert_eq!(failed.failures, ["a browser is missing"]);
    }

    #[test]
    fn what_failed_is_named_and_kept() {
        assert_eq!(Count::failure_of_line("test a::b ... FAILED"), Some("a::b"));
        assert_eq!(Count::failure_of_line("test a::b ... ok"), None);
        let mut total = Count::of_one("cargo fmt", true);
        total += Count::of_one("cargo clippy", false);
        assert_eq!(total.to_string(), "1 passed, 1 failed, 0 skipped");
        assert_eq!(total.failures, ["cargo clippy"]);
    }
}
