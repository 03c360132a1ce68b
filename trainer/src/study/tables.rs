//! The tables of a study, as markdown: the poster's two, the retrieval table that it lacks, the contrasts, and where they come from.

use std::fmt::Write as _;

use super::contrast::Difference;
use super::findings::{ArmFindings, Findings};
use super::measure::Measure;
use super::words;

/// The whole report.
#[must_use]
pub fn report(findings: &Findings) -> String {
    let lead = words::lead(findings);
    let mut text = format!("# Study `{}`\n\n{lead}\n\n{}\n\n", findings.study, words::verdict(findings).join("\n\n"));
    let data = &findings.data;
    let _ = writeln!(
        text,
        "## Table 1: the photographs\n\n| | identification | classification-14 | classification-26 | retrieval |\n| --- | --- | --- | --- | --- |\n\
         | categories | {} garments | 14 | 26 | – |\n| photographs | {} | {} | {} | {} queries, {} gallery |\n\
         | larger ones, without myntra | – | {} | {} | – |\n\n{} further photographs show no garment. Balanced accuracy is over the {} and {} categories with \
         enough larger photographs.\n",
        data.identification.0,
        data.identification.1,
        data.of_14.0,
        data.of_26.0,
        data.retrieval.0,
        data.retrieval.1,
        data.of_14.1,
        data.of_26.1,
        data.others,
        data.balanced.0,
        data.balanced.1,
    );
    text.push_str(
        "## Table 2: accuracy\n\nOn larger photographs without myntra, but where \"thumbnails too\" is said.\n\n",
    );
    figures(&mut text, findings, &Measure::ACCURACY);
    let _ = writeln!(text, "\n## Retrieval\n\n{}\n", words::galleries(findings));
    figures(&mut text, findings, &Measure::RETRIEVAL);
    text.push_str("\n## The primary contrast\n\n");
    differences(&mut text, &findings.primary);
    for sentence in words::power(findings) {
        let _ = writeln!(text, "\n{sentence}");
    }
    text.push_str("\n## The other contrasts\n\nCorrected by Holm's method for their number.\n\n");
    differences(&mut text, &findings.secondary);
    if !findings.above_raw.is_empty() {
        let _ = writeln!(text, "\n## Against features that were not trained\n\n{}\n", words::ABOVE_RAW);
        differences(&mut text, &findings.above_raw);
    }
    text.push_str("\n## Where the primary difference comes from\n\nNot corrected: a place to look, not a finding.\n\n| by | | measure | n | first | second | difference |\n| --- | --- | --- | --- | --- | --- | --- |\n");
    for slice in &findings.slices {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {:.3} | {:.3} | {} |",
            slice.by,
            slice.name,
            slice.measure.name(),
            slice.gain.n,
            slice.value,
            slice.other,
            slice.gain
        );
    }
    text.push_str(
        "\n## Choices and cost\n\n| arm | folds | learning rates chosen | hours |\n| --- | --- | --- | --- |\n",
    );
    for arm in &findings.arms {
        let _ = writeln!(text, "| {} | {} | {} | {:.2} |", arm.name, arm.folds, words::rates(arm), arm.hours);
    }
    text
}

fn figures(text: &mut String, findings: &Findings, measures: &[Measure]) {
    let names: Vec<&str> = measures.iter().map(|measure| measure.name()).collect();
    let _ = writeln!(text, "| arm | folds | {} |\n| --- | --- |{}", names.join(" | "), " --- |".repeat(names.len()));
    let cell = |arm: &ArmFindings, wanted: Measure| {
        let found = arm.figures.iter().find(|(measure, _)| *measure == wanted);
        found.map_or("–".to_owned(), |(_, figure)| figure.to_string())
    };
    for arm in &findings.arms {
        let cells: Vec<String> = measures.iter().map(|&measure| cell(arm, measure)).collect();
        let _ = writeln!(text, "| {} | {} | {} |", arm.name, arm.folds, cells.join(" | "));
    }
}

fn differences(text: &mut String, differences: &[Difference]) {
    text.push_str("| first | second | measure | n | folds | first | second | difference | p | corrected |\n| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n");
    for d in differences {
        let _ = writeln!(
            text,
            "| {} | {} | {} | {} | {} | {:.3} | {:.3} | {} | {:.4} | {:.4} |",
            d.better,
            d.against,
            d.measure.name(),
            d.gain.n,
            d.folds,
            d.value,
            d.other,
            d.gain,
            d.p,
            d.p_corrected
        );
    }
}
