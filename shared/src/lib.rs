//! What ClothingID's trainer and device must agree on, and nothing else: no GPU, no libtorch, no camera.
//!
//! - [`taxonomy`]: the 14 and the 26 categories.
//! - [`picture`]: any photograph to the RGB bytes that the network sees, one function for everyone.
//! - [`embedding`]: a garment's vector, its int8 form, its similarity and its identity.
//! - [`metrics`]: top-1, balanced accuracy, recall@k, mAP, calibration, intervals.
//! - [`calibration`]: from logits to probabilities, and the score of "no garment".
//! - [`quantisation`]: the integer arithmetic of a quantised network.
//! - [`bundle`]: the one file that carries a network with everything that gives its numbers a meaning.
//! - [`day`]: how a day is named.
//! - [`files`]: how every file of ours is read, written and trusted.
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing))]
#![cfg_attr(test, allow(clippy::cast_possible_truncation, reason = "tests build bytes from counters"))]

pub mod bundle;
pub mod calibration;
pub mod day;
pub mod embedding;
pub mod files;
pub mod metrics;
pub mod picture;
pub mod quantisation;
pub mod taxonomy;
