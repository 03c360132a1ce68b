//! The picture of the screen in memory: what everything is drawn on, and what panels copy.

use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{Dimensions, OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor};
use embedded_graphics::primitives::Rectangle;
use std::convert::Infallible;
use std::ops::Range;

/// Pixels along one side, at most: of no panel more, and what keeps a mistyped size from asking for all memory.
pub const MOST_SIDE: u32 = crate::config::defaults::MOST_SCREEN_SIDE;

/// RGB pixels, rows from the top, that can be drawn on and blended into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Canvas {
    size: Size,
    rgb: Vec<u8>,
}

impl Canvas {
    /// A black canvas; sides are held to 1 to [`MOST_SIDE`].
    #[must_use]
    pub fn new(size: Size) -> Self {
        let size = Size::new(size.width.clamp(1, MOST_SIDE), size.height.clamp(1, MOST_SIDE));
        Self { size, rgb: vec![0; size.width as usize * size.height as usize * 3] }
    }

    /// The bytes, `[height, width, 3]`.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// A pixel; nothing outside.
    #[must_use]
    pub fn pixel(&self, at: Point) -> Option<Rgb888> {
        let (x, y) = self.inside(at)?;
        let start = self.start(x, y);
        match *self.rgb.get(start..start + 3)? {
            [red, green, blue] => Some(Rgb888::new(red, green, blue)),
            _ => None,
        }
    }

    /// The part of one row that is inside `across`, as bytes.
    #[must_use]
    pub fn row(&self, y: u32, across: Range<u32>) -> &[u8] {
        let range = self.range(y, across);
        self.rgb.get(range).unwrap_or_default()
    }

    /// As [`Canvas::row`], to change.
    pub fn row_mut(&mut self, y: u32, across: Range<u32>) -> &mut [u8] {
        let range = self.range(y, across);
        self.rgb.get_mut(range).unwrap_or_default()
    }

    /// Lays a colour over a pixel: all of it at 255, nothing of it at 0.
    pub fn blend(&mut self, at: Point, colour: Rgb888, coverage: u8) {
        let Some((x, y)) = self.inside(at) else { return };
        let start = self.start(x, y);
        if let Some([red, green, blue]) = self.rgb.get_mut(start..start + 3) {
            *red = mix(*red, colour.r(), coverage);
            *green = mix(*green, colour.g(), coverage);
            *blue = mix(*blue, colour.b(), coverage);
        }
    }

    /// The part of a rectangle that is on the canvas, as columns and rows.
    #[must_use]
    pub fn clip(&self, area: &Rectangle) -> (Range<u32>, Range<u32>) {
        let cut = area.intersection(&self.bounding_box());
        let along = |from: i32, length: u32| {
            let from = u32::try_from(from).unwrap_or(0);
            from..from + length
        };
        (along(cut.top_left.x, cut.size.width), along(cut.top_left.y, cut.size.height))
    }

    fn inside(&self, at: Point) -> Option<(u32, u32)> {
        let (x, y) = (u32::try_from(at.x).ok()?, u32::try_from(at.y).ok()?);
        (x < self.size.width && y < self.size.height).then_some((x, y))
    }

    fn start(&self, x: u32, y: u32) -> usize {
        (y as usize * self.size.width as usize + x as usize) * 3
    }

    fn range(&self, y: u32, across: Range<u32>) -> Range<usize> {
        if y >= self.size.height {
            return 0..0;
        }
        let end = across.end.min(self.size.width);
        self.start(across.start.min(end), y)..self.start(end, y)
    }
}

/// `from` with `coverage` 255ths of `to` over it, rounded to the nearest.
fn mix(from: u8, to: u8, coverage: u8) -> u8 {
    let coverage = u32::from(coverage);
    let sum = u32::from(from) * (255 - coverage) + u32::from(to) * coverage;
    u8::try_from((sum + 127) / 255).unwrap_or(u8::MAX)
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Size {
        self.size
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, colour) in pixels {
            self.blend(at, colour, u8::MAX);
        }
        Ok(())
    }

    fn fill_solid(&mut self, area: &Rectangle, colour: Rgb888) -> Result<(), Infallible> {
        let (columns, rows) = self.clip(area);
        let colour = [colour.r(), colour.g(), colour.b()];
        for y in rows {
            self.row_mut(y, columns.clone()).as_chunks_mut::<3>().0.fill(colour);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::primitives::{Primitive, PrimitiveStyle};
    use embedded_graphics::{Drawable, primitives::Circle};

    #[test]
    fn what_lies_outside_is_cut_off() {
        let mut canvas = Canvas::new(Size::new(4, 3));
        canvas.fill_solid(&Rectangle::new(Point::new(-2, 1), Size::new(4, 9)), Rgb888::WHITE).unwrap();
        let lit: Vec<bool> = canvas.rgb().chunks(3).map(|pixel| pixel == [255; 3]).collect();
        assert_eq!(lit, [false, false, false, false, true, true, false, false, true, true, false, false]);
        canvas.blend(Point::new(4, 0), Rgb888::RED, 255);
        canvas.blend(Point::new(-1, 0), Rgb888::RED, 255);
        assert!(canvas.pixel(Point::new(4, 0)).is_none());
        assert!(canvas.row(9, 0..4).is_empty());
        assert_eq!(canvas.row(0, 3..9).len(), 3);
    }

    #[test]
    fn coverage_mixes_and_its_ends_are_exact() {
        for (from, to, coverage, expected) in
            [(10, 200, 0, 10), (10, 200, 255, 200), (0, 255, 128, 128), (255, 0, 1, 254)]
        {
            assert_eq!(mix(from, to, coverage), expected);
        }
    }

    #[test]
    fn anything_of_embedded_graphics_can_be_drawn_on_it() {
        let mut canvas = Canvas::new(Size::new(9, 9));
        Circle::new(Point::new(-3, -3), 20)
            .into_styled(PrimitiveStyle::with_fill(Rgb888::GREEN))
            .draw(&mut canvas)
            .unwrap();
        assert_eq!(canvas.pixel(Point::new(4, 4)), Some(Rgb888::GREEN));
    }

    #[test]
    fn no_size_is_refused_or_asks_for_all_memory() {
        assert_eq!(Canvas::new(Size::zero()).size(), Size::new(1, 1));
        assert_eq!(Canvas::new(Size::new(1, u32::MAX)).size(), Size::new(1, MOST_SIDE));
    }
}
