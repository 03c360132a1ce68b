//! What can be wrong with a bundle, and what to do about it.

use std::path::PathBuf;

use thiserror::Error;

use super::FORMAT;
use crate::files::FileError;

/// A bundle file that cannot be used, by name.
#[derive(Debug, Error)]
pub enum BundleError {
    /// The file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// The file was read, and its content is refused.
    #[error("`{}` is not a bundle that can be used", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        problem: BundleProblem,
    },
}

impl BundleError {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::File(_) => "check the path and its permissions",
            Self::Refused { problem, .. } => problem.hint(),
        }
    }
}

/// Why the bytes of a bundle are refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BundleProblem {
    /// Not a tar, or one that ends early.
    #[error("the archive is damaged: {detail}")]
    Archive {
        /// The reader's words.
        detail: String,
    },
    /// A listed or required file is not there.
    #[error("`{name}` is missing")]
    Missing {
        /// Name in the archive.
        name: String,
    },
    /// A file that `bundle.json` does not list, or one that is there twice.
    #[error("`{name}` does not belong in the bundle")]
    Unexpected {
        /// Name in the archive.
        name: String,
    },
    /// The content is not what was written.
    #[error("`{name}` was altered: its SHA-256 begins {found}, `bundle.json` says {expected}")]
    Altered {
        /// Name in the archive.
        name: String,
        /// First digits of the hash on record.
        expected: String,
        /// First digits of the hash found.
        found: String,
    },
    /// Written by a later version.
    #[error("it has format {found}, written by {written_by}; this program reads format {FORMAT}")]
    Newer {
        /// The format found.
        found: u64,
        /// The program that wrote it.
        written_by: String,
    },
    /// `bundle.json` or a golden table is not what it should be.
    #[error("`{name}` cannot be understood: {detail}")]
    Content {
        /// Name in the archive.
        name: String,
        /// The reader's words.
        detail: String,
    },
}

impl BundleProblem {
    /// What to do.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Newer { .. } => "update this program, or export the bundle with a version that fits it",
            Self::Archive { .. }
            | Self::Missing { .. }
            | Self::Unexpected { .. }
            | Self::Altered { .. }
            | Self::Content { .. } => "copy the bundle again from where it was exported, or export it again",
        }
    }
}
