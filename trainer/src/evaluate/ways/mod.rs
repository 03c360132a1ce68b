//! Other ways to search than comparing one picture of the query with each photograph, and whether any finds more.
//!
//! - `looks.rs`: the query's mirror image and middle; `known.rs`: what the network says of them and of the gallery.
//! - `way.rs`: how alike a query and a product are, one way or another; `gallery.rs`: the products, and at which rank the right one is found.
//! - `measure.rs`: chosen on the select and calibrate parts, measured on the report part. `views.rs`: what more photographs of a garment are
//!   worth.
//!
//! The calibrate part sets thresholds on similarities; no rank depends on one, so that it may choose here, where the select part alone has
//! few garments of several photographs.

mod gallery;
mod known;
mod looks;
mod measure;
mod views;
mod way;

pub use gallery::Gain;
pub use known::{Known, know};
pub use looks::Look;
pub use measure::{Question, QuestionFigures, WayFigures, measure};
pub use views::{ViewFigures, added_views};
pub use way::Way;
