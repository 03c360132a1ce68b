//! Two sides with their differences: photograph by photograph where both hold their answers, else from their intervals.

use clothingid_shared::metrics::recall_at_k;
use std::collections::HashMap;
use std::fmt::Write as _;

use serde::Serialize;

use super::metric::Metric;
use super::raw::Raw;
use super::side::Side;
use super::table::{Cell, Table};
use crate::evaluate::Figure;
use crate::evaluate::categories::Predictions;

/// Both sides and what differs.
#[derive(Debug, Clone, PartialEq)]
pub struct Comparison {
    /// The first.
    pub a: Side,
    /// The second.
    pub b: Side,
    /// What both measured.
    pub rows: Vec<Row>,
    /// Metrics that only the first has.
    pub only_a: usize,
    /// Metrics that only the second has.
    pub only_b: usize,
}

/// One metric of both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// As the first has it.
    pub a: Metric,
    /// As the second has it.
    pub b: Metric,
    /// Second minus first.
    pub difference: Difference,
}

/// Second minus first.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// The difference.
    pub value: f64,
    /// Lower end of its 95 % interval; none where the sides have none.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// How it was found.
    pub kind: Kind,
    /// Samples of a paired difference that both have.
    pub pairs: Option<usize>,
}

/// How a difference was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// On the same photographs, one by one, by a bootstrap that resamples groups.
    Paired,
    /// From the two intervals, as if they were of different photographs.
    Unpaired,
    /// Without an interval.
    Bare,
}

impl Kind {
    /// For people.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Paired => "paired",
            Self::Unpaired => "unpaired",
            Self::Bare => "no interval",
        }
    }
}

impl Difference {
    /// Whether the interval leaves zero out.
    #[must_use]
    pub fn is_one(&self) -> bool {
        self.low.is_some_and(|low| low > 0.0) || self.high.is_some_and(|high| high < 0.0)
    }

    /// For people.
    #[must_use]
    pub fn words(&self) -> String {
        match (self.low, self.high) {
            (Some(low), Some(high)) => format!("{:+.3} [{low:+.3}, {high:+.3}]", self.value),
            _ => format!("{:+.3}", self.value),
        }
    }

    /// From the two intervals alone: the distances of each value from the ends of its interval, added in quadrature.
    ///
    /// **Source**: Zou and Donner 2008, "Construction of confidence limits about effect measures: a general approach".
    fn unpaired(a: &Metric, b: &Metric) -> Self {
        let value = b.value - a.value;
        let bare = Self { value, low: None, high: None, kind: Kind::Bare, pairs: None };
        let (Some(a_low), Some(a_high), Some(b_low), Some(b_high)) = (a.low, a.high, b.low, b.high) else {
            return bare;
        };
        let below = (b.value - b_low).hypot(a_high - a.value);
        let above = (b_high - b.value).hypot(a.value - a_low);
        Self { low: Some(value - below), high: Some(value + above), kind: Kind::Unpaired, ..bare }
    }

    fn paired(figure: &Figure) -> Self {
        let Figure { value, low, high, n, .. } = *figure;
        Self { value, low: Some(low), high: Some(high), kind: Kind::Paired, pairs: Some(n) }
    }
}

impl Comparison {
    /// Of two sides; `keep` chooses among their metrics.
    #[must_use]
    pub fn of(a: Side, b: Side, keep: impl Fn(&Metric) -> bool) -> Self {
        let row = |line: &Metric| {
            let other = b.lines.iter().find(|other| line.is_same(other))?;
            let paired = a.raw.as_ref().zip(b.raw.as_ref()).and_then(|(a, b)| paired(a, b, line));
            let difference = paired.as_ref().map_or_else(|| Difference::unpaired(line, other), Difference::paired);
            Some(Row { a: line.clone(), b: other.clone(), difference })
        };
        let rows = a.lines.iter().filter(|line| keep(line)).filter_map(row).collect();
        let lacking = |these: &Side, those: &Side| {
            let lacks = |line: &&Metric| keep(line) && !those.lines.iter().any(|other| line.is_same(other));
            these.lines.iter().filter(lacks).count()
        };
        let (only_a, only_b) = (lacking(&a, &b), lacking(&b, &a));
        Self { a, b, rows, only_a, only_b }
    }

    /// How the differences are to be read.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let count = |kind: Kind| self.rows.iter().filter(|row| row.difference.kind == kind).count();
        let mut notes = vec!["Differences are B minus A, with 95 % intervals; `*` marks those that leave zero out. They are not corrected for their number.".to_owned()];
        if count(Kind::Paired) > 0 {
            notes.push(
                "Paired: measured photograph by photograph on those that both have, by a bootstrap that resamples groups."
                    .to_owned(),
            );
        }
        if count(Kind::Unpaired) > 0 {
            notes.push(
                "Unpaired: from the two intervals alone, as if they were of different photographs. On the same photographs that is too wide: a \
                 difference may be one and not be marked."
                    .to_owned(),
            );
        }
        if count(Kind::Bare) > 0 {
            notes.push(
                "No interval: a run's record holds figures and no answers; nothing says what chance would do."
                    .to_owned(),
            );
        }
        if self.only_a + self.only_b > 0 {
            notes.push(format!(
                "Not compared: {} metrics that only A has, {} that only B has.",
                self.only_a, self.only_b
            ));
        }
        notes
    }

    /// Both sides as a table of a page.
    #[must_use]
    pub fn table(&self) -> Table {
        let mut table = Table::new(
            "A and B side by side",
            &["metric", "head", "photographs", "network", "#n", "#A", "#B", "#B − A", "how"],
        );
        for Row { a, b, difference } in &self.rows {
            let gain = Cell { text: difference.words(), is_strong: difference.is_one(), ..Cell::default() };
            table.row([
                a.metric.clone().into(),
                a.head.clone().into(),
                a.slice.to_string().into(),
                a.network.clone().into(),
                counts(a, b).into(),
                value(a).into(),
                value(b).into(),
                gain,
                how(difference).into(),
            ]);
        }
        table
    }

    /// Both sides as text for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = format!("A  {}  {}\nB  {}  {}\n\n", self.a.path, self.a.name, self.b.path, self.b.name);
        let heads = ["metric", "head", "photographs", "n", "A", "B", "B - A", ""].map(str::to_owned);
        let cells = |row: &Row| {
            let mark = if row.difference.is_one() { " *" } else { "" };
            let network = if row.a.network == "int8" || row.a.network == "run" {
                String::new()
            } else {
                format!(", {}", row.a.network)
            };
            [
                format!("{}{network}", row.a.metric),
                row.a.head.clone(),
                row.a.slice.to_string(),
                counts(&row.a, &row.b),
                value(&row.a),
                value(&row.b),
                row.difference.words(),
                how(&row.difference) + mark,
            ]
        };
        let rows: Vec<[String; 8]> = std::iter::once(heads).chain(self.rows.iter().map(cells)).collect();
        let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..8).map(width).collect();
        for row in &rows {
            let line: String = row.iter().zip(&widths).fold(String::new(), |mut line, (cell, &width)| {
                let _ = write!(line, "{cell:<width$}  ");
                line
            });
            let _ = writeln!(text, "{}", line.trim_end());
        }
        let _ = writeln!(text, "\n{}", self.notes().join("\n"));
        text
    }
}

fn value(line: &Metric) -> String {
    match (line.low, line.high) {
        (Some(low), Some(high)) => format!("{:.3} [{low:.3}, {high:.3}]", line.value),
        _ => format!("{:.3}", line.value),
    }
}

fn counts(a: &Metric, b: &Metric) -> String {
    if a.n == b.n { a.n.to_string() } else { format!("{} / {}", a.n, b.n) }
}

fn how(difference: &Difference) -> String {
    let word = difference.kind.word();
    difference.pairs.map_or_else(|| word.to_owned(), |pairs| format!("{word}, {pairs}"))
}

/// The difference of the integer networks on the photographs that both sides have; none where the answers do not give the metric.
fn paired(a: &Raw, b: &Raw, line: &Metric) -> Option<Figure> {
    if line.network != "int8" {
        return None;
    }
    match line.metric.as_str() {
        "recall_at_1" => queries(a, b, |rank, _| recall_at_k(&[rank], 1)),
        "recall_at_5" => queries(a, b, |rank, _| recall_at_k(&[rank], 5)),
        "recall_at_10" => queries(a, b, |rank, _| recall_at_k(&[rank], 10)),
        "recall_at_20" => queries(a, b, |rank, _| recall_at_k(&[rank], 20)),
        "map" => queries(a, b, |_, precision| precision),
        "top_1" => photos(a, b, line, Predictions::top_1_of),
        "balanced_accuracy" => photos(a, b, line, Predictions::balanced_of),
        "ece" => photos(a, b, line, Predictions::calibration_of),
        "nll" => photos(a, b, line, Predictions::negative_log_likelihood_of),
        _ => None,
    }
}

fn photos(a: &Raw, b: &Raw, line: &Metric, figure: impl Fn(&Predictions, &[usize]) -> f64) -> Option<Figure> {
    if a.categories != b.categories {
        return None;
    }
    let (first, second) = (a.predictions(&line.head, &line.slice)?, b.predictions(&line.head, &line.slice)?);
    let place_of: HashMap<&str, usize> =
        second.samples.iter().enumerate().map(|(place, &photo)| (b.photos[photo].path.as_str(), place)).collect();
    let partner = |place: usize| {
        let partner = place_of.get(a.photos[first.samples[place]].path.as_str()).copied();
        // Of another category in the other pack: not the same question.
        partner.filter(|&partner| second.truth[partner] == first.truth[place])
    };
    let (places, partners): (Vec<usize>, Vec<usize>) =
        (0..first.samples.len()).filter_map(|place| partner(place).map(|partner| (place, partner))).unzip();
    if places.is_empty() {
        return None;
    }
    let groups: Vec<usize> = places.iter().map(|&place| first.groups[place]).collect();
    Some(Figure::measure(&groups, |drawn| {
        let of = |from: &[usize]| drawn.iter().map(|&i| from[i]).collect::<Vec<usize>>();
        figure(&second, &of(&partners)) - figure(&first, &of(&places))
    }))
}

fn queries(a: &Raw, b: &Raw, value: impl Fn(Option<usize>, f64) -> f64) -> Option<Figure> {
    let others: HashMap<&str, f64> =
        b.queries.iter().map(|query| (query.path.as_str(), value(query.rank, query.precision))).collect();
    let pair = |query: &super::raw::RawQuery| {
        others.get(query.path.as_str()).map(|other| (other - value(query.rank, query.precision), query.group))
    };
    let (gains, groups): (Vec<f64>, Vec<usize>) = a.queries.iter().filter_map(pair).unzip();
    if gains.is_empty() {
        return None;
    }
    Some(Figure::measure(&groups, |drawn| drawn.iter().map(|&i| gains[i]).sum::<f64>() / drawn.len().max(1) as f64))
}

#[cfg(test)]
mod tests {
    use super::super::findings::tests::findings;
    use super::super::lines::of_findings;
    use super::super::slice::Slice;
    use super::{Comparison, Difference, Kind, Metric, Side};

    fn side(right: usize) -> Side {
        let findings = findings(right);
        Side { path: format!("{right}.json"), name: "n".into(), lines: of_findings(&findings), raw: findings.raw }
    }

    fn of<'a>(comparison: &'a Comparison, metric: &str, slice: &Slice) -> &'a Difference {
        let row = |row: &&super::Row| {
            row.a.metric == metric && row.a.slice == *slice && row.a.network == "int8" && row.a.head == "category14"
        };
        &comparison.rows.iter().find(row).expect("a row").difference
    }

    #[test]
    fn a_side_does_not_differ_from_itself() {
        let comparison = Comparison::of(side(9), side(9), |_| true);
        assert_eq!((comparison.only_a, comparison.only_b), (0, 0));
        assert!(comparison.rows.iter().all(|row| row.difference.value == 0.0 && !row.difference.is_one()));
        let paired: Vec<_> = comparison.rows.iter().filter(|row| row.difference.kind == Kind::Paired).collect();
        assert!(paired.len() > 10, "{}", paired.len());
        assert!(paired.iter().all(|row| (row.difference.low, row.difference.high) == (Some(0.0), Some(0.0))));
    }

    #[test]
    fn paired_differences_are_of_the_photographs_that_both_have_and_narrower() {
        let (a, mut b) = (side(6), side(12));
        let paired = *of(&Comparison::of(a.clone(), b.clone(), |_| true), "top_1", &Slice::All);
        assert_eq!((paired.kind, paired.pairs), (Kind::Paired, Some(12)));
        assert!((paired.value - 0.5).abs() < 1e-12 && paired.is_one(), "{paired:?}");
        // Fewer photographs on one side, and one that has another category there.
        let raw = b.raw.as_mut().unwrap();
        raw.photos.truncate(10);
        let answer = raw.photos[0].category14.as_mut().unwrap();
        answer.truth = 1 - answer.truth;
        let fewer = *of(&Comparison::of(a.clone(), b.clone(), |_| true), "top_1", &Slice::All);
        assert_eq!(fewer.pairs, Some(9));
        b.raw = None;
        let unpaired = *of(&Comparison::of(a, b, |_| true), "top_1", &Slice::All);
        assert_eq!((unpaired.kind, unpaired.pairs), (Kind::Unpaired, None));
        let width = |d: &Difference| d.high.unwrap() - d.low.unwrap();
        assert!((unpaired.value - 0.5).abs() < 1e-12 && width(&unpaired) > 0.0);
    }

    #[test]
    fn two_intervals_become_one_as_the_source_says() {
        let line = |value: f64, low: f64, high: f64| Metric {
            metric: "x".into(),
            head: String::new(),
            slice: Slice::All,
            network: String::new(),
            value,
            low: Some(low),
            high: Some(high),
            n: 9,
            groups: None,
        };
        let found = Difference::unpaired(&line(0.5, 0.4, 0.53), &line(0.6, 0.56, 0.7));
        assert!((found.low.unwrap() - (0.1 - 0.05)).abs() < 1e-12, "{found:?}");
        assert!((found.high.unwrap() - (0.1 + 0.02_f64.sqrt())).abs() < 1e-12, "{found:?}");
        let bare = Difference::unpaired(&Metric { low: None, ..line(0.5, 0.4, 0.6) }, &line(0.7, 0.6, 0.8));
        assert_eq!((bare.kind, bare.low, bare.is_one()), (Kind::Bare, None, false));
    }

    #[test]
    fn the_text_says_what_is_paired_and_what_only_one_side_has() {
        let mut b = side(12);
        b.lines.retain(|line| line.metric != "ece");
        let comparison = Comparison::of(side(6), b, |line| line.network == "int8");
        let text = comparison.text();
        assert!(text.starts_with("A  6.json  n\nB  12.json  n\n\nmetric"), "{text}");
        assert!(text.contains("paired, 12 *\n") && text.contains("Unpaired: "), "{text}");
        assert!(text.contains("Not compared: 4 metrics that only A has, 0 that only B has."), "{text}");
        assert_eq!(comparison.table().rows.len(), comparison.rows.len());
    }
}
