//! What may be said of a network's answer: probabilities from logits, whether a garment is there, whether its category
//! may be named.
//!
//! - `categories`: logits of one head to probabilities and a label, by the bundle's temperature and names;
//! - `plain`: whether there is anything in the picture at all;
//! - `unknown`: the two questions before a label is shown, by the bundle's rejection score and thresholds;
//! - [`Verdict`]: what is said of the best match, by the bundle's thresholds on its similarity;
//! - [`Reader`]: one photograph on its own; [`Steady`]: the frames of a camera, so that labels do not flicker.
//!
//! Temperatures, weights and thresholds come with the bundle; what is plain is not the network's to say.

mod categories;
mod plain;
mod reader;
mod steady;
mod unknown;
mod verdict;

pub use reader::{Labelled, Reader, ReaderError, Reading};
pub use steady::Steady;
pub use verdict::Verdict;
