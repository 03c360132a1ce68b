//! The roles that a chart draws in, and how they become classes of the page's style sheet.

use std::fmt::Write as _;

use plotters::style::{IntoFont, RGBColor, TextStyle};

use super::SERIES;

/// Size of a chart's words: 13 pixels, which plotters divides by 1.24 on the way to SVG.
const TEXT_SIZE: f64 = 13.0 * 1.24;

/// What something in a chart is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ink {
    /// Words and numbers.
    Text,
    /// Lines that help the eye.
    Grid,
    /// Axes, and lines to compare with.
    Axis,
    /// A series of values, by its number.
    Series(usize),
}

impl Ink {
    /// The colour that stands for the role: nobody sees it.
    pub(super) fn colour(self) -> RGBColor {
        let number = match self {
            Self::Text => 1,
            Self::Grid => 2,
            Self::Axis => 3,
            Self::Series(series) => 16 + u8::try_from(series % SERIES).unwrap_or(0),
        };
        RGBColor(0, 0, number)
    }

    fn class(self) -> String {
        match self {
            Self::Text => "ink".to_owned(),
            Self::Grid => "grid".to_owned(),
            Self::Axis => "axis".to_owned(),
            Self::Series(series) => format!("s{series}"),
        }
    }

    fn all() -> impl Iterator<Item = Self> {
        [Self::Text, Self::Grid, Self::Axis].into_iter().chain((0..SERIES).map(Self::Series))
    }
}

/// The style of words.
pub(super) fn words() -> TextStyle<'static> {
    ("sans-serif", TEXT_SIZE).into_font().color(&Ink::Text.colour())
}

/// Puts the page's classes in place of the colours, and a description in place of what only a file of its own needs.
pub(super) fn themed(svg: &str, (width, height): (u32, u32), description: &str) -> String {
    let inside = svg.split_once('>').map_or(svg, |(_, inside)| inside);
    let mut text = String::with_capacity(svg.len());
    let _ = write!(
        text,
        "<svg viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" role=\"img\" aria-label=\"{}\">",
        escaped(description)
    );
    let mut inside = inside.replace(" font-family=\"sans-serif\"", "").replace(" opacity=\"1\"", "");
    for ink in Ink::all() {
        let RGBColor(red, green, blue) = ink.colour();
        let colour = format!("#{red:02X}{green:02X}{blue:02X}");
        let class = ink.class();
        inside = inside
            .replace(&format!("stroke=\"{colour}\""), &format!("class=\"line {class}\""))
            .replace(&format!("fill=\"{colour}\""), &format!("class=\"fill {class}\""));
    }
    text.push_str(inside.trim());
    text
}

/// Text that may stand between tags and in an attribute.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
pub(super) mod tests {
    use super::{Ink, escaped, themed};

    /// What every chart must be: one element, described, in the page's colours alone, with nothing from elsewhere.
    pub(in super::super) fn assert_fit_for_a_page(svg: &str) {
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"), "{svg}");
        assert!(svg.contains("role=\"img\" aria-label=\""), "{svg}");
        assert!(!svg.contains("=\"#"), "a colour of its own: {svg}");
        assert!(!svg.contains("http") && !svg.contains("<script") && !svg.contains("NaN"), "{svg}");
        for tag in svg.split('<').skip(1) {
            assert!(tag.matches("class=").count() <= 1, "two classes on `{tag}`");
        }
    }

    #[test]
    fn every_role_has_a_colour_and_a_class_of_its_own() {
        let mut seen = std::collections::BTreeSet::new();
        for ink in Ink::all() {
            let colour = ink.colour();
            assert!(seen.insert((colour.2, ink.class())), "{ink:?}");
        }
        let svg = "<svg xmlns=\"http://x\">\n<line opacity=\"1\" stroke=\"#000010\"/><rect fill=\"#000001\"/></svg>\n";
        let themed = themed(svg, (3, 4), "a < \"b\"");
        assert_fit_for_a_page(&themed);
        assert!(themed.contains("<line class=\"line s0\"/><rect class=\"fill ink\"/>"), "{themed}");
        assert!(themed.contains("aria-label=\"a &lt; &quot;b&quot;\""), "{themed}");
    }

    #[test]
    fn nothing_that_ends_an_attribute_stays() {
        assert_eq!(escaped("<a href='x'>&\""), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;");
    }
}
