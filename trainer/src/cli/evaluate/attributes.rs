//! `evaluate --attributes`: how well colour and audience can be read from the bundle's features.

use std::path::Path;

use clothingid_shared::bundle::Bundle;
use serde::Serialize;

use super::super::against::rival;
use super::{Args, open};
use crate::cli::{ExitStatus, Report};
use crate::evaluate::attributes::measure::{LEARNT_MIN, REPORTED_MIN};
use crate::evaluate::attributes::words::SOURCE;
use crate::evaluate::attributes::{AttributeFigures, Described, measure::measure};
use crate::evaluate::compared::head;
use crate::evaluate::photos::evenly;
use crate::evaluate::{Engine, Photos};
use crate::import::Part;
use crate::import::progress::Progress;
use crate::pack::Pack;

/// Most photographs of the train part that regressions are fitted on, spread evenly over it: more cost minutes and change little.
const FIT_PHOTOS: usize = 6000;

/// The line on standard output.
#[derive(Debug, Serialize)]
struct Line<'a> {
    bundle: String,
    name: &'a str,
    fitted_on: usize,
    attributes: &'a [AttributeFigures],
}

/// Fits and measures.
pub(super) fn run(args: &Args, bundle: &Bundle, folder: &Path) -> Result<ExitStatus, Report> {
    let pack = open(args, bundle, folder)?;
    let engine = Engine::with_pooled_features(&bundle.network)?;
    let rival = rival(&args.weights, bundle, engine.side())?;
    let progress = Progress::shown();
    let described = |part: Part, most: usize| -> Result<Described, Report> {
        let rows = evenly(&noted(&pack, part), most);
        let photos = Photos::of_pack(&pack, &rows)?;
        let phase = format!("features of the {part} part");
        let notes = rows.iter().map(|&row| Ok(pack.row(row)?.note.clone())).collect::<Result<_, Report>>()?;
        Ok(Described::of([&rival, &engine], &photos, notes, &bundle.manifest.picture, &phase, &progress)?)
    };
    let train = described(Part::Train, FIT_PHOTOS)?;
    let select = described(Part::Select, usize::MAX)?;
    let report = described(Part::Report, usize::MAX)?;
    let found = measure(&train, &select, &report, &progress).map_err(|error| {
        Report::of(&error).hint(format!(
            "photographs of the source `{SOURCE}` have them, as `audience|colour|name`; two words of {LEARNT_MIN} photographs each are needed"
        ))
    })?;
    let fitted_on = train.notes.len();
    if args.json {
        let bundle_path = args.bundle.display().to_string();
        let line = Line { bundle: bundle_path, name: &bundle.manifest.name, fitted_on, attributes: &found };
        println!("{}", serde_json::to_string(&line)?);
    } else {
        println!("{}", table(&found, fitted_on));
    }
    Ok(ExitStatus::Done)
}

/// Rows of a part whose notes have the form.
fn noted(pack: &Pack, part: Part) -> Vec<usize> {
    let source = pack.sources().iter().position(|source| source.key == SOURCE);
    let is_noted = |row: &usize| pack.rows().get(*row).is_some_and(|row| Some(row.source) == source && row.is_garment);
    pack.rows_in(part).into_iter().filter(is_noted).collect()
}

fn table(found: &[AttributeFigures], fitted_on: usize) -> String {
    let mut lines = vec![format!(
        "logistic regressions in float on {fitted_on} photographs of the train part, penalties chosen on the select part; 95 % intervals that \
         resample groups"
    )];
    for of in found {
        lines.push(format!(
            "\n{}: {} words of {LEARNT_MIN} photographs or more; balanced accuracy over {} with {REPORTED_MIN} or more in the report part; {} of \
             its photographs have a rarer word or none",
            of.attribute.name(),
            of.words,
            of.words_reported,
            of.left_out
        ));
        lines.push(head());
        for by in &of.by_representation {
            lines.extend(by.measures.iter().map(|compared| {
                let mut compared = compared.clone();
                compared.measure = format!("{}, {}", compared.measure, by.representation.name());
                compared.to_string()
            }));
        }
    }
    lines.join("\n")
}
