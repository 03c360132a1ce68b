//! Measures a network on photographs that it has never seen.
//!
//! - `photos.rs`: the photographs; `engine.rs`: what answers to them.
//! - `figure.rs`: a value with its interval.
//! - `categories.rs`, `retrieval.rs`: the figures.

pub mod categories;
pub mod engine;
pub mod error;
pub mod figure;
pub mod photos;
pub mod retrieval;

pub use engine::Engine;
pub use error::EvaluateError;
pub use figure::Figure;
pub use photos::{Photos, Sample};
