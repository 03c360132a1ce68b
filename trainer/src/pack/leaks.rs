//! Leaks: the same picture in two groups. Split apart, one would be learned from and the other asked about.
//!
//! A leak is mended by joining the groups, which keeps them in one part; what is told here is how many there were and where from, since
//! many of them say that `group` was chosen too small.

use super::duplicates::{Duplicate, Kind};
use crate::import::Row;

/// Leaks that are kept in words.
pub const FIRST_LEAKS: usize = 5;

/// Two photographs of two groups that show the same picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leak {
    /// How they agree.
    pub kind: Kind,
    /// Path, source and group of the first.
    pub first: [String; 3],
    /// Path, source and group of the second.
    pub second: [String; 3],
}

/// All leaks of a pack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Leaks {
    /// Pairs with the same pixels.
    pub exact: usize,
    /// Pairs that look alike, mirrored ones included.
    pub near: usize,
    /// Of all pairs, those of two sources.
    pub across_sources: usize,
    /// The first few.
    pub first: Vec<Leak>,
}

impl Leaks {
    /// Those of these pairs that cross groups.
    #[must_use]
    pub fn of(rows: &[&Row], pairs: &[Duplicate]) -> Self {
        let mut leaks = Self::default();
        for pair in pairs {
            let (Some(first), Some(second)) = (rows.get(pair.first), rows.get(pair.second)) else { continue };
            if first.group == second.group {
                continue;
            }
            *if pair.kind == Kind::Exact { &mut leaks.exact } else { &mut leaks.near } += 1;
            leaks.across_sources += usize::from(first.source != second.source);
            if leaks.first.len() < FIRST_LEAKS {
                let words = |row: &Row| [row.path.clone(), row.source.clone(), row.group.clone()];
                leaks.first.push(Leak { kind: pair.kind, first: words(first), second: words(second) });
            }
        }
        leaks
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.exact + self.near
    }

    /// For people: one line that counts, then the first few.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        if self.count() == 0 {
            return vec!["leaks: none".to_owned()];
        }
        let mut lines = vec![format!(
            "leaks: {} pairs of two groups show the same picture (exact {}, near {}; {} of two sources), so these groups stay together",
            self.count(),
            self.exact,
            self.near,
            self.across_sources
        )];
        for Leak { kind, first: [first, first_source, first_group], second: [second, second_source, second_group] } in
            &self.first
        {
            lines.push(format!(
                "  {kind}: `{first}` ({first_source}, group `{first_group}`) and `{second}` ({second_source}, group `{second_group}`)"
            ));
        }
        if self.count() > self.first.len() {
            lines.push(format!("  and {} more", self.count() - self.first.len()));
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::{FIRST_LEAKS, Leaks};
    use crate::import::Row;
    use crate::pack::duplicates::{Duplicate, Kind};

    #[test]
    fn pairs_within_a_group_are_no_leaks_and_the_first_few_are_told() {
        let rows: Vec<Row> = (0..10)
            .map(|row| Row {
                path: format!("{row}.jpg"),
                source: if row == 9 { "b" } else { "a" }.into(),
                group: if row < 2 { "g".into() } else { format!("g{row}") },
                ..Row::default()
            })
            .collect();
        let rows: Vec<&Row> = rows.iter().collect();
        let pair = |second, kind| Duplicate { first: 0, second, kind, levels: 0.0 };
        assert_eq!(Leaks::of(&rows, &[pair(1, Kind::Exact)]).lines(), ["leaks: none"]);
        let mut pairs: Vec<Duplicate> = (2..9).map(|second| pair(second, Kind::Mirrored)).collect();
        pairs.insert(0, pair(9, Kind::Exact));
        let leaks = Leaks::of(&rows, &pairs);
        assert_eq!((leaks.exact, leaks.near, leaks.across_sources), (1, 7, 1));
        let lines = leaks.lines();
        assert_eq!(lines.len(), 2 + FIRST_LEAKS);
        assert_eq!(lines[1], "  exact: `0.jpg` (a, group `g`) and `9.jpg` (b, group `g9`)");
        assert_eq!(lines[6], "  and 3 more");
    }
}
