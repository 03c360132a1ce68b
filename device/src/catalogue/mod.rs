//! What the shop owns (the rest is being written).

pub mod csv;
pub mod gallery;
pub mod import;
pub mod photos;
mod product;
pub mod scan;
pub mod snapshot;
pub mod store;

pub use gallery::{Gallery, GalleryError, Match};
pub use product::{PhotoId, Product};
pub use snapshot::{ProductCard, Snapshot};
pub use store::{Store, StoreError};
