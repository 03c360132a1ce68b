//! What the shop owns: products and their photographs, kept safely, searched exactly.
//!
//! `CSV + photographs → csv → import (plan → embed → commit) → store → snapshot → scan → re-rank → matches`
//!
//! - [`csv`] reads the catalogue file of an office program into [`Product`]s, naming each bad row;
//! - [`photos`] is where their photographs come from;
//! - [`import`] plans what would change, computes the embeddings on all cores and commits batch by batch;
//! - [`edition`] is a catalogue on its way from a head office to its boards;
//! - [`store`] keeps rows, photographs and embeddings in one SQLite file, each with a checksum of ours;
//! - [`snapshot`] is a fixed view of the store that can be searched while an import runs;
//! - [`scan`] is the exact int8 search in memory, and [`gallery`] the interface that every gallery has.
//!
//! Not here: how a photograph becomes an embedding (`network`).

pub mod csv;
pub mod edition;
pub mod gallery;
pub mod import;
pub mod photos;
mod product;
pub mod scan;
pub mod snapshot;
pub mod store;

pub use gallery::{Gallery, GalleryError, Match};
pub use product::{PhotoId, Product, Stock};
pub use snapshot::{ProductCard, Snapshot};
pub use store::{Store, StoreError};

#[cfg(test)]
mod testing;
