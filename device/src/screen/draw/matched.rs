//! The garment of the shop.

use super::colours::{GREEN, INK, SAND, SOFT};
use super::{Brush, shapes, shrunk_to};
use crate::screen::font::Weight;
use crate::screen::layout::{Layout, shrunk, split_across, split_down};
use crate::screen::picture::{Fit, Scaler, place};
use crate::screen::text::{Align, Style, line_height};
use crate::screen::view::{Matched, Percent, Photo, View};
use crate::words::fill_percent;
use embedded_graphics::geometry::Size;
use embedded_graphics::primitives::Rectangle;

/// One card with what is said of the shop.
pub(super) fn matched(brush: &mut Brush<'_>, scaler: &mut Scaler, layout: &Layout, view: &View<'_>) {
    let inside = brush.card(layout, layout.matched);
    match view.matched {
        Matched::Nothing => {}
        Matched::Message(text) => message(brush, layout, inside, text, view),
        Matched::Garment { heading, title, price, similarity, is_confident, photo } => {
            let card = shrunk(layout.matched, 1);
            let words = pictured(brush, scaler, layout, card, inside, photo);
            let tone = if is_confident { GREEN } else { SAND };
            let small =
                Style { size: layout.letters.small, weight: Weight::Bold, colour: tone, lines: 1, align: Align::Left };
            // A narrow card has no room for large words.
            let is_narrow = words.size.width < u32::from(layout.letters.body) * 6;
            let size = if is_narrow { layout.letters.small } else { layout.letters.body };
            let body = Style { size, colour: INK, ..small };
            let parts = [
                Part { text: heading, style: Style { lines: 2, ..small }, is_needed: false },
                Part { text: title, style: Style { lines: 3, ..body }, is_needed: true },
                Part { text: price, style: Style { weight: Weight::Regular, ..body }, is_needed: true },
                Part { text: similarity, style: Style { weight: Weight::Regular, ..small }, is_needed: false },
            ];
            below_each_other(brush, parts, words);
        }
    }
}

/// The photograph at the left, or above in a card that is higher than wide; gives what is left for words.
fn pictured(
    brush: &mut Brush<'_>,
    scaler: &mut Scaler,
    layout: &Layout,
    card: Rectangle,
    inside: Rectangle,
    photo: Photo<'_>,
) -> Rectangle {
    let Some(picture) = photo.picture else { return inside };
    let gap = layout.padding;
    let is_high = card.size.height > card.size.width;
    let (frame, words) = if is_high {
        split_down(inside, inside.size.height * 55 / 100, gap)
    } else {
        let width = inside.size.height.min(inside.size.width * 40 / 100);
        split_across(inside, width, gap)
    };
    if let Some(placed) = place(Size::new(picture.width(), picture.height()), frame, Fit::Filled) {
        scaler.draw(picture, placed, brush.canvas);
        shapes::round_off(brush.canvas, placed.to, layout.radius / 2, super::colours::CARD);
    }
    words
}

/// A sentence in the middle of the card.
fn message(brush: &mut Brush<'_>, layout: &Layout, inside: Rectangle, text: Percent<'_>, view: &View<'_>) {
    let mut line = std::mem::take(brush.line);
    line.clear();
    fill_percent(&mut line, view.language, text.template, text.percent);
    let style =
        Style { size: layout.letters.body, weight: Weight::Regular, colour: SOFT, lines: 4, align: Align::Left };
    let height = brush.lines.balance(&line, style, inside.size.width, brush.glyphs);
    brush.draw(&line, style, shrunk_to(inside, inside.size.height.saturating_sub(height) / 2));
    *brush.line = line;
}

/// A text of a card.
#[derive(Clone, Copy)]
struct Part<'a> {
    text: &'a str,
    style: Style,
    /// Whether others go first where there is too little room.
    is_needed: bool,
}

/// Texts below each other in the middle of the height: what is not needed goes first, from the end; then lines do.
fn below_each_other<const N: usize>(brush: &mut Brush<'_>, mut parts: [Part<'_>; N], place: Rectangle) {
    let gap = parts.iter().map(|part| u32::from(part.style.size) / 6).min().unwrap_or(0);
    let mut heights = [0; N];
    loop {
        for (height, part) in heights.iter_mut().zip(&parts) {
            *height = if part.text.is_empty() {
                0
            } else {
                brush.lines.lay(part.text, part.style, place.size.width, brush.glyphs) + gap
            };
        }
        if heights.iter().sum::<u32>() <= gap + place.size.height {
            break;
        }
        if let Some(part) = parts.iter_mut().rev().find(|part| !part.is_needed && !part.text.is_empty()) {
            part.text = "";
        } else if let Some(part) =
            parts.iter_mut().max_by_key(|part| part.style.lines).filter(|part| part.style.lines > 1)
        {
            part.style.lines -= 1;
        } else {
            break;
        }
    }
    let mut top = place.size.height.saturating_sub(heights.iter().sum()) / 2;
    for (part, height) in parts.iter().zip(heights) {
        if height >= line_height(part.style.size) {
            brush.lines.lay(part.text, part.style, place.size.width, brush.glyphs);
            brush.draw(part.text, part.style, shrunk_to(place, top));
        }
        top += height;
    }
}
