//! Pictures in rectangles: scaled with a triangle filter, in whole numbers, without memory of its own once it is warm.
//!
//! Rows are reduced first and columns then, so a source is read once in the order of its bytes.

use super::canvas::Canvas;
use crate::resample::{WEIGHT_BITS, Weights};
use clothingid_shared::picture::Picture;
use embedded_graphics::geometry::{Point, Size};
use embedded_graphics::primitives::Rectangle;

/// Bits that are dropped after the rows, so that columns fit into 32 bits.
const ROW_SHIFT: u32 = 6;
/// Bits that are left to drop in the end.
const LAST_SHIFT: u32 = 2 * WEIGHT_BITS - ROW_SHIFT;

/// How much of a picture may be cut away so that it fills its place: a quarter of one side.
const CUT: f64 = 0.25;

/// How a picture lies in its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fit {
    /// All of it is seen.
    Whole,
    /// It fills its place where at most a quarter is cut away for that.
    Filled,
}

/// The part of a picture that is shown, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placed {
    /// In pixels of the picture.
    pub from: Rectangle,
    /// In pixels of the canvas.
    pub to: Rectangle,
}

/// Where a picture of this size lies in `place`; nothing where one of them is empty.
#[must_use]
pub fn place(picture: Size, place: Rectangle, fit: Fit) -> Option<Placed> {
    if picture.width == 0 || picture.height == 0 {
        return None;
    }
    let (width, height) = (f64::from(picture.width), f64::from(picture.height));
    let (across, down) = (f64::from(place.size.width) / width, f64::from(place.size.height) / height);
    let whole = across.min(down);
    let scale = match fit {
        Fit::Whole => whole,
        Fit::Filled => across.max(down).min(whole / (1.0 - CUT)),
    };
    if !(scale > 0.0 && scale.is_finite()) {
        return None;
    }
    let shown = |length: f64, room: u32| to_count(length * scale).min(room);
    let to = Size::new(shown(width, place.size.width), shown(height, place.size.height));
    let taken = |shown: u32, length: u32| to_count(f64::from(shown) / scale).min(length);
    let from = Size::new(taken(to.width, picture.width), taken(to.height, picture.height));
    Some(Placed { from: centred(Rectangle::new(Point::zero(), picture), from), to: centred(place, to) })
}

/// A rectangle of this size in the middle of another.
#[must_use]
pub fn centred(within: Rectangle, size: Size) -> Rectangle {
    let half = |room: u32, length: u32| i32::try_from(room.saturating_sub(length) / 2).unwrap_or(0);
    let offset = Point::new(half(within.size.width, size.width), half(within.size.height, size.height));
    Rectangle::new(within.top_left + offset, size)
}

/// Scales pictures into canvases, and keeps its tables while sizes stay.
#[derive(Debug, Default)]
pub struct Scaler {
    across: Axis,
    down: Axis,
    row: Vec<u32>,
}

impl Scaler {
    /// Draws a part of a picture; what lies outside of picture or canvas is left out.
    pub fn draw(&mut self, picture: &Picture, placed: Placed, canvas: &mut Canvas) {
        let all = Rectangle::new(Point::zero(), Size::new(picture.width(), picture.height()));
        let (from, (columns, rows)) = (placed.from.intersection(&all), canvas.clip(&placed.to));
        if from.is_zero_sized() || columns.is_empty() || rows.is_empty() {
            return;
        }
        let (left, top) = (from.top_left.x.unsigned_abs(), from.top_left.y.unsigned_abs());
        self.across.set(from.size.width, columns.end - columns.start);
        self.down.set(from.size.height, rows.end - rows.start);
        let stride = picture.width() as usize * 3;
        let (start, byte_len) = (left as usize * 3, from.size.width as usize * 3);
        for (y, taps) in rows.zip(self.down.weights.taps()) {
            self.row.clear();
            self.row.resize(byte_len, 0);
            for (index, &weight) in self.down.weights.of(taps).iter().enumerate() {
                let at = (top as usize + taps.first + index) * stride + start;
                let source = picture.rgb().get(at..at + byte_len).unwrap_or_default();
                for (sum, &value) in self.row.iter_mut().zip(source) {
                    *sum += weight * u32::from(value);
                }
            }
            for sum in &mut self.row {
                *sum = (*sum + (1 << (ROW_SHIFT - 1))) >> ROW_SHIFT;
            }
            let pixels = self.row.as_chunks::<3>().0;
            let target = canvas.row_mut(y, columns.clone()).as_chunks_mut::<3>().0;
            for (pixel, taps) in target.iter_mut().zip(self.across.weights.taps()) {
                let weights = self.across.weights.of(taps);
                let mut sums = [1_u32 << (LAST_SHIFT - 1); 3];
                for (&weight, values) in weights.iter().zip(pixels.get(taps.first..).unwrap_or_default()) {
                    for (sum, value) in sums.iter_mut().zip(values) {
                        *sum += weight * value;
                    }
                }
                *pixel = sums.map(|sum| u8::try_from(sum >> LAST_SHIFT).unwrap_or(u8::MAX));
            }
        }
    }
}

/// The weights of one direction, and what they were made for.
#[derive(Debug, Default)]
struct Axis {
    of: (u32, u32),
    weights: Weights,
}

impl Axis {
    /// Weights for `to` target pixels of `length` source pixels.
    fn set(&mut self, length: u32, to: u32) {
        if self.of != (length, to) {
            self.of = (length, to);
            self.weights.fit(length as usize, 0.0, f64::from(length), to as usize);
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and NaN is 0")]
fn to_floor(value: f64) -> u32 {
    value as u32
}

/// Rounded to the nearest, at least one.
fn to_count(value: f64) -> u32 {
    to_floor(value.round()).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rectangle(x: i32, y: i32, width: u32, height: u32) -> Rectangle {
        Rectangle::new(Point::new(x, y), Size::new(width, height))
    }

    #[test]
    fn pictures_fill_their_place_where_little_is_cut_away() {
        let within = rectangle(10, 20, 200, 100);
        let of = |width, height, fit| place(Size::new(width, height), within, fit).map(|p| (p.from, p.to));
        let all = |width, height| rectangle(0, 0, width, height);
        assert_eq!(of(400, 200, Fit::Filled), Some((all(400, 200), within)));
        assert_eq!(of(160, 90, Fit::Filled), Some((rectangle(0, 5, 160, 80), within)));
        assert_eq!(of(90, 160, Fit::Whole), Some((all(90, 160), rectangle(82, 20, 56, 100))));
        // A portrait would lose two thirds: it is cut by a quarter and has bars at its sides.
        assert_eq!(of(100, 160, Fit::Filled), Some((rectangle(0, 20, 100, 120), rectangle(68, 20, 83, 100))));
        assert_eq!(of(0, 10, Fit::Whole), None);
        assert_eq!(place(Size::new(9, 9), rectangle(0, 0, 0, 5), Fit::Filled), None);
        assert_eq!(of(u32::MAX, 1, Fit::Whole).unwrap().1.size, Size::new(200, 1));
    }

    #[test]
    fn the_same_size_is_the_same_pixels_and_half_is_the_mean() {
        let bytes: Vec<u8> = (0..4 * 2 * 3).map(|value| value * 10).collect();
        let picture = Picture::new(4, 2, bytes.clone()).unwrap();
        let mut canvas = Canvas::new(Size::new(4, 2));
        let whole = rectangle(0, 0, 4, 2);
        Scaler::default().draw(&picture, Placed { from: whole, to: whole }, &mut canvas);
        assert_eq!(canvas.rgb(), bytes);

        let checks = Picture::new(4, 4, [[0_u8; 3], [200; 3]].repeat(8).concat()).unwrap();
        let mut canvas = Canvas::new(Size::new(2, 2));
        let placed = Placed { from: rectangle(0, 0, 4, 4), to: rectangle(0, 0, 2, 2) };
        Scaler::default().draw(&checks, placed, &mut canvas);
        assert!(canvas.rgb().iter().all(|&value| (70..=130).contains(&value)), "{:?}", canvas.rgb());
    }

    proptest! {
        #[test]
        fn a_plain_picture_stays_plain_and_nothing_else_is_touched(
            (width, height) in (1_u32..40, 1_u32..40),
            (x, y, w, h) in (-20_i32..30, -20_i32..30, 0_u32..60, 0_u32..60),
            (left, top, across, down) in (-5_i32..30, -5_i32..30, 0_u32..50, 0_u32..50),
            value in 1_u8..=255,
        ) {
            let picture = Picture::filled(width, height, [value; 3]);
            let mut canvas = Canvas::new(Size::new(30, 20));
            let placed = Placed { from: rectangle(left, top, across, down), to: rectangle(x, y, w, h) };
            Scaler::default().draw(&picture, placed, &mut canvas);
            let drawn = canvas.rgb().iter().filter(|&&byte| byte != 0).count();
            prop_assert!(canvas.rgb().iter().all(|&byte| byte == 0 || byte == value));
            let (columns, rows) = canvas.clip(&placed.to);
            prop_assert!(drawn == 0 || drawn == columns.len() * rows.len() * 3);
        }
    }
}
