//! `evaluate --ways-to-search`: whether other ways to search find more, and what more photographs of a garment are worth.

use std::path::Path;

use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::ArithmeticClass;
use serde::Serialize;

use super::{Args, open};
use crate::cli::{ExitStatus, Report};
use crate::evaluate::ways::{Question, QuestionFigures, ViewFigures, added_views, know, measure};
use crate::evaluate::{Engine, EvaluateError};
use crate::import::Part;
use crate::import::progress::Progress;

/// The line on standard output.
#[derive(Debug, Serialize)]
struct Line<'a> {
    bundle: String,
    name: &'a str,
    arithmetic: String,
    questions: &'a [QuestionFigures],
    added_views: &'a [ViewFigures],
}

/// Answers every question that the pack has queries for.
pub(super) fn run(args: &Args, bundle: &Bundle, folder: &Path) -> Result<ExitStatus, Report> {
    let pack = open(args, bundle, folder)?;
    let arithmetic = ArithmeticClass::from(args.arithmetic);
    let engine = Engine::of_bundle(&bundle.network, arithmetic)?;
    let progress = Progress::shown();
    let of = (&bundle.manifest.picture, bundle.manifest.category26.temperature);
    let of_part = |part: Part| know(&pack, part, &engine, of, &progress);
    let (select, calibrate, report) = (of_part(Part::Select)?, of_part(Part::Calibrate)?, of_part(Part::Report)?);
    let choose = select.joined(calibrate.clone());
    let questions: Vec<QuestionFigures> =
        Question::ALL.into_iter().filter_map(|question| measure(question, &choose, &report)).collect();
    if questions.is_empty() {
        let nothing = EvaluateError::Nothing { what: "ways to search" };
        return Err(Report::of(&nothing).hint("the report part needs garments of two larger photographs"));
    }
    let views = added_views(&report.joined(calibrate));
    if args.json {
        let (bundle_path, name) = (args.bundle.display().to_string(), bundle.manifest.name.as_str());
        let arithmetic = arithmetic.to_string();
        let line = Line { bundle: bundle_path, name, arithmetic, questions: &questions, added_views: &views };
        println!("{}", serde_json::to_string(&line)?);
    } else {
        println!("{}", table(&questions, &views));
    }
    Ok(ExitStatus::Done)
}

fn table(questions: &[QuestionFigures], views: &[ViewFigures]) -> String {
    let mut lines = vec![
        "Products of larger photographs; 95 % intervals that resample groups, differences paired. Chosen on the select and calibrate parts, \
         measured on the report part"
            .to_owned(),
    ];
    for found in questions {
        lines.push(format!(
            "\n{}: {} queries of {} garments among {} photographs; {} queries chose",
            found.question.words(),
            found.queries,
            found.garments,
            found.gallery,
            found.choosing_queries
        ));
        for way in &found.ways {
            let mark = if way.is_chosen { ", chosen" } else { "" };
            lines.push(format!("  {} (mAP {:.3} where chosen{mark})", way.way, way.chosen_by));
            lines.extend(way.measures.iter().map(|gain| format!("    {gain}")));
        }
    }
    lines.push(
        "\nPhotographs added to the garment's one, report and calibrate parts: before, after, difference".to_owned(),
    );
    for found in views {
        let too_few = if found.measures.is_empty() { ": too few to say" } else { "" };
        lines.push(format!(
            "  {} added: {} queries of {} garments among {} photographs{too_few}",
            found.added, found.queries, found.garments, found.gallery
        ));
        lines.extend(found.measures.iter().map(|gain| format!("    {gain}")));
    }
    lines.join("\n")
}
