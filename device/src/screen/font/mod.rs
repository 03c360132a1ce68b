//! Glyphs as coverage, from the fonts inside the program.
//!
//! [`Glyphs`] rasterises a glyph the first time that it is asked for and keeps it, so that drawing the same text again allocates nothing.
//! Latin comes from Noto Sans, everything else from Noto Sans CJK TC; `README.md` in this folder says which characters there are. Bold has
//! the Chinese characters of our own texts alone: others are drawn in regular. A character that no font has is a box.

mod cache;
mod face;

pub use cache::{Glyph, Glyphs};
pub use face::Weight;
