//! What gives photographs by name.

use crate::catalogue::csv::ProblemKind;

/// Gives photographs by the names that a catalogue file has.
pub trait PhotoSource: Sync {
    /// How messages call it, as: the folder `photos`.
    fn describe(&self) -> String;

    /// How many bytes a photograph has, before it is read; 0 where that cannot be said.
    fn byte_len(&self, name: &str) -> u64;

    /// The bytes of a photograph.
    ///
    /// # Errors
    /// It is not there, lies elsewhere, or cannot be read.
    fn read(&self, name: &str) -> Result<Vec<u8>, ProblemKind>;
}
