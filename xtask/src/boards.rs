//! The files of boards, read by the appliance's own reader: the same sources, compiled here without the rest of the program, which takes minutes.

use crate::report::Report;

#[path = "../../device/src/config/board/mod.rs"]
#[allow(
    dead_code,
    unused_imports,
    unreachable_pub,
    reason = "what of the reader only the appliance needs; nothing of it leaves this program"
)]
mod board;
#[path = "../../device/src/config/near.rs"]
mod near;

pub(crate) use board::{Backend, Board, Bridge, Owner};

/// The board with this name, or in this file.
pub(crate) fn open(name: &str) -> Result<Board, Report> {
    let (path, text) = match board::named(name) {
        Some(text) => (std::path::PathBuf::from(format!("{name}.toml")), text.to_owned()),
        None if name.ends_with(".toml") => {
            let text = std::fs::read_to_string(name);
            (
                name.into(),
                text.map_err(|error| {
                    Report::failure("the board's file cannot be read", "look at its path").caused_by(error)
                })?,
            )
        }
        None => {
            let names: Vec<&str> = board::KNOWN.iter().map(|(name, _)| *name).collect();
            return Err(Report::usage(format!(
                "there is no board `{name}`; there are `{}`, or name a file",
                names.join("`, `")
            )));
        }
    };
    board::parse(&path, &text).map_err(|error| Report::failure(error.to_string(), error.hint()))
}
