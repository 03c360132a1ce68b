//! A QR code in place of everything else.

use super::colours::{CARD, INK, PAPER};
use super::{Brush, fill};
use crate::lan::Code;
use crate::lan::code::QUIET;
use crate::screen::font::Weight;
use crate::screen::layout::{Layout, shrunk, split_down};
use crate::screen::picture::centred;
use crate::screen::text::{Align, Style};
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

/// The code as large as it fits in whole pixels a module, and sentences under it where there is room: the last ones give way first, since a code that no
/// phone reads is of no use with the best of sentences.
pub(super) fn invitation(brush: &mut Brush<'_>, layout: &Layout, code: &Code, texts: &[&str]) {
    let all = Rectangle::new(Point::zero(), layout.size);
    fill(brush.canvas, all, PAPER);
    let inside = shrunk(all, layout.padding);
    let modules = code.side() + 2 * QUIET;
    let alone = (layout.size.width.min(layout.size.height) / modules).max(1);
    let (scale, texts) = (0..=texts.len())
        .rev()
        .filter_map(|count| texts.get(..count))
        .map(|texts| {
            let words: u32 = texts.iter().enumerate().map(|(at, text)| brush.height(at, text, layout, inside)).sum();
            let room = layout.size.height.saturating_sub(words).min(layout.size.width);
            ((room / modules).max(1), texts)
        })
        .find(|(scale, texts)| *scale >= LEAST_SCALE.min(alone) || texts.is_empty())
        .unwrap_or((alone, &[]));
    let side = modules * scale;
    let (above, below) = if texts.is_empty() { (all, all) } else { split_down(all, side, 0) };
    let square = centred(above, Size::new(side, side));
    fill(brush.canvas, square, CARD);
    for (x, y, length) in code.runs() {
        let at = |module: u32| i32::try_from((module + QUIET) * scale).unwrap_or(0);
        let place = square.top_left + Point::new(at(x), at(y));
        fill(brush.canvas, Rectangle::new(place, Size::new(length * scale, scale)), INK);
    }
    let mut left = Rectangle::new(
        Point::new(inside.top_left.x, below.top_left.y),
        Size::new(inside.size.width, below.size.height),
    );
    for (at, text) in texts.iter().enumerate() {
        let height = brush.height(at, text, layout, inside);
        let (place, rest) = split_down(left, height, 0);
        brush.draw(text, style(at, layout), place);
        left = rest;
    }
}

/// Pixels a module that any phone reads.
const LEAST_SCALE: u32 = 3;

/// The first sentence says what to do, the others are for who looks closer.
fn style(at: usize, layout: &Layout) -> Style {
    let (size, weight) = match at {
        0 => (layout.letters.body, Weight::Bold),
        _ => (layout.letters.small, Weight::Regular),
    };
    Style { size, weight, colour: INK, lines: 4, align: Align::Left }
}

impl Brush<'_> {
    /// The height of a sentence with some space under it. It is laid out after that.
    fn height(&mut self, at: usize, text: &str, layout: &Layout, inside: Rectangle) -> u32 {
        self.lines.balance(text, style(at, layout), inside.size.width, self.glyphs) + layout.padding
    }
}
