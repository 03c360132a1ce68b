//! Where everything stands on a screen of any size.
//!
//! Wide screens have the live picture at the left and the words at the right; square and high ones have them below each other. Letters grow
//! with the screen, slower than it does. On small screens the shop's name and the lines at the bottom are left out.

use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

/// Rectangles and sizes of letters for one size of screen. All rectangles lie on the screen; on a tiny one they may be empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The screen.
    pub size: Size,
    /// The shop's name.
    pub header: Rectangle,
    /// The live picture.
    pub live: Rectangle,
    /// All the words, where there is one message.
    pub words: Rectangle,
    /// What the garment is: the first part of [`Layout::words`].
    pub reading: Rectangle,
    /// The garment of the shop: the second part.
    pub matched: Rectangle,
    /// Privacy and engine.
    pub footer: Rectangle,
    /// Radius of corners.
    pub radius: u32,
    /// Between a card's edge and what is in it.
    pub padding: u32,
    /// Height of the bar of a probability.
    pub bar: u32,
    /// Letters.
    pub letters: Letters,
}

/// Sizes of letters, in pixels an em.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Letters {
    /// At the bottom of large screens.
    pub footer: u16,
    /// What is read last.
    pub small: u16,
    /// Sentences, titles of garments.
    pub body: u16,
    /// Messages, the largest that fits.
    pub message: [u16; 4],
    /// The name of a category, the largest that fits.
    pub category: [u16; 5],
}

/// A screen below this height has no header or footer when it is wide.
const HEADER_FROM: u32 = 400;
const FOOTER_FROM: u32 = 560;

impl Layout {
    /// The layout of a screen of this size.
    #[must_use]
    pub fn of(size: Size) -> Self {
        let (width, height) = (size.width, size.height);
        let is_wide = u64::from(width) * 5 > u64::from(height) * 6;
        // The side of a square of the same area: what letters and margins grow with.
        let side = (u64::from(width) * u64::from(height)).isqrt();
        let side = u32::try_from(side).unwrap_or(u32::MAX).min(4096);
        let letters = Letters::of(side);
        let margin = 4 + side / 40;
        let gap = 3 + side / 64;
        let header = if height >= HEADER_FROM { u32::from(letters.body) * 3 / 2 } else { 0 };
        let footer = if height >= FOOTER_FROM { u32::from(letters.footer) * 3 / 2 } else { 0 };

        let screen = Rectangle::new(Point::zero(), size);
        let inside = shrunk(screen, margin);
        let (header, rest) = split_down(inside, header, if header > 0 { gap } else { 0 });
        let up = if footer > 0 { footer + gap } else { 0 };
        let (main, footer) = split_down(rest, rest.size.height.saturating_sub(up), if footer > 0 { gap } else { 0 });
        let (live, words) = if is_wide {
            // A small screen needs its width for words.
            let share = if side < 400 { 48 } else { 54 };
            split_across(main, main.size.width * share / 100, gap)
        } else {
            // So does one that is square.
            let share = if side < 300 { 38 } else { 45 };
            split_down(main, main.size.height * share / 100, gap)
        };
        let share = if side < 270 { 58 } else { 54 };
        let (reading, matched) = split_down(words, words.size.height.saturating_sub(gap) * share / 100, gap);
        Self {
            size,
            header,
            live,
            words,
            reading,
            matched,
            footer,
            radius: 6 + side / 55,
            padding: 1 + side / 36,
            bar: 4 + side / 80,
            letters,
        }
    }
}

impl Letters {
    fn of(side: u32) -> Self {
        let grown = |at_240: u32, per_mille: u32| {
            let size =
                if side < 240 { at_240 * (60 + side / 6) / 100 } else { at_240 + (side - 240) * per_mille / 1000 };
            u16::try_from(size.clamp(6, 400)).unwrap_or(400)
        };
        let steps = |largest: u16, percent: u16| {
            u16::try_from(u32::from(largest) * u32::from(percent) / 100).unwrap_or(largest).max(6)
        };
        let (message, category) = (grown(25, 42), grown(30, 66));
        Self {
            footer: grown(11, 11),
            small: grown(13, 13),
            body: grown(15, 19),
            message: [100, 86, 72, 60].map(|percent| steps(message, percent)),
            category: [100, 88, 76, 65, 54].map(|percent| steps(category, percent)),
        }
    }
}

/// A rectangle without `by` pixels at each edge.
#[must_use]
pub fn shrunk(area: Rectangle, by: u32) -> Rectangle {
    let less = |length: u32| (length.min(2 * by) / 2, length.saturating_sub(2 * by));
    let ((left, width), (top, height)) = (less(area.size.width), less(area.size.height));
    Rectangle::new(area.top_left + offset(left, top), Size::new(width, height))
}

/// The upper `height` pixels of a rectangle, and what is left below a gap.
#[must_use]
pub fn split_down(area: Rectangle, height: u32, gap: u32) -> (Rectangle, Rectangle) {
    let Size { width, height: room } = area.size;
    let height = height.min(room);
    let from = height.saturating_add(gap).min(room);
    let upper = Rectangle::new(area.top_left, Size::new(width, height));
    (upper, Rectangle::new(area.top_left + offset(0, from), Size::new(width, room - from)))
}

/// The left `width` pixels of a rectangle, and what is left beside a gap.
#[must_use]
pub fn split_across(area: Rectangle, width: u32, gap: u32) -> (Rectangle, Rectangle) {
    let Size { width: room, height } = area.size;
    let width = width.min(room);
    let from = width.saturating_add(gap).min(room);
    let left = Rectangle::new(area.top_left, Size::new(width, height));
    (left, Rectangle::new(area.top_left + offset(from, 0), Size::new(room - from, height)))
}

fn offset(x: u32, y: u32) -> Point {
    let length = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
    Point::new(length(x), length(y))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn large_screens_have_everything_and_small_ones_what_matters() {
        for (width, height, has_header, has_footer, is_wide) in [
            (240, 240, false, false, false),
            (320, 240, false, false, true),
            (480, 800, true, true, false),
            (800, 480, true, false, true),
            (1280, 800, true, true, true),
        ] {
            let layout = Layout::of(Size::new(width, height));
            assert_eq!(!layout.header.is_zero_sized(), has_header, "{width}×{height}");
            assert_eq!(!layout.footer.is_zero_sized(), has_footer, "{width}×{height}");
            assert_eq!(layout.live.top_left.y == layout.words.top_left.y, is_wide, "{width}×{height}");
            for area in [layout.live, layout.reading, layout.matched] {
                assert!(area.size.width >= 100 && area.size.height >= 50, "{width}×{height}: {area:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn everything_lies_on_the_screen_and_nothing_on_something_else(width in 1_u32..5000, height in 1_u32..5000) {
            let layout = Layout::of(Size::new(width, height));
            let screen = Rectangle::new(Point::zero(), layout.size);
            let areas = [layout.header, layout.live, layout.reading, layout.matched, layout.footer];
            for (index, area) in areas.iter().enumerate() {
                prop_assert!(area.is_zero_sized() || area.intersection(&screen) == *area, "{:?}", layout);
                for other in areas.iter().skip(index + 1) {
                    prop_assert!(area.intersection(other).is_zero_sized(), "{:?}", layout);
                }
            }
            for part in [layout.reading, layout.matched] {
                prop_assert!(part.is_zero_sized() || part.intersection(&layout.words) == part);
            }
        }
    }
}
