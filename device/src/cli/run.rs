//! `clothingid run`: the appliance, from its configuration.

mod networks;
mod panel;
mod safe_mode;
mod serving;

use super::camera::configured as configured_camera;
use super::catalogue::store_report;
use super::{Outcome, Report};
use crate::camera::{CameraChoice, ControlWishes};
use crate::catalogue::StoreError;
use crate::config::{self, Config, ConfigError, LanConfig, Language, LookConfig, defaults};
use crate::health::Health;
use crate::health::watchdog::{self, Progress};
use crate::lan::{Lan, LanSettings, Own};
use crate::network::{self, EngineChoice};
use crate::page::{self, Board, Facts, Look, PageState, Server, Uploads, rate};
use crate::pipeline::reembed;
use crate::pipeline::{Looker, LookerSettings, Output, Pipeline, Shop, Stop};
use crate::screen::{PanelChoice, Screen, ScreenSettings, Source};
use crate::staff::sticks::Media;
use crate::staff::{Staff, Vault};
use crate::state;
use clothingid_shared::bundle::Bundle;
use networks::Answering;
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
    let opened = match open(args) {
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

/// All that the configuration names, there and usable.
struct Opened {
    config: Config,
    camera: CameraChoice,
    catalogue: PathBuf,
    bundle: Arc<Bundle>,
    /// Where the shop's network is served, if it is.
    network: Option<TcpListener>,
    staff: Arc<Staff>,
    look: Look,
}

/// Opens what the configuration names, as far as that goes without starting anything.
fn open(args: &Args) -> Result<Opened, Report> {
    let config = config::load(args.config.as_deref()).map_err(|error| config_report(&error))?;
    let camera = configured_camera(&config.camera)?;
    let catalogue = catalogue(config.catalogue.clone())?;
    let bundle = network::read_bundle(config.bundle.as_deref()).map_err(|error| {
        Report::of(&error).hint("leave `bundle` out of the configuration to use the bundle inside the program")
    })?;
    let (network, lan) = match network(&config.lan) {
        Ok(Some((listener, lan))) => (Some(listener), Some(lan)),
        Ok(None) => (None, None),
        // The customers' page does not hang on it.
        Err(report) if args.safe_mode => {
            eprint!("{report}");
            eprintln!("the shop's network is not served until the appliance is started again");
            (None, None)
        }
        Err(report) => return Err(report),
    };
    let look = look(&config.look)?;
    let staff = staff(config.staff.media.clone(), config.camera.controls.clone(), lan)?;
    Ok(Opened { config, camera, catalogue, bundle: Arc::new(bundle), network, staff, look })
}

/// The configured language.
fn language(tag: Option<&String>) -> Language {
    tag.and_then(|tag| Language::of_tag(tag)).unwrap_or_default()
}

/// The shop's name, or that of the program.
fn shop_name(configured: Option<String>) -> String {
    configured.unwrap_or_else(|| "ClothingID".to_owned())
}

/// The staff's pages, with the PIN of the state folder.
fn staff(
    media: Option<Vec<PathBuf>>,
    controls: Option<ControlWishes>,
    lan: Option<Arc<Lan>>,
) -> Result<Arc<Staff>, Report> {
    let folder = state::folder()?;
    let controls = controls.unwrap_or_default();
    Ok(Arc::new(Staff::new(Vault::Folder(folder.clone()), &folder, Media::new(media), controls, lan)))
}

/// Where the shop's network is served and how, if it is.
fn network(config: &LanConfig) -> Result<Option<(TcpListener, Arc<Lan>)>, Report> {
    let Some(address) = &config.listen else { return Ok(None) };
    let during = |report: Report| report.during("serving the shop's network, as `[lan]` asks");
    let listener = page::bind(address.get_ref()).map_err(|error| during(Report::of(&error).hinted(error.hints())))?;
    let lan = Lan::open(&state::folder()?, &lan_settings(config.clone()), listener.local_addr()?);
    let lan = lan.map_err(|error| during(Report::of(&error).hinted(error.hint())))?;
    // An offer is for those who stood before the appliance when it was made.
    lan.offers.end()?;
    Ok(Some((listener, Arc::new(lan))))
}

/// The shop's logo and colours.
fn look(config: &LookConfig) -> Result<Look, Report> {
    // The configuration was checked when it was read.
    let colour = |text: &Option<Spanned<String>>| text.as_ref().and_then(|text| text.get_ref().parse().ok());
    Look::new(config.logo.as_deref(), colour(&config.accent), colour(&config.paper))
        .map_err(|error| Report::of(&error).during("reading the shop's logo, as `[look]` names it"))
}

/// What the configuration says of the shop's network.
pub(super) fn lan_settings(config: LanConfig) -> LanSettings {
    let own = config.certificate.zip(config.key);
    LanSettings {
        name: config.name.map(Spanned::into_inner),
        own: own.map(|(certificate, key)| Own { certificate: certificate.into_inner(), key: key.into_inner() }),
    }
}

/// The report of a configuration that cannot be used.
pub(super) fn config_report(error: &ConfigError) -> Report {
    let report = Report::of(error).hinted(error.hint());
    if matches!(error, ConfigError::File(_)) { report } else { report.during("reading the configuration") }
}

/// The catalogue's file. One that the configuration names must be there: a misspelt name would be an empty shop. The one of the state
/// folder comes with the first import.
pub(super) fn catalogue(configured: Option<PathBuf>) -> Result<PathBuf, Report> {
    match configured {
        None => Ok(state::catalogue()?),
        Some(path) if path.exists() => Ok(path),
        Some(path) => Err(store_report(&StoreError::Missing { path })
            .during("opening the catalogue that the configuration names")
            .hint("or leave `catalogue` out of the configuration to use the one in the state folder")),
    }
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
            ("network", self.staff.lan.as_ref().map_or_else(|| "not served".to_owned(), |lan| reached(lan))),
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
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn a_catalogue_that_is_named_and_missing_is_no_empty_shop() {
        let report = catalogue(Some("/nowhere/shop.db".into())).unwrap_err();
        insta::assert_snapshot!(report, @r"
        error: there is no catalogue at `/nowhere/shop.db`
          while: opening the catalogue that the configuration names

        hint: make one: `clothingid catalogue import CSV --photos DIR --catalogue /nowhere/shop.db`
        hint: or leave `catalogue` out of the configuration to use the one in the state folder
        ");
        let there = tempfile::NamedTempFile::new().unwrap();
        assert_eq!(catalogue(Some(there.path().into())).unwrap(), there.path());
    }

    #[test]
    fn the_help_shows_the_whole_example() {
        let mut cli = crate::cli::Cli::command();
        let help = cli.find_subcommand_mut("run").unwrap().render_long_help().to_string();
        for line in config::schema::EXAMPLE.lines() {
            assert!(help.contains(line), "{line}\n{help}");
        }
    }
}
