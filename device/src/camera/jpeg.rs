//! Frames and pictures as JPEG files.

use super::decode::FrameError;
use super::{Frame, FrameDecoder, PixelFormat};
use clothingid_shared::picture::Picture;
use image::ExtendedColorType;
use image::codecs::jpeg::JpegEncoder;

/// JPEG quality of raw frames: a fraction of a frame time, and no artefacts that a viewer notices.
const QUALITY: u8 = 85;

/// Why a frame is no JPEG.
#[derive(Debug, thiserror::Error)]
pub enum JpegError {
    /// The frame is no picture.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The picture cannot be encoded (wider or higher than 65,535 pixels, say).
    #[error(transparent)]
    Encode(#[from] image::ImageError),
}

/// The frame as a JPEG file: as it is when it is one, else encoded.
///
/// **Errors** [`JpegError`].
pub fn of_frame(frame: Frame) -> Result<Vec<u8>, JpegError> {
    if frame.format == PixelFormat::Jpeg {
        return Ok(frame.bytes);
    }
    let mut decoder = FrameDecoder::new();
    let picture = decoder.decode(&frame)?;
    let mut file = Vec::with_capacity(picture.rgb().len() / 8);
    append(picture, &mut file)?;
    Ok(file)
}

/// Appends the picture as a JPEG file to `file`.
///
/// **Errors** it is wider or higher than 65,535 pixels, or empty.
pub fn append(picture: &Picture, file: &mut Vec<u8>) -> Result<(), image::ImageError> {
    let encoder = JpegEncoder::new_with_quality(file, QUALITY);
    let (width, height) = (picture.width(), picture.height());
    image::ImageEncoder::write_image(encoder, picture.rgb(), width, height, ExtendedColorType::Rgb8)
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::picture;

    #[test]
    fn raw_frames_become_jpegs_and_jpegs_stay() {
        let raw = Frame {
            format: PixelFormat::Rgb,
            width: 16,
            height: 8,
            stride: 48,
            bytes: [200, 30, 40].repeat(128),
            ..Frame::empty()
        };
        let file = of_frame(raw).unwrap();
        let picture = picture::decode(&file).unwrap();
        assert_eq!((picture.width(), picture.height()), (16, 8));
        for (got, want) in picture.rgb().iter().zip([200_u8, 30, 40].into_iter().cycle()) {
            assert!(got.abs_diff(want) <= 6, "{got} for {want}");
        }
        let again = Frame { bytes: file.clone(), ..Frame::empty() };
        assert_eq!(of_frame(again).unwrap(), file);
        assert!(
            of_frame(Frame { format: PixelFormat::Rgb, width: 9, height: 9, stride: 27, ..Frame::empty() }).is_err()
        );
    }
}
