//! `clothingid run`: the appliance, from its configuration.

mod networks;
mod opened;
mod panel;
mod safe_mode;
mod serving;

use super::catalogue::store_report;
use super::{Outcome, Report};
use crate::camera::CameraChoice;
use crate::catalogue::StoreError;
use crate::config::{Language, defaults};
use crate::health::Health;
use crate::health::watchdog::{self, Progress};
use crate::lan::Lan;
use crate::network::EngineChoice;
use crate::page::{self, Board, Facts, Look, PageState, Server, Uploads, rate};
use crate::pipeline::reembed;
use crate::pipeline::{Looker, LookerSettings, Output, Pipeline, Shop, Stop};
use crate::screen::{PanelChoice, Screen, ScreenSettings, Source};
use crate::staff::Staff;
use clothingid_shared::bundle::Bundle;
use networks::Answering;
use opened::Opened;
pub(super) use opened::{catalogue, config_report, lan_settings};
pub(super) use panel::{panel, panel_of_flag, panel_report};
use serving::Serving;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;

/// Matches of one reading: one row of cards.
const MATCHES: usize = 5;

/// How often it is looked whether the catalogue is embedded with the network in use.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long to sleep where nobody watches.
const UNWATCHED: Duration = Duration::from_secs(3600);

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
    let opened = match opened::open(args) {
        Err(report) if args.safe_mode => match safe_mode::until_mended(args, report, &stop)? {
            Some(opened) => opened,
            None => return Ok(Outcome::Done),
        },
        opened => opened?,
    };
    let Opened { config, camera, catalogue, bundle, network, staff, look } = opened;
    let listen = args.listen.clone().or(config.listen.map(Spanned::into_inner));
    let appliance = Appliance {
        panel: panel(&config.screen),
        listener: listen_at(listen.as_deref().unwrap_or(defaults::LISTEN))?,
        bundle,
        previous_bundle: config.previous_bundle,
        engine: config.engine.unwrap_or_default(),
        threads: config.threads.map_or(1, |threads| usize::from(threads.into_inner())),
        camera,
        language: language(config.language.as_ref().map(Spanned::get_ref)),
        shop_name: shop_name(config.shop),
        look,
        uploads_per_second: config.uploads_per_second.map_or(rate::UPLOADS_PER_SECOND, Spanned::into_inner),
        staff,
        network,
    };
    appliance.run(&stop, |_| Ok(catalogue))
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

/// Everything that the appliance needs to start.
pub(super) struct Appliance {
    pub(super) listener: TcpListener,
    /// Where the shop's network is served, if it is.
    pub(super) network: Option<TcpListener>,
    pub(super) bundle: Arc<Bundle>,
    /// The bundle before it, if it is kept.
    pub(super) previous_bundle: Option<PathBuf>,
    pub(super) engine: EngineChoice,
    pub(super) threads: usize,
    pub(super) camera: CameraChoice,
    pub(super) language: Language,
    pub(super) shop_name: String,
    /// Its logo and colours.
    pub(super) look: Look,
    /// Photographs that the API answers, a second at most.
    pub(super) uploads_per_second: f64,
    /// The screen, if there is one.
    pub(super) panel: Option<PanelChoice>,
    /// Who is staff. Whoever is logged in stays so over a change of network.
    pub(super) staff: Arc<Staff>,
}

impl Appliance {
    /// Starts everything in the order of the path of a frame, backwards, and runs until Ctrl-C or SIGTERM.
    ///
    /// `catalogue` says where the catalogue is, once the bundle is known to be good. Where it is of another network it is embedded anew in the
    /// background. Until that is done the network before answers, all of it, if it is at hand; then everything is started again with the new one.
    pub(super) fn run(
        self,
        stop: &Stop,
        catalogue: impl FnOnce(&Bundle) -> Result<PathBuf, Report>,
    ) -> Result<Outcome, Report> {
        let health = health();
        // First of all, so that something is seen while the rest starts.
        let panel = self.screen(&health)?;
        let screen = panel.as_ref();
        let path = catalogue(&self.bundle)?;
        let own = Answering::open(Arc::clone(&self.bundle), self.engine, self.threads)?;
        let opening = |error: StoreError| store_report(&error).during("opening the catalogue");
        let before = networks::another(&path, &own.identity).map_err(opening)?;
        if let Some(served) = before {
            // Nobody waits for it at the end: it may be ended at any moment.
            let _ = reembed::start(path.clone(), Arc::clone(&own.bundle), own.engine, &health, stop)?;
            if let Some(before) = own.before(&served, self.previous_bundle.as_deref(), &health) {
                health.events.say(format!(
                    "the catalogue is being embedded with the network in use; until then `{}` answers",
                    before.bundle.manifest.name
                ));
                let identity = own.identity.clone();
                let serving = self.serve(before, &path, screen, &health)?;
                serving.say_what_runs();
                let is_done = || matches!(networks::another(&path, &identity), Ok(None));
                watchdog::ready();
                let mut progress = Progress::default();
                while !stop.wait(LOOK_EVERY) && !is_done() {
                    feed_watchdog(&mut progress, &health);
                }
                watchdog::opening();
                serving.end();
            } else {
                health.events.say(
                    "the catalogue is of another network and is being embedded with the one in use: \
                     nothing is found in it until that is done",
                );
            }
        }
        if !stop.is_asked() {
            let serving = self.serve(own, &path, screen, &health)?;
            serving.say_what_runs();
            watchdog::ready();
            watchdog::usual();
            let mut progress = Progress::default();
            while !stop.wait(watchdog::period().unwrap_or(UNWATCHED)) {
                feed_watchdog(&mut progress, &health);
            }
            eprintln!("ending");
            watchdog::stopping();
            serving.end();
        }
        if let Some(panel) = panel {
            panel.end();
        }
        Ok(Outcome::Done)
    }

    /// Starts the screen, if there is one.
    fn screen(&self, health: &Arc<Health>) -> Result<Option<Screen>, Report> {
        let settings = self.panel.clone().map(|panel| ScreenSettings {
            panel,
            language: self.language,
            shop_name: self.shop_name.clone(),
        });
        Ok(settings.map(|settings| Screen::start(settings, health)).transpose()?)
    }

    /// Starts everything that one network answers with.
    fn serve(
        &self,
        network: Answering,
        catalogue: &Path,
        screen: Option<&Screen>,
        health: &Arc<Health>,
    ) -> Result<Serving, Report> {
        let stop = Stop::new();
        let Answering { bundle, engine, threads, path, identity } = network;
        let shop = Shop::open(catalogue.to_owned(), identity.clone())
            .map_err(|error| store_report(&error).during("opening the catalogue"))?;
        let shop = Arc::new(shop);
        shop.warn_of_emptiness(health);
        let settings = LookerSettings {
            bundle: Arc::clone(&bundle),
            engine,
            threads,
            gallery: Arc::<Shop>::clone(&shop),
            matches: MATCHES,
        };
        let looker = Looker::of(path, &settings).map_err(|error| Report::of(&error).during("starting the network"))?;
        let facts = Facts {
            shop_name: self.shop_name.clone(),
            look: self.look.clone(),
            language: self.language,
            engine: looker.engine_name().to_owned(),
            engine_choice: engine,
            matches: MATCHES,
            network: identity.short().to_owned(),
        };
        let products = if shop.is_of_another() {
            "of another network".to_owned()
        } else {
            format!("{} products", shop.product_count())
        };
        let words = [
            ("camera", self.camera.describe()),
            ("engine", facts.engine.clone()),
            ("bundle", format!("{} of {}", bundle.manifest.name, bundle.manifest.created)),
            ("catalogue", products),
            ("lan", self.staff.lan.as_ref().map_or_else(|| "not served".to_owned(), |lan| reached(lan))),
            ("screen", self.panel.as_ref().map_or_else(|| "none".to_owned(), PanelChoice::describe)),
        ];

        let board = Arc::new(Board::new());
        let (uploads, upload_thread) = Uploads::start(settings.clone(), self.uploads_per_second, health, &stop)?;
        let follow_thread = shop.follow(health, &stop)?;
        let mut outputs: Vec<Box<dyn Output>> = vec![Box::new(Arc::clone(&board))];
        outputs.extend(
            screen.map(|screen| {
                screen.output(Source { bundle: Arc::clone(&bundle), articles: Arc::<Shop>::clone(&shop) })
            }),
        );
        let state = PageState {
            screen: screen.map(Screen::shown),
            ..PageState::new(facts, bundle, board, shop, uploads, Arc::clone(health), Arc::clone(&self.staff))
        };
        let network = self.network.as_ref().map(TcpListener::try_clone).transpose()?;
        let server = Server::start(self.listener.try_clone()?, network, Arc::new(state))?;
        let pipeline =
            Pipeline::start(self.camera.clone(), looker, settings, &self.staff.camera, outputs, health, &stop)?;
        Ok(Serving { server, pipeline, threads: [upload_thread, follow_thread], words })
    }
}

/// Where others reach it, and how they know that it is this one.
fn reached(lan: &Lan) -> String {
    let address = lan.address().unwrap_or_else(|| "this machine is on no network".to_owned());
    format!("{address} for paired devices; certificate {}", lan.identity.fingerprint())
}

/// How it is, with what happens on the console.
fn health() -> Arc<Health> {
    Arc::new(Health::new(|event| eprintln!("{:9.1} s  {}", event.seconds, event.what)))
}

/// Tells systemd that it goes on, if it does.
fn feed_watchdog(progress: &mut Progress, health: &Health) {
    if progress.is_made(health) {
        watchdog::feed();
    }
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
