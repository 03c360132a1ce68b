//! Fine-graining, in its first form: what a photograph's features say beside the category, where a source's own notes name it.
//!
//! - `words.rs`: colour and audience in the notes of myntra, and which words are frequent enough. `measure.rs`: how often a logistic
//!   regression on features reads them rightly.
//!
//! The words are a shop's and not ours: `Navy Blue` beside `Blue`, an audience that no pixel shows. So that the figures say which features
//! carry more of them, and not how well a garment's colour could be named.

pub mod measure;
pub mod words;

pub use measure::{AttributeFigures, Described, Representation};
pub use words::Attribute;
