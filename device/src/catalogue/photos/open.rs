//! Which source of photographs a path is.

use super::zip::{ZipError, ZipPhotos};
use super::{PhotoFolder, PhotoSource};
use clothingid_shared::files::FileError;
use std::path::Path;

/// Why a path gives no photographs.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is not there, or is a folder that cannot be listed.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is a file that cannot be used as a ZIP file.
    #[error(transparent)]
    Zip(#[from] ZipError),
}

impl OpenError {
    /// What the user may do.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        match self {
            Self::File(_) => vec!["name the folder of photographs, or the ZIP file: `--photos DIR`".to_owned()],
            Self::Zip(error) => error.hints(),
        }
    }
}

/// The photographs at `path`: a file is taken for a ZIP file, whatever its name is.
///
/// # Errors
/// Nothing is there, or it gives no photographs.
pub fn open(path: &Path) -> Result<Box<dyn PhotoSource>, OpenError> {
    let facts = std::fs::metadata(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
    if facts.is_file() { Ok(Box::new(ZipPhotos::open(path)?)) } else { Ok(Box::new(PhotoFolder::open(path)?)) }
}
