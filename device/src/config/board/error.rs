//! What can be wrong with the file of a board.

use std::path::PathBuf;

/// The file of a board that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// The file is no TOML, or a value is of the wrong type.
    #[error("{}:{line}: {problem}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// A key that nobody reads.
    #[error("{}:{line}: unknown key `{key}`", path.display())]
    UnknownKey {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key as written, with the tables above it.
        key: String,
        /// The key that was probably meant.
        nearest: Option<String>,
        /// The keys there are.
        known: Vec<String>,
    },
    /// A key that each board needs.
    #[error("{}:{line}: the key `{key}` is missing", path.display())]
    MissingKey {
        /// The file.
        path: PathBuf,
        /// The line where its table begins, from 1.
        line: usize,
        /// The key, with the tables above it.
        key: String,
    },
    /// A value that cannot be.
    #[error("{}:{line}: `{key}` {problem}", path.display())]
    Value {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The key.
        key: String,
        /// What is wrong with its value.
        problem: String,
    },
}

impl BoardError {
    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::UnknownKey { nearest: Some(nearest), .. } => format!("did you mean `{nearest}`?"),
            Self::UnknownKey { known, .. } => format!("the keys here are `{}`", known.join("`, `")),
            Self::MissingKey { .. } | Self::Syntax { .. } | Self::Value { .. } => {
                "`firmware-config/boards/board.schema.json` says what each key is for".into()
            }
        }
    }
}
