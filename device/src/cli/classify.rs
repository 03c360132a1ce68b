//! `clothingid classify`: which garment a photograph shows.

use super::{NetworkArgs, Outcome, Report, expand, one_line, print_line};
use crate::network::{PathError, PhotoPath};
use crate::reading::{Labelled, Reader, Reading};
use clothingid_shared::files::{self, FileError, MOST_PHOTO_BYTES};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Arguments of `classify`.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub struct Args {
    /// Photographs (JPEG, PNG, WebP), folders of them, or `-` for a list on stdin
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,

    /// Print one JSON object a line
    #[arg(long)]
    pub json: bool,

    /// The network and what runs it.
    #[command(flatten)]
    pub network: NetworkArgs,
}

const EXAMPLES: &str = "Examples:
  clothingid classify photo.jpg
  clothingid classify --json photos/ > answers.jsonl
  find . -name '*.webp' | clothingid classify -";

/// One line of `--json`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Line<'a> {
    Answer {
        path: &'a str,
        #[serde(flatten)]
        reading: &'a Reading,
        ms: f64,
        engine: &'a str,
    },
    Failure {
        path: &'a str,
        error: &'a str,
    },
}

/// The form of a line.
#[derive(Debug, Clone, Copy)]
enum Form {
    Json,
    /// For people, who read how many categories each head chose from.
    Human {
        of: [usize; 2],
    },
}

/// A photograph that got no answer, in its own line.
#[derive(Debug, thiserror::Error)]
enum PhotoError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Path(#[from] PathError),
}

/// Classifies every photograph; a bad one gets a line of its own and the rest goes on.
///
/// # Errors
/// Bundle or engine cannot be used, or stdout cannot be written.
pub fn run(args: &Args) -> Result<Outcome, Report> {
    let bundle = args.network.bundle()?;
    let reader = Reader::new(&bundle)?;
    let mut path = args.network.open(&bundle)?;
    let of = bundle.manifest.taxonomies().classes();
    let form = if args.json { Form::Json } else { Form::Human { of } };
    let mut outcome = Outcome::Done;
    for photo in expand(&args.paths) {
        let started = Instant::now();
        let (name, reading) = match photo {
            Ok(photo) => {
                let reading = read(&photo, &mut path, &reader);
                (photo, reading)
            }
            Err(error) => (error.path().to_owned(), Err(error.into())),
        };
        let ms = started.elapsed().as_secs_f64() * 1000.0;
        if reading.is_err() {
            outcome = Outcome::SomeFailed;
        }
        show(form, &name, reading, ms, path.engine().name())?;
    }
    Ok(outcome)
}

fn read(photo: &Path, path: &mut PhotoPath, reader: &Reader) -> Result<Reading, PhotoError> {
    let bytes = files::read_at_most(photo, MOST_PHOTO_BYTES)?;
    let (picture, answer) = path.seen(&bytes)?;
    Ok(reader.read(picture, answer))
}

fn show(form: Form, name: &Path, reading: Result<Reading, PhotoError>, ms: f64, engine: &str) -> Result<(), Report> {
    let name = &*name.to_string_lossy();
    match (reading, form) {
        (Ok(reading), Form::Json) => {
            let ms = (ms * 1000.0).round() / 1000.0;
            print_json(&Line::Answer { path: name, reading: &reading, ms, engine })
        }
        (Err(error), Form::Json) => print_json(&Line::Failure { path: name, error: &one_line(&error) }),
        (Ok(reading), Form::Human { of }) => print_line(&human(name, &reading, of, ms, engine)),
        (Err(error), Form::Human { .. }) => {
            eprintln!("error: {name}: {}", one_line(&error));
            Ok(())
        }
    }
}

fn print_json(line: &Line<'_>) -> Result<(), Report> {
    print_line(&serde_json::to_string(line)?)
}

fn human(name: &str, reading: &Reading, [of14, of26]: [usize; 2], ms: f64, engine: &str) -> String {
    let percent = |p: f64| format!("{:.0} %", p * 100.0);
    let said = |labelled: &Labelled| format!("{} {}", labelled.label, percent(labelled.probability));
    let what = if reading.known {
        format!("{} (of {of26}), {} (of {of14})", said(&reading.category26), said(&reading.category14))
    } else {
        format!("not sure; closest is {}", said(&reading.category26))
    };
    format!("{name}: {what}; a garment: {}; {ms:.1} ms, {engine}", percent(reading.garment))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(known: bool) -> Reading {
        let labelled = |label: &str, probability| Labelled { label: label.into(), probability };
        Reading { garment: 0.99, known, category14: labelled("dress", 0.93), category26: labelled("dress", 0.915) }
    }

    #[test]
    fn the_json_line_is_the_contract() {
        let reading = reading(true);
        let line = Line::Answer { path: "a/b.jpg", reading: &reading, ms: 3.1, engine: "cpu: int8 avx2" };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"path":"a/b.jpg","garment":0.99,"known":true,"category14":{"label":"dress","probability":0.93},"category26":{"label":"dress","probability":0.915},"ms":3.1,"engine":"cpu: int8 avx2"}"#
        );
        let line = Line::Failure { path: "x", error: "the file is empty" };
        assert_eq!(serde_json::to_string(&line).unwrap(), r#"{"path":"x","error":"the file is empty"}"#);
    }

    #[test]
    fn people_read_what_is_known_and_what_is_not() {
        insta::assert_snapshot!(human("a.jpg", &reading(true), [14, 26], 3.12, "cpu: int8 avx2"), @"a.jpg: dress 92 % (of 26), dress 93 % (of 14); a garment: 99 %; 3.1 ms, cpu: int8 avx2");
        insta::assert_snapshot!(human("a.jpg", &reading(false), [14, 26], 3.12, "cpu: int8 avx2"), @"a.jpg: not sure; closest is dress 92 %; a garment: 99 %; 3.1 ms, cpu: int8 avx2");
    }
}
