//! What stops all work with a catalogue file.

use crate::network::EngineChoice;
use clothingid_shared::embedding::EmbeddingIdentity;
use rusqlite::ErrorCode;
use std::path::{Path, PathBuf};

/// Why a catalogue cannot be used. The file is never changed by one of these.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// No file.
    #[error("there is no catalogue at `{}`", path.display())]
    Missing {
        /// Where it should be.
        path: PathBuf,
    },
    /// Another kind of file, or only a part of one.
    #[error("`{}` is not a catalogue: expected {expected}, found {found}", path.display())]
    NotACatalogue {
        /// The file.
        path: PathBuf,
        /// What a catalogue has.
        expected: &'static str,
        /// What this file has.
        found: String,
    },
    /// SQLite cannot follow the file's structure: truncated or overwritten.
    #[error("the catalogue `{}` is damaged or cut short", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// Written by a newer program.
    #[error("the catalogue `{}` was written by a newer program: its form is {found}, this program reads up to {known}", path.display())]
    Newer {
        /// The file.
        path: PathBuf,
        /// The file's form.
        found: i64,
        /// The newest that we read.
        known: i64,
    },
    /// Written by an older program, where it cannot be brought up to date.
    #[error("`{}` was written by an older program: its form is {found}, this program reads {known}", path.display())]
    Older {
        /// The file.
        path: PathBuf,
        /// The file's form.
        found: i64,
        /// The one that we read.
        known: i64,
    },
    /// Another program is writing.
    #[error("the catalogue `{}` is being changed by another program", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The embeddings were made by another network.
    #[error("the catalogue `{}` was embedded with another network: expected {wanted}, found {found}", path.display())]
    OtherIdentity {
        /// The file.
        path: PathBuf,
        /// The network's in use, shortened.
        wanted: String,
        /// The catalogue's, shortened.
        found: String,
        /// The command that embeds it again.
        command: String,
    },
    /// The embeddings are of another network than the appliance's, and nothing of the catalogue is in its memory.
    #[error("the catalogue `{}` is not yet embedded with the network in use", path.display())]
    BeingEmbedded {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full, the folder read-only, and the like.
    #[error("{doing} in the catalogue `{}` failed", path.display())]
    Sqlite {
        /// The file.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What SQLite says.
        source: rusqlite::Error,
    },
    /// The file or its folder cannot be read or made.
    #[error(transparent)]
    File(#[from] clothingid_shared::files::FileError),
}

impl StoreError {
    pub(super) fn of(path: &Path, doing: &'static str, source: rusqlite::Error) -> Self {
        use rusqlite::Error;
        let path = path.to_owned();
        // A column that holds another type than was written.
        if matches!(
            source,
            Error::FromSqlConversionFailure(..)
                | Error::InvalidColumnType(..)
                | Error::IntegralValueOutOfRange(..)
                | Error::Utf8Error(..)
        ) {
            return Self::Damaged { path, source };
        }
        match source.sqlite_error_code() {
            Some(ErrorCode::DatabaseCorrupt) => Self::Damaged { path, source },
            Some(ErrorCode::NotADatabase) => Self::NotACatalogue {
                path,
                expected: "an SQLite database",
                found: "a file whose header is not one".to_owned(),
            },
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy { path, source },
            _ => Self::Sqlite { path, doing, source },
        }
    }

    pub(super) fn other_identity(path: &Path, wanted: &EmbeddingIdentity, found: &EmbeddingIdentity) -> Self {
        let command = embed_command(Some(path), (None, EngineChoice::default()));
        let (wanted, found) = (wanted.short().to_owned(), found.short().to_owned());
        Self::OtherIdentity { path: path.to_owned(), wanted, found, command }
    }

    /// Names the network in use, as far as it is not the one that the program takes by itself, in the command that embeds again: without it
    /// the command would embed with yet another network.
    #[must_use]
    pub fn with_network(mut self, file: Option<&Path>, engine: EngineChoice) -> Self {
        if let Self::OtherIdentity { path, command, .. } = &mut self {
            *command = embed_command(Some(path), (file, engine));
        }
        self
    }

    /// What the user may do.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        let import = "clothingid catalogue import CSV --photos DIR";
        match self {
            Self::Missing { path } => {
                vec![format!("make one: `{import} --catalogue {}`", quoted(path))]
            }
            Self::NotACatalogue { path, .. } | Self::Damaged { path, .. } => {
                let path = quoted(path);
                vec![
                    format!("the file is left as it is: keep it aside with `mv {path} {path}.damaged`"),
                    format!("then make the catalogue anew: `{import} --catalogue {path}`"),
                ]
            }
            Self::Newer { .. } => vec!["update this program".to_owned()],
            Self::Older { .. } => vec!["have it made again by a newer program".to_owned()],
            Self::Busy { .. } => vec!["wait until the other import has ended, then try again".to_owned()],
            Self::OtherIdentity { command, .. } => vec![
                format!("embed it again with the network in use: `{command}`"),
                "or use the bundle that it was made with: `--bundle FILE`".to_owned(),
            ],
            Self::BeingEmbedded { .. } => vec!["searches are back when all photos are embedded: `clothingid catalogue embed`, if that is not under way".to_owned()],
            Self::Sqlite { source, .. } => match source.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => {
                    vec!["make room on the disk, then do it again: what is stored is whole".to_owned()]
                }
                // A file that may not grow, too: a quota, a limit on the size of files.
                Some(ErrorCode::SystemIoFailure) => vec![
                    "see whether the disk has room and is sound (`df`, `dmesg`), then do it again: what is stored is whole"
                        .to_owned(),
                ],
                Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied) => {
                    vec![
                        "the folder must be writable for this user, and its disk must have room: SQLite keeps its journal beside the file"
                            .to_owned(),
                    ]
                }
                _ => Vec::new(),
            },
            Self::File(_) => {
                vec!["make the folder writable for this user, or name another file: `--catalogue FILE`".to_owned()]
            }
        }
    }
}

/// The command that embeds a catalogue (none: the one in the state folder) with a network (none: the one inside the program).
pub(crate) fn embed_command(catalogue: Option<&Path>, (bundle, engine): (Option<&Path>, EngineChoice)) -> String {
    let mut command = "clothingid catalogue embed".to_owned();
    if let Some(catalogue) = catalogue {
        command.push_str(&format!(" --catalogue {}", quoted(catalogue)));
    }
    if let Some(bundle) = bundle {
        command.push_str(&format!(" --bundle {}", quoted(bundle)));
    }
    if engine != EngineChoice::default() {
        command.push_str(&format!(" --engine {engine}"));
    }
    command
}

/// A path as a shell takes it.
pub(crate) fn quoted(path: &Path) -> String {
    let text = path.display().to_string();
    let plain = |c: char| c.is_alphanumeric() || "/._-+:,@%=".contains(c);
    if !text.is_empty() && text.chars().all(plain) { text } else { format!("'{}'", text.replace('\'', r"'\''")) }
}
