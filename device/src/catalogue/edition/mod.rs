//! Editions: a catalogue that a head office makes once, signs, and sends to all its boards.
//!
//! - [`write()`](write::write) makes an edition of a catalogue, whole or as the difference from an earlier one;
//! - [`signature`](crate::signature) signs it and tells whether it is signed (minisign's form, so that its own program does both as well);
//! - [`fingerprint`] is what two catalogues agree in where a product is the same;
//! - [`read`] makes of it what an import takes: the products, their photographs, and the embeddings, which need not be computed again.
//!
//! A shop's copy of its own catalogue is an edition too, and has with it what the staff have found out at the counter, which no other board is to have.
//!
//! An edition is an SQLite file in the store's form, without history, and with one setting more that says what it is. It is opened only after
//! its signature was found to be good. A difference has the products that differ and the bytes of new photographs; for each it says what the
//! product was before, so that it is never applied to something else.

pub mod fingerprint;
pub mod read;
pub mod write;

pub use read::{Edition, EditionError};

use fingerprint::Fingerprint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// The setting that only an edition has.
pub(super) const SETTING: &str = "edition";

/// What an edition is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Kind {
    /// All products.
    Whole,
    /// The products that differ from an earlier edition.
    Difference {
        /// What each of them was there; nothing where it was not there. Those that are not in the file are to go.
        before: BTreeMap<String, Option<Fingerprint>>,
    },
}

#[cfg(test)]
mod tests;
