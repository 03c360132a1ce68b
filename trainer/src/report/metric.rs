//! A metric as one line for machines.

use serde::{Deserialize, Serialize};

use super::slice::Slice;
use crate::evaluate::Figure;

/// One metric: of what network, of what head, on which photographs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// What is measured: `top_1`, `balanced_accuracy`, `ece`, `nll` (nats), `recall_at_1`, `map`, `loss`, …
    pub metric: String,
    /// What answers: `category14`, `category26`, `embedding`, `garment`, `known` or `training`.
    pub head: String,
    /// On which photographs.
    pub slice: Slice,
    /// Of which network: `int8`, `float`, `rival`, an arm of a study, `run`, or a difference of two.
    pub network: String,
    /// The value.
    pub value: f64,
    /// Lower end of its 95 % interval; none where it has none.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Samples.
    pub n: usize,
    /// Independent groups among them; none where they are not known.
    #[serde(default)]
    pub groups: Option<usize>,
}

impl Metric {
    /// A figure's line.
    #[must_use]
    pub fn of(metric: &str, head: &str, slice: Slice, network: &str, figure: &Figure) -> Self {
        Self {
            metric: metric.to_owned(),
            head: head.to_owned(),
            slice,
            network: network.to_owned(),
            value: figure.value,
            low: Some(figure.low),
            high: Some(figure.high),
            n: figure.n,
            groups: Some(figure.groups),
        }
    }

    /// Whether two lines measure the same.
    #[must_use]
    pub fn is_same(&self, other: &Self) -> bool {
        self.metric == other.metric
            && self.head == other.head
            && self.slice == other.slice
            && self.network == other.network
    }
}

/// Lines as text, one object each.
///
/// # Errors
/// A line cannot be written; none of ours does that.
pub fn to_text(lines: &[Metric]) -> Result<String, serde_json::Error> {
    let mut text = String::new();
    for line in lines {
        text.push_str(&serde_json::to_string(line)?);
        text.push('\n');
    }
    Ok(text)
}

/// Reads what [`to_text`] wrote. The error names the line.
///
/// # Errors
/// A line is no metric.
pub fn from_text(text: &str) -> Result<Vec<Metric>, String> {
    let line = |(number, line): (usize, &str)| {
        serde_json::from_str(line).map_err(|error| format!("line {}: {error}", number + 1))
    };
    text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::{Figure, Metric, Slice, from_text, to_text};

    #[test]
    fn lines_are_read_as_they_were_written() {
        let figure = Figure { value: 0.1 + 0.2, low: 0.25, high: 0.5, n: 12, groups: 7 };
        let mut lines = vec![Metric::of("top_1", "category14", Slice::Category("dress".into()), "int8", &figure)];
        lines.push(Metric { low: None, high: None, groups: None, network: "run".into(), ..lines[0].clone() });
        let text = to_text(&lines).unwrap();
        assert_eq!(text.lines().count(), 2);
        let start = "{\"metric\":\"top_1\",\"head\":\"category14\",\"slice\":\"category:dress\",\"network\":\"int8\",\"value\":0.30000000000000004,\"low\":0.25,\"high\":0.5,\"n\":12";
        assert!(text.starts_with(start), "{text}");
        assert_eq!(from_text(&text).unwrap(), lines);
        assert!(!lines[0].is_same(&lines[1]));
        let error = from_text(&format!("{text}{{\"metric\":1}}\n")).unwrap_err();
        assert!(error.starts_with("line 3: "), "{error}");
    }
}
