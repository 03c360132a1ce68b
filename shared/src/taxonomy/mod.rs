//! The taxonomies: data in `shared/taxonomies/*.toml`, written into each bundle so that labels can never part from their network.

mod taxonomy;

pub use taxonomy::{Category, Taxonomy};
