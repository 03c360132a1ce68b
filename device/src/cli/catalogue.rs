//! `clothingid catalogue`: import, embed, list, show, correct, remove, check, copy and compact what the shop owns.

mod check;
mod correct;
mod edition;
mod embed;
mod history;
mod import;
mod list;
mod upkeep;

use super::{Outcome, Report};
use crate::catalogue::StoreError;
use crate::catalogue::store::Author;
use crate::state;
use std::path::PathBuf;

/// Arguments of `catalogue`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to do with the catalogue.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done with the catalogue.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Bring a catalogue file and its photographs into the catalogue
    Import(import::Args),
    /// Embed the stored photographs with another network; the old one answers until all are done
    Embed(embed::Args),
    /// List the products
    List(list::ListArgs),
    /// Show one product
    Show(list::ShowArgs),
    /// Remove products and their photographs
    Remove(list::RemoveArgs),
    /// Make an edition of the catalogue for other boards, whole or as a difference
    Export(edition::ExportArgs),
    /// Make the pair of keys that editions are signed with
    Key(edition::KeyArgs),
    /// List what was changed, when and by whom
    History(history::HistoryArgs),
    /// Take back the last change, or the one of that number
    Undo(history::UndoArgs),
    /// Say what photographs show and what they do not, where a search was wrong
    Correct(correct::CorrectArgs),
    /// List or remove what the staff have said of photographs
    Evidence(correct::EvidenceArgs),
    /// Look at every byte of the catalogue and name what is damaged
    Check(check::Args),
    /// Copy the catalogue to another file, while the appliance goes on
    Backup(upkeep::BackupArgs),
    /// Give back the space of what was removed
    Compact(upkeep::CompactArgs),
}

/// Does what was asked.
///
/// # Errors
/// The catalogue as a whole cannot be used.
pub fn run(args: &Args) -> Result<Outcome, Report> {
    match &args.command {
        Command::Import(args) => import::run(args),
        Command::Embed(args) => embed::run(args),
        Command::List(args) => list::list(args),
        Command::Show(args) => list::show(args),
        Command::Remove(args) => list::remove(args),
        Command::Export(args) => edition::export(args),
        Command::Key(args) => edition::key(args),
        Command::History(args) => history::history(args),
        Command::Undo(args) => history::undo(args),
        Command::Correct(args) => correct::correct(args),
        Command::Evidence(args) => correct::evidence(args),
        Command::Check(args) => check::run(args),
        Command::Backup(args) => upkeep::backup(args),
        Command::Compact(args) => upkeep::compact(args),
    }
}

/// Which catalogue. Flatten it into a subcommand's `Args`.
#[derive(clap::Args, Debug, Clone, Default)]
pub struct CatalogueArgs {
    /// The catalogue's file, instead of the one in the state folder
    #[arg(long, value_name = "FILE")]
    pub catalogue: Option<PathBuf>,
}

impl CatalogueArgs {
    /// The catalogue's file.
    ///
    /// # Errors
    /// None was given, and there is no state folder.
    pub fn path(&self) -> Result<PathBuf, Report> {
        match &self.catalogue {
            Some(path) => Ok(path.clone()),
            None => {
                state::catalogue().map_err(|e| Report::of(&e).hint("name the catalogue's file: `--catalogue FILE`"))
            }
        }
    }
}

/// Who changes the catalogue. Flatten it into a subcommand's `Args`.
#[derive(clap::Args, Debug, Clone, Default)]
pub struct ByArgs {
    /// Who does it, for the history [default: the user's name]
    #[arg(long, value_name = "NAME")]
    pub by: Option<String>,
}

impl ByArgs {
    /// For the history.
    #[must_use]
    pub fn author(&self, what: String) -> Author {
        // `sudo` says who asked; without any of them nobody is named.
        let user = || ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
        Author { who: self.by.clone().or_else(user).unwrap_or_default(), what }
    }
}

/// The report of a store that cannot be used.
#[must_use]
pub fn store_report(error: &StoreError) -> Report {
    Report::of(error).hinted(error.hints())
}
