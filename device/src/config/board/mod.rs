//! What a board is: `firmware-config/boards/NAME.toml`, one file a board, read strictly, each error with its file and line.
//!
//! [`schema`] has the tables and keys, [`read`] reads a file by its `keys`, `check` says what its values may be, [`find`] tells which board this machine
//! is, [`known`] has the files of the boards that we describe. `board.schema.json` beside those files says the same to editors; a test holds
//! it to this reader.
//!
//! `doctor --board` reads boards here, and `cargo xtask` compiles these very files: nothing here needs the rest of the program.

mod check;
pub mod error;
pub mod find;
mod keys;
pub mod known;
pub mod read;
pub mod schema;

pub use error::BoardError;
pub use find::{Machine, found};
pub use known::{KNOWN, named};
pub use read::parse;
pub use schema::{Backend, Board, Bridge, Owner, PowerTool, Slot};
