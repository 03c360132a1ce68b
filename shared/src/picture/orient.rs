//! EXIF orientation: phones store what the sensor saw and note how to turn it.
//!
//! **Source**: CIPA DC-008 (Exif 3.0), tag 0x0112 in IFD0, values 1 to 8.

use super::Picture;

/// How the stored rows and columns lie in the upright picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Orientation {
    /// As stored (1).
    Upright,
    /// Mirrored left to right (2).
    Mirrored,
    /// Upside down (3).
    Turned180,
    /// Mirrored top to bottom (4).
    Flipped,
    /// Mirrored along the main diagonal (5).
    Transposed,
    /// To be turned 90° clockwise (6).
    Turned90,
    /// Mirrored along the other diagonal (7).
    Transversed,
    /// To be turned 270° clockwise (8).
    Turned270,
}

impl Orientation {
    /// Reads the tag of an EXIF block (from its TIFF header on); anything odd means upright, as in every browser.
    pub(super) fn from_exif(block: &[u8]) -> Self {
        use image::metadata::Orientation as Tag;
        match Tag::from_exif_chunk(block) {
            Some(Tag::FlipHorizontal) => Self::Mirrored,
            Some(Tag::Rotate180) => Self::Turned180,
            Some(Tag::FlipVertical) => Self::Flipped,
            Some(Tag::Rotate90FlipH) => Self::Transposed,
            Some(Tag::Rotate90) => Self::Turned90,
            Some(Tag::Rotate270FlipH) => Self::Transversed,
            Some(Tag::Rotate270) => Self::Turned270,
            Some(Tag::NoTransforms) | None => Self::Upright,
        }
    }

    /// Where the upright pixel `(x, y)` is stored in a picture of `width` × `height` stored pixels.
    fn source(self, x: usize, y: usize, width: usize, height: usize) -> (usize, usize) {
        match self {
            Self::Upright => (x, y),
            Self::Mirrored => (width - 1 - x, y),
            Self::Turned180 => (width - 1 - x, height - 1 - y),
            Self::Flipped => (x, height - 1 - y),
            Self::Transposed => (y, x),
            Self::Turned90 => (y, height - 1 - x),
            Self::Transversed => (width - 1 - y, height - 1 - x),
            Self::Turned270 => (width - 1 - y, x),
        }
    }

    fn swaps_sides(self) -> bool {
        matches!(self, Self::Transposed | Self::Turned90 | Self::Transversed | Self::Turned270)
    }
}

/// Puts the picture upright.
#[expect(clippy::indexing_slicing, reason = "`source` maps the upright rectangle onto the stored one, pixel for pixel")]
pub(super) fn orient(picture: &mut Picture, orientation: Orientation) {
    if orientation == Orientation::Upright {
        return;
    }
    let (width, height) = (picture.width(), picture.height());
    let (new_width, new_height) = if orientation.swaps_sides() { (height, width) } else { (width, height) };
    let mut upright = Picture::filled(new_width, new_height, [0; 3]);
    let (columns, rows) = (width as usize, height as usize);
    for (index, pixel) in upright.rgb_mut().chunks_exact_mut(3).enumerate() {
        let (x, y) = (index % new_width as usize, index / new_width as usize);
        let (from_x, from_y) = orientation.source(x, y, columns, rows);
        let start = 3 * (from_y * columns + from_x);
        pixel.copy_from_slice(&picture.rgb()[start..start + 3]);
    }
    *picture = upright;
}

#[cfg(test)]
mod tests {
    use super::{Orientation, orient};
    use crate::picture::Picture;

    /// Stored: a b c / d e f, each letter one grey pixel.
    fn stored() -> Picture {
        Picture::new(3, 2, b"abcdef".iter().flat_map(|p| [*p; 3]).collect()).unwrap()
    }

    fn letters(picture: &Picture) -> String {
        let row = 3 * picture.width() as usize;
        let rows: Vec<String> =
            picture.rgb().chunks(row).map(|r| r.iter().step_by(3).map(|p| *p as char).collect()).collect();
        rows.join("/")
    }

    #[test]
    fn all_eight() {
        for (orientation, expected) in [
            (Orientation::Upright, "abc/def"),
            (Orientation::Mirrored, "cba/fed"),
            (Orientation::Turned180, "fed/cba"),
            (Orientation::Flipped, "def/abc"),
            (Orientation::Transposed, "ad/be/cf"),
            (Orientation::Turned90, "da/eb/fc"),
            (Orientation::Transversed, "fc/eb/da"),
            (Orientation::Turned270, "cf/be/ad"),
        ] {
            let mut picture = stored();
            orient(&mut picture, orientation);
            assert_eq!(letters(&picture), expected, "{orientation:?}");
        }
    }

    #[test]
    fn odd_blocks_mean_upright() {
        for block in [&b""[..], b"II*\0", &[0xff; 40]] {
            assert_eq!(Orientation::from_exif(block), Orientation::Upright);
        }
    }
}
