//! One of two things to compare: a report, a file of metrics or a run's folder.

use std::path::Path;

use clothingid_shared::files;

use super::ReportError;
use super::findings::Findings;
use super::lines::{of_findings, of_record};
use super::metric::{self, Metric};
use super::raw::Raw;
use crate::learn::record::Record;

/// What is compared.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// The file or folder, as it was given.
    pub path: String,
    /// What it is, for people.
    pub name: String,
    /// Its metrics.
    pub lines: Vec<Metric>,
    /// Its answers; none where it has none.
    pub raw: Option<Raw>,
}

impl Side {
    /// Reads a report's JSON, a file of metrics, or a run's folder.
    ///
    /// # Errors
    /// There is no such thing, or it is none of these.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        let shown = path.display().to_string();
        if path.is_dir() {
            let record = run(path)?;
            let name = format!("run of {} entries", record.entries.len());
            return Ok(Self { path: shown, name, lines: of_record(&record), raw: None });
        }
        let text = files::read_text(path)?;
        if text.trim_start().starts_with("{\"metric\"") {
            let lines = metric::from_text(&text).map_err(|reason| ReportError::Form {
                path: path.to_owned(),
                expected: "file of metrics",
                reason,
            })?;
            return Ok(Self { path: shown, name: "metrics without answers".to_owned(), lines, raw: None });
        }
        let findings = Findings::read(path)?;
        let name = format!("{}, {} photographs", findings.name, findings.n);
        Ok(Self { path: shown, name, lines: of_findings(&findings), raw: findings.raw })
    }
}

/// The record of a run's folder, with something in it.
///
/// # Errors
/// It cannot be read, or is empty.
pub fn run(folder: &Path) -> Result<Record, ReportError> {
    let record = Record::read(folder)?;
    if record.entries.is_empty() {
        return Err(ReportError::NoSteps { path: folder.join("record.jsonl") });
    }
    Ok(record)
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests {
    use super::super::findings::tests::findings;
    use super::super::lines::of_findings;
    use super::{ReportError, Side, metric};

    #[test]
    fn a_report_and_its_metrics_are_told_apart_by_what_they_hold() {
        let folder = tempfile::tempdir().unwrap();
        let findings = findings(9);
        let (report, metrics) = (folder.path().join("a.json"), folder.path().join("a.jsonl"));
        findings.write(&report).unwrap();
        std::fs::write(&metrics, metric::to_text(&of_findings(&findings)).unwrap()).unwrap();
        let (report, metrics) = (Side::read(&report).unwrap(), Side::read(&metrics).unwrap());
        assert_eq!(report.lines, metrics.lines);
        assert_eq!((report.raw, metrics.raw), (findings.raw, None));
        assert_eq!(report.name, "a <name>, 12 photographs");
    }

    #[test]
    fn what_is_nothing_to_compare_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let error = Side::read(folder.path()).unwrap_err();
        assert!(error.to_string().contains("record.jsonl"), "{error}");
        std::fs::write(folder.path().join("record.jsonl"), "no JSON\n").unwrap();
        assert!(matches!(Side::read(folder.path()).unwrap_err(), ReportError::NoSteps { .. }));
        let letter = folder.path().join("letter");
        std::fs::write(&letter, "Dear shop").unwrap();
        assert!(Side::read(&letter).unwrap_err().to_string().contains("is no report of a bundle"));
        std::fs::write(&letter, "{\"metric\":1}").unwrap();
        assert!(Side::read(&letter).unwrap_err().to_string().contains("line 1"));
    }
}
