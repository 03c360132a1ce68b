//! What a probability is worth, before and after the temperature.

use super::Head;
use crate::evaluate::reliability::Reliability;
use crate::report::ReportError;
use crate::report::charts::reliability::chart;
use crate::report::findings::Findings;
use crate::report::page::Section;
use crate::report::table::{Cell, Table};

/// The section.
pub(super) fn section(findings: &Findings) -> Result<Section, ReportError> {
    let mut section = Section::new("Reliability");
    section.words(
        "Larger photographs, int8, 15 bins of equal width. On the diagonal, what is said with a probability of 0.8 is right eight times in ten; \
         below it, the network is too sure. A point's area grows with its photographs; bars are 95 % intervals after the temperature, as if \
         photographs were independent. The calibration error (ECE) is never below zero, so that its interval leans upwards.",
    );
    for head in Head::BOTH {
        let of = head.among(&findings.reliability);
        section.heading(head.title());
        section.chart(chart(&format!("Reliability, {}", head.title()), &of.before, &of.after)?);
        let mut table = Table::new(
            "Lower is better in both; the likelihood (NLL, nats) also counts what the best answer does not show",
            &["temperature", "#divided by", "#n", "#ECE", "#NLL"],
        );
        for (name, of) in [("before", &of.before), ("after", &of.after)] {
            table.row([
                name.into(),
                format!("{:.3}", of.temperature).into(),
                of.ece.n.to_string().into(),
                Cell::figure(&of.ece),
                Cell::figure(&of.nll),
            ]);
        }
        section.table(table);
        section.table(bins(&format!("The bins as a table, {}", head.title()), &of.before, &of.after));
    }
    Ok(section)
}

fn bins(caption: &str, before: &Reliability, after: &Reliability) -> Table {
    let columns = ["probability", "#n before", "#said", "#right", "#n after", "#said", "#right", "#interval"];
    let mut table = Table::new(caption, &columns).folded();
    let count = after.bins.len();
    for (place, (first, second)) in before.bins.iter().zip(&after.bins).enumerate() {
        let edge = |place: usize| place as f64 / count as f64;
        let or_none = |n: usize, text: String| if n == 0 { "–".to_owned() } else { text };
        table.row([
            format!("{:.2} to {:.2}", edge(place), edge(place + 1)).into(),
            first.n.to_string().into(),
            or_none(first.n, format!("{:.3}", first.confidence)).into(),
            or_none(first.n, format!("{:.3}", first.accuracy)).into(),
            second.n.to_string().into(),
            or_none(second.n, format!("{:.3}", second.confidence)).into(),
            or_none(second.n, format!("{:.3}", second.accuracy)).into(),
            or_none(second.n, format!("{:.3} to {:.3}", second.interval.low, second.interval.high)).into(),
        ]);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::super::super::findings::tests::findings;
    use super::section;
    use crate::report::page::{Block, Page, tests::assert_whole};

    #[test]
    fn both_heads_have_a_diagram_and_a_table_of_its_fifteen_bins() {
        let section = section(&findings(9)).unwrap();
        let rows: Vec<usize> = section
            .blocks
            .iter()
            .filter_map(|b| if let Block::Table(t) = b { Some(t.rows.len()) } else { None })
            .collect();
        assert_eq!(rows, [2, 15, 2, 15]);
        let mut page = Page::new("x");
        page.section(section);
        assert_whole(&page.html().unwrap());
    }
}
