//! Any photograph to the RGB bytes that the network sees: decode → orient (EXIF) → crop or letterbox → resize.
//!
//! One function for the trainer's evaluation, the calibration, the catalogue's import and the device ([`PictureContract::read`]); the
//! golden photographs of a bundle pin it byte by byte.
//!
//! **Promise.** No panic on any bytes. Memory is bounded by [`MAX_PIXELS`], which is checked on the header before a pixel is allocated.

mod contract;
mod decode;
mod markers;
mod orient;
mod picture;
pub mod region;
mod resize;

pub use contract::{Filter, Fit, PictureContract};
pub use decode::{Format, MAX_PIXELS, PictureError, decode, decode_into, dimensions};
pub use markers::image_end;
pub use picture::{Picture, make_room};
pub use region::{Locator, Region};
pub use resize::{PictureMaker, Placement, paste, placement};
