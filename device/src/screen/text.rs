//! Texts in rectangles: lines, ellipses, the largest size that fits.
//!
//! Lines break after spaces and hyphens and between Chinese characters, but not before a closing mark; a word that is wider than a line is
//! broken where it must. What does not fit ends in an ellipsis.

use super::canvas::Canvas;
use super::font::{Glyphs, Weight};
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::Rectangle;

const ELLIPSIS: char = '…';

/// How a text looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Style {
    /// Pixels an em.
    pub size: u16,
    /// How heavy.
    pub weight: Weight,
    /// The letters' colour.
    pub colour: Rgb888,
    /// Lines, at most.
    pub lines: usize,
    /// Where lines stand that are shorter than the rectangle.
    pub align: Align,
}

/// Where a short line stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// At the left.
    Left,
    /// In the middle.
    Centre,
    /// At the right.
    Right,
}

/// A part of a text that stands in one line.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Line {
    start: usize,
    end: usize,
    width: f32,
    /// Whether an ellipsis follows.
    is_cut: bool,
}

/// A text laid into lines; its memory is used again.
#[derive(Debug, Default)]
pub struct Lines {
    lines: Vec<Line>,
    /// Whether a word was broken inside.
    is_broken: bool,
}

/// From one baseline to the next.
#[must_use]
pub fn line_height(size: u16) -> u32 {
    (u32::from(size) * 5).div_ceil(4)
}

impl Lines {
    /// Lays out `text` in lines of `width` pixels and gives their height.
    pub fn lay(&mut self, text: &str, style: Style, width: u32, glyphs: &mut Glyphs) -> u32 {
        let style = Style { weight: glyphs.weight_of(text, style.weight), ..style };
        let width = f32::from(u16::try_from(width).unwrap_or(u16::MAX));
        self.wrap(text, style, width, glyphs);
        u32::try_from(self.lines.len()).unwrap_or(u32::MAX).saturating_mul(line_height(style.size))
    }

    /// Lays out `text` and gives the width of its longest line.
    pub fn width(&mut self, text: &str, style: Style, width: u32, glyphs: &mut Glyphs) -> u32 {
        self.lay(text, style, width, glyphs);
        let longest = self.lines.iter().map(|line| whole(line.width.ceil())).max().unwrap_or(0);
        u32::try_from(longest).unwrap_or(0)
    }

    /// As [`Lines::lay`], with lines of about one length.
    pub fn balance(&mut self, text: &str, style: Style, width: u32, glyphs: &mut Glyphs) -> u32 {
        let height = self.lay(text, style, width, glyphs);
        let (count, was_broken) = (self.lines.len(), self.is_broken);
        if count < 2 || self.is_cut() {
            return height;
        }
        let (mut narrow, mut wide) = (width / 2, width);
        while narrow + 1 < wide {
            let middle = narrow.midpoint(wide);
            self.lay(text, style, middle, glyphs);
            let fits = self.lines.len() == count && !self.is_cut() && self.is_broken == was_broken;
            *(if fits { &mut wide } else { &mut narrow }) = middle;
        }
        self.lay(text, style, wide, glyphs)
    }

    /// The first of the sizes at which `text` fits into `space` without a broken word; the last one where none does.
    pub fn fit(&mut self, text: &str, style: Style, sizes: &[u16], space: Size, glyphs: &mut Glyphs) -> Style {
        let mut fitted = style;
        for &size in sizes {
            fitted = Style { size, ..style };
            let height = self.lay(text, fitted, space.width, glyphs);
            if !self.is_cut() && !self.is_broken && height <= space.height {
                break;
            }
        }
        fitted
    }

    /// Whether a word had to be broken inside.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.is_broken
    }

    /// Whether not all of the text is there.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.lines.iter().any(|line| line.is_cut)
    }

    /// Draws the lines that were laid out last, from the top of `place`; lines that do not fit are left out.
    pub fn draw(&self, text: &str, style: Style, place: Rectangle, glyphs: &mut Glyphs, canvas: &mut Canvas) {
        let style = Style { weight: glyphs.weight_of(text, style.weight), ..style };
        let step = i32::try_from(line_height(style.size)).unwrap_or(i32::MAX);
        let bottom = place.top_left.y.saturating_add(i32::try_from(place.size.height).unwrap_or(i32::MAX));
        // Capital letters stand in the middle of their line.
        let baseline = (f32::from(style.size) * 0.357).round() + f32::from(u16::try_from(step).unwrap_or(0)) / 2.0;
        let mut top = place.top_left.y;
        for line in &self.lines {
            if top.saturating_add(step) > bottom.saturating_add(step / 8) {
                return;
            }
            let spare = f32::from(u16::try_from(place.size.width).unwrap_or(u16::MAX)) - line.width;
            let indent = match style.align {
                Align::Left => 0.0,
                Align::Centre => (spare / 2.0).floor(),
                Align::Right => spare,
            };
            let pen = Pen { x: indent.max(0.0), at: Point::new(place.top_left.x, top + whole(baseline)), place };
            let part = text.get(line.start..line.end).unwrap_or_default();
            let letters = part.chars().chain(line.is_cut.then_some(ELLIPSIS));
            pen.write(letters, style, glyphs, canvas);
            top += step;
        }
    }

    fn wrap(&mut self, text: &str, style: Style, width: f32, glyphs: &mut Glyphs) {
        self.lines.clear();
        self.is_broken = false;
        let mut start = 0;
        while start < text.len() && self.lines.len() < style.lines {
            let is_last = self.lines.len() + 1 == style.lines;
            let (line, next, broke) = one_line(text, start, style, width, glyphs);
            self.is_broken |= broke;
            if is_last && next < text.len() {
                self.lines.push(cut_line(text, start, style, width, glyphs));
                return;
            }
            self.lines.push(line);
            start = next;
        }
    }
}

/// The line that begins at `start`, where the next one begins, and whether a word had to be broken.
fn one_line(text: &str, start: usize, style: Style, width: f32, glyphs: &mut Glyphs) -> (Line, usize, bool) {
    let rest = text.get(start..).unwrap_or_default();
    let (mut x, mut before) = (0.0, None);
    // Where the line may end, how wide it is then, and where the next one begins.
    let mut ending = None;
    for (index, letter) in rest.char_indices() {
        let at = start + index;
        if let Some(before) = before
            && may_break(before, letter)
        {
            ending = Some(at);
        }
        let advance = glyphs.advance(letter, style.size, style.weight);
        let is_over = x + advance > width && !letter.is_whitespace();
        if letter == '\n' || is_over && index > 0 {
            let (end, next, broke) = match ending {
                _ if letter == '\n' => (at, at + 1, false),
                Some(end) => (end, end, false),
                None => (at, at, true),
            };
            return (measured(text, start, end, style, glyphs), next, broke);
        }
        x += advance;
        before = Some(letter);
    }
    (measured(text, start, text.len(), style, glyphs), text.len(), false)
}

/// As much of the text as fits with an ellipsis behind it.
fn cut_line(text: &str, start: usize, style: Style, width: f32, glyphs: &mut Glyphs) -> Line {
    let room = width - glyphs.advance(ELLIPSIS, style.size, style.weight);
    let rest = text.get(start..).unwrap_or_default();
    let (mut x, mut end) = (0.0, start);
    for (index, letter) in rest.char_indices() {
        x += glyphs.advance(letter, style.size, style.weight);
        if letter == '\n' || x > room {
            break;
        }
        end = start + index + letter.len_utf8();
    }
    let line = measured(text, start, end, style, glyphs);
    Line { width: line.width + glyphs.advance(ELLIPSIS, style.size, style.weight), is_cut: true, ..line }
}

/// A line without the spaces at its end.
fn measured(text: &str, start: usize, end: usize, style: Style, glyphs: &mut Glyphs) -> Line {
    let part = text.get(start..end).unwrap_or_default().trim_end_matches([' ', '\n', '\t', '\u{3000}']);
    let width = part.chars().map(|letter| glyphs.advance(letter, style.size, style.weight)).sum();
    Line { start, end: start + part.len(), width, is_cut: false }
}

/// Whether a line may end between two characters. **Source** Unicode Standard Annex 14, the part of it that our languages need.
fn may_break(before: char, after: char) -> bool {
    if after.is_whitespace() || is_closing(after) || is_opening(before) || before == '\u{a0}' || after == '\u{a0}' {
        return false;
    }
    before.is_whitespace()
        || matches!(before, '-' | '–' | '/' | '\u{ad}' | '\u{200b}')
        || is_ideograph(before)
        || is_ideograph(after)
}

fn is_ideograph(letter: char) -> bool {
    matches!(letter, '\u{2e80}'..='\u{9fff}' | '\u{ac00}'..='\u{d7af}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{20000}'..='\u{3ffff}')
}

fn is_closing(letter: char) -> bool {
    "，。、！？：；）」』】》〉〕｝～…‧·,.!?:;)]}%’”％".contains(letter)
}

fn is_opening(letter: char) -> bool {
    "（「『【《〈〔｛([{‘“„‚$€£¥＄".contains(letter)
}

/// Where letters are written.
struct Pen {
    /// From `at`, to the right.
    x: f32,
    /// Left end of the baseline.
    at: Point,
    /// Nothing is written outside.
    place: Rectangle,
}

impl Pen {
    fn write(mut self, letters: impl Iterator<Item = char>, style: Style, glyphs: &mut Glyphs, canvas: &mut Canvas) {
        for letter in letters {
            let (glyph, x) = glyphs.glyph(letter, style.size, style.weight, self.x);
            let corner = self.at + Point::new(x + glyph.left, glyph.top);
            // A slanted letter may stand over its place by a little; a line of a place that is too small may not.
            let room = self.place.top_left.x + i32::try_from(self.place.size.width).unwrap_or(i32::MAX);
            if corner.x > room {
                return;
            }
            if glyph.width > 0 {
                let rows = glyphs.coverage(&glyph).chunks_exact(glyph.width as usize);
                for (y, row) in (corner.y..).zip(rows) {
                    for (x, &covered) in (corner.x..room).zip(row) {
                        if covered > 0 {
                            canvas.blend(Point::new(x, y), style.colour, covered);
                        }
                    }
                }
            }
            self.x += glyphs.advance(letter, style.size, style.weight);
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "`as` saturates; it is a part of a line's height")]
fn whole(value: f32) -> i32 {
    value.round() as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::geometry::OriginDimensions;
    use embedded_graphics::pixelcolor::RgbColor;
    use embedded_graphics::prelude::Dimensions;
    use proptest::prelude::*;

    const STYLE: Style =
        Style { size: 20, weight: Weight::Regular, colour: Rgb888::WHITE, lines: 9, align: Align::Left };

    fn laid(text: &str, style: Style, width: u32) -> Vec<String> {
        let mut lines = Lines::default();
        lines.lay(text, style, width, &mut Glyphs::new());
        let end = |line: &Line| if line.is_cut { "…" } else { "" };
        lines.lines.iter().map(|line| format!("{}{}", &text[line.start..line.end], end(line))).collect()
    }

    #[test]
    fn lines_break_where_the_language_allows() {
        for (text, width, expected) in [
            ("", 100, &[][..]),
            ("Hemd", 100, &["Hemd"]),
            ("Kurzes Hemd", 100, &["Kurzes", "Hemd"]),
            ("T-Shirt", 50, &["T-", "Shirt"]),
            ("Oberbekleidung", 80, &["Oberbe", "kleidun", "g"]),
            ("這是什麼衣服", 60, &["這是什", "麼衣服"]),
            // The comma goes with what it follows, which takes the character before it along.
            ("這是什，麼衣", 60, &["這是", "什，麼", "衣"]),
            ("請稍候。", 60, &["請稍", "候。"]),
            ("one\ntwo", 200, &["one", "two"]),
            ("19,90\u{a0}€ x", 75, &["19,90\u{a0}€", "x"]),
        ] {
            assert_eq!(laid(text, STYLE, width), expected, "{text}");
        }
    }

    #[test]
    fn what_does_not_fit_ends_in_an_ellipsis() {
        let one = Style { lines: 1, ..STYLE };
        assert_eq!(laid("Kurzes Hemd", one, 100), ["Kurzes H…"]);
        assert_eq!(laid("Kurzes Hemd mit Kragen", Style { lines: 2, ..STYLE }, 100), ["Kurzes", "Hemd m…"]);
        assert_eq!(laid("這是什麼衣服", one, 80), ["這是什…"]);
        assert_eq!(laid("Hemd", one, 1), ["…"]);
    }

    #[test]
    fn balanced_lines_are_about_as_long_as_each_other() {
        let (text, mut glyphs, mut lines) = ("Hold a garment in front of the camera", Glyphs::new(), Lines::default());
        let plain = lines.lay(text, STYLE, 300, &mut glyphs);
        let last = lines.lines.last().unwrap().width;
        let balanced = lines.balance(text, STYLE, 300, &mut glyphs);
        assert_eq!(plain, balanced);
        assert!(lines.lines.last().unwrap().width > last, "{lines:?}");
    }

    #[test]
    fn the_largest_size_that_fits_is_taken() {
        let (mut glyphs, mut lines) = (Glyphs::new(), Lines::default());
        let mut fit = |text, width| lines.fit(text, STYLE, &[40, 30, 20], Size::new(width, 120), &mut glyphs).size;
        assert_eq!(fit("Hemd", 200), 40);
        assert_eq!(fit("Oberbekleidung", 250), 30);
        assert_eq!(fit("Oberbekleidung", 20), 20);
    }

    proptest! {
        #[test]
        fn no_text_or_place_makes_it_panic(
            text in "\\PC{0,60}|[a-z \n，。衣服]{0,60}",
            (width, height) in (0_u32..200, 0_u32..60),
            (x, y) in (-50_i32..50, -50_i32..50),
            size in 1_u16..60,
            lines in 0_usize..4,
            align in prop::sample::select(&[Align::Left, Align::Centre, Align::Right][..]),
        ) {
            let (mut glyphs, mut laid) = (Glyphs::new(), Lines::default());
            let style = Style { size, lines, align, ..STYLE };
            laid.balance(&text, style, width, &mut glyphs);
            prop_assert!(laid.lines.len() <= lines);
            let mut canvas = Canvas::new(Size::new(100, 50));
            laid.draw(&text, style, Rectangle::new(Point::new(x, y), Size::new(width, height)), &mut glyphs, &mut canvas);
            prop_assert_eq!(canvas.bounding_box().size, canvas.size());
        }

        /// Nothing is lost or doubled: the lines together are the text but for white space.
        #[test]
        fn all_of_a_text_is_in_its_lines(text in "[a-zäöü ，。衣服-]{0,60}", width in 1_u32..300) {
            let visible = |text: &str| text.split_whitespace().collect::<String>();
            let lines = laid(&text, Style { lines: 99, ..STYLE }, width);
            prop_assert_eq!(visible(&lines.concat()), visible(&text));
        }
    }
}
