//! What all handlers share.

use super::{Board, Look, Uploads};
use crate::config::Language;
use crate::health::Health;
use crate::network::EngineChoice;
use crate::pipeline::Shop;
use crate::screen::Shown;
use crate::staff::Staff;
use clothingid_shared::bundle::Bundle;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Arc;
use tokio::sync::{Mutex, Semaphore, watch};

/// Open event streams, at most; each costs a task and a few kilobytes.
pub const WATCHERS: usize = 256;

/// What is known when the page starts and does not change.
#[derive(Debug, Clone)]
pub struct Facts {
    /// The shop's name.
    pub shop_name: String,
    /// Its logo and colours.
    pub look: Look,
    /// The language that a visitor gets who chooses none.
    pub language: Language,
    /// The engine, as in each answer.
    pub engine: String,
    /// Which engine was asked for.
    pub engine_choice: EngineChoice,
    /// Matches of one reading, at most.
    pub matches: usize,
    /// Which network answers.
    pub network: String,
}

impl Facts {
    /// What a page is made of, as one number: where it is another than the page was loaded with, labels, thresholds, texts or colours of the page are
    /// those of before, and it is loaded again.
    #[must_use]
    pub fn made_of(&self) -> String {
        let mut hasher = DefaultHasher::new();
        let Self { shop_name, look, language, network, engine: _, engine_choice: _, matches } = self;
        (shop_name, look, language.tag(), network, matches, env!("CARGO_PKG_VERSION")).hash(&mut hasher);
        format!("{:016x}", hasher.finish())
    }
}

/// What all handlers share.
#[derive(Debug)]
pub struct PageState {
    /// What does not change.
    pub facts: Facts,
    /// Labels and thresholds.
    pub bundle: Arc<Bundle>,
    /// What is shown now.
    pub board: Arc<Board>,
    /// The catalogue as it is now.
    pub shop: Arc<Shop>,
    /// The way to the worker of uploaded photographs.
    pub uploads: Uploads,
    /// How the appliance is.
    pub health: Arc<Health>,
    /// The appliance's own screen, if it has one.
    pub screen: Option<Shown>,
    /// One permit an open event stream.
    pub watchers: Arc<Semaphore>,
    /// Who is staff, and what they do beside all of this.
    pub staff: Arc<Staff>,
    /// One tries a PIN at a time: it takes memory and a thread.
    pub log_in_turn: Arc<Semaphore>,
    /// One form with the staff's photographs is in memory at a time.
    pub files_turn: Arc<Semaphore>,
    /// One adds an article at a time.
    pub books_turn: Mutex<()>,
    /// True when the server ends; open streams end with it.
    pub closing: watch::Sender<bool>,
}

impl PageState {
    /// Everything in its place, nobody watching.
    #[must_use]
    pub fn new(
        facts: Facts,
        bundle: Arc<Bundle>,
        board: Arc<Board>,
        shop: Arc<Shop>,
        uploads: Uploads,
        health: Arc<Health>,
        staff: Arc<Staff>,
    ) -> Self {
        let turns = |count| Arc::new(Semaphore::new(count));
        Self {
            facts,
            bundle,
            board,
            shop,
            uploads,
            health,
            screen: None,
            watchers: turns(WATCHERS),
            staff,
            log_in_turn: turns(1),
            files_turn: turns(1),
            books_turn: Mutex::new(()),
            closing: watch::Sender::new(false),
        }
    }
}
