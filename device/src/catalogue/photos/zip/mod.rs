//! Photographs in a ZIP file.
//!
//! 1. [`window`] reads the file at any place, for several threads at once and without a lock;
//! 2. [`archive`] walks the ZIP's directory, and unpacks one entry;
//! 3. [`name`] makes names comparable, in the ZIP and in the catalogue file;
//! 4. [`directory`] finds what stands under a name, or says why it cannot be used;
//! 5. [`photos`] is the source of photographs that they make, and [`error`] what can be wrong with the file as a whole.
//!
//! Promise: no bytes make it panic. Of the file only the directory is kept in memory, and that within a bound; a photograph is unpacked
//! when it is asked for, and never beyond the size of the largest that is taken from a folder. Nothing is written to the disk, so that no name
//! in a ZIP file leads anywhere.

mod archive;
mod directory;
pub mod error;
mod name;
pub mod photos;
pub mod window;

pub use error::ZipError;
pub use photos::ZipPhotos;
pub use window::ReadAt;

#[cfg(test)]
mod packed;
#[cfg(test)]
mod tests;
