//! The tables of a study, as markdown: the poster's two, the retrieval table that it lacks, the contrasts, and where they come from.

use std::fmt::Write as _;

use super::contrast::Difference;
use super::findings::{ArmFindings, Findings};
use super::measure::Measure;
use super::words::verdict;

const ACCURACY: [Measure; 6] = [
    Measure::Balanced14,
    Measure::Balanced26,
    Measure::Top1Of14,
    Measure::Top1Of26,
    Measure::AllTop1Of14,
    Measure::AllTop1Of26,
];
const RETRIEVAL: [Measure; 6] = [
    Measure::RecallAt1,
    Measure::RecallAt5,
    Measure::RecallAt10,
    Measure::RecallAt20,
    Measure::Map,
    Measure::RecallAt1AmongStrangers,
];

/// The whole report.
#[must_use]
pub fn report(findings: &Findings) -> String {
    let mut text = format!(
        "# Study `{}`\n\n{} of {} cells are finished. Every photograph is reported on once, by a network from whose pre-training, \
         training and choices its whole group was held out. Intervals are 95 %, by a bootstrap that resamples groups.\n\n{}\n\n",
        findings.study,
        findings.cells_done,
        findings.cells,
        verdict(findings)
    );
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
    figures(&mut text, findings, &ACCURACY);
    let gallery = findings.arms.iter().find(|arm| arm.folds > 0).map_or((0.0, 0.0), |arm| arm.gallery);
    let _ = writeln!(
        text,
        "\n## Retrieval\n\nEach query searches the gallery of its own fold: {:.0} photographs on average; \"among strangers\" adds the {:.0} larger \
         held-out photographs of garments that have only one.\n",
        gallery.0, gallery.1
    );
    figures(&mut text, findings, &RETRIEVAL);
    text.push_str("\n## The primary contrast\n\n");
    differences(&mut text, &findings.primary);
    for (measure, own, alike) in &findings.smallest {
        let _ = writeln!(
            text,
            "\nSmallest difference in {} that the study can see (80 % power, 5 % two-sided): {own:.3} if the photographs of a group are \
             independent, {alike:.3} if they are all alike.",
            measure.name()
        );
    }
    text.push_str("\n## The other contrasts\n\nCorrected by Holm's method for their number.\n\n");
    differences(&mut text, &findings.secondary);
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
        let rates: Vec<String> =
            arm.rates.iter().map(|rate| rate.map_or("–".to_owned(), |rate| format!("{rate:e}"))).collect();
        let _ = writeln!(text, "| {} | {} | {} | {:.2} |", arm.name, arm.folds, rates.join(", "), arm.hours);
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
