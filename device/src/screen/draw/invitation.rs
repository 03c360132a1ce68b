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

/// The code as large as it fits in whole pixels a module, and a sentence under it where there is room.
pub(super) fn invitation(brush: &mut Brush<'_>, layout: &Layout, code: &Code, text: &str) {
    let all = Rectangle::new(Point::zero(), layout.size);
    fill(brush.canvas, all, PAPER);
    let modules = code.side() + 2 * QUIET;
    let style = Style { size: layout.letters.body, weight: Weight::Bold, colour: INK, lines: 3, align: Align::Left };
    let inside = shrunk(all, layout.padding);
    let words = brush.lines.balance(text, style, inside.size.width, brush.glyphs);
    let least = layout.size.width.min(layout.size.height);
    // A code that no phone reads is of no use with the best of sentences.
    let with_words = (layout.size.height.saturating_sub(words + 2 * layout.padding)).min(layout.size.width);
    let has_words = with_words / modules >= 3 || with_words / modules == least / modules;
    let scale = (if has_words { with_words } else { least } / modules).max(1);
    let side = modules * scale;
    let (above, below) = if has_words { split_down(all, with_words, 0) } else { (all, Rectangle::zero()) };
    let square = centred(above, Size::new(side, side));
    fill(brush.canvas, square, CARD);
    for (x, y, length) in code.runs() {
        let at = |module: u32| i32::try_from((module + QUIET) * scale).unwrap_or(0);
        let place = square.top_left + Point::new(at(x), at(y));
        fill(brush.canvas, Rectangle::new(place, Size::new(length * scale, scale)), INK);
    }
    if has_words {
        let words = brush.lines.balance(text, style, inside.size.width, brush.glyphs);
        let place = centred(below, Size::new(inside.size.width, words));
        brush.draw(text, style, place);
    }
}
