//! Why an update is not taken.

use super::index::{FILE, IndexError, Kind};
use super::keys::KeyError;
use super::memory::MemoryError;
use clothingid_shared::files::FileError;
use std::io;
use std::path::PathBuf;

/// An update that is not taken. The board goes on with what it has.
#[derive(Debug, thiserror::Error)]
pub enum UpdateError {
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
    /// Neither HTTPS nor a path.
    #[error("updates come from a folder or an address that begins with `https://`, and `{address}` is neither")]
    Address {
        /// As it was given.
        address: String,
    },
    /// What fetches is not installed.
    #[error("the program `curl`, which fetches updates from an address, is missing")]
    NoCurl,
    /// The server does not give it.
    #[error("`{place}` cannot be fetched: {cause}")]
    Fetch {
        /// Its address.
        place: String,
        /// What curl says.
        cause: String,
    },
    /// More bytes than there may be.
    #[error("`{place}` has more than {byte_len} bytes")]
    TooLong {
        /// Its address.
        place: String,
        /// The most.
        byte_len: u64,
    },
    /// Fewer bytes than there should be.
    #[error("`{place}` ends after {found} of {expected} bytes")]
    Torn {
        /// Which file.
        place: String,
        /// By the index.
        expected: u64,
        /// That came.
        found: u64,
    },
    /// Other bytes than there should be.
    #[error("`{place}` is not the file that the index names: its SHA-256 begins {found}, expected {expected}")]
    Other {
        /// Which file.
        place: String,
        /// First digits of the hash by the index.
        expected: String,
        /// First digits of the hash found.
        found: String,
    },
    /// The disk is full.
    #[error("the update needs {needed} MiB of room in `{}`, and {there} MiB are free", folder.display())]
    Room {
        /// Where.
        folder: PathBuf,
        /// What is needed.
        needed: u64,
        /// What is there.
        there: u64,
    },
    /// What was received cannot be kept.
    #[error("what is received cannot be written")]
    Unwritten(#[source] io::Error),
    /// The index cannot be used.
    #[error(transparent)]
    Index(#[from] IndexError),
    /// It is not signed by whom it should be.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// An index from before.
    #[error("`{place}` is the index {serial}, and the index {newest} was here already: an older one is not taken")]
    Replay {
        /// Which index.
        place: String,
        /// Its number.
        serial: u64,
        /// The highest that was accepted.
        newest: u64,
    },
    /// An update from before.
    #[error(
        "the {kind} {version} has the number {serial}, and the number {newest} was here already: an older one is not taken"
    )]
    Downgrade {
        /// Of what.
        kind: Kind,
        /// For people.
        version: String,
        /// Its number.
        serial: u64,
        /// The highest that was accepted.
        newest: u64,
    },
    /// For other boards.
    #[error("the {kind} {version} is for {boards}, and this is {this}")]
    OtherBoard {
        /// Of what.
        kind: Kind,
        /// For people.
        version: String,
        /// Whom it is for.
        boards: String,
        /// What this is.
        this: String,
    },
    /// The configuration names a network itself.
    #[error("the configuration names a network, `{}`: it outranks updates", bundle.display())]
    Outranked {
        /// That network.
        bundle: PathBuf,
    },
    /// The network does not answer as it should.
    #[error("{title} is not taken: {cause}")]
    Unproven {
        /// Which one.
        title: String,
        /// What was found.
        cause: String,
        /// Whether another time may end otherwise.
        is_passing: bool,
    },
    /// The import failed.
    #[error("{title} could not be imported: {cause}")]
    Import {
        /// Which one.
        title: String,
        /// What was found.
        cause: String,
    },
    /// RAUC is missing or refuses.
    #[error("{title} is not installed: {cause}")]
    System {
        /// Which one.
        title: String,
        /// What was found.
        cause: String,
    },
    /// What was remembered cannot be used.
    #[error(transparent)]
    Memory(#[from] MemoryError),
    /// Nothing to go back to.
    #[error("there is no {kind} from before that could be gone back to")]
    NothingBefore {
        /// Of what.
        kind: Kind,
    },
    /// Somebody else installs.
    #[error("another `clothingid update` is at work")]
    Busy,
}

impl UpdateError {
    /// What a person can do about it.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        let one = |hint: &str| vec![hint.to_owned()];
        match self {
            Self::Address { .. } => one("name a folder, a stick's folder as in `/media/stick`, or `https://…`"),
            Self::NoCurl => one("install it: `apt-get install curl`; or bring updates on a USB stick"),
            Self::Torn { .. } | Self::Other { .. } | Self::TooLong { .. } => one("copy it again from the head office"),
            Self::Room { .. } => one("make room: `clothingid catalogue compact`, or a larger disk"),
            Self::Index(IndexError { nearest: Some(key), .. }) => vec![format!("did you mean `{key}`?")],
            Self::Key(KeyError::Signature(error)) => error.hints(),
            Self::Key(KeyError::NoKeys { .. } | KeyError::Unknown { .. }) => one(
                "bring the head office's public key: the file `….pub` goes into the folder `keys` beside the configuration",
            ),
            Self::Key(KeyError::Retired { .. }) => {
                one("ask the head office for an index that is signed with its new key")
            }
            Self::Key(KeyError::Last { .. }) => {
                one("the head office adds its new key in the same index: `update publish --add-key`")
            }
            Self::Replay { .. } | Self::Downgrade { .. } => {
                one("to take it all the same: `clothingid update install --allow-downgrade`")
            }
            Self::Outranked { .. } => one("leave `bundle` out of the configuration, and updates are taken"),
            Self::Unproven { is_passing: true, .. } => one("try again: `clothingid update install`"),
            Self::Memory(MemoryError::Damaged { path, .. }) => {
                vec![format!(
                    "keep it aside, and the board begins anew with the network inside the program: `mv {0} {0}.damaged`",
                    path.display()
                )]
            }
            Self::Memory(MemoryError::Newer { .. }) => one("start the newer program that wrote it"),
            Self::File(FileError::Read { path, .. }) if path.ends_with(FILE) => {
                one("name the folder that `clothingid update publish` has made")
            }
            Self::System { .. } => {
                one("images are installed by RAUC on a board that was set up for it: see docs/boards.md")
            }
            _ => Vec::new(),
        }
    }
}
