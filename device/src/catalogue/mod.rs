//! What the shop owns: products and their photographs, kept safely, searched exactly.
//!
//! `CSV + photographs → csv → import (plan → embed → commit) → store → index → scan → re-rank → matches`
//!
//! - [`csv`] reads the catalogue file of an office program into [`Product`]s, naming each bad row;
//! - [`photos`] is where their photographs come from;
//! - [`import`] plans what would change, computes the embeddings on all cores and commits batch by batch;
//! - [`edition`] is a catalogue on its way from a head office to its boards;
//! - [`store`] keeps rows, photographs and embeddings in one SQLite file, each with a checksum of ours;
//! - [`index`] is what is searched, in memory, and follows the store by what has changed;
//! - [`snapshot`] is the index at one time with the store behind it: what is searched while an import runs;
//! - [`Role`] is what a photograph says of its product: the shop lists it, or the staff know better;
//! - [`readers`] are what queries read with: connections, each with the memory that a search takes; `shown` is how garments are shown, read once;
//! - [`scan`] is the exact int8 search, [`filter`] what a match must be, [`gallery`] the interface that every gallery has, and [`matches`] its answer.
//!
//! Not here: how a photograph becomes an embedding (`network`).

pub mod csv;
pub mod edition;
pub mod filter;
pub mod gallery;
pub mod import;
pub mod index;
pub mod matches;
pub mod photos;
mod product;
pub mod readers;
mod role;
pub mod scan;
mod shown;
pub mod snapshot;
pub mod store;

pub use filter::Filter;
pub use gallery::{Gallery, GalleryError, Search};
pub use matches::{Match, Matches};
pub use product::{PhotoId, Product, Stock};
pub use role::Role;
pub use snapshot::{ProductCard, Snapshot};
pub use store::{Store, StoreError};

#[cfg(test)]
mod testing;
