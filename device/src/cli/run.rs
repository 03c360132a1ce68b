//! `clothingid run`: the appliance, from its configuration.

mod deadline;
mod networks;
mod opened;
mod panel;
mod safe_mode;
mod serving;
mod updates;

use super::catalogue::store_report;
use super::{Outcome, Report};
use crate::camera::CameraChoice;
use crate::catalogue::StoreError;
use crate::config::{Language, defaults};
use crate::health::Health;
use crate::health::watchdog;
use crate::lan::Lan;
use crate::network::{EngineChoice, golden};
use crate::page::{self, Board, Facts, Look, PageState, Server, Uploads, rate};
use crate::pipeline::{Looker, LookerSettings, Output, Pipeline, Shop, Stop};
use crate::screen::{PanelChoice, Screen, ScreenSettings, Situation, Source};
use crate::staff::{Staff, Stays, Vault};
use crate::state;
use clothingid_shared::bundle::Bundle;
use networks::{Answering, Embedding};
use opened::Opened;
pub(super) use opened::{catalogue, config_report, lan_settings, quiet};
pub(super) use panel::{panel, panel_of_flag, panel_report};
pub(super) use serving::Ended;
use serving::Serving;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use toml::Spanned;
use updates::Updates;

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
    let mut place = None;
    loop {
        let opened = match opened::open(args, &stays) {
            Err(report) if args.safe_mode => {
                // The safe mode serves there itself.
                place = None;
                match safe_mode::until_mended(args, &stays, report, &stop)? {
                    Some(opened) => opened,
                    None => return Ok(Outcome::Done),
                }
            }
            opened => opened?,
        };
        let (appliance, catalogue) = appliance(args, opened, &mut place)?;
        if appliance.run(&stop, |_| Ok(catalogue))? == Ended::Stopped {
            return Ok(Outcome::Done);
        }
    }
}

/// The appliance of what was opened, with its catalogue. Its address is that of `place` as long as the configuration names the same: who asks while the
/// appliance is opened again waits for it.
fn appliance(
    args: &Args,
    opened: Opened,
    place: &mut Option<(String, TcpListener)>,
) -> Result<(Appliance, PathBuf), Report> {
    let Opened { config, camera, catalogue, bundle, updates, network, staff, look } = opened;
    let listen = args.listen.clone().or(config.listen.map(Spanned::into_inner));
    let listen = listen.unwrap_or_else(|| defaults::LISTEN.to_owned());
    let listener = match place.take().filter(|(before, _)| *before == listen) {
        Some((_, listener)) => listener,
        None => listen_at(&listen)?,
    };
    *place = Some((listen, listener.try_clone()?));
    let appliance = Appliance {
        panel: panel(&config.screen),
        listener,
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

/// Everything that the appliance needs to start.
pub(super) struct Appliance {
    pub(super) listener: TcpListener,
    /// Where the shop's network is served, if it is.
    pub(super) network: Option<TcpListener>,
    pub(super) bundle: Arc<Bundle>,
    /// Networks that come as updates and are used in its place, if they are taken.
    pub(super) updates: Option<Updates>,
    /// The bundle before it, if it is kept.
    pub(super) previous_bundle: Option<PathBuf>,
    pub(super) engine: EngineChoice,
    pub(super) threads: usize,
    pub(super) camera: CameraChoice,
    pub(super) language: Language,
    pub(super) shop_name: String,
    /// Its logo and colours.
    pub(super) look: Look,
    /// Whether frames are looked at twice.
    pub(super) second_look: bool,
    /// Photographs that the API answers, a second at most.
    pub(super) uploads_per_second: f64,
    /// The screen, if there is one.
    pub(super) panel: Option<PanelChoice>,
    /// Who is staff. Whoever is logged in stays so over a change of network or settings.
    pub(super) staff: Arc<Staff>,
}

/// What stays while networks come and go.
struct Place<'a> {
    screen: Option<&'a Screen>,
    catalogue: PathBuf,
    health: Arc<Health>,
}

impl Appliance {
    /// Starts everything in the order of the path of a frame, backwards, and runs until Ctrl-C or SIGTERM, or until the shop has changed its settings.
    ///
    /// `catalogue` says where the catalogue is, once the bundle is known to be good. Where it is of another network it is embedded anew in the
    /// background. Until that is done the network before answers, all of it, if it is at hand; then everything is started again with the new one.
    pub(super) fn run(
        mut self,
        stop: &Stop,
        catalogue: impl FnOnce(&Bundle) -> Result<PathBuf, Report>,
    ) -> Result<Ended, Report> {
        let health = health();
        // First of all, so that something is seen while the rest starts.
        let panel = self.screen(&health)?;
        let place = Place { screen: panel.as_ref(), catalogue: catalogue(&self.bundle)?, health };
        let mut updates = self.updates.take();
        let ended = loop {
            let own = &self.bundle;
            let bundle = updates.as_mut().map_or_else(|| Arc::clone(own), |updates| updates.begin(own, &place.health));
            match self.answer_with(bundle, &place, updates.as_mut(), stop) {
                Ok(ended @ (Ended::Stopped | Ended::Settings)) => break ended,
                Ok(Ended::Changes) => {
                    if let Some(screen) = place.screen {
                        screen.set_situation(Situation::Updating);
                    }
                }
                // A network that is on trial cannot be used: the one before can.
                Err(report) => match updates.as_mut().filter(|updates| updates.is_on_trial()) {
                    Some(updates) => updates.reject(&report.in_one_line(), &place.health),
                    None => return Err(report),
                },
            }
        };
        if let Some(panel) = panel {
            panel.end();
        }
        Ok(ended)
    }

    /// Runs with one network until it is told to end, or to change over to another one.
    fn answer_with(
        &self,
        bundle: Arc<Bundle>,
        place: &Place<'_>,
        mut updates: Option<&mut Updates>,
        stop: &Stop,
    ) -> Result<Ended, Report> {
        let Place { health, catalogue: path, .. } = place;
        let mut own = Answering::open(bundle, self.engine, self.threads)?;
        if updates.as_ref().is_some_and(|updates| updates.is_on_trial()) {
            golden::check(&mut own.path, &own.bundle, golden::AT_START).map_err(|error| Report::of(&error))?;
        }
        let opening = |error: StoreError| store_report(&error).during("opening the catalogue");
        let mut embedding = None;
        if let Some(served) = networks::another(path, &own.identity).map_err(opening)? {
            let embeds = &*embedding.insert(Embedding::start(path.clone(), &own, health)?);
            let configured = self.previous_bundle.iter().cloned();
            let others: Vec<_> = configured.chain(updates.iter().flat_map(|updates| updates.others())).collect();
            if let Some(before) = own.before(&served, &others, health) {
                health.events.say(format!(
                    "the catalogue is being embedded with the network in use; until then `{}` answers",
                    before.bundle.manifest.name
                ));
                if let Some(updates) = &mut updates {
                    updates.pause(health);
                }
                let identity = own.identity.clone();
                let is_done = || matches!(networks::another(path, &identity), Ok(None));
                let serving = self.serve(before, place)?;
                let ended = serving.until(stop, LOOK_EVERY, health, |_| {
                    is_done() || updates.as_mut().is_some_and(|updates| updates.look(health))
                });
                if ended == Ended::Stopped {
                    return Ok(ended);
                }
                if ended == Ended::Settings || !is_done() {
                    embeds.end();
                    return Ok(ended);
                }
                if let Some(updates) = &mut updates {
                    updates.go_on(health);
                }
            } else {
                health.events.say(
                    "the catalogue is of another network and is being embedded with the one in use: \
                     nothing is found in it until that is done",
                );
            }
        }
        let serving = self.serve(own, place)?;
        let is_watched = updates.is_some() || self.staff.settings.is_some();
        let unwatched = if is_watched { updates::LOOK_EVERY } else { UNWATCHED };
        let look_every = watchdog::period().unwrap_or(unwatched);
        let ended = serving
            .until(stop, look_every, health, |made| updates.as_mut().is_some_and(|updates| updates.tick(made, health)));
        if let Some(embedding) = embedding.filter(|_| ended != Ended::Stopped) {
            embedding.end();
        }
        if let Some(updates) = updates.filter(|_| ended == Ended::Settings) {
            updates.interrupted(health);
        }
        Ok(ended)
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
    fn serve(&self, network: Answering, place: &Place<'_>) -> Result<Serving, Report> {
        let &Place { screen, ref catalogue, ref health } = place;
        let stop = Stop::new();
        let Answering { bundle, engine, threads, path, identity } = network;
        let shop = Shop::open(catalogue.clone(), identity.clone())
            .map_err(|error| store_report(&error).during("opening the catalogue"))?;
        let shop = Arc::new(shop);
        shop.warn_of_emptiness(health);
        let second_look = self.second_look && path.engine().shows_activations();
        if self.second_look && !second_look {
            health.events.say(format!(
                "no second look: the engine `{}` does not show where its answers come from",
                path.engine().name()
            ));
        }
        let settings = LookerSettings {
            bundle: Arc::clone(&bundle),
            engine,
            threads,
            gallery: Arc::<Shop>::clone(&shop),
            matches: MATCHES,
            second_look,
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
            ("engine", engine_words(&facts.engine, second_look)),
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
        let is_first_start = self.staff.is_first_start();
        if let Some(screen) = screen {
            screen.set_situation(if is_first_start { Situation::FirstStart } else { Situation::Running });
        }
        let pipeline =
            Pipeline::start(self.camera.clone(), looker, settings, &self.staff.camera, outputs, health, &stop)?;
        let staff = Arc::clone(&self.staff);
        Ok(Serving { server, pipeline, threads: [upload_thread, follow_thread], words, staff, is_first_start })
    }
}

/// The engine, and how often it looks.
fn engine_words(engine: &str, second_look: bool) -> String {
    if second_look { format!("{engine}, two looks at a frame") } else { engine.to_owned() }
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
