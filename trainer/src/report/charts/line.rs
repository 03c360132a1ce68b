//! Curves: a loss over steps, an accuracy over epochs, a learning rate.

use plotters::chart::ChartBuilder;
use plotters::element::{Circle, PathElement};
use plotters::style::{Color, TRANSPARENT};

use super::ink::{Ink, words};
use super::{Chart, ChartError, Mark, drawn, legend, range, tick};

/// Size in pixels.
const SIZE: (u32, u32) = (760, 280);
/// Points of a curve from which on the points themselves are not marked.
const MARKED: usize = 40;

/// One curve.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Place and value, in order.
    pub points: Vec<(f64, f64)>,
}

/// What a chart of curves shows.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// What stands below it.
    pub caption: &'a str,
    /// Below the horizontal axis.
    pub x: &'a str,
    /// Beside the vertical axis.
    pub y: &'a str,
    /// What the vertical axis does not pass.
    pub within: (f64, f64),
}

/// Draws curves.
///
/// # Errors
/// plotters cannot draw them.
pub fn chart(frame: &Frame<'_>, lines: &[Line]) -> Result<Chart, ChartError> {
    let points = || lines.iter().flat_map(|line| &line.points).filter(|(x, y)| x.is_finite() && y.is_finite());
    let all = (f64::NEG_INFINITY, f64::INFINITY);
    let x = range(points().map(|point| point.0), all);
    let y = range(points().map(|point| point.1), frame.within);
    let svg = drawn(SIZE, &description(frame, lines), |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .margin_right(28)
            .x_label_area_size(44)
            .y_label_area_size(72)
            .build_cartesian_2d(x.0..x.1, y.0..y.1)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(Ink::Grid.colour())
            .axis_style(Ink::Axis.colour())
            .label_style(words())
            .axis_desc_style(words())
            .x_desc(frame.x)
            .y_desc(frame.y)
            .x_labels(8)
            .y_labels(6)
            .x_label_formatter(&|value| tick(*value, x.1 - x.0))
            .y_label_formatter(&|value| tick(*value, y.1 - y.0))
            .draw()?;
        for (series, line) in lines.iter().enumerate() {
            let ink = Ink::Series(series).colour();
            let points: Vec<(f64, f64)> =
                line.points.iter().copied().filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
            if points.len() <= MARKED {
                chart.draw_series(points.iter().map(|&point| Circle::new(point, 3, ink.filled())))?;
            }
            chart.draw_series([PathElement::new(points, ink.stroke_width(2))])?;
        }
        Ok(())
    })?;
    Ok(Chart {
        svg,
        caption: frame.caption.to_owned(),
        legend: legend(lines.iter().map(|line| (line.name.as_str(), Mark::Line))),
        is_curves: true,
    })
}

/// Where each curve begins and ends.
fn description(frame: &Frame<'_>, lines: &[Line]) -> String {
    let mut parts = vec![frame.caption.to_owned()];
    for line in lines {
        let mut values = line.points.iter().map(|point| point.1).filter(|value| value.is_finite());
        if let Some(first) = values.next() {
            parts.push(format!("{} from {first:.4} to {:.4}", line.name, values.next_back().unwrap_or(first)));
        }
    }
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use super::super::ink::tests::assert_fit_for_a_page;
    use super::{Frame, Line, chart};

    const FRAME: Frame<'static> = Frame { caption: "loss", x: "step", y: "<nats>", within: (0.0, f64::INFINITY) };

    fn line(name: &str, values: &[f64]) -> Line {
        Line { name: name.to_owned(), points: (0..).map(f64::from).zip(values.iter().copied()).collect() }
    }

    #[test]
    fn curves_are_drawn_named_and_described() {
        let chart = chart(&FRAME, &[line("all", &[2.0, 1.5, 1.0]), line("a<b", &[1.0, 0.5, 0.25])]).unwrap();
        assert_fit_for_a_page(&chart.svg);
        assert!(chart.svg.contains("aria-label=\"loss; all from 2.0000 to 1.0000; a&lt;b from 1.0000 to 0.2500\""));
        assert!(chart.svg.contains("&lt;nats&gt;") && !chart.svg.contains("<nats>"));
        assert_eq!(chart.legend.len(), 2);
        for class in ["line s0", "line s1", "fill s1", "line axis", "fill ink"] {
            assert!(chart.svg.contains(&format!("class=\"{class}\"")), "no `{class}`: {}", chart.svg);
        }
    }

    #[test]
    fn no_point_one_point_and_no_number_are_drawn_too() {
        for lines in [&[][..], &[line("a", &[])], &[line("a", &[1.0])], &[line("a", &[f64::NAN, 1.0, f64::INFINITY])]] {
            let chart = chart(&FRAME, lines).unwrap();
            assert_fit_for_a_page(&chart.svg);
            assert!(chart.legend.is_empty());
        }
    }
}
