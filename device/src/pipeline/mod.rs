//! The live appliance: three stages on their own threads, from the camera to those who watch.
//!
//! `capture → latest → inference → latest → output`. [`stages`] has the three in their order, [`latest`] is the
//! newest-wins slot between them, [`look`] is what inference does with one frame (with [`gate`] telling what is worth a look, and a new scene
//! from the same one, and [`second_look`] at the part of a frame where the garment is, where that is wished), [`result`] is what comes out,
//! [`shop`] is the catalogue as it is now, [`reembed`] embeds it after a change of network, [`supervise`] starts a stage again when it fails.
//!
//! Per frame our own code allocates nothing once the buffers have grown, but for the matches (their texts are of the
//! catalogue). The JPEG decoder, the resizer and tract allocate on their own; the page makes one text of each result.

pub mod gate;
pub mod latest;
pub mod look;
pub mod reembed;
pub mod result;
pub mod second_look;
pub mod shop;
pub mod stages;
pub mod supervise;

pub use look::{LookError, Looker, LookerSettings};
pub use result::{LiveReading, Looked, Output};
pub use shop::Shop;
pub use stages::Pipeline;
pub use supervise::{Stop, in_words};
