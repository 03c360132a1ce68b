//! Charts as SVG that takes its colours from the page around it, so that it is read in light, in dark and on paper.
//!
//! plotters knows colours and no style sheets. Each thing is drawn in a colour that only stands for its role, and the roles become
//! classes afterwards ([`ink`]).
//!
//! - `line.rs`: curves over steps or epochs. `interval.rs`: values with their intervals, a row each. `reliability.rs`: what a
//!   probability is worth.

pub mod ink;
pub mod interval;
pub mod line;
pub mod reliability;

use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::prelude::SVGBackend;
use serde::Serialize;

/// Series that can be told apart by their marks.
pub const SERIES: usize = 6;

/// What plotters could not do.
pub type ChartError = plotters::drawing::DrawingAreaErrorKind<std::io::Error>;

/// Where charts are drawn.
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// A finished chart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Chart {
    /// An `svg` element, safe to stand in a page.
    pub svg: String,
    /// What stands below it.
    pub caption: String,
    /// What the marks mean; empty where there is one kind.
    pub legend: Vec<Key>,
    /// Whether its series are curves, told apart by their dashes.
    pub is_curves: bool,
}

/// One line of a legend.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// Number of the series, from 0.
    pub series: usize,
    /// How its values are marked.
    pub mark: Mark,
    /// Its name.
    pub name: String,
}

/// How the values of a series are marked: their form tells them apart as well as their colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mark {
    /// A curve of its own dashes.
    Line,
    /// A filled circle.
    Dot,
    /// A filled square.
    Square,
    /// An open circle.
    Ring,
}

/// The legend of some series with their marks; none for one alone.
fn legend<'a>(series: impl ExactSizeIterator<Item = (&'a str, Mark)>) -> Vec<Key> {
    if series.len() < 2 {
        return Vec::new();
    }
    series
        .enumerate()
        .map(|(series, (name, mark))| Key { series: series % SERIES, mark, name: name.to_owned() })
        .collect()
}

/// Draws on an area of so many pixels; `words` say the same to those who do not see it.
fn drawn(
    size: (u32, u32),
    words: &str,
    draw: impl FnOnce(&Area<'_>) -> Result<(), ChartError>,
) -> Result<String, ChartError> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        draw(&area)?;
        area.present()?;
    }
    Ok(ink::themed(&svg, size, words))
}

/// A range around values that is never empty: a little wider than they are, and not beyond `within`.
fn range(values: impl Iterator<Item = f64>, within: (f64, f64)) -> (f64, f64) {
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.filter(|value| value.is_finite()) {
        (low, high) = (low.min(value), high.max(value));
    }
    if low > high {
        return (0.0, 1.0);
    }
    let margin = if high > low { (high - low) * 0.05 } else { low.abs().max(1e-3) * 0.1 };
    ((low - margin).max(within.0), (high + margin).min(within.1))
}

/// A number beside an axis: as many digits as tell neighbours apart.
fn tick(value: f64, span: f64) -> String {
    if value == 0.0 || value.abs() < span * 1e-9 {
        return "0".to_owned();
    }
    if span >= 20.0 {
        return format!("{value:.0}");
    }
    if span >= 2.0 {
        let text = format!("{value:.1}");
        return text.strip_suffix(".0").map(str::to_owned).unwrap_or(text);
    }
    if span >= 0.02 { format!("{value:.2}") } else { format!("{value:.1e}") }
}

#[cfg(test)]
mod tests {
    use super::{range, tick};

    #[test]
    fn a_range_is_never_empty_and_keeps_its_bounds() {
        let all = (f64::NEG_INFINITY, f64::INFINITY);
        assert_eq!(range([].into_iter(), all), (0.0, 1.0));
        assert_eq!(range([f64::NAN].into_iter(), all), (0.0, 1.0));
        for value in [0.0, 1.0, -3.0] {
            let (low, high) = range([value].into_iter(), all);
            assert!(low < value && value < high, "{value}: {low} to {high}");
        }
        assert_eq!(range([0.0, 1.0].into_iter(), (0.0, 1.0)), (0.0, 1.0));
    }

    #[test]
    fn ticks_are_short() {
        for (value, span, expected) in [
            (0.0, 1.0, "0"),
            (0.25, 1.0, "0.25"),
            (1200.0, 5000.0, "1200"),
            (3e-4, 1e-3, "3.0e-4"),
            (2.5, 5.0, "2.5"),
            (5.0, 18.0, "5"),
        ] {
            assert_eq!(tick(value, span), expected);
        }
    }
}
