//! Reliability diagrams: probability that was said against share that was right, before and after the temperature.
//!
//! **Source**: Guo et al. 2017, "On Calibration of Modern Neural Networks", figure 1.

use plotters::chart::ChartBuilder;
use plotters::element::{Circle, PathElement};
use plotters::style::{Color, TRANSPARENT};

use super::ink::{Ink, words};
use super::{Chart, ChartError, Mark, drawn, legend, tick};
use crate::evaluate::reliability::{Bin, Reliability};

/// Size in pixels; the area inside is near a square.
const SIZE: (u32, u32) = (460, 430);

/// Draws both; a point's area grows with the photographs of its bin, and bars are the intervals of the second.
///
/// # Errors
/// plotters cannot draw them.
pub fn chart(caption: &str, before: &Reliability, after: &Reliability) -> Result<Chart, ChartError> {
    let names = [
        format!("before, temperature {:.3}", before.temperature),
        format!("after, temperature {:.3}", after.temperature),
    ];
    let words_of = |name: &str, of: &Reliability| format!("{name}: ECE {}, NLL {}", of.ece, of.nll);
    let description = format!("{caption}; {}; {}", words_of(&names[0], before), words_of(&names[1], after));
    let svg = drawn(SIZE, &description, |area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .margin_right(28)
            .x_label_area_size(44)
            .y_label_area_size(64)
            .build_cartesian_2d(0.0..1.0, 0.0..1.0)?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(Ink::Grid.colour())
            .axis_style(Ink::Axis.colour())
            .label_style(words())
            .axis_desc_style(words())
            .x_desc("probability that was said")
            .y_desc("share that was right")
            .x_labels(6)
            .y_labels(6)
            .x_label_formatter(&|value| tick(*value, 1.0))
            .y_label_formatter(&|value| tick(*value, 1.0))
            .draw()?;
        chart.draw_series([PathElement::new(vec![(0.0, 0.0), (1.0, 1.0)], Ink::Axis.colour().stroke_width(1))])?;
        for (series, of) in [before, after].into_iter().enumerate() {
            let ink = Ink::Series(series).colour();
            let total: usize = of.bins.iter().map(|bin| bin.n).sum();
            let filled: Vec<&Bin> = of.bins.iter().filter(|bin| bin.n > 0).collect();
            let line: Vec<(f64, f64)> = filled.iter().map(|bin| (bin.confidence, bin.accuracy)).collect();
            chart.draw_series([PathElement::new(line, ink.stroke_width(2))])?;
            for bin in filled {
                let at = (bin.confidence, bin.accuracy);
                let style = if series == 0 { ink.stroke_width(2) } else { ink.filled() };
                if series == 1 {
                    let bar = vec![(at.0, bin.interval.low), (at.0, bin.interval.high)];
                    chart.draw_series([PathElement::new(bar, ink.stroke_width(1))])?;
                }
                chart.draw_series([Circle::new(at, radius(bin.n, total), style)])?;
            }
        }
        Ok(())
    })?;
    Ok(Chart {
        svg,
        caption: caption.to_owned(),
        legend: legend(names.iter().map(String::as_str).zip([Mark::Ring, Mark::Dot])),
        is_curves: false,
    })
}

/// 3 to 9 pixels: the area follows the photographs.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 3 and 9")]
fn radius(n: usize, total: usize) -> u32 {
    (3.0 + 6.0 * (n as f64 / total.max(1) as f64).sqrt()).round() as u32
}

#[cfg(test)]
mod tests {
    use super::super::ink::tests::assert_fit_for_a_page;
    use super::{chart, radius};
    use crate::evaluate::categories::Predictions;
    use crate::evaluate::reliability::Reliability;

    #[test]
    fn both_are_drawn_and_described_and_nothing_is_a_diagram_too() {
        let predictions = Predictions {
            truth: vec![0, 1, 0, 1],
            predicted: vec![0, 1, 1, 1],
            confidence: vec![0.9, 0.6, 0.5, 0.95],
            likelihood: vec![0.9, 0.6, 0.5, 0.95],
            groups: vec![0, 1, 2, 3],
            classes: 2,
            ..Predictions::default()
        };
        let (before, after) = (Reliability::of(&predictions, 1.0), Reliability::of(&predictions, 1.25));
        let found = chart("14 categories", &before, &after).unwrap();
        assert_fit_for_a_page(&found.svg);
        assert!(found.svg.contains("14 categories; before, temperature 1.000: ECE "), "{}", found.svg);
        // Four bins and the curve through them: open before, filled with bars after.
        assert_eq!(found.svg.matches("<circle").count(), 8, "{}", found.svg);
        assert_eq!(found.svg.matches("class=\"fill s1\"").count(), 4);
        let none = Reliability::of(&Predictions::default(), 1.0);
        assert_fit_for_a_page(&chart("none", &none, &none).unwrap().svg);
    }

    #[test]
    fn more_photographs_make_larger_points() {
        assert_eq!((radius(0, 0), radius(0, 10), radius(10, 10)), (3, 3, 9));
        assert!(radius(5, 10) > radius(1, 10));
    }
}
