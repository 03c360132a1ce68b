//! `doctor --board`: this machine against the file of its board, which only the board itself can show.
//!
//! Everything is read from files of the kernel and the system below a root ([`tree`]), `/` on a board: [`machine`] looks at what the board
//! is made of and how it is, [`parts`] at camera, display and graphics processor, [`start`] at slots, service and watchdog. What cannot be
//! read is said to be not seen, with the command that shows it.

#[cfg(test)]
mod laid;
mod machine;
mod parts;
mod start;
#[cfg(test)]
mod tests;
mod tree;

use super::Finding;
use crate::cli::Report;
use crate::config::board::{self, Board, KNOWN, Machine};
use crate::network;
use clothingid_shared::files;
use std::path::{Path, PathBuf};
use tree::Tree;

/// The file of a board is a page of text.
const MOST_BYTES: u64 = 1 << 20;

/// All findings about the board: the named one, or the one that this machine is.
pub(super) fn all(asked: Option<&str>) -> Vec<Finding> {
    let adapter = || network::graphics_adapter().map_err(|error| error.to_string());
    of_tree(&Tree::new(PathBuf::from("/")), asked, std::env::consts::ARCH, &adapter)
}

/// As [`all`], of the files below a root, on a processor, with what Vulkan says of its adapter.
fn of_tree(
    tree: &Tree,
    asked: Option<&str>,
    architecture: &str,
    adapter: &dyn Fn() -> Result<String, String>,
) -> Vec<Finding> {
    let this = Machine::read(tree.root(), architecture);
    let (finding, board) = chosen(&this, asked);
    let mut findings = vec![finding];
    let Some(board) = board else { return findings };
    findings.extend(machine::all(tree, &board));
    findings.extend(parts::all(tree, &board, adapter));
    findings.extend(start::all(tree, &board));
    findings
}

/// Which board is looked at, and whether it is this machine.
fn chosen(this: &Machine, asked: Option<&str>) -> (Finding, Option<Board>) {
    let title = this.title.as_deref().unwrap_or("a machine without a name");
    let found = board::found(this);
    let wanted = match asked {
        None => found.clone(),
        Some(name) => match open(name) {
            Ok(board) => Some(board),
            Err(report) => return (Finding::failed("board", report), None),
        },
    };
    let Some(board) = wanted else {
        let report = Report::new(format!("`{title}` is none of the boards that we describe"))
            .hint(format!("name the one that it is most like: `clothingid doctor --board NAME`, of {}", names()))
            .hint("or a file of its own, as in firmware-config/boards: `clothingid doctor --board FILE.toml`");
        return (Finding::failed("board", report), None);
    };
    let tried =
        if board.tried { "" } else { "; what its file says is the maker's word, nothing of ours has run on one" };
    let text = format!("`{title}` as `{}` ({}){tried}", board.name, board.title);
    let is_other = found.as_ref().is_some_and(|found| found.name != board.name);
    let is_built_for = board.target.starts_with(&this.architecture);
    let finding = match found {
        _ if !is_built_for => Finding::failed(
            "board",
            Report::new(text)
                .hint(format!("this program is for {}: install the one for {}", this.architecture, board.target)),
        ),
        Some(found) if is_other => {
            Finding::warning("board", text, &format!("this machine is `{}`: leave the name out", found.name))
        }
        _ => Finding::ok("board", text),
    };
    (finding, Some(board))
}

fn names() -> String {
    KNOWN.map(|(name, _)| format!("`{name}`")).join(", ")
}

/// The board with this name, or in this file.
fn open(name: &str) -> Result<Board, Report> {
    let (path, text) = match board::named(name) {
        Some(text) => (PathBuf::from(format!("{name}.toml")), text.to_owned()),
        None if name.ends_with(".toml") || Path::new(name).exists() => {
            let text = files::read_text_at_most(Path::new(name), MOST_BYTES);
            (
                name.into(),
                text.map_err(|error| Report::of(&error).hint("name a file of a board, or one of the boards"))?,
            )
        }
        None => return Err(Report::new(format!("there is no board `{name}`")).hint(format!("there are {}", names()))),
    };
    board::parse(&path, &text).map_err(|error| Report::of(&error).hint(error.hint()))
}
