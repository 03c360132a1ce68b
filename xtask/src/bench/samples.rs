//! Samples of many turns: read from what each side prints, put in order for a table, kept in a file.

use std::fs;
use std::io;
use std::path::Path;
use std::process::Command;

use super::after;
use crate::report::Report;

/// One side at one setting: what is started.
pub(super) struct Contender {
    pub(super) name: String,
    pub(super) command: Command,
}

/// The samples of one turn, in milliseconds.
pub(super) fn all_ms(line: &str) -> Result<Vec<f64>, Report> {
    let list = after(line, "all_ms").and_then(|after| after.strip_prefix('[')?.split_once(']'));
    let Some((list, _)) = list else {
        return Err(Report::failure("no `all_ms` in what one side printed", line.trim().to_owned()));
    };
    Ok(list.split(',').filter_map(|sample| sample.trim().parse::<f64>().ok()).collect())
}

/// The value with `share` of the others below it; infinite of none.
pub(super) fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a share of a count is a place"
    )]
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(place.saturating_sub(1)).copied().unwrap_or(f64::INFINITY)
}

/// Keeps what was printed, a line a turn.
pub(super) fn keep(path: &Path, lines: &str) -> Result<(), Report> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|error| cannot("make the folder of the samples", error))?;
    }
    #[expect(clippy::disallowed_methods, reason = "samples of one run, made again at will")]
    fs::write(path, lines).map_err(|error| cannot("keep the samples", error))
}

pub(super) fn cannot(what: &str, error: io::Error) -> Report {
    Report::failure(format!("cannot {what}"), "see its cause").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_a_list_in_the_line() {
        assert_eq!(all_ms(r#"{"all_ms":[3.0, 1.0],"found":[[1]]}"#).unwrap(), [3.0, 1.0]);
        assert!(all_ms("hello").is_err());
    }

    #[test]
    fn quantiles_are_samples() {
        assert_eq!([0.0, 0.5, 0.99].map(|share| quantile(&[3.0, 1.0, 2.0], share)), [1.0, 2.0, 3.0]);
        assert!(quantile(&[], 0.5).is_infinite());
    }
}
