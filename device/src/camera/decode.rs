//! Frames to RGB pictures.
//!
//! Promise: no bytes of a frame make this panic, and memory stays in proportion to width × height, which are checked
//! against the bytes that are there before anything is read.
//!
//! **Source** YUV to RGB: ITU-R BT.601, limited range, as UVC cameras send it (V4L2 default `V4L2_YCBCR_ENC_601`).

use super::frame::{Frame, PixelFormat};
use clothingid_shared::picture::{self, Picture, PictureError};

/// Why a frame is no picture.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// Fewer bytes than width, height and stride ask for.
    #[error("frame of {width}×{height} needs {expected} bytes, has {found}")]
    Short {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes needed.
        expected: usize,
        /// Bytes there.
        found: usize,
    },
    /// Rows that are shorter than the width asks, or an odd size in a format of pairs.
    #[error("{format:?} frame of {width}×{height} cannot have rows of {stride} bytes")]
    Shape {
        /// The format.
        format: PixelFormat,
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
        /// Bytes a row.
        stride: u32,
    },
    /// The JPEG cannot be decoded.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// Makes pictures of frames, using its buffers again.
#[derive(Debug, Default)]
pub struct FrameDecoder {
    picture: Picture,
}

impl FrameDecoder {
    /// A decoder with no buffers yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The frame's picture, upright, in RGB.
    ///
    /// The raw formats are written into the buffer of the frame before. JPEG goes through [`picture::decode_into`], whose
    /// library allocates for each picture.
    ///
    /// **Errors** [`FrameError`] when the bytes are too few, of an impossible shape, or no JPEG.
    pub fn decode(&mut self, frame: &Frame) -> Result<&Picture, FrameError> {
        if frame.format == PixelFormat::Jpeg {
            picture::decode_into(&frame.bytes, &mut self.picture)?;
            return Ok(&self.picture);
        }
        check(frame)?;
        let mut rgb = std::mem::take(&mut self.picture).into_rgb();
        picture::make_room(&mut rgb, frame.width as usize * frame.height as usize * 3);
        match frame.format {
            PixelFormat::Jpeg => {}
            PixelFormat::Rgb => rgb_rows(frame, &mut rgb),
            PixelFormat::Yuyv => yuyv_rows(frame, &mut rgb),
            PixelFormat::Nv12 => nv12_rows(frame, &mut rgb),
        }
        self.picture = Picture::new(frame.width, frame.height, rgb)?;
        Ok(&self.picture)
    }

    /// The picture that was decoded last; nothing where its memory was given back.
    #[must_use]
    pub fn last(&self) -> Option<&Picture> {
        Some(&self.picture).filter(|picture| picture.width() > 0)
    }

    /// Gives back the memory of a picture that was larger than most, after it has been looked at.
    pub fn let_go_if_large(&mut self) {
        self.picture.let_go_if_large();
    }
}

/// Whether the bytes are as many as format and size ask.
pub(super) fn check(frame: &Frame) -> Result<(), FrameError> {
    let &Frame { format, width, height, stride, .. } = frame;
    let shape = || FrameError::Shape { format, width, height, stride };
    let (w, h, row) = (width as usize, height as usize, stride as usize);
    let row_needed = match format {
        PixelFormat::Rgb => w.checked_mul(3),
        PixelFormat::Yuyv => w.checked_mul(2),
        PixelFormat::Nv12 | PixelFormat::Jpeg => Some(w),
    }
    .ok_or_else(shape)?;
    let pairs_fit = match format {
        PixelFormat::Yuyv => width.is_multiple_of(2),
        PixelFormat::Nv12 => width.is_multiple_of(2) && height.is_multiple_of(2),
        PixelFormat::Rgb | PixelFormat::Jpeg => true,
    };
    if w == 0 || h == 0 || row < row_needed || !pairs_fit {
        return Err(shape());
    }
    let rows = if format == PixelFormat::Nv12 { h + h / 2 } else { h };
    // The last row may end without its padding.
    let expected = row.checked_mul(rows - 1).and_then(|n| n.checked_add(row_needed)).ok_or_else(shape)?;
    if frame.bytes.len() < expected {
        return Err(FrameError::Short { width, height, expected, found: frame.bytes.len() });
    }
    Ok(())
}

fn rgb_rows(frame: &Frame, rgb: &mut Vec<u8>) {
    let needed = frame.width as usize * 3;
    for row in frame.bytes.chunks(frame.stride as usize).take(frame.height as usize) {
        rgb.extend(row.iter().take(needed));
    }
}

fn yuyv_rows(frame: &Frame, rgb: &mut Vec<u8>) {
    let needed = frame.width as usize * 2;
    for row in frame.bytes.chunks(frame.stride as usize).take(frame.height as usize) {
        for pair in row.get(..needed).unwrap_or_default().chunks_exact(4) {
            if let &[y0, u, y1, v] = pair {
                rgb.extend(to_rgb(y0, u, v));
                rgb.extend(to_rgb(y1, u, v));
            }
        }
    }
}

fn nv12_rows(frame: &Frame, rgb: &mut Vec<u8>) {
    let (width, height, stride) = (frame.width as usize, frame.height as usize, frame.stride as usize);
    let (luma, chroma) = frame.bytes.split_at((stride * height).min(frame.bytes.len()));
    for (y, row) in luma.chunks(stride).take(height).enumerate() {
        let colours = chroma.chunks(stride).nth(y / 2).unwrap_or_default();
        for (pair, colour) in row.get(..width).unwrap_or_default().chunks_exact(2).zip(colours.chunks_exact(2)) {
            if let (&[y0, y1], &[u, v]) = (pair, colour) {
                rgb.extend(to_rgb(y0, u, v));
                rgb.extend(to_rgb(y1, u, v));
            }
        }
    }
}

/// One pixel of BT.601 limited range, in fixed point of 8 bits.
fn to_rgb(y: u8, u: u8, v: u8) -> [u8; 3] {
    let (y, u, v) = (298 * (i32::from(y) - 16), i32::from(u) - 128, i32::from(v) - 128);
    let byte = |value: i32| u8::try_from(((value + 128) >> 8).clamp(0, 255)).unwrap_or(u8::MAX);
    [byte(y + 409 * v), byte(y - 100 * u - 208 * v), byte(y + 516 * u)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(format: PixelFormat, width: u32, height: u32, stride: u32, bytes: Vec<u8>) -> Frame {
        Frame { format, width, height, stride, bytes, ..Frame::empty() }
    }

    #[test]
    fn rows_are_cut_to_the_width() {
        let frame = raw(PixelFormat::Rgb, 1, 2, 5, vec![1, 2, 3, 99, 99, 4, 5, 6]);
        assert_eq!(FrameDecoder::new().decode(&frame).unwrap().rgb(), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn white_black_and_red_survive_yuyv_and_nv12() {
        // BT.601: white 235/128/128, black 16/128/128, red 82/90/240 (within a few levels).
        for (yuv, rgb) in
            [([235, 128, 128], [255, 255, 255]), ([16, 128, 128], [0, 0, 0]), ([82, 90, 240], [255, 0, 0])]
        {
            let [y, u, v] = yuv;
            let yuyv = raw(PixelFormat::Yuyv, 2, 2, 4, vec![y, u, y, v, y, u, y, v]);
            let nv12 = raw(PixelFormat::Nv12, 2, 2, 2, vec![y, y, y, y, u, v]);
            for frame in [yuyv, nv12] {
                let mut decoder = FrameDecoder::new();
                for pixel in decoder.decode(&frame).unwrap().rgb().chunks_exact(3) {
                    for (got, want) in pixel.iter().zip(rgb) {
                        assert!(got.abs_diff(want) <= 2, "{:?}: {pixel:?} for {rgb:?}", frame.format);
                    }
                }
            }
        }
    }

    #[test]
    fn short_and_odd_frames_are_refused() {
        for frame in [
            raw(PixelFormat::Rgb, 2, 2, 6, vec![0; 11]),
            raw(PixelFormat::Rgb, 2, 2, 5, vec![0; 12]),
            raw(PixelFormat::Rgb, 0, 2, 6, vec![0; 12]),
            raw(PixelFormat::Yuyv, 3, 1, 6, vec![0; 6]),
            raw(PixelFormat::Nv12, 2, 3, 2, vec![0; 9]),
            raw(PixelFormat::Nv12, 2, 2, 2, vec![0; 5]),
            raw(PixelFormat::Rgb, u32::MAX, u32::MAX, u32::MAX, vec![0; 5]),
            raw(PixelFormat::Jpeg, 2, 2, 0, b"no jpeg".to_vec()),
        ] {
            assert!(FrameDecoder::new().decode(&frame).is_err(), "{frame:?}");
        }
    }
}
