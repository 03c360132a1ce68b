//! The appliance itself: everything started in the order of the path of a frame, backwards, for one network after the other.

use super::health;
use super::networks::{self, Answering, Embedding};
use super::serving::{Ended, Serving};
use super::updates::{self, Updates};
use crate::camera::CameraChoice;
use crate::catalogue::StoreError;
use crate::cli::Report;
use crate::cli::catalogue::store_report;
use crate::config::Language;
use crate::health::{Health, watchdog};
use crate::lan::Lan;
use crate::network::{Engine, EngineChoice, golden};
use crate::page::{Board, Facts, Look, PageState, Server, Uploads};
use crate::pipeline::second_look::SecondLook;
use crate::pipeline::{Looker, LookerSettings, Output, Pipeline, Shop, Stop, in_words};
use crate::screen::{PanelChoice, Screen, ScreenSettings, Situation, Source};
use crate::staff::Staff;
use clothingid_shared::bundle::Bundle;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Matches of one reading: one row of cards.
const MATCHES: usize = 5;

/// How often it is looked whether the catalogue is embedded with the network in use.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// How long to sleep where nobody watches.
const UNWATCHED: Duration = Duration::from_secs(3600);

/// Everything that the appliance needs to start.
pub(in crate::cli) struct Appliance {
    pub(in crate::cli) listener: TcpListener,
    /// Where the shop's network is served, if it is.
    pub(in crate::cli) network: Option<TcpListener>,
    pub(in crate::cli) bundle: Arc<Bundle>,
    /// Networks that come as updates and are used in its place, if they are taken.
    pub(in crate::cli) updates: Option<Updates>,
    /// The bundle before it, if it is kept.
    pub(in crate::cli) previous_bundle: Option<PathBuf>,
    pub(in crate::cli) engine: EngineChoice,
    pub(in crate::cli) threads: usize,
    pub(in crate::cli) camera: CameraChoice,
    pub(in crate::cli) language: Language,
    pub(in crate::cli) shop_name: String,
    /// Its logo and colours.
    pub(in crate::cli) look: Look,
    /// Whether frames are looked at twice.
    pub(in crate::cli) second_look: bool,
    /// Photographs that the API answers, a second at most.
    pub(in crate::cli) uploads_per_second: f64,
    /// The screen, if there is one.
    pub(in crate::cli) panel: Option<PanelChoice>,
    /// Who is staff. Whoever is logged in stays so over a change of network or settings.
    pub(in crate::cli) staff: Arc<Staff>,
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
    pub(in crate::cli) fn run(
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

    /// Starts everything that one network answers with; where a part does not start, those before it end.
    fn serve(&self, network: Answering, place: &Place<'_>) -> Result<Serving, Report> {
        let stop = Stop::new();
        self.serve_until(&stop, network, place).inspect_err(|_| stop.ask())
    }

    fn serve_until(&self, stop: &Stop, network: Answering, place: &Place<'_>) -> Result<Serving, Report> {
        let &Place { screen, ref catalogue, ref health } = place;
        let Answering { bundle, engine, threads, path, identity } = network;
        let shop = Shop::open(catalogue.clone(), identity.clone())
            .map_err(|error| store_report(&error).during("opening the catalogue"))?;
        let shop = Arc::new(shop);
        shop.warn_of_emptiness(health);
        let second_look = self.second_look && has_second_look(&bundle, path.engine(), health);
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
        let (uploads, upload_thread) = Uploads::start(settings.clone(), self.uploads_per_second, health, stop)?;
        let follow_thread = shop.follow(health, stop)?;
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
        let camera = self.camera.clone();
        let pipeline = match Pipeline::start(camera, looker, settings, &self.staff.camera, outputs, health) {
            Ok(pipeline) => pipeline,
            Err(error) => {
                server.end();
                return Err(error.into());
            }
        };
        let staff = Arc::clone(&self.staff);
        Ok(Serving {
            server,
            pipeline,
            threads: [upload_thread, follow_thread],
            stop: stop.clone(),
            words,
            staff,
            is_first_start,
        })
    }
}

/// Whether a second look can be had of this network on this engine; where it cannot, that is said, and one look is what there is.
fn has_second_look(bundle: &Bundle, engine: &dyn Engine, health: &Health) -> bool {
    let tried = SecondLook::new(bundle, engine);
    tried.map_err(|error| health.events.say(format!("one look at a frame: {}", in_words(&error)))).is_ok()
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
