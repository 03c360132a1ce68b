//! How a subcommand ends: its outcome, or one report that says what, where and what to do.

use std::error::Error;
use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

/// How a subcommand that ran to its end ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// All that was asked for was done.
    Done,
    /// Some of it failed, each named on its own; the rest was done.
    SomeFailed,
    /// Stopped by the user; the work goes on where it stopped when it is started again.
    Interrupted,
}

impl Outcome {
    /// 0, 1 or 130.
    #[must_use]
    pub fn exit_code(self) -> ExitCode {
        match self {
            Self::Done => ExitCode::SUCCESS,
            Self::SomeFailed => ExitCode::from(1),
            Self::Interrupted => ExitCode::from(130),
        }
    }
}

/// A failure as the user sees it. Prints as
/// ```text
/// error: camera `/dev/video0` is in use
///   while: setting the frame format
///   cause: Device or resource busy (os error 16)
///
/// hint: find the program that holds it: `fuser /dev/video0`
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// What is wrong, lower case, literals in backticks.
    pub what: String,
    /// What was being done, outermost first.
    pub whiles: Vec<String>,
    /// The cause below it.
    pub cause: Option<String>,
    /// What the user may do.
    pub hints: Vec<String>,
}

impl Report {
    /// A report that only says what is wrong.
    #[must_use]
    pub fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), ..Self::default() }
    }

    /// An error and the chain of its sources.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        Self { what: error.to_string(), cause: chain(error.source()), ..Self::default() }
    }

    /// What is wrong and why, in one line.
    #[must_use]
    pub fn in_one_line(&self) -> String {
        self.cause.as_ref().map_or_else(|| self.what.clone(), |cause| format!("{}: {cause}", self.what))
    }

    /// Adds what was being done (call from the inside out).
    #[must_use]
    pub fn during(mut self, what: impl Into<String>) -> Self {
        self.whiles.insert(0, what.into());
        self
    }

    /// Sets the cause to an error and the chain of its sources.
    #[must_use]
    pub fn because(mut self, error: &(dyn Error + 'static)) -> Self {
        self.cause = chain(Some(error));
        self
    }

    /// Adds what the user may do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// Adds all that an error knows of what the user may do.
    #[must_use]
    pub fn hinted(self, hints: impl IntoIterator<Item: Into<String>>) -> Self {
        hints.into_iter().fold(self, Self::hint)
    }
}

impl<E: Error + 'static> From<E> for Report {
    fn from(error: E) -> Self {
        Self::of(&error)
    }
}

/// An error and all its sources as one line, for the `error` of a JSON object.
#[must_use]
pub fn one_line(error: &(dyn Error + 'static)) -> String {
    chain(Some(error)).unwrap_or_default()
}

/// An error and all its sources as one line, or none. A source that its parent's text already ends with is left out.
fn chain(mut error: Option<&(dyn Error + 'static)>) -> Option<String> {
    let mut text: Option<String> = None;
    while let Some(e) = error {
        // Some libraries quote the file that they could not read.
        let this = e.to_string().replace(|c: char| c.is_control(), " ");
        text = Some(match text {
            Some(t) if t.ends_with(&this) => t,
            Some(t) => format!("{t}: {this}"),
            None => this,
        });
        error = e.source();
    }
    text
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "error: {}", self.what)?;
        for what in &self.whiles {
            writeln!(f, "  while: {what}")?;
        }
        if let Some(cause) = &self.cause {
            writeln!(f, "  cause: {cause}")?;
        }
        if !self.hints.is_empty() {
            writeln!(f)?;
        }
        for hint in &self.hints {
            writeln!(f, "hint: {hint}")?;
        }
        Ok(())
    }
}

/// Prints one line of data on stdout and flushes it, so that a reader sees each answer when it is there. A reader
/// that went away (`| head`) ends the program quietly with status 0, as other tools do.
///
/// # Errors
/// Stdout cannot be written for another reason (a full disk, say).
pub fn print_line(line: &str) -> Result<(), Report> {
    match write_line(&mut io::stdout().lock(), line) {
        Err(e) if e.kind() == io::ErrorKind::BrokenPipe => std::process::exit(0),
        written => written.map_err(|e| unwritten(&e)),
    }
}

fn write_line(out: &mut impl Write, line: &str) -> io::Result<()> {
    writeln!(out, "{line}").and_then(|()| out.flush())
}

fn unwritten(error: &io::Error) -> Report {
    Report::new("standard output cannot be written").because(error)
}

/// Says a line to people on stderr, for a job that must not end because stderr is gone: then nobody is told, where `eprintln!` would panic.
pub fn say(line: impl fmt::Display) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// The lines of a job that must not end because nobody reads them: when one cannot be written that is noted once on
/// stderr, later ones are left out, and the job goes on.
#[derive(Debug)]
pub struct Told<W> {
    out: W,
    failure: Option<io::Error>,
}

impl Told<io::Stdout> {
    /// Lines for stdout.
    #[must_use]
    pub fn on_stdout() -> Self {
        Self::on(io::stdout())
    }
}

impl<W: Write> Told<W> {
    /// Lines for `out`.
    pub fn on(out: W) -> Self {
        Self { out, failure: None }
    }

    /// Tells a line, if there is still someone to tell.
    pub fn line(&mut self, line: &str) {
        if self.failure.is_some() {
            return;
        }
        if let Err(error) = write_line(&mut self.out, line) {
            say(format_args!(
                "note: standard output cannot be written ({error}): nothing more is told there, the work goes on"
            ));
            self.failure = Some(error);
        }
    }

    /// How the telling went, to be asked at the end.
    ///
    /// # Errors
    /// A line is missing for another reason than a reader that went away.
    pub fn end(self) -> Result<(), Report> {
        match self.failure {
            Some(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(unwritten(&error)),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("camera `/dev/video0` is in use")]
    struct InUse(#[source] io::Error);

    #[test]
    fn says_what_where_and_what_to_do() {
        let report = Report::of(&InUse(io::Error::other("Device or resource busy")))
            .during("setting the frame format")
            .during("starting the camera")
            .hint("find the program that holds it: `fuser /dev/video0`");
        insta::assert_snapshot!(report, @r"
        error: camera `/dev/video0` is in use
          while: starting the camera
          while: setting the frame format
          cause: Device or resource busy

        hint: find the program that holds it: `fuser /dev/video0`
        ");
    }

    #[test]
    fn a_cause_stays_on_its_line() {
        let report = Report::new("no bundle").because(&io::Error::other("not a number: a\n\u{1b}[2Jb"));
        assert_eq!(report.to_string(), "error: no bundle\n  cause: not a number: a  [2Jb\n");
    }

    /// Takes so many bytes, then fails.
    struct Until(usize, io::ErrorKind);

    impl Write for Until {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0 = self.0.checked_sub(bytes.len()).ok_or(self.1)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_went_away_does_not_end_the_work() {
        for (kind, is_failure) in [(io::ErrorKind::BrokenPipe, false), (io::ErrorKind::StorageFull, true)] {
            let mut told = Told::on(Until(4, kind));
            for line in ["one", "two", "three"] {
                told.line(line);
            }
            assert_eq!(told.end().is_err(), is_failure, "{kind:?}");
        }
        let mut told = Told::on(Vec::new());
        told.line("one");
        assert_eq!(told.out, b"one\n");
        assert!(told.end().is_ok());
    }

    #[test]
    fn only_what_is_there_is_printed() {
        assert_eq!(Report::new("no catalogue").to_string(), "error: no catalogue\n");
    }
}
