//! Values with their intervals, a row each: categories, arms, layers.

use plotters::chart::ChartBuilder;
use plotters::element::{Circle, PathElement, Rectangle, Text};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, TRANSPARENT};

use super::ink::{Ink, words};
use super::{Chart, ChartError, Mark, drawn, legend, range, tick};

/// Width in pixels.
const WIDTH: u32 = 760;
/// Height of one series in a row, in pixels.
const STEP: u32 = 14;
/// Height of axis and margins, in pixels.
const FRAME_HEIGHT: u32 = 64;
/// Width of a letter of a row's name, in pixels.
const LETTER: usize = 7;

/// Marks of the series, in order.
const MARKS: [Mark; 3] = [Mark::Dot, Mark::Square, Mark::Ring];

/// A value and where it may lie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Span {
    /// The value.
    pub value: f64,
    /// Ends of its interval; none where there is none.
    pub interval: Option<(f64, f64)>,
}

impl From<crate::evaluate::Figure> for Span {
    fn from(figure: crate::evaluate::Figure) -> Self {
        Self { value: figure.value, interval: Some((figure.low, figure.high)) }
    }
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Its name.
    pub name: String,
    /// A value of each series; none where it has none.
    pub spans: Vec<Option<Span>>,
}

/// What a chart of intervals shows.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// What stands below it.
    pub caption: &'a str,
    /// Below the axis.
    pub x: &'a str,
    /// Names of the series.
    pub series: &'a [&'a str],
    /// What the axis does not pass.
    pub within: (f64, f64),
    /// A value to compare with, drawn across all rows.
    pub mark: Option<f64>,
}

/// Draws rows, the first on top.
///
/// # Errors
/// plotters cannot draw them.
pub fn chart(frame: &Frame<'_>, rows: &[Row]) -> Result<Chart, ChartError> {
    let ends = |span: &Span| {
        let (low, high) = span.interval.unwrap_or((span.value, span.value));
        [low, span.value, high]
    };
    let values = rows.iter().flat_map(|row| row.spans.iter().flatten()).flat_map(ends).chain(frame.mark);
    let x = range(values, frame.within);
    let series = frame.series.len().max(1);
    let count = u32::try_from(rows.len().max(1)).unwrap_or(1);
    // Half a step between rows.
    let row_height = STEP * u32::try_from(series).unwrap_or(1) + STEP / 2;
    let letters = rows.iter().map(|row| row.name.chars().count()).max().unwrap_or(0);
    let left = u32::try_from((letters * LETTER + 16).min(340)).unwrap_or(340);
    let svg = drawn((WIDTH, count * row_height + FRAME_HEIGHT), &description(frame, rows), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .margin_right(28)
            .x_label_area_size(40)
            .y_label_area_size(left)
            .build_cartesian_2d(x.0..x.1, 0.0..f64::from(count))?;
        chart
            .configure_mesh()
            .disable_y_mesh()
            .y_labels(0)
            .light_line_style(TRANSPARENT)
            .bold_line_style(Ink::Grid.colour())
            .axis_style(Ink::Axis.colour())
            .label_style(words())
            .axis_desc_style(words())
            .x_desc(frame.x)
            .x_labels(8)
            .x_label_formatter(&|value| tick(*value, x.1 - x.0))
            .draw()?;
        if let Some(mark) = frame.mark {
            let line = vec![(mark, 0.0), (mark, f64::from(count))];
            chart.draw_series([PathElement::new(line, Ink::Axis.colour().stroke_width(2))])?;
        }
        for (place, row) in (0..).map(f64::from).zip(rows) {
            let top = f64::from(count) - place;
            let at = chart.plotting_area().map_coordinate(&(x.0, top - 0.5));
            let style = words().pos(Pos::new(HPos::Right, VPos::Center));
            area.draw(&Text::new(row.name.clone(), (at.0 - 8, at.1), style))?;
            for (number, span) in row.spans.iter().enumerate() {
                let Some(span) = span.filter(|span| span.value.is_finite()) else { continue };
                #[expect(clippy::cast_precision_loss, reason = "a handful of series")]
                let y = top - (number as f64 + 0.75) / (series as f64 + 0.5);
                let ink = Ink::Series(number).colour();
                if let Some((low, high)) = span.interval {
                    chart.draw_series([PathElement::new(vec![(low, y), (high, y)], ink.stroke_width(2))])?;
                }
                let at = chart.plotting_area().map_coordinate(&(span.value, y));
                match MARKS[number % MARKS.len()] {
                    Mark::Square => {
                        area.draw(&Rectangle::new([(at.0 - 4, at.1 - 4), (at.0 + 4, at.1 + 4)], ink.filled()))?;
                    }
                    Mark::Ring => area.draw(&Circle::new(at, 4, ink.stroke_width(2)))?,
                    Mark::Dot | Mark::Line => area.draw(&Circle::new(at, 4, ink.filled()))?,
                }
            }
        }
        Ok(())
    })?;
    Ok(Chart {
        svg,
        caption: frame.caption.to_owned(),
        legend: legend(frame.series.iter().enumerate().map(|(number, name)| (*name, MARKS[number % MARKS.len()]))),
        is_curves: false,
    })
}

/// The range of each series; every value stands in the table beside the chart.
fn description(frame: &Frame<'_>, rows: &[Row]) -> String {
    let mut parts = vec![format!("{}; {} rows, top to bottom as in the table", frame.caption, rows.len())];
    for (number, name) in frame.series.iter().enumerate() {
        let values: Vec<f64> =
            rows.iter().filter_map(|row| row.spans.get(number).copied().flatten()).map(|span| span.value).collect();
        let (low, high) = values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        if low <= high {
            parts.push(format!("{name} between {low:.3} and {high:.3}"));
        }
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::super::ink::tests::assert_fit_for_a_page;
    use super::{Frame, Row, Span, chart};

    const FRAME: Frame<'static> =
        Frame { caption: "recall", x: "share", series: &["float", "int8"], within: (0.0, 1.0), mark: Some(0.5) };

    fn row(name: &str, values: [Option<f64>; 2]) -> Row {
        let span = |value: f64| Span { value, interval: Some((value - 0.1, value + 0.1)) };
        Row { name: name.to_owned(), spans: values.map(|value| value.map(span)).into() }
    }

    #[test]
    fn rows_are_drawn_from_the_top_with_their_names() {
        let rows = [row("dress", [Some(0.7), Some(0.6)]), row("<b>", [None, Some(f64::NAN)])];
        let chart = chart(&FRAME, &rows).unwrap();
        assert_fit_for_a_page(&chart.svg);
        assert!(chart.svg.contains("&lt;b&gt;") && !chart.svg.contains("<b>"), "{}", chart.svg);
        assert!(chart.svg.contains("float between 0.700 and 0.700"), "{}", chart.svg);
        let place = |name: &str| chart.svg.find(&format!(">\n{name}")).expect(name);
        assert!(place("dress") < place("&lt;b&gt;"));
        // One interval and one value of each series: the empty and the impossible one are not drawn.
        for class in ["line s0", "line s1", "fill s0", "fill s1"] {
            assert_eq!(chart.svg.matches(&format!("class=\"{class}\"")).count(), 1, "{class}: {}", chart.svg);
        }
    }

    #[test]
    fn no_rows_are_a_chart_too() {
        assert_fit_for_a_page(&chart(&FRAME, &[]).unwrap().svg);
    }
}
