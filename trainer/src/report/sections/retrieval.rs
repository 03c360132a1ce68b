//! Queries with their ranked answers: some of all, and the first that missed.

use super::Subject;
use crate::evaluate::photos::evenly;
use crate::evaluate::retrieval::RetrievalFigures;
use crate::evaluate::{Figure, Sample};
use crate::report::ReportError;
use crate::report::page::{Block, Section};
use crate::report::pictures::{Mark, Query, Sheet};
use crate::report::table::{Cell, Table};

/// Queries of a sheet.
const QUERIES: usize = 8;
/// Answers of a query.
const ANSWERS: usize = 7;

/// The section.
pub(super) fn section(subject: &Subject<'_>) -> Result<Section, ReportError> {
    let found = subject.retrieval;
    let mut section = Section::new("Finding the same garment");
    section.words(format!(
        "{} queries in a gallery of {} photographs, other views of the same garments. Right answers are framed in green and marked ✓.",
        found.queries.len(),
        found.gallery
    ));
    let figures = &subject.findings.figures;
    if let (Some(float), Some(int8)) = (&figures.float.retrieval, &figures.int8.retrieval) {
        type Get = fn(&RetrievalFigures) -> &Figure;
        let measures: [(&str, Get); 5] = [
            ("R@1", |r| &r.recall_at_1),
            ("R@5", |r| &r.recall_at_5),
            ("R@10", |r| &r.recall_at_10),
            ("R@20", |r| &r.recall_at_20),
            ("mAP", |r| &r.map),
        ];
        let mut table = Table::new("Retrieval in both forms", &["measure", "#n", "#groups", "#float", "#int8"]);
        for (name, get) in measures {
            let figure = get(int8);
            table.row([
                name.into(),
                figure.n.to_string().into(),
                figure.groups.to_string().into(),
                Cell::figure(get(float)),
                Cell::figure(figure),
            ]);
        }
        section.table(table);
    }
    let shown: Vec<usize> =
        (0..found.queries.len()).filter(|&place| subject.pictures.is_shown(found.queries[place])).collect();
    let is_miss = |place: &usize| found.ranks[*place] != Some(0);
    let misses: Vec<usize> = shown.iter().copied().filter(is_miss).take(QUERIES).collect();
    for (heading, caption, places) in [
        (
            "Queries and their answers",
            "Queries spread evenly over all, so that no source fills the sheet",
            evenly(&shown, QUERIES),
        ),
        ("The first misses", "The first queries whose best answer is wrong", misses),
    ] {
        section.heading(heading);
        if places.is_empty() {
            let is_right = found.ranks.iter().all(|rank| *rank == Some(0));
            section.words(if is_right { "No query missed." } else { "None that may be shown." });
            continue;
        }
        let queries = places.into_iter().map(|place| query(subject, place)).collect::<Result<_, _>>()?;
        section.blocks.push(Block::Sheet(Sheet { caption: caption.to_owned(), queries }));
    }
    Ok(section)
}

fn query(subject: &Subject<'_>, place: usize) -> Result<Query, ReportError> {
    let samples: &[Sample] = &subject.pictures.photos.samples;
    let found = subject.retrieval;
    let query = found.queries[place];
    let rank = found.ranks[place].map_or_else(|| "not found".to_owned(), |rank| format!("found at {}", rank + 1));
    let words = format!("query, {rank}");
    let tile = subject.pictures.tile(query, words.clone(), words, Mark::Plain)?;
    let answer = |(rank, &sample): (usize, &usize)| {
        let is_right = samples[sample].item == samples[query].item;
        let (mark, word, sign) = if is_right { (Mark::Right, "right", " ✓") } else { (Mark::Wrong, "wrong", "") };
        let words = format!("answer {}, {word}", rank + 1);
        subject.pictures.tile(sample, format!("{}{sign}", rank + 1), words, mark)
    };
    let answers = found.nearest[place].iter().take(ANSWERS).enumerate().map(answer).collect::<Result<_, _>>()?;
    Ok(Query { query: tile, answers })
}

#[cfg(test)]
mod tests {
    use super::{QUERIES, evenly};

    #[test]
    fn a_sheet_is_spread_over_all_queries() {
        assert!(evenly(&[], QUERIES).is_empty());
        assert_eq!(evenly(&[3, 5], QUERIES), [3, 5]);
        let many: Vec<usize> = (0..QUERIES * 3).collect();
        assert_eq!(evenly(&many, QUERIES), (0..QUERIES).map(|i| i * 3).collect::<Vec<_>>());
    }
}
