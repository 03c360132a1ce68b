//! RGB bytes with their width and height.

use super::PictureError;

/// Memory that a picture keeps for the next one, at most: 12 megapixels, which most cameras stay below. One larger photograph must not
/// cost its 300 MB for the rest of the program's life.
const MOST_KEPT_BYTES: usize = 3 * 12_000_000;

/// An RGB picture.
///
/// **Layout**: `[height, width, 3]` bytes, rows from the top, no padding; `rgb().len() == 3 * width * height` always holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    /// Takes bytes that are already there.
    ///
    /// # Errors
    /// [`PictureError::Length`] where their number is not `3 * width * height`.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, PictureError> {
        let expected = byte_len(width, height);
        if rgb.len() == expected {
            Ok(Self { width, height, rgb })
        } else {
            Err(PictureError::Length { width, height, expected, found: rgb.len() })
        }
    }

    /// A picture of one colour.
    #[must_use]
    pub fn filled(width: u32, height: u32, colour: [u8; 3]) -> Self {
        let mut picture = Self::default();
        picture.reset(width, height, colour);
        picture
    }

    /// Becomes a picture of one colour; the memory is kept, but for that of a picture that was far larger.
    pub fn reset(&mut self, width: u32, height: u32, colour: [u8; 3]) {
        self.width = width;
        self.height = height;
        let byte_len = byte_len(width, height);
        make_room(&mut self.rgb, byte_len);
        self.rgb.resize(byte_len, 0);
        if colour != [0; 3] {
            for pixel in self.rgb.chunks_exact_mut(3) {
                pixel.copy_from_slice(&colour);
            }
        }
    }

    /// Becomes empty where more than a usual photograph's memory is held, after it has been looked at.
    pub fn let_go_if_large(&mut self) {
        if self.rgb.capacity() > MOST_KEPT_BYTES {
            *self = Self::default();
        }
    }

    /// Width in pixels.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Height in pixels.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// The bytes, `[height, width, 3]`.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// The bytes, to change.
    pub fn rgb_mut(&mut self) -> &mut [u8] {
        &mut self.rgb
    }

    /// The bytes alone.
    #[must_use]
    pub fn into_rgb(self) -> Vec<u8> {
        self.rgb
    }
}

/// Empties a buffer that goes from picture to picture, for `byte_len` bytes to come. Its memory is kept, but for that of a picture that was
/// far larger than most.
pub fn make_room(buffer: &mut Vec<u8>, byte_len: usize) {
    buffer.clear();
    if buffer.capacity() > byte_len.max(MOST_KEPT_BYTES) {
        buffer.shrink_to(byte_len);
    }
    buffer.reserve(byte_len);
}

/// `3 * width * height`; saturates where `usize` is too small, and then matches no buffer.
pub(super) fn byte_len(width: u32, height: u32) -> usize {
    usize::try_from(u64::from(width) * u64::from(height)).map_or(usize::MAX, |pixels| pixels.saturating_mul(3))
}

#[cfg(test)]
mod tests {
    use super::Picture;

    #[test]
    fn the_length_is_checked() {
        assert!(Picture::new(2, 1, vec![0; 6]).is_ok());
        assert!(Picture::new(2, 1, vec![0; 5]).is_err());
        assert!(Picture::new(0, 0, Vec::new()).is_ok());
        assert!(Picture::new(u32::MAX, u32::MAX, Vec::new()).is_err());
    }

    #[test]
    fn the_memory_of_one_huge_photograph_is_not_kept() {
        let mut picture = Picture::filled(5000, 4000, [0; 3]);
        picture.reset(100, 100, [1; 3]);
        assert!(picture.rgb.capacity() < 60_000_000, "{}", picture.rgb.capacity());
        let held = picture.rgb.as_ptr();
        picture.reset(90, 100, [2; 3]);
        assert_eq!(picture.rgb.as_ptr(), held, "a usual one's is");
        picture.let_go_if_large();
        assert_eq!(picture.rgb().len(), 27_000);
        picture.reset(5000, 4000, [0; 3]);
        picture.let_go_if_large();
        assert_eq!((picture.rgb.capacity(), picture.width()), (0, 0));
    }

    #[test]
    fn a_filled_picture_has_its_colour() {
        assert_eq!(Picture::filled(2, 1, [1, 2, 3]).rgb(), [1, 2, 3, 1, 2, 3]);
    }
}
