//! What is printed when something went wrong: what, why, what to do.

use std::fmt;
use std::process::ExitCode;

/// One failure, printed once, at the end.
#[derive(Debug)]
pub(crate) struct Report {
    what: String,
    cause: Option<String>,
    hints: Vec<String>,
    is_usage: bool,
}

impl Report {
    /// A failure and what to do about it.
    pub(crate) fn failure(what: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { what: what.into(), cause: None, hints: vec![hint.into()], is_usage: false }
    }

    /// The same with the cause that the system gave.
    pub(crate) fn caused_by(mut self, cause: impl fmt::Display) -> Self {
        self.cause = Some(cause.to_string());
        self
    }

    /// Wrong use of the command line.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self { what: what.into(), cause: None, hints: vec!["see `cargo xtask help`".to_owned()], is_usage: true }
    }

    /// 2 for wrong use, else 1.
    pub(crate) fn exit_code(&self) -> ExitCode {
        ExitCode::from(if self.is_usage { 2 } else { 1 })
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.what)?;
        if let Some(cause) = &self.cause {
            writeln!(f, "  cause: {cause}")?;
        }
        writeln!(f)?;
        self.hints.iter().try_for_each(|hint| writeln!(f, "hint: {hint}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_why_and_what_to_do() {
        let report = Report::failure("no `x`", "install `x`").caused_by("not found");
        assert_eq!(report.to_string(), "error: no `x`\n  cause: not found\n\nhint: install `x`\n");
    }
}
