//! The ImageNet start of MobileNetV2 that ships with the sources: lossless in the int8 form in which it was published.
//!
//! `models/imagenet/README.md` has licence, source and the command that makes the file.

use super::weights::{Weights, WeightsError};
use std::path::Path;

/// The file, in the compact form.
pub const FILE: &[u8] = include_bytes!("../../../models/imagenet/mobilenet_v2.safetensors");

/// Names of the 1,000 classes, one a line: WordNet id and words.
pub const CLASSES: &str = include_str!("../../../models/imagenet/classes.txt");

/// The weights, batch norm and classifier included.
///
/// # Errors
/// None unless the file in the program is broken.
pub fn weights() -> Result<Weights, WeightsError> {
    Weights::from_bytes(FILE, Path::new("models/imagenet/mobilenet_v2.safetensors"))
}
