//! `clothingid staff`: who may use the staff's pages.

use super::{Outcome, Report, print_line};
use crate::staff::{HashedPin, Pin, Vault};
use crate::state;
use std::io::{self, IsTerminal as _, Read as _};

/// Arguments of `staff`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What can be done about the staff's pages.
#[derive(clap::Subcommand, Debug)]
pub enum Command {
    /// Set the PIN of the staff's pages, or a new one
    #[command(after_help = SET_PIN)]
    SetPin,
}

const SET_PIN: &str = "The PIN has 4 to 12 digits. At a terminal it is asked for twice and not shown; else it is read from standard input.

  clothingid staff set-pin
  clothingid staff set-pin < pin.txt

This is also the way out when the PIN is forgotten: a new one ends all sessions and lifts the wait after wrong ones, at once, while the
appliance runs. It is kept in the state folder, where only its owner may read it; for an appliance that is a service, run this as the
service's user.";

/// The longest line that is read: a PIN, and what an editor puts around it.
const MOST_BYTES: u64 = 256;

/// Does what was asked.
///
/// # Errors
/// The PIN may not be set, or cannot be kept.
pub fn run(args: &Args) -> Result<Outcome, Report> {
    match args.command {
        Command::SetPin => set_pin(),
    }
}

fn set_pin() -> Result<Outcome, Report> {
    let folder = state::folder()?;
    let typed = if io::stdin().is_terminal() { asked()? } else { piped()? };
    let pin: Pin = typed.trim().parse().map_err(|error| {
        Report::of(&error)
            .during("setting the staff's PIN")
            .hint("choose 4 to 12 digits that nobody guesses, as a till has them")
    })?;
    let vault = Vault::Folder(folder.clone());
    let hashed = HashedPin::of(&pin)?;
    vault.set_pin(&hashed).map_err(|error| Report::of(&error).during("keeping the staff's PIN"))?;
    print_line(&format!("the PIN is set, in `{}`; all sessions have ended", folder.display()))?;
    Ok(Outcome::Done)
}

/// Twice, since nobody sees what is typed.
fn asked() -> Result<String, Report> {
    let ask =
        |prompt| rpassword::prompt_password(prompt).map_err(|error| Report::new("no PIN was typed").because(&error));
    let (first, second) = (ask("New PIN: ")?, ask("Once more: ")?);
    if first == second { Ok(first) } else { Err(Report::new("the two are not the same: nothing is changed")) }
}

fn piped() -> Result<String, Report> {
    let mut text = String::new();
    io::stdin()
        .take(MOST_BYTES)
        .read_to_string(&mut text)
        .map_err(|error| Report::new("no PIN can be read from standard input").because(&error))?;
    Ok(text)
}
