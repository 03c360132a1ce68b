//! What can be wrong with a ZIP file as a whole.

use clothingid_shared::files::FileError;
use std::path::PathBuf;

/// A file that gives no photographs as a ZIP file.
#[derive(Debug, thiserror::Error)]
pub enum ZipError {
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// It is something else.
    #[error("`{}` is not a ZIP file", path.display())]
    NotZip {
        /// The file.
        path: PathBuf,
    },
    /// It begins as a ZIP file, and its directory, which stands at the end, cannot be read.
    #[error("the ZIP file `{}` is cut short or damaged", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What the reader says of it.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// One part of an archive that was cut into several.
    #[error("the ZIP file `{}` is one of several parts", path.display())]
    SeveralParts {
        /// The file.
        path: PathBuf,
    },
    /// More files than are kept in memory.
    #[error("the ZIP file `{}` has {found} files, and at most {limit} are taken from one", path.display())]
    TooManyFiles {
        /// The file.
        path: PathBuf,
        /// Its files.
        found: usize,
        /// The most that are taken.
        limit: usize,
    },
    /// Longer names than are kept in memory.
    #[error("the names in the ZIP file `{}` have more than {} MiB, which is the most that is taken", path.display(), limit >> 20)]
    NamesTooLong {
        /// The file.
        path: PathBuf,
        /// Bytes of all names.
        limit: usize,
    },
}

impl ZipError {
    /// What the user may do.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        let hint = match self {
            Self::File(_) | Self::NotZip { .. } => "name the folder of photographs, or a ZIP file: `--photos DIR`",
            Self::Damaged { .. } => "copy it again from where it was made, or pack the photographs again",
            Self::SeveralParts { .. } => "pack the photographs again, in one file",
            Self::TooManyFiles { .. } | Self::NamesTooLong { .. } => "unpack it, and name the folder: `--photos DIR`",
        };
        vec![hint.to_owned()]
    }
}
