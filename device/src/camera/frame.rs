//! One frame as a camera gives it.

use clothingid_shared::picture::make_room;
use std::fmt;
use std::time::Instant;

/// How the bytes of a frame are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PixelFormat {
    /// A whole JPEG file (also each picture of an MJPEG stream).
    #[default]
    Jpeg,
    /// Red, green, blue, one byte each, rows of `stride` bytes.
    Rgb,
    /// Packed 4:2:2: Y0 U Y1 V, rows of `stride` bytes.
    Yuyv,
    /// A plane of Y with rows of `stride` bytes, then a plane of interleaved U V of half the height and the same stride.
    Nv12,
}

impl PixelFormat {
    /// Its name in the configuration, and for people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Jpeg => "mjpeg",
            Self::Rgb => "rgb",
            Self::Yuyv => "yuyv",
            Self::Nv12 => "nv12",
        }
    }

    /// The format with this name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        [Self::Jpeg, Self::Rgb, Self::Yuyv, Self::Nv12].into_iter().find(|format| format.name() == name)
    }
}

/// The number of a frame within one run of the program, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, serde::Serialize)]
#[serde(transparent)]
pub struct FrameNumber(pub u64);

impl FrameNumber {
    /// The number after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }
}

impl fmt::Display for FrameNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One picture from a camera, in the form in which it came.
///
/// Frames are made once and used again: a camera refills the one that it is handed, and the slots between the stages
/// exchange whole frames, so that no frame is allocated or copied after the first few.
#[derive(Debug, Clone)]
pub struct Frame {
    /// How `bytes` are to be read.
    pub format: PixelFormat,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Bytes from one row to the next of the first plane; 0 for [`PixelFormat::Jpeg`].
    pub stride: u32,
    /// The frame's bytes, as long as `format`, `stride` and `height` ask.
    pub bytes: Vec<u8>,
    /// When it was captured, on the monotonic clock.
    pub captured: Instant,
    /// Which frame this is; the pipeline numbers them, so that numbers go on when the camera was gone.
    pub number: FrameNumber,
    /// What people and the API call it: a photograph's file name, or the device.
    pub name: String,
}

impl Frame {
    /// An empty frame, to be filled by a camera.
    #[must_use]
    pub fn empty() -> Self {
        Self {
            format: PixelFormat::Jpeg,
            width: 0,
            height: 0,
            stride: 0,
            bytes: Vec::new(),
            captured: Instant::now(),
            number: FrameNumber::default(),
            name: String::new(),
        }
    }

    /// Makes this frame equal to `other` without giving up its own buffers.
    pub fn copy_from(&mut self, other: &Self) {
        self.format = other.format;
        self.width = other.width;
        self.height = other.height;
        self.stride = other.stride;
        make_room(&mut self.bytes, other.bytes.len());
        self.bytes.extend_from_slice(&other.bytes);
        self.captured = other.captured;
        self.number = other.number;
        self.name.clear();
        self.name.push_str(&other.name);
    }
}

impl Default for Frame {
    fn default() -> Self {
        Self::empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_keeps_its_memory_but_not_that_of_one_huge_picture() {
        let of = |byte_len: usize| Frame { bytes: vec![7; byte_len], ..Frame::empty() };
        let mut frame = Frame::empty();
        frame.copy_from(&of(60_000_000));
        frame.copy_from(&of(1000));
        assert!(frame.bytes.capacity() < 60_000_000, "{}", frame.bytes.capacity());
        let held = frame.bytes.as_ptr();
        frame.copy_from(&of(900));
        assert_eq!((frame.bytes.as_ptr(), frame.bytes.len()), (held, 900));
    }
}
