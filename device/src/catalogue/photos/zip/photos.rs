//! A ZIP file as a source of photographs.

use super::archive;
use super::directory::{Directory, Found};
use super::error::ZipError;
use super::window::ReadAt;
use crate::catalogue::csv::ProblemKind;
use crate::catalogue::photos::PhotoSource;
use clothingid_shared::files::FileError;
use std::fs::File;
use std::path::{Path, PathBuf};

/// The photographs in a ZIP file. Several threads read and unpack at once, each with a place of its own in the file.
#[derive(Debug)]
pub struct ZipPhotos<S> {
    path: PathBuf,
    source: S,
    directory: Directory,
}

impl ZipPhotos<File> {
    /// The ZIP file at `path`.
    ///
    /// # Errors
    /// It cannot be read, or its directory cannot be used.
    pub fn open(path: &Path) -> Result<Self, ZipError> {
        let file = File::open(path).map_err(|source| FileError::Read { path: path.to_owned(), source })?;
        Self::of(path, file)
    }
}

impl<S: ReadAt> ZipPhotos<S> {
    /// A ZIP file that is read from `source`; `path` is how messages call it.
    ///
    /// # Errors
    /// As [`ZipPhotos::open`].
    pub fn of(path: &Path, source: S) -> Result<Self, ZipError> {
        let directory = Directory::read(path, &source)?;
        Ok(Self { path: path.to_owned(), source, directory })
    }

    /// The names of all files, usable or not.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.directory.names()
    }
}

impl<S: ReadAt> PhotoSource for ZipPhotos<S> {
    fn describe(&self) -> String {
        format!("the ZIP file `{}`", self.path.display())
    }

    fn byte_len(&self, name: &str) -> u64 {
        match self.directory.find(name) {
            Found::Photo(place) => place.byte_len(),
            _ => 0,
        }
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, ProblemKind> {
        let (photo, source_name) = (name.to_owned(), self.describe());
        let cause = match self.directory.find(name) {
            Found::Photo(place) => match archive::unpack(&self.source, place) {
                Ok(bytes) => return Ok(bytes),
                Err(cause) => cause,
            },
            Found::Unusable(unusable) => unusable.to_string(),
            // As in a folder.
            Found::Folder => "it is not a file".to_owned(),
            Found::OtherCase(there) => {
                return Err(ProblemKind::PhotoOtherCase { photo, source_name, there: there.to_owned() });
            }
            Found::Missing => return Err(ProblemKind::PhotoMissing { photo, source_name }),
            Found::Outside => return Err(ProblemKind::PhotoOutside { photo, source_name }),
        };
        Err(ProblemKind::PhotoUnreadable { photo, cause })
    }
}
