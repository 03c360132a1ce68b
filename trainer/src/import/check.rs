//! Looks at every photograph once: a file that is missing or is no picture, an unknown category and a photograph named twice are
//! set aside with their reason; width and height become those of the decoded picture.

use std::collections::BTreeSet;
use std::path::Path;

use clothingid_shared::{files, picture};
use rayon::prelude::*;

use super::labels::LabelMap;
use super::problems::Problems;
use super::progress::Progress;
use super::{Found, Row};

/// Checks the rows of all sources together. Rows keep their order.
#[must_use]
pub fn check(found: Found, labels: &LabelMap, progress: &Progress) -> Found {
    let Found { rows, mut problems } = found;
    let mut named = BTreeSet::new();
    let mut single: Vec<Row> = Vec::with_capacity(rows.len());
    for row in rows {
        let path = Path::new(&row.path);
        if let Some(reason) = labels.unknown_key(&row.cat14, &row.cat26) {
            problems.push(path, reason);
        } else if named.insert(row.path.clone()) {
            single.push(row);
        } else {
            problems.push(path, "named twice");
        }
    }
    progress.begin("checking photographs", single.len());
    let outcomes: Vec<Result<Row, (Row, String)>> = single
        .into_par_iter()
        .map(|row| {
            let outcome = size_of(Path::new(&row.path));
            progress.step();
            match outcome {
                Ok((width, height)) => Ok(Row { width, height, ..row }),
                Err(reason) => Err((row, reason)),
            }
        })
        .collect();
    progress.end();
    let mut kept = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        match outcome {
            Ok(row) => kept.push(row),
            Err((row, reason)) => problems.push(Path::new(&row.path), reason),
        }
    }
    Found { rows: kept, problems }
}

fn size_of(path: &Path) -> Result<(u32, u32), String> {
    if !path.exists() {
        return Err("missing".into());
    }
    let bytes = files::read(path).map_err(|error| chain(&error))?;
    let picture = picture::decode(&bytes).map_err(|error| chain(&error))?;
    Ok((picture.width(), picture.height()))
}

/// An error with its causes on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let more = cause.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        source = cause.source();
    }
    text
}

/// The problems of a list as one line for people: how many, and the first few reasons.
#[must_use]
pub fn summary(problems: &Problems) -> Vec<String> {
    let mut lines: Vec<String> =
        problems.iter().take(5).map(|problem| format!("`{}`: {}", problem.path, problem.reason)).collect();
    if problems.len() > lines.len() {
        lines.push(format!("and {} more", problems.len() - lines.len()));
    }
    lines
}
