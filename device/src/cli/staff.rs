//! `clothingid staff`: who may use the staff's pages.

use super::run::{config_report, lan_settings};
use super::{Outcome, Report, print_line};
use crate::config;
use crate::lan::{self, Lan, LanError, PairError};
use crate::staff::{HashedPin, Pin, Vault};
use crate::state;
use std::io::{self, IsTerminal as _, Read as _};
use std::net::ToSocketAddrs as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

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

    /// Pair a phone or PC of the staff with the appliance: prints the QR code that it scans
    #[command(after_help = PAIR)]
    Pair {
        /// The configuration that the appliance runs with, where it is another than the usual one
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

const PAIR: &str = "The code stands for five minutes and is taken up once; the appliance's own screen shows it too. It is for an appliance that serves
the shop's network: `listen` of the table `[lan]` of its configuration. The staff make one without this, on their page Phones and PCs.

  clothingid staff pair
  clothingid staff pair --config /etc/clothingid/config.toml

A program takes it up without a browser, and shows the token from then on as `Authorization: Bearer TOKEN`:

  curl --cacert certificate.pem --data 'code=CODE&name=Till' https://kiosk.lan:8443/pair";

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
    match &args.command {
        Command::SetPin => set_pin(),
        Command::Pair { config } => pair(config.as_deref()),
    }
}

/// A service has a state folder of its own.
const AS_ITS_USER: &str = "run this as the user that the appliance runs as, with its state folder: docs/staff.md has the command for a service";

fn pair(config: Option<&Path>) -> Result<Outcome, Report> {
    let config = config::load(config).map_err(|error| config_report(&error))?;
    let Some(listen) = &config.lan.listen else {
        return Err(Report::new("the appliance does not serve the shop's network")
            .hint("set `listen` in the table `[lan]` of its configuration: `clothingid run --help` shows it"));
    };
    // The configuration was checked when it was read.
    let places = listen.get_ref().to_socket_addrs()?;
    let listen = places.into_iter().next().ok_or_else(|| Report::new("`lan.listen` is no address"))?;
    let during = |error: LanError| {
        let report = Report::of(&error).hinted(error.hint());
        report.during("making an offer for a phone or PC").hint(AS_ITS_USER)
    };
    let state = state::folder()?;
    let kept = Lan::kept(&state, &lan_settings(config.lan), listen).map_err(during)?;
    // Another user's state folder is that of no appliance, or one whose offers the appliance could not read.
    let is_ours =
        || std::fs::metadata(lan::folder(&state)).is_ok_and(|of| of.uid() == rustix::process::geteuid().as_raw());
    let Some(lan) = kept.filter(|_| is_ours()) else {
        let what = format!("no appliance of this user has served the shop's network yet, by `{}`", state.display());
        return Err(Report::new(what).hint("start the appliance first").hint(AS_ITS_USER));
    };
    if lan.address().is_none() {
        return Err(Report::new("this machine is on no network that a phone could reach it over")
            .hint("set `name` in the table `[lan]` of the configuration to what others call it"));
    }
    if !lan.devices.has_room() {
        return Err(during(PairError::Full.into()));
    }
    lan.offers.make().map_err(|error| during(error.into()))?;
    let Some(invitation) = lan.invitation() else {
        return Err(Report::new("the offer was ended by another"));
    };
    print_line(&invitation.code.text())?;
    print_line(&invitation.address)?;
    print_line(
        "scan it, or type the address, within five minutes; the browser says once that it does not know the certificate:",
    )?;
    print_line(&invitation.fingerprint)?;
    Ok(Outcome::Done)
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
