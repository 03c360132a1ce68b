//! What is taken for what.

use super::{Head, Subject};
use crate::evaluate::confusion::Confusion;
use crate::report::page::Section;
use crate::report::table::{Cell, Column, Table};

/// Confusions that are named in words.
const NAMED: usize = 5;

/// The section.
pub(super) fn section(subject: &Subject<'_>) -> Section {
    let mut section = Section::new("Confusions");
    section.words(
        "Larger photographs, int8. A row for each category that a photograph has, a column for each that was said; numbers are photographs, colour \
         is their share of the row. Categories that neither occur nor are said are left out.",
    );
    for head in Head::BOTH {
        let taxonomy = head.taxonomy(subject.manifest);
        let key = |category: usize| taxonomy.key(category).unwrap_or_default().to_owned();
        let confusion = head.among(&subject.findings.confusion);
        section.heading(head.title());
        let named: Vec<String> = confusion
            .commonest(NAMED)
            .into_iter()
            .map(|(truth, said, count)| format!("`{}` taken for `{}` ({count})", key(truth), key(said)))
            .collect();
        if !named.is_empty() {
            section.words(format!("The commonest: {}.", named.join(", ")));
        }
        section.table(matrix(&format!("Confusions, {}", head.title()), confusion, key));
    }
    section
}

/// A confusion matrix with each row's photographs and recall at its end.
fn matrix(caption: &str, confusion: &Confusion, key: impl Fn(usize) -> String) -> Table {
    let count = confusion.counts.len();
    let occurs = |category: &usize| confusion.of_truth(*category) + confusion.of_said(*category) > 0;
    let categories: Vec<usize> = (0..count).filter(occurs).collect();
    let mut table = Table::new(caption, &["truth, said"]);
    table.is_matrix = true;
    let number = |name: String| Column { name, is_number: true };
    table.columns.extend(categories.iter().map(|&category| number(key(category))));
    table.columns.extend(["photographs", "recall"].map(|name| number(name.to_owned())));
    for &truth in &categories {
        let all = confusion.of_truth(truth);
        let mut cells = vec![Cell::from(key(truth))];
        cells.extend(categories.iter().map(|&said| {
            let found = confusion.counts[truth][said];
            let title = format!("{} said of {found} of {all} {}", key(said), key(truth));
            Cell::heat(found, confusion.share(truth, said), if found == 0 { String::new() } else { title })
        }));
        cells.push(all.to_string().into());
        let recall = if all == 0 { "–".to_owned() } else { format!("{:.2}", confusion.share(truth, truth)) };
        cells.push(recall.into());
        table.rows.push(cells);
    }
    table
}

#[cfg(test)]
mod tests {
    use super::{Confusion, matrix};

    #[test]
    fn rows_are_coloured_by_their_own_shares_and_what_does_not_occur_is_left_out() {
        let confusion = Confusion { counts: vec![vec![3, 1, 0, 0], vec![0, 1, 0, 0], vec![0; 4], vec![0; 4]] };
        let table = matrix("c", &confusion, |category| format!("<{category}>"));
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["truth, said", "<0>", "<1>", "photographs", "recall"]);
        let row: Vec<(&str, Option<usize>)> =
            table.rows[0].iter().map(|cell| (cell.text.as_str(), cell.heat)).collect();
        assert_eq!(row, [("<0>", None), ("3", Some(7)), ("1", Some(2)), ("4", None), ("0.75", None)]);
        assert_eq!(table.rows[0][2].title, "<1> said of 1 of 4 <0>");
        assert_eq!((table.rows[1][1].text.as_str(), table.rows[1][1].heat), ("", None));
    }

    #[test]
    fn a_category_that_is_only_said_has_no_recall() {
        let table = matrix("c", &Confusion { counts: vec![vec![0, 2], vec![0, 0]] }, |category| category.to_string());
        assert_eq!(table.rows[1].last().unwrap().text, "–");
    }
}
