//! The metrics of a report, a study or a run, a line each.

use std::collections::BTreeMap;

use super::findings::Findings;
use super::metric::Metric;
use super::slice::Slice;
use crate::evaluate::Figure;
use crate::evaluate::categories::HeadFigures;
use crate::evaluate::measure::Measured;
use crate::learn::record::{Entry, Record};
use crate::learn::select::SelectFigures;
use crate::study::findings::Findings as StudyFindings;
use crate::study::measure::Measure;

/// Steps at a run's end that its loss is a mean over, in entries of its record.
const LAST_ENTRIES: usize = 5;

/// The lines of a bundle's report.
#[must_use]
pub fn of_findings(findings: &Findings) -> Vec<Metric> {
    let mut lines = Vec::new();
    for (network, measured) in [("int8", &findings.figures.int8), ("float", &findings.figures.float)] {
        measured_lines(&mut lines, network, measured);
        if network == "int8" {
            for (head, of) in ["category14", "category26"].into_iter().zip(&findings.reliability) {
                let mut line = |metric: &str, figure: &Figure| {
                    lines.push(Metric::of(metric, head, Slice::Larger, network, figure));
                };
                line("nll", &of.after.nll);
                line("ece_before_temperature", &of.before.ece);
                line("nll_before_temperature", &of.before.nll);
            }
        }
    }
    for duel in &findings.duels {
        for (network, figure) in [("rival", &duel.rival), ("int8 - rival", &duel.gain)] {
            lines.push(Metric::of(&duel.metric, &duel.head, duel.slice.clone(), network, figure));
        }
    }
    for (head, changed) in
        [("category14", &findings.figures.category14_changed), ("category26", &findings.figures.category26_changed)]
    {
        lines.push(Metric::of("top_1", head, Slice::All, "int8 - float", &changed.top_1_gain));
    }
    lines
}

fn measured_lines(lines: &mut Vec<Metric>, network: &str, measured: &Measured) {
    for (head, of) in [("category14", &measured.category14), ("category26", &measured.category26)] {
        head_lines(lines, network, head, of);
    }
    if let Some(found) = &measured.retrieval {
        for (metric, figure) in [
            ("recall_at_1", &found.recall_at_1),
            ("recall_at_5", &found.recall_at_5),
            ("recall_at_10", &found.recall_at_10),
            ("recall_at_20", &found.recall_at_20),
            ("map", &found.map),
        ] {
            lines.push(Metric::of(metric, "embedding", Slice::All, network, figure));
        }
    }
    for (metric, head, slice, figure) in [
        ("true_accept", "garment", Slice::All, &measured.garment_true_accept),
        ("true_accept", "garment", Slice::Larger, &measured.garment_true_accept_large),
        ("false_accept", "garment", Slice::All, &measured.garment_false_accept),
        ("auroc", "garment", Slice::All, &measured.garment_auroc),
        ("auroc_same_source", "garment", Slice::All, &measured.garment_auroc_same_source),
        ("true_accept", "known", Slice::Larger, &measured.known_true_accept),
        ("false_accept", "known", Slice::Larger, &measured.known_false_accept),
        ("precision", "known", Slice::Larger, &measured.known_precision),
    ] {
        lines.push(Metric::of(metric, head, slice, network, figure));
    }
    let Some(matching) = &measured.matching else { return };
    for (metric, figure) in [
        ("true_accept", &matching.true_accept),
        ("wrong_accept", &matching.wrong_accept),
        ("false_accept", &matching.false_accept_strangers),
        ("false_accept_left_out", &matching.false_accept_left_out),
        ("auroc", &matching.auroc_strangers),
        ("auroc_left_out", &matching.auroc_left_out),
    ] {
        lines.push(Metric::of(metric, "confident", Slice::Larger, network, figure));
    }
    let Some(similar) = &matching.similar else { return };
    for (metric, figure) in [
        ("true_accept", &similar.true_accept),
        ("right_accept", &similar.right_accept),
        ("false_accept", &similar.false_accept_strangers),
        ("false_accept_left_out", &similar.false_accept_left_out),
    ] {
        lines.push(Metric::of(metric, "similar", Slice::Larger, network, figure));
    }
}

fn head_lines(lines: &mut Vec<Metric>, network: &str, head: &str, of: &HeadFigures) {
    for (metric, slice, figure) in [
        ("balanced_accuracy", Slice::Larger, &of.balanced_large),
        ("balanced_accuracy", Slice::LargerFrequent, &of.balanced_large_frequent),
        ("top_1", Slice::Larger, &of.top_1_large),
        ("ece", Slice::Larger, &of.ece_large),
        ("balanced_accuracy", Slice::All, &of.balanced),
        ("top_1", Slice::All, &of.top_1),
        ("ece", Slice::All, &of.ece),
    ] {
        lines.push(Metric::of(metric, head, slice, network, figure));
    }
    type Make = fn(String) -> Slice;
    let slices: [(&BTreeMap<String, Figure>, Make); 3] =
        [(&of.by_category, Slice::Category), (&of.by_source, Slice::Source), (&of.by_size, Slice::Size)];
    for (figures, make) in slices {
        lines.extend(figures.iter().map(|(name, f)| Metric::of("top_1", head, make(name.clone()), network, f)));
    }
}

/// The lines of a study: each arm's figures, then the contrasts.
#[must_use]
pub fn of_study(findings: &StudyFindings) -> Vec<Metric> {
    let line = |measure: Measure, network: &str, figure: &Figure| {
        let (metric, head, slice) = key(measure);
        Metric::of(metric, head, slice, network, figure)
    };
    let arms = findings.arms.iter().flat_map(|arm| arm.figures.iter().map(|(m, f)| line(*m, &arm.name, f)));
    let contrasts = findings.primary.iter().chain(&findings.secondary).chain(&findings.above_raw);
    arms.chain(contrasts.map(|d| line(d.measure, &format!("{} - {}", d.better, d.against), &d.gain))).collect()
}

/// What a study's measure is called here.
fn key(measure: Measure) -> (&'static str, &'static str, Slice) {
    match measure {
        Measure::Balanced14 => ("balanced_accuracy", "category14", Slice::LargerFrequent),
        Measure::Balanced26 => ("balanced_accuracy", "category26", Slice::LargerFrequent),
        Measure::Top1Of14 => ("top_1", "category14", Slice::Larger),
        Measure::Top1Of26 => ("top_1", "category26", Slice::Larger),
        Measure::AllTop1Of14 => ("top_1", "category14", Slice::All),
        Measure::AllTop1Of26 => ("top_1", "category26", Slice::All),
        Measure::RecallAt1 => ("recall_at_1", "embedding", Slice::All),
        Measure::RecallAt5 => ("recall_at_5", "embedding", Slice::All),
        Measure::RecallAt10 => ("recall_at_10", "embedding", Slice::All),
        Measure::RecallAt20 => ("recall_at_20", "embedding", Slice::All),
        Measure::Map => ("map", "embedding", Slice::All),
        Measure::RecallAt1AmongStrangers => ("recall_at_1", "embedding", Slice::Other("among_strangers".to_owned())),
    }
}

/// The lines of a run's record: its last epoch on the select part, the best of each figure, and the loss at its end. None has an interval:
/// the record holds no single answers.
#[must_use]
pub fn of_record(record: &Record) -> Vec<Metric> {
    let mut lines = Vec::new();
    let epochs: Vec<&SelectFigures> = record.epochs().map(|(_, figures)| figures).collect();
    type Get = fn(&SelectFigures) -> (f64, usize);
    let measures: [(&str, &str, Get); 6] = [
        ("balanced_accuracy", "category14", |s| (s.balanced_14, s.photos)),
        ("balanced_accuracy", "category26", |s| (s.balanced_26, s.photos)),
        ("top_1", "category14", |s| (s.top_1_of_14, s.photos)),
        ("top_1", "category26", |s| (s.top_1_of_26, s.photos)),
        ("recall_at_1", "embedding", |s| (s.recall_at_1, s.queries)),
        ("recall_at_5", "embedding", |s| (s.recall_at_5, s.queries)),
    ];
    let line = |metric: &str, head: &str, slice: &str, (value, n): (f64, usize)| Metric {
        metric: metric.to_owned(),
        head: head.to_owned(),
        slice: Slice::Other(slice.to_owned()),
        network: "run".to_owned(),
        value,
        low: None,
        high: None,
        n,
        groups: None,
    };
    for (metric, head, get) in measures {
        let values: Vec<(f64, usize)> = epochs.iter().map(|select| get(select)).collect();
        let best = values.iter().copied().max_by(|a, b| a.0.total_cmp(&b.0));
        let found = [("select, last epoch", values.last().copied()), ("select, best epoch", best)];
        lines.extend(found.into_iter().filter_map(|(slice, of)| of.map(|of| line(metric, head, slice, of))));
    }
    type Loss<'a> = (f64, &'a [(String, f64)]);
    let steps = record.entries.iter().filter_map(|entry| match entry {
        Entry::Steps { loss, parts, .. } => Some((*loss, parts.as_slice())),
        Entry::Epoch { .. } => None,
    });
    let all: Vec<Loss<'_>> = steps.collect();
    let last = &all[all.len().saturating_sub(LAST_ENTRIES)..];
    if let Some((_, parts)) = last.first() {
        let mean =
            |value: &dyn Fn(&Loss<'_>) -> f64| (last.iter().map(value).sum::<f64>() / last.len() as f64, last.len());
        lines.push(line("loss", "training", "last steps", mean(&|(loss, _)| *loss)));
        for (name, _) in *parts {
            let part = |parts: &[(String, f64)]| parts.iter().find(|(part, _)| part == name).map_or(0.0, |(_, v)| *v);
            lines.push(line(&format!("loss, {name}"), "training", "last steps", mean(&|(_, parts)| part(parts))));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::super::findings::tests::findings;
    use super::{Entry, Record, SelectFigures, of_findings, of_record};
    use crate::report::slice::Slice;

    #[test]
    fn no_two_lines_of_a_report_measure_the_same() {
        let lines = of_findings(&findings(9));
        assert!(lines.len() > 40, "{}", lines.len());
        for (place, line) in lines.iter().enumerate() {
            assert!(!lines[..place].iter().any(|other| line.is_same(other)), "{line:?} twice");
        }
        let found = |metric: &str, network: &str| {
            lines.iter().find(|l| l.metric == metric && l.network == network && l.head == "category14")
        };
        assert!(found("nll", "int8").is_some() && found("nll", "float").is_none());
        assert!((found("balanced_accuracy", "rival").unwrap().value - 0.75).abs() < 1e-12);
    }

    #[test]
    fn a_run_has_its_last_and_its_best_epoch_and_its_last_loss() {
        let mut record = Record::default();
        assert!(of_record(&record).is_empty());
        for (step, (balanced_14, loss)) in (1..).zip([(0.3, 2.0), (0.6, 1.0), (0.5, 0.5)]) {
            let parts = vec![("category14".to_owned(), loss / 2.0)];
            record.entries.push(Entry::Steps {
                step,
                epoch: step,
                loss,
                parts,
                rate: 0.1,
                gradient: 1.0,
                photos_per_second: 9.0,
            });
            let select = SelectFigures { balanced_14, photos: 40, ..SelectFigures::default() };
            record.entries.push(Entry::Epoch { step, epoch: step, select });
        }
        let lines = of_record(&record);
        let value = |metric: &str, slice: &str| {
            let slice = Slice::Other(slice.to_owned());
            lines.iter().find(|l| l.metric == metric && l.slice == slice).map(|l| (l.value, l.n, l.low))
        };
        assert_eq!(value("balanced_accuracy", "select, last epoch"), Some((0.5, 40, None)));
        assert_eq!(value("balanced_accuracy", "select, best epoch"), Some((0.6, 40, None)));
        assert_eq!(value("loss", "last steps").map(|(loss, n, _)| ((loss * 6.0).round(), n)), Some((7.0, 3)));
        assert!(value("loss, category14", "last steps").is_some());
    }
}
