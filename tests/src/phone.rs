//! What a phone's camera reads.

use image::GrayImage;

/// The text of the QR code in a picture, if there is one.
#[must_use]
pub fn scan(picture: &GrayImage) -> Option<String> {
    let (width, height) = (usize::try_from(picture.width()).ok()?, usize::try_from(picture.height()).ok()?);
    let level = |x: usize, y: usize| picture.as_raw()[y * width + x];
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, level);
    Some(image.detect_grids().first()?.decode().ok()?.1)
}
