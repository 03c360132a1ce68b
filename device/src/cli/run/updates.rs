//! Which network answers where updates are taken, and when the appliance changes over to another one.
//!
//! A network on trial is counted before it is touched. Until it is well a deadline runs: where it passes, the program ends, the system starts it
//! again, and the attempts count. One whose golden answers are wrong goes at once. It is well when its golden answers are right and frames were
//! answered for [`WELL_FOR`].

use super::deadline::Deadline;
use crate::health::Health;
use crate::network::read_bundle;
use crate::pipeline::in_words;
use crate::update::memory::Place;
use crate::update::{Which, fetch, quiet};
use clothingid_shared::bundle::Bundle;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long frames must be answered by a network on trial.
const WELL_FOR: Duration = Duration::from_secs(20);

/// A stretch without an answer that does not break that.
const PAUSE: Duration = Duration::from_secs(4);

/// How often it is looked what has changed.
pub(super) const LOOK_EVERY: Duration = Duration::from_secs(1);

/// How often it is said when the appliance was last used.
const SAY_USED_EVERY: Duration = Duration::from_secs(10);

/// The updates of an appliance.
#[derive(Debug)]
pub(in crate::cli) struct Updates {
    place: Place,
    quiet: Duration,
    /// What was last seen of the memory's file.
    seen: Option<(u64, i64, u64)>,
    said_used: Option<(Instant, Duration)>,
    /// The network that answers.
    chosen: Option<Chosen>,
}

/// A network, and what of its trial is known.
#[derive(Debug)]
struct Chosen {
    which: Which,
    trial: Option<OnTrial>,
}

#[derive(Debug)]
struct OnTrial {
    deadline: Deadline,
    answered: Option<Instant>,
    since: Option<Instant>,
}

impl Updates {
    pub(super) fn new(place: Place, quiet: Duration) -> Self {
        Self { place, quiet, seen: None, said_used: None, chosen: None }
    }

    /// The network to begin with; there is always one. `own` is the one inside the program.
    pub(super) fn begin(&mut self, own: &Arc<Bundle>, health: &Health) -> Arc<Bundle> {
        self.chosen = None;
        self.seen = None;
        loop {
            let (which, attempt) = self.next(health);
            let trial = attempt.map(|attempt| {
                health.events.say(format!("starting with {}, which is on trial: start {attempt}", which.title()));
                OnTrial { deadline: Deadline::start(&which.title()), answered: None, since: None }
            });
            let is_on_trial = trial.is_some();
            self.chosen = Some(Chosen { which: which.clone(), trial });
            match self.open(&which, own) {
                Ok(bundle) => return bundle,
                Err(why) if is_on_trial => self.reject(&why, health),
                Err(why) => {
                    health.events.say(format!("{} cannot be used: {why}", which.title()));
                    return self.another(&which, own, health);
                }
            }
        }
    }

    /// What the memory says, with the attempt written. Where it cannot be written nothing is tried.
    fn next(&self, health: &Health) -> (Which, Option<u32>) {
        // Without a trial there is nothing to count, and a start writes nothing.
        if let Ok(memory) = self.place.read()
            && memory.network.trial.is_none()
        {
            return (memory.network.current, None);
        }
        let started = self.place.change(|memory| {
            let start = memory.network.start();
            let given_up = start.given_up.as_ref().map(|which| {
                format!("{} was not well in two starts and is given up; {} stays", which.title(), start.network.title())
            });
            if let Some(text) = &given_up {
                memory.say(text);
            }
            (start, given_up)
        });
        match started {
            Ok((start, given_up)) => {
                if let Some(text) = given_up {
                    health.events.say(text);
                }
                (start.network, start.attempt)
            }
            Err(error) => {
                health.events.say(format!("no update is tried: {}", in_words(&error)));
                (self.place.read().map(|memory| memory.network.current).unwrap_or_default(), None)
            }
        }
    }

    fn open(&self, which: &Which, own: &Arc<Bundle>) -> Result<Arc<Bundle>, String> {
        let Which::Update(version) = which else { return Ok(Arc::clone(own)) };
        let path = self.place.file(&version.file);
        match fetch::is_sound(&path, &version.sha256) {
            Ok(true) => read_bundle(Some(&path)).map(Arc::new).map_err(|error| in_words(&error)),
            Ok(false) => Err(format!("`{}` is not what was verified", path.display())),
            Err(error) => Err(in_words(&error)),
        }
    }

    /// Where the current network cannot be used: the one before, or the one inside the program.
    fn another(&mut self, current: &Which, own: &Arc<Bundle>, health: &Health) -> Arc<Bundle> {
        let previous = self.place.read().ok().and_then(|memory| memory.network.previous);
        let previous = previous.filter(|previous| previous != current).unwrap_or_default();
        let opened = self.open(&previous, own);
        let which = if opened.is_ok() { previous } else { Which::Own };
        self.remember(&format!("{} cannot be used; {} answers instead", current.title(), which.title()), health);
        // What the memory has is still what is wanted: it is not changed over to again and again.
        self.chosen = Some(Chosen { which: current.clone(), trial: None });
        opened.unwrap_or_else(|_| Arc::clone(own))
    }

    /// Whether the network that answers has yet to show that it is well.
    pub(super) fn is_on_trial(&self) -> bool {
        self.chosen.as_ref().is_some_and(|chosen| chosen.trial.is_some())
    }

    /// The network on trial is not well: the one before goes on.
    pub(super) fn reject(&mut self, why: &str, health: &Health) {
        let Some(chosen) = self.chosen.take() else { return };
        let changed = self.place.change(|memory| {
            let _ = memory.network.reject();
            let stays = memory.network.current.title();
            let text = format!("{} is not taken: {why}; {stays} stays", chosen.which.title());
            memory.say(&text);
            text
        });
        health.events.say(changed.unwrap_or_else(|error| in_words(&error)));
    }

    /// The golden answers of the network on trial are right, and the one before answers until the catalogue is embedded with it. That may take
    /// long, and a power cut in it says nothing about the network.
    pub(super) fn pause(&mut self, health: &Health) {
        let Some(trial) = self.chosen.as_mut().and_then(|chosen| chosen.trial.as_mut()) else { return };
        trial.deadline.pause();
        if let Err(error) = self.place.change(|memory| memory.network.uncount()) {
            health.events.say(in_words(&error));
        }
    }

    /// The appliance is opened again for another reason than the network: that start says nothing about it.
    pub(super) fn interrupted(&mut self, health: &Health) {
        if !self.is_on_trial() {
            return;
        }
        if let Err(error) = self.place.change(|memory| memory.network.uncount()) {
            health.events.say(in_words(&error));
        }
    }

    /// It takes over now.
    pub(super) fn go_on(&mut self, health: &Health) {
        let Some(trial) = self.chosen.as_mut().and_then(|chosen| chosen.trial.as_mut()) else { return };
        trial.deadline.again();
        if let Err(error) = self.place.change(|memory| memory.network.count()) {
            health.events.say(in_words(&error));
        }
    }

    /// Files of networks that may be the one that the catalogue is embedded with.
    pub(super) fn others(&self) -> Vec<PathBuf> {
        let memory = self.place.read().unwrap_or_default();
        memory.network.files().map(|file| self.place.file(file)).collect()
    }

    /// While another network answers: whether the appliance is to change over to yet another one.
    pub(super) fn look(&mut self, health: &Health) -> bool {
        self.say_used(health);
        self.is_due(health)
    }

    /// Looks what has changed; whether the appliance is to change over to another network now. `made` says that it gets on.
    pub(super) fn tick(&mut self, made: bool, health: &Health) -> bool {
        self.say_used(health);
        let is_well =
            self.chosen.as_mut().and_then(|chosen| chosen.trial.as_mut()).map(|trial| trial.tick(made, Instant::now()));
        match is_well {
            Some(true) => self.confirm(health),
            Some(false) => return false,
            None => {}
        }
        self.is_due(health)
    }

    fn confirm(&mut self, health: &Health) {
        let Some(chosen) = &mut self.chosen else { return };
        let confirmed = self.place.change(|memory| {
            // Somebody may have given it up, or staged another one, in the meantime.
            let is_it = memory.network.trial.as_ref().is_some_and(|trial| trial.network == chosen.which);
            if is_it && memory.network.confirm() {
                memory.say(&format!("{} is well and stays", chosen.which.title()));
            }
        });
        match confirmed {
            Ok(()) => {
                chosen.trial = None;
                health.events.say(format!("{} is well and stays", chosen.which.title()));
            }
            // It is tried again with the next look, as long as the deadline allows.
            Err(error) => health.events.say(in_words(&error)),
        }
    }

    /// Whether another network is wanted, and nobody is there who would be disturbed.
    fn is_due(&mut self, health: &Health) -> bool {
        let Some(chosen) = &self.chosen else { return false };
        let facts = std::fs::metadata(self.place.file("state.json")).ok();
        let seen = facts.map(|facts| (facts.ino(), facts.mtime_nsec(), facts.len()));
        if seen == self.seen {
            return false;
        }
        let Ok(memory) = self.place.read() else {
            self.seen = seen;
            return false;
        };
        let wanted = memory.network.trial.as_ref();
        let target = wanted.map_or(&memory.network.current, |trial| &trial.network);
        if *target == chosen.which {
            self.seen = seen;
            return false;
        }
        // Until it is quiet the file is looked at each time.
        let is_now = wanted.is_none_or(|trial| trial.now);
        if !is_now && health.activity.unused_for() < self.quiet {
            return false;
        }
        let title = wanted.map_or_else(|| memory.network.current.title(), |trial| trial.network.title());
        health.events.say(format!("changing over to {title}"));
        true
    }

    fn remember(&self, text: &str, health: &Health) {
        health.events.say(text);
        if let Err(error) = self.place.say(text) {
            health.events.say(in_words(&error));
        }
    }

    /// Tells `clothingid update` when the appliance was last used: in memory, and only when that is another time than was told.
    fn say_used(&mut self, health: &Health) {
        let now = Instant::now();
        if self.said_used.is_some_and(|(said, _)| now.saturating_duration_since(said) < SAY_USED_EVERY) {
            return;
        }
        let used = quiet::since_boot().saturating_sub(health.activity.unused_for());
        // Seconds are counted from two clocks: what differs by one is the same time.
        let told = self.said_used.map(|(_, told)| told).filter(|told| used.abs_diff(*told) <= Duration::from_secs(2));
        if told.is_none() {
            // Best effort: whoever does not know it does not wait.
            let _ = quiet::say_used(used);
        }
        self.said_used = Some((now, told.unwrap_or(used)));
    }
}

impl OnTrial {
    /// Whether it is well by now.
    fn tick(&mut self, made: bool, now: Instant) -> bool {
        if made {
            self.answered = Some(now);
        }
        if self.answered.is_none_or(|answered| now.saturating_duration_since(answered) > PAUSE) {
            self.since = None;
            return false;
        }
        now.saturating_duration_since(*self.since.get_or_insert(now)) >= WELL_FOR
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update::slots::Version;
    use clothingid_shared::files;

    struct Rig {
        folder: tempfile::TempDir,
        own: Arc<Bundle>,
        health: Health,
    }

    impl Rig {
        fn new() -> Self {
            let own = Arc::new(read_bundle(None).unwrap());
            Self { folder: tempfile::tempdir().unwrap(), own, health: Health::silent() }
        }

        fn place(&self) -> Place {
            Place::new(self.folder.path())
        }

        fn updates(&self) -> Updates {
            Updates::new(self.place(), Duration::ZERO)
        }

        /// A file that claims to be a network.
        fn stage(&self, bytes: &[u8], sha256: &str) {
            files::create_folder(self.place().folder()).unwrap();
            files::write_atomic(&self.place().file("network-1"), bytes).unwrap();
            let version = Version { serial: 1, version: "v".into(), file: "network-1".into(), sha256: sha256.into() };
            self.place().change(|memory| memory.network.stage(Which::Update(version), false)).unwrap();
        }

        fn happened(&self) -> Vec<String> {
            self.place().read().unwrap().happened.into_iter().map(|happened| happened.what).collect()
        }
    }

    #[test]
    fn a_network_on_trial_that_cannot_be_opened_goes_at_once() {
        let rig = Rig::new();
        rig.stage(b"no bundle", &files::sha256_hex(b"no bundle"));
        let mut updates = rig.updates();
        assert!(Arc::ptr_eq(&updates.begin(&rig.own, &rig.health), &rig.own));
        assert!(!updates.is_on_trial());
        rig.stage(b"no bundle", "another hash");
        assert!(Arc::ptr_eq(&updates.begin(&rig.own, &rig.health), &rig.own));
        let happened = rig.happened();
        assert_eq!(happened.len(), 2, "{happened:?}");
        assert!(happened[1].contains("is not what was verified; the network inside the program stays"), "{happened:?}");
    }

    #[test]
    fn a_current_network_that_is_damaged_is_done_without() {
        let rig = Rig::new();
        rig.stage(b"x", "another hash");
        rig.place().change(|memory| memory.network.confirm()).unwrap();
        let mut updates = rig.updates();
        assert!(Arc::ptr_eq(&updates.begin(&rig.own, &rig.health), &rig.own));
        assert!(rig.happened()[0].ends_with("cannot be used; the network inside the program answers instead"));
        assert!(!updates.tick(true, &rig.health), "and not changed over to again and again");
    }

    #[test]
    fn a_memory_that_cannot_be_used_leaves_the_network_of_the_program() {
        let rig = Rig::new();
        files::create_folder(rig.place().folder()).unwrap();
        files::write_atomic(&rig.place().file("state.json"), b"{").unwrap();
        let mut updates = rig.updates();
        assert!(Arc::ptr_eq(&updates.begin(&rig.own, &rig.health), &rig.own));
        assert!(!updates.tick(true, &rig.health));
    }

    #[test]
    fn a_network_is_well_when_it_has_answered_long_enough_without_a_break() {
        let start = Instant::now();
        let mut trial = OnTrial { deadline: Deadline::start("it"), answered: None, since: None };
        let mut at = |second: u64, made: bool| trial.tick(made, start + Duration::from_secs(second));
        assert!((0..15).all(|second| !at(second, true)));
        assert!((15..26).all(|second| !at(second, false)), "a break");
        assert!((26..46).all(|second| !at(second, second % 3 == 2)) && at(47, true), "pauses are none");
    }

    #[test]
    fn the_appliance_changes_over_when_nobody_is_there_or_somebody_asks() {
        let rig = Rig::new();
        let mut updates = Updates { quiet: Duration::from_secs(3600), ..rig.updates() };
        updates.begin(&rig.own, &rig.health);
        assert!(!updates.tick(true, &rig.health));
        rig.stage(b"x", "h");
        assert!(!updates.tick(true, &rig.health), "a start counts as a use");
        updates.quiet = Duration::ZERO;
        assert!(updates.tick(true, &rig.health));
        updates.quiet = Duration::from_secs(3600);
        rig.place().change(|memory| memory.network.trial.as_mut().unwrap().now = true).unwrap();
        assert!(updates.tick(true, &rig.health));
        rig.place().change(|memory| memory.network.roll_back()).unwrap();
        assert!(!updates.tick(true, &rig.health));
    }
}
