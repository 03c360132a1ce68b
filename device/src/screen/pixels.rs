//! The canvas as the bytes of a panel: 16, 24 or 32 bits a pixel, turned by quarters.

use super::canvas::Canvas;
use embedded_graphics::geometry::{Dimensions, OriginDimensions, Point, Size};
use embedded_graphics::pixelcolor::Rgb888;
use embedded_graphics::primitives::{PointsIter, Rectangle};

/// Where the bits of one colour lie in a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// Bits below it.
    pub shift: u32,
    /// Its own bits, at most 8 of which are used.
    pub bits: u32,
}

/// How a panel's pixels lie in memory, the lowest byte first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Packing {
    /// 2, 3 or 4.
    pub byte_len: usize,
    /// Red.
    pub red: Field,
    /// Green.
    pub green: Field,
    /// Blue.
    pub blue: Field,
}

impl Packing {
    /// 32 bits: blue, green, red, unused. **Source** `DRM_FORMAT_XRGB8888`.
    pub const XRGB8888: Self = Self::of(4, [(16, 8), (8, 8), (0, 8)]);
    /// 16 bits: five of red, six of green, five of blue. **Source** `DRM_FORMAT_RGB565`.
    pub const RGB565: Self = Self::of(2, [(11, 5), (5, 6), (0, 5)]);

    const fn of(byte_len: usize, [red, green, blue]: [(u32, u32); 3]) -> Self {
        const fn field((shift, bits): (u32, u32)) -> Field {
            Field { shift, bits }
        }
        Self { byte_len, red: field(red), green: field(green), blue: field(blue) }
    }

    /// Whether every field lies inside a pixel, so that [`Packing::pack`] loses nothing.
    #[must_use]
    pub fn is_possible(&self) -> bool {
        let pixel_bits = 8 * u32::try_from(self.byte_len).unwrap_or(0);
        let fits =
            |field: Field| field.bits >= 1 && field.shift.checked_add(field.bits).is_some_and(|end| end <= pixel_bits);
        (2..=4).contains(&self.byte_len) && [self.red, self.green, self.blue].into_iter().all(fits)
    }

    /// A pixel's value.
    #[must_use]
    pub fn pack(&self, rgb: [u8; 3]) -> u32 {
        let [red, green, blue] = rgb;
        let part = |value: u8, field: Field| {
            let bits = field.bits.min(8);
            // The most significant bits of the field.
            let value = u32::from(value) >> (8 - bits) << (field.bits - bits).min(31);
            value.checked_shl(field.shift).unwrap_or(0)
        };
        part(red, self.red) | part(green, self.green) | part(blue, self.blue)
    }
}

/// How far the picture is turned clockwise on the panel, for one that is mounted on its side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Turn {
    /// Not at all.
    #[default]
    None,
    /// By 90 degrees.
    Quarter,
    /// By 180 degrees.
    Half,
    /// By 270 degrees.
    ThreeQuarters,
}

impl TryFrom<u16> for Turn {
    type Error = &'static str;

    fn try_from(degrees: u16) -> Result<Self, Self::Error> {
        match degrees {
            0 => Ok(Self::None),
            90 => Ok(Self::Quarter),
            180 => Ok(Self::Half),
            270 => Ok(Self::ThreeQuarters),
            _ => Err("is not 0, 90, 180 or 270"),
        }
    }
}

impl Turn {
    /// The size of the canvas for a panel of this size, and the other way round.
    #[must_use]
    pub fn size(self, size: Size) -> Size {
        match self {
            Self::None | Self::Half => size,
            Self::Quarter | Self::ThreeQuarters => Size::new(size.height, size.width),
        }
    }

    /// Where a rectangle of a canvas of this size lies on the panel.
    #[must_use]
    pub fn rectangle(self, canvas: Size, area: &Rectangle) -> Rectangle {
        let length = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
        let (left, top) = (area.top_left.x, area.top_left.y);
        let right = length(canvas.width) - left - length(area.size.width);
        let bottom = length(canvas.height) - top - length(area.size.height);
        let corner = match self {
            Self::None => Point::new(left, top),
            Self::Quarter => Point::new(bottom, left),
            Self::Half => Point::new(right, bottom),
            Self::ThreeQuarters => Point::new(top, right),
        };
        Rectangle::new(corner, self.size(area.size))
    }

    /// The pixel of the canvas that is shown at a place of the panel.
    fn source(self, canvas: Size, x: u32, y: u32) -> (u32, u32) {
        let (last_x, last_y) = (canvas.width - 1, canvas.height - 1);
        match self {
            Self::None => (x, y),
            Self::Quarter => (y, last_y.saturating_sub(x)),
            Self::Half => (last_x.saturating_sub(x), last_y.saturating_sub(y)),
            Self::ThreeQuarters => (last_x.saturating_sub(y), x),
        }
    }
}

/// Copies what changed on the canvas into a panel's memory of rows of `stride` bytes. What does not fit in there is left out.
pub fn copy(canvas: &Canvas, changed: &Rectangle, turn: Turn, packing: Packing, memory: &mut [u8], stride: usize) {
    let (columns, rows) = canvas.clip(changed);
    let clipped =
        Rectangle::with_corners(point(columns.start, rows.start), point(columns.end, rows.end) - Point::new(1, 1));
    if columns.is_empty() || rows.is_empty() || stride == 0 {
        return;
    }
    let place = turn.rectangle(canvas.size(), &clipped);
    let (left, top) = (place.top_left.x.unsigned_abs(), place.top_left.y.unsigned_abs());
    for y in top..top + place.size.height {
        let start = y as usize * stride + left as usize * packing.byte_len;
        let end = start + place.size.width as usize * packing.byte_len;
        if end > (y as usize + 1) * stride {
            return;
        }
        let Some(row) = memory.get_mut(start..end) else { return };
        if turn == Turn::None {
            pack_row(canvas.row(y, left..left + place.size.width), packing, row);
        } else {
            for (x, pixel) in (left..).zip(row.chunks_exact_mut(packing.byte_len)) {
                let (from_x, from_y) = turn.source(canvas.size(), x, y);
                pack_row(canvas.row(from_y, from_x..from_x + 1), packing, pixel);
            }
        }
    }
}

/// Where what changed lies on a panel, and its pixels in rows, for a panel that is sent them one after another.
pub fn sent<'a>(
    canvas: &'a Canvas,
    changed: &Rectangle,
    turn: Turn,
) -> (Rectangle, impl Iterator<Item = Rgb888> + use<'a>) {
    let clipped = changed.intersection(&canvas.bounding_box());
    let place = turn.rectangle(canvas.size(), &clipped);
    let pixels = place.points().filter_map(move |at| {
        let (x, y) = turn.source(canvas.size(), at.x.unsigned_abs(), at.y.unsigned_abs());
        canvas.pixel(point(x, y))
    });
    (place, pixels)
}

fn point(x: u32, y: u32) -> Point {
    let length = |length: u32| i32::try_from(length).unwrap_or(i32::MAX);
    Point::new(length(x), length(y))
}

fn pack_row(rgb: &[u8], packing: Packing, row: &mut [u8]) {
    let pixels = rgb.as_chunks::<3>().0;
    if packing == Packing::XRGB8888 {
        for (&[red, green, blue], pixel) in pixels.iter().zip(row.as_chunks_mut::<4>().0) {
            *pixel = [blue, green, red, 0];
        }
        return;
    }
    for (&rgb, pixel) in pixels.iter().zip(row.chunks_exact_mut(packing.byte_len)) {
        for (byte, value) in pixel.iter_mut().zip(packing.pack(rgb).to_le_bytes()) {
            *byte = value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use embedded_graphics::draw_target::DrawTarget;
    use embedded_graphics::pixelcolor::RgbColor;
    use proptest::prelude::*;

    #[test]
    fn known_pixels_have_known_bits() {
        for (packing, rgb, expected) in [
            (Packing::RGB565, [255, 0, 0], 0xf800),
            (Packing::RGB565, [0, 255, 0], 0x07e0),
            (Packing::RGB565, [0, 0, 255], 0x001f),
            (Packing::RGB565, [8, 4, 8], 0x0821),
            (Packing::XRGB8888, [1, 2, 3], 0x0001_0203),
            (Packing::of(4, [(20, 10), (10, 10), (0, 10)]), [255, 1, 0], 0x3fc0_1000),
        ] {
            assert_eq!(packing.pack(rgb), expected, "{packing:?} {rgb:?}");
            assert!(packing.is_possible());
        }
        assert!(!Packing::of(2, [(16, 8), (8, 8), (0, 8)]).is_possible());
        assert!(!Packing::of(1, [(0, 3), (3, 3), (6, 2)]).is_possible());
    }

    /// A canvas of 3×2 with pixels 0 to 5.
    fn numbered() -> Canvas {
        let mut canvas = Canvas::new(Size::new(3, 2));
        for (index, at) in canvas.bounding_box().points().enumerate() {
            canvas.blend(at, Rgb888::new(u8::try_from(index).unwrap(), 0, 0), 255);
        }
        canvas
    }

    #[test]
    fn a_turn_is_clockwise() {
        for (turn, expected) in [
            (Turn::None, [0, 1, 2, 3, 4, 5]),
            (Turn::Quarter, [3, 0, 4, 1, 5, 2]),
            (Turn::Half, [5, 4, 3, 2, 1, 0]),
            (Turn::ThreeQuarters, [2, 5, 1, 4, 0, 3]),
        ] {
            let canvas = numbered();
            let panel = turn.size(canvas.size());
            let mut memory = vec![9; 6 * 4];
            let stride = panel.width as usize * 4;
            copy(&canvas, &canvas.bounding_box(), turn, Packing::XRGB8888, &mut memory, stride);
            let red: Vec<u8> = memory.chunks(4).map(|pixel| pixel[2]).collect();
            assert_eq!(red, expected, "{turn:?}");
            let (place, pixels) = sent(&canvas, &canvas.bounding_box(), turn);
            assert_eq!((place.size, pixels.map(|pixel| pixel.r()).collect()), (panel, red), "{turn:?}");
        }
    }

    proptest! {
        /// Copying what changed, wherever it is, gives what copying everything gives; and nothing else is touched.
        #[test]
        fn the_changed_part_lands_where_the_whole_does(
            (width, height) in (1_u32..9, 1_u32..9),
            (x, y, w, h) in (-9_i32..9, -9_i32..9, 0_u32..12, 0_u32..12),
            turn in prop::sample::select(&[Turn::None, Turn::Quarter, Turn::Half, Turn::ThreeQuarters][..]),
            padding in 0_usize..3,
        ) {
            let mut canvas = Canvas::new(Size::new(width, height));
            let changed = Rectangle::new(Point::new(x, y), Size::new(w, h));
            canvas.fill_solid(&changed, Rgb888::new(255, 255, 255)).unwrap();
            let panel = turn.size(canvas.size());
            let stride = panel.width as usize * 2 + padding;
            let mut whole = vec![0; stride * panel.height as usize];
            let mut part = whole.clone();
            copy(&canvas, &canvas.bounding_box(), turn, Packing::RGB565, &mut whole, stride);
            copy(&canvas, &changed, turn, Packing::RGB565, &mut part, stride);
            prop_assert_eq!(&whole, &part);
            copy(&canvas, &canvas.bounding_box(), turn, Packing::RGB565, &mut part[..stride / 2], stride);
        }
    }
}
