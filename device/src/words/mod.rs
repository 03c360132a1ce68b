//! What pages and screen say, in each language.
//!
//! [`texts`] reads the texts, [`numbers`] writes percentages and prices as a language does. The texts themselves lie in
//! `strings/`, one file a language.

pub mod numbers;
pub mod texts;

pub use numbers::{fill_percent, price};
pub use texts::{staff_strings, strings, text};
