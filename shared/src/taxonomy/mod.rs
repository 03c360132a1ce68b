//! The taxonomies: what a network's outputs are called. Those of clothing are data in `shared/taxonomies/*.toml` and compiled in; those of
//! other objects are read from a folder with two files of the same names. They are written into each bundle, so that labels can never part
//! from their network.
//!
//! - `taxonomy.rs`: one ordered list of categories.
//! - `check.rs`: which lists can be used.
//! - `pair.rs`: the two lists of a network, a coarser and a finer one.
//!
//! The two slots are named `category14` and `category26` after the sizes that the lists of clothing have: so files, JSON and networks call
//! them whatever the lists hold.

mod check;
mod pair;
mod taxonomy;

pub use check::{MOST_CATEGORIES, RESERVED, TaxonomyProblem};
pub use pair::{Difference, FILES, Keys, SLOTS, Taxonomies, TaxonomyError};
pub use taxonomy::{Category, Taxonomy};
