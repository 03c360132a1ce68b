//! Measures a network on photographs that it has never seen.
//!
//! - `photos.rs`: the photographs; `engine.rs`: what answers to them.
//! - `figure.rs`: a value with its interval.
//! - `categories.rs`, `retrieval.rs`: the figures.
//! - `confusion.rs`, `reliability.rs`: what is taken for what, and what a probability is worth.
//! - `measure.rs`: all figures of one network; `baseline.rs`: the rival on frozen ImageNet features; `report.rs`: tables for people.
//! - `rejection.rs`: scores, temperatures and thresholds; `logistic.rs`: the regression that they and the baseline are.
//! - `matching.rs`: the thresholds of a confident match and of nothing like it, and what they let through.
//! - `compared.rs`: a bundle against the raw ImageNet features on one measure. `customer_to_shop.rs`, `attributes/`: what is measured so.
//! - `ways/`: other ways to search, and what more photographs of a garment are worth.
//! - `localisation/`: where the garment is, and what a second look at it is worth.

pub mod attributes;
pub mod baseline;
pub mod categories;
pub mod compared;
pub mod confusion;
pub mod customer_to_shop;
pub mod engine;
pub mod error;
pub mod figure;
pub mod localisation;
pub mod logistic;
pub mod matching;
pub mod measure;
pub mod photos;
pub mod rejection;
pub mod reliability;
pub mod report;
pub mod retrieval;
pub mod ways;

pub use engine::Engine;
pub use error::EvaluateError;
pub use figure::{Figure, Named};
pub use photos::{Photos, Sample};
