//! One photograph of a pack as a picture, with buffers that are used again.

use clothingid_shared::picture::{self, Picture};

use super::LoadError;
use crate::pack::Pack;

/// Reads and decodes photographs for one thread.
#[derive(Debug, Default)]
pub struct PhotoReader {
    bytes: Vec<u8>,
    picture: Picture,
}

impl PhotoReader {
    /// The decoded photograph of a row.
    ///
    /// # Errors
    /// When its bytes cannot be read, have changed, or are no picture.
    pub fn read(&mut self, pack: &Pack, row: usize) -> Result<&Picture, LoadError> {
        pack.read_into(row, &mut self.bytes)?;
        match picture::decode_into(&self.bytes, &mut self.picture) {
            Ok(()) => Ok(&self.picture),
            Err(cause) => Err(LoadError::Picture { photo: pack.row(row)?.path.clone(), cause }),
        }
    }
}
