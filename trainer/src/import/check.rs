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
pub fn check(mut found: Found, labels: &LabelMap, progress: &Progress) -> Found {
    let (rows, mut problems) = (std::mem::take(&mut found.rows), std::mem::take(&mut found.problems));
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
    let outcomes: Vec<Result<Row, Box<(Row, String)>>> = single
        .into_par_iter()
        .map(|row| {
            let outcome = size_of(Path::new(&row.path));
            progress.step();
            match outcome {
                Ok((width, height)) => Ok(Row { width, height, ..row }),
                Err(reason) => Err(Box::new((row, reason))),
            }
        })
        .collect();
    progress.end();
    let mut kept = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        match outcome {
            Ok(row) => kept.push(row),
            Err(refused) => problems.push(Path::new(&refused.0.path), refused.1),
        }
    }
    Found { rows: kept, problems, ..found }
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
    let mut lines: Vec<String> = problems.iter().take(5).map(ToString::to_string).collect();
    if problems.len() > lines.len() {
        lines.push(format!("and {} more", problems.len() - lines.len()));
    }
    lines
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use clothingid_shared::picture::{self, Picture};
    use serde::Deserialize;

    use super::{check, summary};
    use crate::import::progress::Progress;
    use crate::import::{Found, LabelMap, Row};

    fn corpus() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/corpus")
    }

    #[derive(Deserialize)]
    struct File {
        file: String,
        outcome: String,
        width: Option<u32>,
        height: Option<u32>,
    }

    fn row(path: &Path) -> Row {
        let name = path.display().to_string();
        Row { source: "s".into(), item_id: name.clone(), group: name.clone(), path: name, ..Row::default() }
    }

    #[test]
    fn good_and_bad_files_are_told_apart() {
        let listed: Vec<File> = csv::Reader::from_path(corpus().join("files.csv"))
            .unwrap()
            .deserialize()
            .collect::<Result<_, _>>()
            .unwrap();
        let rows: Vec<Row> = listed.iter().map(|file| row(&corpus().join("files").join(&file.file))).collect();
        let found = check(Found { rows, ..Found::default() }, &LabelMap::default(), &Progress::silent());
        for file in &listed {
            let ending = format!("/{}", file.file);
            let kept = found.rows.iter().find(|row| row.path.ends_with(&ending));
            let problem = found.problems.iter().find(|problem| problem.path.ends_with(&ending));
            match file.outcome.as_str() {
                "decodes" => assert_eq!(
                    kept.map(|row| (Some(row.width), Some(row.height))),
                    Some((file.width, file.height)),
                    "{}",
                    file.file
                ),
                _ => assert!(
                    kept.is_none() && problem.is_some_and(|problem| !problem.reason.is_empty()),
                    "{}",
                    file.file
                ),
            }
        }
        assert_eq!(summary(&found.problems).len(), 6);
    }

    #[test]
    fn orientation_colour_space_and_coding_do_not_change_what_is_seen() {
        let read = |name: &str| picture::decode(&std::fs::read(corpus().join("files").join(name)).unwrap()).unwrap();
        let upright = read("upright.jpg");
        let apart = |other: &Picture| {
            let sum: u32 = upright.rgb().iter().zip(other.rgb()).map(|(a, b)| u32::from(a.abs_diff(*b))).sum();
            f64::from(sum) / upright.rgb().len() as f64
        };
        for orientation in 1..=8 {
            let distance = apart(&read(&format!("orientation-{orientation}.jpg")));
            assert!(distance < 4.0, "orientation {orientation}: {distance}");
        }
        for (name, most) in [("progressive.jpg", 1.0), ("full-chroma.jpg", 4.0), ("lossy.webp", 5.0), ("cmyk.jpg", 6.0)]
        {
            let distance = apart(&read(name));
            assert!(distance < most, "{name}: {distance}");
        }
        // A check that cannot fail is none: the mirrored picture is far away.
        let mut mirrored = upright.clone();
        crate::load::framing::flip(mirrored.rgb_mut(), upright.width() as usize);
        assert!(apart(&mirrored) > 4.0);
    }

    #[test]
    fn unknown_categories_missing_files_and_second_mentions_are_named() {
        let good = corpus().join("files/upright.jpg");
        let rows = vec![
            row(&good),
            row(&good),
            Row { cat14: "toga".into(), ..row(&corpus().join("files/grey.jpg")) },
            Row { cat26: "toga".into(), ..row(&corpus().join("files/cmyk.jpg")) },
            row(Path::new("/nowhere/a.jpg")),
        ];
        let found = check(Found { rows, ..Found::default() }, &LabelMap::default(), &Progress::silent());
        let reasons: Vec<_> = found.problems.iter().map(|problem| problem.reason.as_str()).collect();
        assert_eq!(
            reasons,
            [
                "named twice",
                "`toga` is no category of the taxonomy of 14",
                "`toga` is no category of the taxonomy of 26",
                "missing"
            ]
        );
        assert_eq!((found.rows.len(), found.rows[0].width), (1, 96));
    }
}
