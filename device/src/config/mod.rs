//! The configuration of `clothingid run`: TOML, read strictly, each error with its file and line.
//!
//! `/etc/clothingid/config.toml` is read first, then the user's own `clothingid/config.toml` below `$XDG_CONFIG_HOME` or
//! `~/.config`, whose keys win; `--config FILE` reads that file and no other. [`schema`] says which keys there are,
//! [`read`] reads a file, [`defaults`] says what holds without one.

pub mod defaults;
pub mod error;
pub mod language;
pub mod read;
pub mod schema;

pub use error::ConfigError;
pub use language::Language;
pub use read::{load, parse, places};
pub use schema::{CameraConfig, Config};
