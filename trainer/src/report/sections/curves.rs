//! A training run: loss, figures on the select part, learning rate.

use std::path::Path;

use crate::learn::record::{Entry, Record};
use crate::learn::select::SelectFigures;
use crate::report::ReportError;
use crate::report::charts::line::{Frame, Line, chart};
use crate::report::page::Section;
use crate::report::table::{Cell, Column, Table};

/// Rows of the table of steps.
const ROWS: usize = 30;

/// A figure of an epoch.
type Get = fn(&SelectFigures) -> f64;

const FIGURES: [(&str, Get); 6] = [
    ("balanced accuracy of 14", |s| s.balanced_14),
    ("balanced accuracy of 26", |s| s.balanced_26),
    ("top-1 of 14", |s| s.top_1_of_14),
    ("top-1 of 26", |s| s.top_1_of_26),
    ("R@1", |s| s.recall_at_1),
    ("R@5", |s| s.recall_at_5),
];

/// One entry of steps.
struct Step<'a> {
    step: u64,
    loss: f64,
    parts: &'a [(String, f64)],
    rate: f64,
    photos_per_second: f64,
}

/// The section of one run.
pub(in super::super) fn section(folder: &Path, record: &Record) -> Result<Section, ReportError> {
    let steps: Vec<Step<'_>> = record.entries.iter().filter_map(step).collect();
    let epochs: Vec<(u64, &SelectFigures)> = record.epochs().collect();
    let mut section = Section::new(format!("Training run {}", folder.display()));
    section.words(format!(
        "{} steps in {} epochs. Figures are of the averaged weights on the select part, which chooses the epoch that is kept: they are no report.",
        steps.last().map_or(0, |step| step.step),
        epochs.last().map_or(0, |(epoch, _)| *epoch)
    ));
    if !steps.is_empty() {
        let frame = Frame {
            caption: "What is minimised, its parts before they are weighted, and what else a step records",
            x: "step",
            y: "loss",
            within: (0.0, f64::INFINITY),
        };
        section.chart(chart(&frame, &losses(&steps))?);
        section.table(steps_table(&steps));
    }
    if !epochs.is_empty() {
        let line = |(name, get): &(&str, Get)| Line {
            name: (*name).to_owned(),
            points: epochs.iter().map(|(epoch, select)| (*epoch as f64, get(select))).collect(),
        };
        let frame = Frame { caption: "Figures on the select part", x: "epochs done", y: "share", within: (0.0, 1.0) };
        section.chart(chart(&frame, &FIGURES.iter().map(line).collect::<Vec<_>>())?);
        section.table(epochs_table(&epochs));
    }
    if !steps.is_empty() {
        let points = steps.iter().map(|step| (step.step as f64, step.rate)).collect();
        let frame = Frame { caption: "Learning rate", x: "step", y: "rate", within: (0.0, f64::INFINITY) };
        section.chart(chart(&frame, &[Line { name: "learning rate".to_owned(), points }])?);
    }
    Ok(section)
}

fn step(entry: &Entry) -> Option<Step<'_>> {
    match entry {
        Entry::Steps { step, loss, parts, rate, photos_per_second, .. } => {
            Some(Step { step: *step, loss: *loss, parts, rate: *rate, photos_per_second: *photos_per_second })
        }
        Entry::Epoch { .. } => None,
    }
}

fn losses(steps: &[Step<'_>]) -> Vec<Line> {
    let points = |value: &dyn Fn(&Step<'_>) -> Option<f64>| {
        steps.iter().filter_map(|step| value(step).map(|value| (step.step as f64, value))).collect()
    };
    let mut lines = vec![Line { name: "loss".to_owned(), points: points(&|step| Some(step.loss)) }];
    for (name, _) in steps.first().map_or(&[][..], |step| step.parts) {
        let part = |step: &Step<'_>| step.parts.iter().find(|(part, _)| part == name).map(|(_, value)| *value);
        lines.push(Line { name: name.clone(), points: points(&part) });
    }
    lines
}

fn number(name: &str) -> Column {
    Column { name: name.to_owned(), is_number: true }
}

fn steps_table(steps: &[Step<'_>]) -> Table {
    let parts = steps.first().map_or(&[][..], |step| step.parts);
    let mut table = Table::new("Loss and learning rate as a table", &["step", "#loss"]).folded();
    table.columns.extend(parts.iter().map(|(name, _)| number(name)));
    table.columns.extend(["learning rate", "photographs/s"].map(number));
    // The last entry always, and so many before it.
    let every = steps.len().div_ceil(ROWS).max(1);
    for (_, step) in steps.iter().enumerate().filter(|(place, _)| (steps.len() - 1 - place).is_multiple_of(every)) {
        let mut cells: Vec<Cell> = vec![step.step.to_string().into(), format!("{:.4}", step.loss).into()];
        cells.extend(parts.iter().map(|(name, _)| {
            let part = step.parts.iter().find(|(part, _)| part == name);
            Cell::from(part.map_or("–".to_owned(), |(_, value)| format!("{value:.4}")))
        }));
        cells.push(format!("{:.2e}", step.rate).into());
        cells.push(format!("{:.0}", step.photos_per_second).into());
        table.rows.push(cells);
    }
    table
}

fn epochs_table(epochs: &[(u64, &SelectFigures)]) -> Table {
    let mut table = Table::new("Figures on the select part as a table", &["epochs done", "#photographs"]).folded();
    table.columns.extend(FIGURES.iter().map(|(name, _)| number(name)));
    for (epoch, select) in epochs {
        let mut cells: Vec<Cell> = vec![epoch.to_string().into(), select.photos.to_string().into()];
        cells.extend(FIGURES.iter().map(|(_, get)| Cell::from(format!("{:.3}", get(select)))));
        table.rows.push(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Entry, ROWS, Record, SelectFigures, section};
    use crate::report::page::{Block, Page, tests::assert_whole};

    #[test]
    fn a_long_run_has_its_curves_and_short_tables_that_end_with_its_last_step() {
        let mut record = Record::default();
        for step in 1..=101 {
            record.entries.push(Entry::Steps {
                step,
                epoch: 0,
                loss: 1.0 / step as f64,
                parts: vec![("<part>".to_owned(), 0.5)],
                rate: 1e-3,
                gradient: 1.0,
                photos_per_second: 88.0,
            });
        }
        record.entries.push(Entry::Epoch { step: 101, epoch: 1, select: SelectFigures::default() });
        let section = section(Path::new("runs/<a>"), &record).unwrap();
        let tables: Vec<_> =
            section.blocks.iter().filter_map(|b| if let Block::Table(t) = b { Some(t) } else { None }).collect();
        assert_eq!(tables.len(), 2);
        assert!(tables[0].rows.len() <= ROWS && tables[0].rows.last().unwrap()[0].text == "101");
        assert!(tables.iter().all(|table| table.rows.iter().all(|row| row.len() == table.columns.len())));
        assert_eq!(section.blocks.iter().filter(|b| matches!(b, Block::Chart(_))).count(), 3);
        let mut page = Page::new("x");
        page.section(section);
        assert_whole(&page.html().unwrap());
    }

    #[test]
    fn a_record_without_steps_has_no_curve_of_them() {
        let mut record = Record::default();
        record.entries.push(Entry::Epoch { step: 1, epoch: 1, select: SelectFigures::default() });
        let section = section(Path::new("a"), &record).unwrap();
        assert_eq!(section.blocks.iter().filter(|b| matches!(b, Block::Chart(_))).count(), 1);
    }
}
