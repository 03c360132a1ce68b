//! `clothingid run`: the appliance, from its configuration.

mod appliance;
mod deadline;
mod networks;
mod opened;
mod panel;
mod safe_mode;
mod serving;
mod updates;

use super::{Outcome, Report};
use crate::config::{Language, defaults};
use crate::health::Health;
use crate::page::{self, rate};
use crate::pipeline::Stop;
use crate::staff::{Stays, Vault};
use crate::state;
pub(super) use appliance::Appliance;
use opened::Opened;
pub(super) use opened::{catalogue, config_report, lan_settings, quiet};
pub(super) use panel::{panel, panel_of_flag, panel_report};
use serving::Ended;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use toml::Spanned;

const EXAMPLE: &str = concat!(
    "A configuration with every key; each may be left out. Paths are taken from the file's own folder:\n\n",
    include_str!("../config/example.toml")
);

/// Runs the appliance: camera, network, catalogue and the page.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLE)]
pub struct Args {
    /// Read this configuration and no other
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Serve the page at this address instead of the configured one
    #[arg(long, value_name = "ADDR")]
    pub listen: Option<String>,

    /// Where the appliance was never used, let whoever stands before it set it up, on its page or with a phone by the code on its screen: for a service
    #[arg(long)]
    pub first_start: bool,

    /// Where the configuration has an error or names what is not there, show that on the page and go on once it is mended, instead of ending: for a
    /// service
    #[arg(long)]
    pub safe_mode: bool,
}

/// Runs until it is told to end.
///
/// # Errors
/// A configuration with an error in it, a camera's folder or film that is missing or empty, a port in use, an unusable bundle,
/// engine or catalogue.
pub fn run(args: &Args) -> Result<Outcome, Report> {
    let stop = stop_on_signals()?;
    let state = state::folder()?;
    let stays = Stays::new(Vault::Folder(state.clone()), &state);
    let mut place = Place::default();
    loop {
        let opened = match opened::open(args, &stays) {
            Err(report) if args.safe_mode => match safe_mode::until_mended(args, &stays, report, &mut place, &stop)? {
                Some(opened) => opened,
                None => return Ok(Outcome::Done),
            },
            opened => opened?,
        };
        let (appliance, catalogue) = appliance(args, opened, &mut place)?;
        if appliance.run(&stop, |_| Ok(catalogue))? == Ended::Stopped {
            return Ok(Outcome::Done);
        }
    }
}

/// Where the page is served. It is held while what serves there is exchanged for another, as long as the configuration names the same address: who asks
/// meanwhile waits for the next.
#[derive(Debug, Default)]
struct Place(Option<(String, TcpListener)>);

impl Place {
    /// What listens at this address.
    fn at(&mut self, address: &str) -> Result<TcpListener, Report> {
        let listener = match self.0.take().filter(|(before, _)| before == address) {
            Some((_, listener)) => listener,
            None => listen_at(address)?,
        };
        self.0 = Some((address.to_owned(), listener.try_clone()?));
        Ok(listener)
    }
}

/// The appliance of what was opened, with its catalogue.
fn appliance(args: &Args, opened: Opened, place: &mut Place) -> Result<(Appliance, PathBuf), Report> {
    let Opened { config, camera, catalogue, bundle, updates, network, staff, look } = opened;
    let listen = args.listen.clone().or(config.listen.map(Spanned::into_inner));
    let appliance = Appliance {
        panel: panel(&config.screen),
        listener: place.at(listen.as_deref().unwrap_or(defaults::LISTEN))?,
        bundle,
        updates,
        previous_bundle: config.previous_bundle,
        engine: config.engine.unwrap_or_default(),
        threads: config.threads.map_or(1, |threads| usize::from(threads.into_inner())),
        camera,
        language: language(config.language.as_ref().map(Spanned::get_ref)),
        shop_name: shop_name(config.shop),
        look,
        second_look: config.second_look.unwrap_or_default(),
        uploads_per_second: config.uploads_per_second.map_or(rate::UPLOADS_PER_SECOND, Spanned::into_inner),
        staff,
        network,
    };
    Ok((appliance, catalogue))
}

/// The configured language.
fn language(tag: Option<&String>) -> Language {
    tag.and_then(|tag| Language::of_tag(tag)).unwrap_or_default()
}

/// The shop's name, or that of the program.
fn shop_name(configured: Option<String>) -> String {
    configured.unwrap_or_else(|| "ClothingID".to_owned())
}

/// Takes the page's address.
pub(super) fn listen_at(address: &str) -> Result<TcpListener, Report> {
    page::bind_here(address).map_err(|error| Report::of(&error).hinted(error.hints()))
}

/// How it is, with what happens on the console.
fn health() -> Arc<Health> {
    Arc::new(Health::new(|event| eprintln!("{:9.1} s  {}", event.seconds, event.what)))
}

/// Ctrl-C and SIGTERM end the appliance; a second one ends it at once.
pub(super) fn stop_on_signals() -> Result<Stop, Report> {
    let stop = Stop::new();
    let asked = stop.clone();
    ctrlc::set_handler(move || {
        if asked.is_asked() {
            std::process::exit(130);
        }
        asked.ask();
    })
    .map_err(|error| Report::new("signals cannot be received").because(&error))?;
    Ok(stop)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_help_shows_the_whole_example() {
        let mut cli = crate::cli::Cli::command();
        let help = cli.find_subcommand_mut("run").unwrap().render_long_help().to_string();
        for line in crate::config::schema::EXAMPLE.lines() {
            assert!(help.contains(line), "{line}\n{help}");
        }
    }
}
