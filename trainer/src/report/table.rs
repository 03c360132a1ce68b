//! Tables of a page.

use serde::Serialize;

use crate::evaluate::Figure;

/// Steps of colour of a cell that shows a share.
pub const HEATS: usize = 10;

/// A table with a caption and named columns.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Table {
    /// What it shows.
    pub caption: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, as long as the columns are many; the first cell names the row.
    pub rows: Vec<Vec<Cell>>,
    /// Whether it is shown only when asked for, beside a chart that shows the same.
    pub is_folded: bool,
    /// Whether its columns' names stand upright, because they are many and narrow.
    pub is_matrix: bool,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Whether it holds numbers, which stand on the right.
    pub is_number: bool,
}

/// A cell.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Cell {
    /// What stands in it.
    pub text: String,
    /// What is said when one points at it; may be empty.
    pub title: String,
    /// Step of colour, from 0; none without.
    pub heat: Option<usize>,
    /// Whether it is set off, as a difference that is one.
    pub is_strong: bool,
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self { text: text.into(), ..Self::default() }
    }
}

impl Cell {
    /// A value with its interval.
    #[must_use]
    pub fn figure(figure: &Figure) -> Self {
        figure.to_string().into()
    }

    /// A difference with its interval, set off where the interval leaves zero out.
    #[must_use]
    pub fn gain(gain: &Figure) -> Self {
        Self {
            text: format!("{:+.3} [{:+.3}, {:+.3}]", gain.value, gain.low, gain.high),
            is_strong: gain.low > 0.0 || gain.high < 0.0,
            ..Self::default()
        }
    }

    /// A count whose colour is its share of its row; nothing for none.
    #[must_use]
    pub fn heat(count: usize, share: f64, title: String) -> Self {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the steps below")]
        let step = ((share.clamp(0.0, 1.0) * HEATS as f64) as usize).min(HEATS - 1);
        let text = if count == 0 { String::new() } else { count.to_string() };
        Self { text, title, heat: (count > 0).then_some(step), is_strong: false }
    }
}

impl Table {
    /// A table without rows. A name that begins with `#` is of a column of numbers.
    #[must_use]
    pub fn new(caption: impl Into<String>, columns: &[&str]) -> Self {
        let column = |name: &&str| match name.strip_prefix('#') {
            Some(name) => Column { name: name.to_owned(), is_number: true },
            None => Column { name: (*name).to_owned(), is_number: false },
        };
        Self { caption: caption.into(), columns: columns.iter().map(column).collect(), ..Self::default() }
    }

    /// The same, shown only when asked for.
    #[must_use]
    pub fn folded(mut self) -> Self {
        self.is_folded = true;
        self
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        self.rows.push(cells.into());
    }
}

#[cfg(test)]
mod tests {
    use super::{Cell, Figure, Table};

    #[test]
    fn heat_follows_the_share_and_nothing_has_none() {
        let heat = |count: usize, share: f64| Cell::heat(count, share, String::new());
        assert_eq!((heat(0, 0.0).text.as_str(), heat(0, 0.0).heat), ("", None));
        assert_eq!(
            [0.0, 0.09, 0.1, 0.55, 1.0, 7.0].map(|share| heat(3, share).heat),
            [Some(0), Some(0), Some(1), Some(5), Some(9), Some(9)]
        );
    }

    #[test]
    fn a_difference_stands_out_where_its_interval_leaves_zero_out() {
        let gain = |low: f64, high: f64| Cell::gain(&Figure { value: 0.1, low, high, n: 9, groups: 9 });
        assert!(gain(0.05, 0.2).is_strong && !gain(-0.05, 0.2).is_strong && !gain(0.0, 0.2).is_strong);
        assert_eq!(gain(-0.05, 0.2).text, "+0.100 [-0.050, +0.200]");
    }

    #[test]
    fn columns_of_numbers_are_marked() {
        let table = Table::new("t", &["measure", "#n"]);
        assert_eq!((table.columns[1].name.as_str(), table.columns[1].is_number), ("n", true));
        assert!(!table.columns[0].is_number);
    }
}
