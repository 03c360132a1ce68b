//! Both heads' figures: overall, by category, by source, by size, and when the network says "I don't know".

use std::collections::BTreeMap;

use super::Head;
use crate::evaluate::Figure;
use crate::evaluate::categories::{FREQUENT, HeadFigures};
use crate::report::ReportError;
use crate::report::charts::interval::{Frame, Row, chart};
use crate::report::findings::Findings;
use crate::report::page::Section;
use crate::report::table::{Cell, Table};

/// The section.
pub(super) fn section(findings: &Findings) -> Result<Section, ReportError> {
    let mut section = Section::new("Accuracy");
    section.table(overall(findings));
    let heads = [
        [&findings.figures.float.category14, &findings.figures.float.category26],
        [&findings.figures.int8.category14, &findings.figures.int8.category26],
    ];
    for head in Head::BOTH {
        let (float, int8) = (head.among(&heads[0]), head.among(&heads[1]));
        section.heading(format!("By category: {}", head.title()));
        section.words(format!(
            "Recall on the larger photographs, rarest last. A category with fewer than {FREQUENT} photographs says little, as its interval shows."
        ));
        let mut keys: Vec<(&String, &Figure)> = int8.by_category.iter().collect();
        keys.sort_by_key(|(_, figure)| std::cmp::Reverse(figure.n));
        let spans = |key: &String| [float, int8].map(|of| of.by_category.get(key).map(|f| (*f).into())).into();
        let rows: Vec<Row> =
            keys.iter().map(|(key, f)| Row { name: format!("{key} ({})", f.n), spans: spans(key) }).collect();
        let caption = format!(
            "Recall by category, {}, with 95 % intervals and the number of photographs; the upright line is their mean in int8",
            head.title()
        );
        let frame = Frame {
            caption: &caption,
            x: "recall",
            series: &["float", "int8"],
            within: (0.0, 1.0),
            mark: Some(int8.balanced_large.value),
        };
        section.chart(chart(&frame, &rows)?);
        let keys = keys.into_iter().map(|(key, _)| key);
        section
            .table(slices("The same as a table", "category", keys, (&float.by_category, &int8.by_category)).folded());
    }
    for head in Head::BOTH {
        let (float, int8) = (head.among(&heads[0]), head.among(&heads[1]));
        section.heading(format!("By source and size: {}", head.title()));
        type Get = fn(&HeadFigures) -> &BTreeMap<String, Figure>;
        let kinds: [(&str, &str, Get); 2] = [
            ("Top-1 by source, all photographs", "source", |h| &h.by_source),
            ("Top-1 by longer side, all photographs", "size", |h| &h.by_size),
        ];
        for (caption, name, get) in kinds {
            section.table(slices(caption, name, get(int8).keys(), (get(float), get(int8))));
        }
    }
    section.heading("When it says \"I don't know\"");
    section.table(rejection(findings));
    Ok(section)
}

fn overall(findings: &Findings) -> Table {
    let mut table = Table::new("Both heads in both forms", &["measure", "head", "#n", "#groups", "#float", "#int8"]);
    let (float, int8) = (&findings.figures.float, &findings.figures.int8);
    for (name, get) in HeadFigures::NAMED {
        for (head, float, int8) in
            [("14", &float.category14, &int8.category14), ("26", &float.category26, &int8.category26)]
        {
            let figure = get(int8);
            table.row([
                name.into(),
                head.into(),
                figure.n.to_string().into(),
                figure.groups.to_string().into(),
                Cell::figure(get(float)),
                Cell::figure(figure),
            ]);
        }
    }
    table
}

fn slices<'a>(
    caption: &str,
    name: &str,
    keys: impl Iterator<Item = &'a String>,
    (float, int8): (&BTreeMap<String, Figure>, &BTreeMap<String, Figure>),
) -> Table {
    let mut table = Table::new(caption, &[name, "#n", "#groups", "#float", "#int8"]);
    for key in keys {
        let Some(figure) = int8.get(key) else { continue };
        table.row([
            key.clone().into(),
            figure.n.to_string().into(),
            figure.groups.to_string().into(),
            float.get(key).map(Cell::figure).unwrap_or_default(),
            Cell::figure(figure),
        ]);
    }
    table
}

fn rejection(findings: &Findings) -> Table {
    let mut table =
        Table::new("What the thresholds of the bundle let through", &["share of", "#n", "#groups", "#float", "#int8"]);
    let (float, int8) = (&findings.figures.float, &findings.figures.int8);
    for ((name, of_float), (_, figure)) in float.rejection().into_iter().zip(int8.rejection()) {
        table.row([
            name.replace('`', "\"").into(),
            figure.n.to_string().into(),
            figure.groups.to_string().into(),
            Cell::figure(of_float),
            Cell::figure(figure),
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
    fn every_category_has_a_row_in_chart_and_table_and_its_name_is_no_html() {
        let section = section(&findings(9)).unwrap();
        let charts = section.blocks.iter().filter(|block| matches!(block, Block::Chart(_))).count();
        assert_eq!(charts, 2);
        let mut page = Page::new("x");
        page.section(section);
        let html = page.html().unwrap();
        assert_whole(&html);
        assert!(html.contains("&lt;b&gt; (8)") && html.contains("<th scope=\"row\">&lt;b&gt;</th>"), "{html}");
    }
}
