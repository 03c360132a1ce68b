//! Pack: the photographs of a manifest, split into parts, in one file that a loader can read at any position.
//!
//! In this order: [`fingerprint`] looks at every photograph, [`duplicates`] finds pairs that show the same picture, [`build`](mod@build) joins
//! their groups, splits ([`crate::import::split`]) and writes, [`leaks`] and [`balance`] say what to know before training, [`pack`]
//! opens and reads, [`check`] looks at every byte, [`folds`] divides anew for a study that scores every photograph once. [`narrow`] makes
//! a manifest's rows fewer before all that. A pack is a folder:
//!
//! - `photos.bin`: the photographs' own bytes one after another, nothing between them; it is read through [`mapped`];
//! - `blocks.csv`: the checksum of each block of `photos.bin` ([`blocks`]); older packs have none;
//! - `index.csv`: one line a photograph with offset, length, checksum, part, numbers of item and group, and its manifest row ([`index`]);
//! - `duplicates.csv`: the pairs that show the same picture, for people;
//! - `pack.json`: form, version, counts, sources, and the checksums of `index.csv` and `blocks.csv` ([`header`]). It is written last: a
//!   folder without it is no pack.
//!
//! Promise of the reader: no bytes of these files make it panic, memory grows with the index alone. Opening checks form, version, the
//! checksums and every extent, so that reading may trust them; a read checks the blocks or the checksum of its photograph.

pub mod balance;
pub mod blocks;
pub mod build;
pub mod check;
pub mod duplicates;
pub mod fingerprint;
pub mod folds;
pub mod header;
pub mod index;
pub mod leaks;
mod lists;
pub mod mapped;
pub mod narrow;
mod neighbours;
#[expect(clippy::module_inception, reason = "the type of this module is the pack itself")]
pub mod pack;
mod places;
#[cfg(test)]
pub(crate) mod sample;

pub use build::{BuildOptions, Built, Unfit, build};
pub use duplicates::Duplicate;
pub use folds::Fold;
pub use header::PackedSource;
pub use index::PackedRow;
pub use pack::Pack;

use std::path::PathBuf;

use clothingid_shared::files::FileError;
use clothingid_shared::taxonomy::TaxonomyError;

use crate::import::{ImportError, Part, Problems};

/// What can go wrong with a pack.
#[derive(Debug, thiserror::Error)]
pub enum PackError {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The taxonomies of the pack or of its manifest cannot be used.
    #[error(transparent)]
    Taxonomy(#[from] TaxonomyError),
    /// The manifest could not be read.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// A file of the pack could not be read or written at a position.
    #[error("cannot {action} `{path}`")]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        #[source]
        cause: std::io::Error,
    },
    /// A folder without a finished pack.
    #[error("`{path}` holds no finished pack: `{missing}` is missing")]
    NotAPack {
        /// The folder.
        path: PathBuf,
        /// The file that is not there.
        missing: &'static str,
    },
    /// A file that is not in the form of a pack.
    #[error("`{path}` is not in the form of a pack: {reason}")]
    Form {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// A pack of a newer program.
    #[error("`{path}` has version {found}, written by {written_by}; this program reads version {expected}")]
    Newer {
        /// The file.
        path: PathBuf,
        /// The program that wrote it.
        written_by: String,
        /// The version in it.
        found: u32,
        /// The version that is read here.
        expected: u32,
    },
    /// A file that is shorter or longer than the pack says, or whose bytes changed.
    #[error("`{path}` is torn: expected {expected}, found {found}")]
    Torn {
        /// The file.
        path: PathBuf,
        /// What the pack says.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A photograph whose bytes changed.
    #[error("photograph `{photo}` in `{path}` is damaged: its checksum is {found} instead of {expected}")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The photograph's own path.
        photo: String,
        /// The checksum in the index.
        expected: String,
        /// The checksum of the bytes.
        found: String,
    },
    /// A row number that the pack does not have.
    #[error("row {row} of a pack of {rows} photographs")]
    NoSuchRow {
        /// The number asked for.
        row: usize,
        /// How many there are.
        rows: usize,
    },
    /// Photographs that cannot be packed, where none was to be left out.
    #[error("{} of {photos} photographs cannot be packed", problems.len())]
    Unfit {
        /// Photographs of the manifest.
        photos: usize,
        /// Which, and why.
        problems: Problems,
    },
    /// Photographs that belong together and that the manifest puts into two parts.
    #[error("`{first}` of part `{first_part}` and `{second}` of part `{second_part}` belong together: {link}")]
    InTwoParts {
        /// Path of a photograph.
        first: String,
        /// Its part in the manifest.
        first_part: Part,
        /// Path of another.
        second: String,
        /// Its part in the manifest.
        second_part: Part,
        /// What joins them.
        link: String,
    },
    /// No photograph could be used.
    #[error("`{path}` names no usable photograph")]
    Empty {
        /// The manifest.
        path: PathBuf,
    },
    /// The folder to write holds something that is no pack.
    #[error("`{path}` is not empty and holds no pack")]
    Occupied {
        /// The folder.
        path: PathBuf,
    },
    /// Stopped by the user.
    #[error("stopped by the user")]
    Stopped,
}
