//! Round corners, bars and the hanger, with smooth edges.

use super::colours::{CARD, GREEN, HANGER, LINE, PAPER, TRACK};
use crate::screen::canvas::Canvas;
use crate::screen::layout::shrunk;
use crate::screen::picture::centred;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::{PointsIter, Rectangle};

/// Fills a rectangle with round corners.
pub(super) fn fill_round(canvas: &mut Canvas, area: Rectangle, radius: u32, colour: Rgb888) {
    let radius = radius.min(area.size.width / 2).min(area.size.height / 2);
    let (across, down) = (
        Size::new(area.size.width - 2 * radius, area.size.height),
        Size::new(area.size.width, area.size.height - 2 * radius),
    );
    let Ok(()) = canvas.fill_solid(&centred(area, down), colour);
    let Ok(()) = canvas.fill_solid(&centred(area, across), colour);
    corners(area, radius, |at, covered| {
        // The corner's square is drawn here alone, but for a radius of nothing.
        canvas.blend(at, colour, covered);
    });
}

/// Lays `outside` over the corners of a rectangle, so that what is in it gets round ones.
pub(super) fn round_off(canvas: &mut Canvas, area: Rectangle, radius: u32, outside: Rgb888) {
    let radius = radius.min(area.size.width / 2).min(area.size.height / 2);
    corners(area, radius, |at, covered| canvas.blend(at, outside, u8::MAX - covered));
}

/// A white card with a fine edge. What was there before shows nowhere, also not at its corners.
pub(super) fn card(canvas: &mut Canvas, area: Rectangle, radius: u32) {
    let Ok(()) = canvas.fill_solid(&area, PAPER);
    fill_round(canvas, area, radius, LINE);
    fill_round(canvas, shrunk(area, 1), radius.saturating_sub(1), CARD);
}

/// The bar of a probability.
pub(super) fn bar(canvas: &mut Canvas, area: Rectangle, percent: u8) {
    let radius = area.size.height / 2;
    fill_round(canvas, area, radius, TRACK);
    let width = area.size.width * u32::from(percent.min(100)) / 100;
    // A bar that is narrower than it is high is a dot.
    let width = if percent == 0 { 0 } else { width.max(area.size.height).min(area.size.width) };
    fill_round(canvas, Rectangle::new(area.top_left, Size::new(width, area.size.height)), radius, GREEN);
}

/// Each pixel of the four corners with how much of it is inside.
fn corners(area: Rectangle, radius: u32, mut give: impl FnMut(Point, u8)) {
    let side = i32::try_from(radius).unwrap_or(0);
    let (right, bottom) = (int(area.size.width) - 1, int(area.size.height) - 1);
    let centre = real(side);
    for y in 0..side {
        for x in 0..side {
            let (across, down) = (centre - real(x) - 0.5, centre - real(y) - 0.5);
            let covered = coverage(centre - length(across, down));
            for (x, y) in [(x, y), (right - x, y), (x, bottom - y), (right - x, bottom - y)] {
                give(area.top_left + Point::new(x, y), covered);
            }
        }
    }
}

/// The hanger of the page (its SVG path, flattened), in a field of 120×90.
const HANGER_PATH: [(f32, f32); 33] = [
    (50.0, 17.0),
    (50.8, 13.2),
    (52.9, 9.9),
    (56.2, 7.8),
    (60.0, 7.0),
    (63.8, 7.8),
    (67.1, 9.9),
    (69.2, 13.2),
    (70.0, 17.0),
    (69.4, 20.0),
    (67.8, 22.4),
    (65.6, 24.4),
    (63.4, 26.6),
    (61.4, 29.6),
    (60.0, 34.0),
    (8.0, 68.0),
    (6.0, 69.8),
    (4.9, 72.1),
    (4.8, 74.5),
    (5.6, 76.9),
    (7.2, 78.7),
    (9.5, 79.8),
    (12.0, 80.0),
    (108.0, 80.0),
    (110.5, 79.8),
    (112.8, 78.7),
    (114.4, 76.9),
    (115.2, 74.5),
    (115.1, 72.1),
    (114.0, 69.8),
    (112.0, 68.0),
    (60.0, 34.0),
    (60.0, 34.0),
];

/// The hanger in the middle of a place, where no picture is.
pub(super) fn hanger(canvas: &mut Canvas, place: Rectangle) {
    let width = (place.size.width.min(place.size.height * 2) * 2 / 5).min(400);
    mark(canvas, centred(place, Size::new(width, width * 3 / 4)), HANGER);
}

/// The hanger as large as a field of four to three.
pub(super) fn mark(canvas: &mut Canvas, field: Rectangle, colour: Rgb888) {
    let width = field.size.width;
    let scale = real(int(width)) / 120.0;
    let half = (2.0 * scale).max(0.8);
    let (left, top) = (real(field.top_left.x), real(field.top_left.y));
    for at in field.points() {
        let (x, y) = ((real(at.x) + 0.5 - left) / scale, (real(at.y) + 0.5 - top) / scale);
        let nearest = HANGER_PATH
            .iter()
            .zip(HANGER_PATH.iter().skip(1))
            .map(|(&from, &to)| distance((x, y), from, to))
            .fold(f32::INFINITY, f32::min);
        canvas.blend(at, colour, coverage(half - nearest * scale));
    }
}

/// From a point to the nearest of a line.
fn distance(point: (f32, f32), from: (f32, f32), to: (f32, f32)) -> f32 {
    let (along_x, along_y) = (to.0 - from.0, to.1 - from.1);
    let (x, y) = (point.0 - from.0, point.1 - from.1);
    let square = along_x * along_x + along_y * along_y;
    let share = if square > 0.0 { ((x * along_x + y * along_y) / square).clamp(0.0, 1.0) } else { 0.0 };
    length(x - share * along_x, y - share * along_y)
}

/// Of a vector. Not `hypot`, whose last bit is another on each system.
fn length(x: f32, y: f32) -> f32 {
    (x * x + y * y).sqrt()
}

/// How much of a pixel is inside whose middle lies so far inside an edge.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to 0 to 255")]
fn coverage(inside: f32) -> u8 {
    ((inside + 0.5).clamp(0.0, 1.0) * 255.0).round() as u8
}

#[expect(clippy::cast_precision_loss, reason = "pixels of a screen: far below 2^24")]
fn real(value: i32) -> f32 {
    value as f32
}

fn int(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::pixelcolor::RgbColor;

    #[test]
    fn corners_are_round_and_alike() {
        let mut canvas = Canvas::new(Size::new(20, 20));
        fill_round(&mut canvas, Rectangle::new(Point::zero(), Size::new(20, 20)), 8, Rgb888::WHITE);
        let at = |x, y| canvas.pixel(Point::new(x, y)).unwrap().r();
        assert_eq!((at(0, 0), at(10, 10), at(10, 0), at(0, 10)), (0, 255, 255, 255));
        for (x, y) in [(2, 2), (1, 4), (4, 1)] {
            assert_eq!([at(x, y), at(19 - x, y), at(x, 19 - y), at(19 - x, 19 - y)], [at(x, y); 4]);
        }
        let before = canvas.clone();
        round_off(&mut canvas, Rectangle::new(Point::zero(), Size::new(20, 20)), 8, Rgb888::BLACK);
        assert_eq!(canvas.pixel(Point::new(10, 10)), before.pixel(Point::new(10, 10)));
    }

    #[test]
    fn a_bar_is_as_long_as_it_says() {
        let filled = |percent| {
            let mut canvas = Canvas::new(Size::new(100, 4));
            bar(&mut canvas, Rectangle::new(Point::zero(), Size::new(100, 4)), percent);
            (0..100).filter(|&x| canvas.pixel(Point::new(x, 2)) == Some(GREEN)).count()
        };
        assert_eq!([0, 1, 50, 100, 255].map(filled), [0, 2, 48, 98, 98], "but for its round ends");
    }

    #[test]
    fn nothing_is_too_small_for_a_shape() {
        let mut canvas = Canvas::new(Size::new(3, 3));
        for size in [Size::zero(), Size::new(1, 1), Size::new(0, 9), Size::new(2, 1)] {
            let area = Rectangle::new(Point::new(1, 1), size);
            fill_round(&mut canvas, area, 9, Rgb888::WHITE);
            round_off(&mut canvas, area, 9, Rgb888::WHITE);
            card(&mut canvas, area, 4);
            bar(&mut canvas, area, 50);
            hanger(&mut canvas, area);
        }
    }
}
