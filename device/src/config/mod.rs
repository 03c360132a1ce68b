//! The configuration of `clothingid run`: TOML, read strictly, each error with its file and line.
//!
//! `/etc/clothingid/config.toml` is read first, then the user's own `clothingid/config.toml` below `$XDG_CONFIG_HOME` or
//! `~/.config`, whose keys win; `--config FILE` reads that file and no other. What the shop has [`chosen`] on its page comes before all of them, so that their keys win. [`schema`] says which keys there are,
//! [`read`] reads a file, `check` says what its values may be, [`rescue`] reads around an error for the screen of the safe mode, [`defaults`] says what holds without one,
//! [`colour`] whether a shop's colours can be read.
//!
//! What a board is made of stands in files of its own: [`board`].

pub mod board;
mod check;
pub mod chosen;
pub mod colour;
pub mod defaults;
pub mod error;
pub mod language;
pub(crate) mod near;
pub mod read;
pub mod rescue;
pub mod schema;

pub use chosen::{Chosen, Fixed};
pub use colour::Colour;
pub use error::ConfigError;
pub use language::Language;
pub use read::{load, load_files, parse, places};
pub use rescue::rescue;
pub use schema::{CameraConfig, Config, Controller, LanConfig, LookConfig, ScreenConfig, ScreenOutput, UpdateConfig};

/// Not beside the reader's files, which `xtask` compiles too.
#[cfg(test)]
mod board_tests;
