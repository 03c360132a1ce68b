//! The bundle against the logistic regression on frozen features.

use crate::report::ReportError;
use crate::report::charts::interval::{Frame, Row, chart};
use crate::report::findings::Findings;
use crate::report::page::Section;
use crate::report::table::{Cell, Table};

/// The section.
pub(super) fn section(findings: &Findings) -> Result<Section, ReportError> {
    let mut section = Section::new("Against the rival");
    section.words(
        "The rival is a logistic regression on the frozen ImageNet features of the same backbone, as strong as its settings make it. A network \
         that does not beat it has learned little that ImageNet did not teach.",
    );
    section.words(findings.rival_settings());
    let row = |duel: &crate::report::findings::Duel| Row {
        name: duel.measure.clone(),
        spans: [duel.rival, duel.float, duel.int8].map(|figure| Some(figure.into())).into(),
    };
    let rows: Vec<Row> = findings.duels.iter().map(row).collect();
    let frame = Frame {
        caption: "The rival and both forms of the bundle, with 95 % intervals",
        x: "share",
        series: &["rival", "float", "int8"],
        within: (0.0, 1.0),
        mark: None,
    };
    section.chart(chart(&frame, &rows)?);
    let mut table = Table::new(
        "The gain is int8 minus rival on the same photographs, paired; bold where its interval leaves zero out",
        &["measure", "#n", "#rival", "#float", "#int8", "#gain"],
    );
    for duel in &findings.duels {
        table.row([
            duel.measure.clone().into(),
            duel.int8.n.to_string().into(),
            Cell::figure(&duel.rival),
            Cell::figure(&duel.float),
            Cell::figure(&duel.int8),
            Cell::gain(&duel.gain),
        ]);
    }
    section.table(table);
    Ok(section)
}

#[cfg(test)]
mod tests {
    use super::super::super::findings::tests::findings;
    use super::section;
    use crate::report::page::{Block, Page, tests::assert_whole};

    #[test]
    fn a_chart_and_a_table_show_the_same_duels() {
        let section = section(&findings(9)).unwrap();
        let tables: Vec<usize> = section
            .blocks
            .iter()
            .filter_map(|b| if let Block::Table(t) = b { Some(t.rows.len()) } else { None })
            .collect();
        assert_eq!(tables, [1]);
        let mut page = Page::new("x");
        page.section(section);
        assert_whole(&page.html().unwrap());
    }
}
