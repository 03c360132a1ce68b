//! The picture contract: how a photograph becomes the network's input, as data that travels in the bundle.

use serde::{Deserialize, Serialize};

use super::{Picture, PictureError, PictureMaker, decode};

/// How a photograph is fitted into the square.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fit {
    /// The whole photograph, centred, the rest filled with the background.
    Letterbox,
    /// The largest centred square.
    CentreCrop,
}

/// Kernel of the resize; each is widened when shrinking (anti-aliased), as Pillow does it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Filter {
    /// Triangle.
    Bilinear,
    /// Catmull-Rom cubic.
    CatmullRom,
}

/// How a photograph becomes the network's input: `uint8` RGB, `[side, side, 3]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PictureContract {
    /// Side of the square in pixels.
    pub side: u32,
    /// How the photograph is fitted into it.
    pub fit: Fit,
    /// Kernel of the resize.
    pub filter: Filter,
    /// Colour around a letterboxed photograph.
    pub background: [u8; 3],
}

impl Default for PictureContract {
    fn default() -> Self {
        Self { side: 160, fit: Fit::Letterbox, filter: Filter::Bilinear, background: [255; 3] }
    }
}

impl PictureContract {
    /// Largest side that is taken: a bundle that claims more is damaged or meant for something else.
    pub const MAX_SIDE: u32 = 1024;

    /// The default with another side.
    #[must_use]
    pub fn with_side(side: u32) -> Self {
        Self { side, ..Self::default() }
    }

    /// The network's input from a decoded picture.
    ///
    /// # Errors
    /// [`PictureError::NoPixels`] for an empty picture.
    pub fn make(&self, picture: &Picture) -> Result<Picture, PictureError> {
        let mut input = Picture::default();
        PictureMaker::new(self.clone()).make_into(picture, &mut input)?;
        Ok(input)
    }

    /// The network's input from the bytes of a photograph.
    ///
    /// # Errors
    /// As [`decode()`].
    pub fn read(&self, bytes: &[u8]) -> Result<Picture, PictureError> {
        self.make(&decode(bytes)?)
    }
}
