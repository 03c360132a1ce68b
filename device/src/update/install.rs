//! From what a head office offers to what a board has: everything is verified before it is used, each step is remembered before the next begins.

use super::catalogue::{self, Target};
use super::choice::{self, Choice, Older};
use super::error::UpdateError;
use super::fetch;
use super::index::{self, Index, Kind, Update};
use super::keys::Keys;
use super::memory::{Edition, Memory, Place};
use super::proof;
use super::quiet;
use super::slots::{Version, Which};
use super::source::Source;
use super::system;
use crate::pipeline::in_words;
use crate::signature;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// How long an update of the catalogue waits until no customer is there, before it is left for another time.
const PATIENCE: Duration = Duration::from_secs(45 * 60);

/// How often it is looked whether a customer is there.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Whether customers are waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// At once.
    Now,
    /// When nobody has used the appliance for so long.
    Quiet(Duration),
}

/// What a board installs with.
#[derive(Debug, Clone)]
pub struct Board {
    /// Its folder of updates.
    pub place: Place,
    /// Where keys lie.
    pub key_folders: Vec<PathBuf>,
    /// Which board it is, where it is known.
    pub name: Option<String>,
    /// The network that the configuration names, which outranks updates.
    pub configured: Option<PathBuf>,
    /// The catalogue, and what runs a network.
    pub target: Target,
    /// The kinds that it takes.
    pub kinds: Vec<Kind>,
    /// Whether these were asked for one by one.
    pub is_asked: bool,
    /// Whether older ones are taken.
    pub older: Older,
    /// Whether it waits for customers.
    pub when: When,
}

/// An index that was found to be signed, and what was remembered then.
#[derive(Debug)]
pub struct Offer {
    /// What is offered.
    pub index: Index,
    memory: Memory,
    keys: Keys,
}

impl Offer {
    /// What is done with what is offered of each kind that the board takes.
    #[must_use]
    pub fn choices(&self, board: &Board) -> Vec<(Kind, Choice<'_>)> {
        let of = |kind| choice::of(kind, &self.index, &self.memory, board.name.as_deref(), board.older);
        let takes = |kind: &Kind| board.kinds.contains(kind);
        Kind::ALL.into_iter().filter(takes).filter_map(|kind| Some((kind, of(kind)?))).collect()
    }
}

/// Looks at what is offered, and changes nothing.
///
/// # Errors
/// There is no index, it is not signed by a key that counts, it cannot be read, or it is one from before.
pub fn look(board: &Board, source: &Source) -> Result<Offer, UpdateError> {
    let memory = board.place.read()?;
    let keys = Keys::read(&board.key_folders, &memory)?;
    let name = source.name_of(index::FILE);
    let bytes = source.read(index::FILE, index::MOST_BYTES)?;
    let signature = source.read(&format!("{}.minisig", index::FILE), signature::MOST_BYTES)?;
    keys.verify(&name, &bytes, &signature)?;
    let index = Index::parse(&name, &bytes)?;
    choice::check_index(&name, &index, &memory, board.older)?;
    Ok(Offer { index, memory, keys })
}

/// Installs what is offered and new. `told` hears each decision; all of them are remembered. Whether all went well.
///
/// # Errors
/// Nothing could be looked at. What fails on its own is told, and the rest goes on.
pub fn install(board: &Board, source: &Source, told: &mut dyn FnMut(&str)) -> Result<bool, UpdateError> {
    let _held = board.place.try_install()?.ok_or(UpdateError::Busy)?;
    let mut is_well = finish(board, told);
    let offer = look(board, source).inspect_err(|error| remember(board, told, &in_words(error)))?;
    let rotated = board.place.change(|memory| {
        memory.index = memory.index.max(offer.index.serial);
        offer.keys.rotate(&offer.index, memory)
    })?;
    match rotated {
        Ok(true) => {
            say(board, told, &format!("the keys that are trusted have changed with the index {}", offer.index.serial))
        }
        Ok(false) => {}
        Err(error) => {
            is_well = false;
            say(board, told, &in_words(&UpdateError::from(error)));
        }
    }
    for (kind, choice) in offer.choices(board) {
        match choice {
            Choice::NothingNew(update) => {
                told(&format!("nothing new: {} is here already", update.title()));
                if kind == Kind::Network && board.when == When::Now {
                    let hurry = |memory: &mut Memory| memory.network.trial.as_mut().map(|trial| trial.now = true);
                    let _waits = board.place.change(hurry)?;
                }
            }
            Choice::TriedBefore(update) => {
                told(&format!("{} was here before and is not taken again by itself", update.title()))
            }
            Choice::Refused(error @ UpdateError::OtherBoard { .. }) if !board.is_asked => {
                told(&format!("passed over: {error}"))
            }
            Choice::Refused(error) => {
                is_well = false;
                say(board, told, &in_words(&error));
            }
            Choice::Take(update) => {
                if let Err(error) = take(board, source, update, told) {
                    is_well = false;
                    if let UpdateError::Unproven { is_passing: false, .. } = &error {
                        board.place.change(|memory| memory.accept(kind, update.serial))?;
                    }
                    say(board, told, &in_words(&error));
                }
            }
        }
    }
    if is_well {
        // Else the beginning of a download would go, with which the next look goes on.
        board.place.tidy(&board.place.read()?);
    }
    Ok(is_well)
}

/// Goes on with an import that was broken off. Whether all went well.
fn finish(board: &Board, told: &mut dyn FnMut(&str)) -> bool {
    let Ok(Memory { importing: Some(edition), .. }) = board.place.read() else { return true };
    told(&format!("going on with {}, which was broken off", edition.title()));
    if !matches!(fetch::is_sound(&board.place.file(&edition.file), &edition.sha256), Ok(true)) {
        let back = catalogue::take_back(&board.target.catalogue, &edition);
        let gone = board.place.change(|memory| memory.importing = None);
        let is_well = back.is_ok() && gone.is_ok();
        say(
            board,
            told,
            &format!("the file of {} is damaged: what was imported of it was taken back", edition.title()),
        );
        return is_well;
    }
    match catalogue::import(&board.place, &board.target, &edition) {
        Ok(()) => told(&format!("{} is in place", edition.title())),
        Err(error) => {
            say(board, told, &in_words(&error));
            return false;
        }
    }
    true
}

fn take(board: &Board, source: &Source, update: &Update, told: &mut dyn FnMut(&str)) -> Result<(), UpdateError> {
    if let (Kind::Network, Some(bundle)) = (update.kind, &board.configured) {
        return Err(UpdateError::Outranked { bundle: bundle.clone() });
    }
    told(&format!("taking {} from {source}", update.title()));
    let file = fetch::fetch(source, update, &board.place)?;
    let path = board.place.file(&file);
    let (serial, version, sha256) = (update.serial, update.version.clone(), update.sha256.clone());
    match update.kind {
        Kind::Network => {
            let which = Which::Update(Version { serial, version, file, sha256 });
            told("asking it for its golden answers");
            proof::prove(&board.target.runner, &path, &which.title())?;
            let text = format!("{} is verified and waits until the appliance changes over to it", which.title());
            board.place.change(|memory| {
                memory.accept(Kind::Network, serial);
                memory.network.stage(which, board.when == When::Now);
                memory.say(&text);
            })?;
            told(&text);
        }
        Kind::Catalogue => {
            if !wait_until_quiet(board.when, told) {
                told("customers are there: the catalogue is left for another time");
                return Ok(());
            }
            let failed = |cause: String| UpdateError::Import { title: update.title(), cause };
            let after_change =
                catalogue::last_change(&board.target.catalogue).map_err(|error| failed(error.to_string()))?;
            let edition = Edition { serial, version, file, sha256, after_change, attempts: 0 };
            catalogue::import(&board.place, &board.target, &edition)?;
            told(&format!("{} is in place", edition.title()));
        }
        Kind::System => {
            system::install(&path, &update.title())?;
            let text = format!("{} is installed and is started at the next restart", update.title());
            board.place.change(|memory| {
                memory.accept(Kind::System, serial);
                memory.say(&text);
            })?;
            told(&text);
        }
    }
    Ok(())
}

/// Whether the shop is quiet, or has become so in the time that is waited.
fn wait_until_quiet(when: When, told: &mut dyn FnMut(&str)) -> bool {
    let When::Quiet(quiet) = when else { return true };
    let is_quiet = || quiet::unused_for().is_none_or(|unused| unused >= quiet);
    let since = Instant::now();
    if !is_quiet() {
        told("waiting until no customer is there (`--now` does not wait)");
    }
    while !is_quiet() {
        if since.elapsed() >= PATIENCE {
            return false;
        }
        std::thread::sleep(LOOK_EVERY);
    }
    true
}

/// Goes back to the network or catalogue before, by hand. What becomes of it, in words.
///
/// # Errors
/// There is none, or it cannot be done.
pub fn roll_back(board: &Board, kind: Kind) -> Result<String, UpdateError> {
    let _held = board.place.try_install()?.ok_or(UpdateError::Busy)?;
    let nothing = UpdateError::NothingBefore { kind };
    match kind {
        Kind::System => Err(nothing),
        Kind::Network => {
            if let Some(bundle) = &board.configured {
                return Err(UpdateError::Outranked { bundle: bundle.clone() });
            }
            let which = board.place.change(|memory| memory.network.roll_back())?.ok_or(nothing)?;
            let is_there = board.place.read()?.network.trial.is_some();
            let text = if is_there {
                format!("going back by hand to {}: the appliance changes over to it", which.title())
            } else {
                format!("what waited is given up by hand; {} stays", which.title())
            };
            board.place.say(&text)?;
            Ok(text)
        }
        Kind::Catalogue => {
            let edition = board.place.read()?.catalogue.ok_or(nothing)?;
            let products = catalogue::take_back(&board.target.catalogue, &edition)?;
            let text = format!("{} was taken back by hand: {products} products are as before", edition.title());
            board.place.change(|memory| {
                memory.catalogue = None;
                memory.say(&text);
            })?;
            Ok(text)
        }
    }
}

fn say(board: &Board, told: &mut dyn FnMut(&str), what: &str) {
    told(what);
    remember(board, told, what);
}

/// A full disk must not keep the rest from being tried.
fn remember(board: &Board, told: &mut dyn FnMut(&str), what: &str) {
    if let Err(error) = board.place.say(what) {
        told(&format!("that cannot be remembered: {error}"));
    }
}
