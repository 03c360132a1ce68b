//! Cameras behind Video4Linux2: USB cameras (UVC) and whatever else gives whole pictures on a `/dev/video` node.
//!
//! In order: [`node`] is one device node and the only file that speaks to the kernel (`bindings` are the kernel's structures), [`kind`] says
//! which nodes are cameras and why the others are not, [`discover`] finds a camera by its place or serial number, [`mode`] chooses format,
//! size and rate, [`controls`] sets exposure and the like, [`stream`] hands over the kernel's buffers, and [`capture`] makes a
//! [`Camera`](super::Camera) of all that.
//!
//! Why this and not the crate `v4l` 0.14: it panics on what a device says (names that are not UTF-8, kinds of controls that are newer than it,
//! a stream that ends with any error but `ENODEV`), and its bindings want libclang of whoever builds it.
//!
//! **Source** Linux media subsystem documentation, "Video for Linux API" (`VIDIOC_*`).

#[rustfmt::skip]
mod bindings;
pub mod capture;
pub mod controls;
pub mod discover;
pub mod kind;
pub mod mode;
mod node;
mod stream;

pub use capture::V4l2Camera;
pub use controls::{Control, ControlReport, ControlWishes, Wish};
pub use discover::{Found, Which};
pub use kind::Kind;
pub use mode::{Mode, ModeWish};

use super::PixelFormat;
use std::fmt;

/// Four letters that name a format of pixels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FourCc(pub [u8; 4]);

impl FourCc {
    /// As the kernel writes it.
    #[must_use]
    pub fn of(number: u32) -> Self {
        Self(number.to_le_bytes())
    }

    /// As the kernel reads it.
    #[must_use]
    pub fn number(self) -> u32 {
        u32::from_le_bytes(self.0)
    }

    /// The format of frames that we read, if it is one.
    #[must_use]
    pub fn pixel_format(self) -> Option<PixelFormat> {
        match &self.0 {
            b"MJPG" | b"JPEG" => Some(PixelFormat::Jpeg),
            b"YUYV" => Some(PixelFormat::Yuyv),
            b"NV12" => Some(PixelFormat::Nv12),
            b"RGB3" | b"BGR3" => Some(PixelFormat::Rgb),
            _ => None,
        }
    }

    /// Whether it is [`PixelFormat::Rgb`] with blue before red, as USB cameras have it.
    #[must_use]
    pub fn is_blue_first(self) -> bool {
        self.0 == *b"BGR3"
    }

    /// Whether it is what an image sensor gives before anything has made a picture of it.
    #[must_use]
    pub fn is_raw_bayer(self) -> bool {
        matches!(
            &self.0,
            // 8 bits; 10, 12, 14 and 16 bits, each plain or packed.
            b"BA81"
                | b"GBRG"
                | b"GRBG"
                | b"RGGB"
                | b"BG10"
                | b"GB10"
                | b"BA10"
                | b"RG10"
                | b"pBAA"
                | b"pGAA"
                | b"pgAA"
                | b"pRAA"
                | b"BG12"
                | b"GB12"
                | b"BA12"
                | b"RG12"
                | b"pBCC"
                | b"pGCC"
                | b"pgCC"
                | b"pRCC"
                | b"BG14"
                | b"GB14"
                | b"GR14"
                | b"RG14"
                | b"BYR2"
                | b"GB16"
                | b"GR16"
                | b"RG16"
        )
    }
}

impl fmt::Display for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            // The highest bit marks a big-endian variant.
            let letter = char::from(byte & 0x7f);
            write!(f, "{}", if letter.is_ascii_graphic() || letter == ' ' { letter } else { '?' })?;
        }
        Ok(())
    }
}

impl fmt::Debug for FourCc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{self}`")
    }
}
