//! How one network follows another: a pure function of what is remembered and what happened, so that no power cut finds it between two states.
//!
//! *current* answers. A new one is on *trial*: the appliance changes over to it when no customer is there, and takes it for good when it has shown
//! itself to be well. Each start with it counts as an attempt, and is written before anything else is done with it; after [`ATTEMPTS`] that did
//! not end well it is given up. What was current before stays at hand as *previous*.

use serde::{Deserialize, Serialize};

/// Starts that a network on trial has.
pub const ATTEMPTS: u32 = 2;

/// One network.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Which {
    /// The one inside the program.
    #[default]
    Own,
    /// One that came as an update.
    Update(Version),
}

/// A network that came as an update.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Version {
    /// Counts up.
    pub serial: u64,
    /// For people.
    pub version: String,
    /// Its name in the folder of updates.
    pub file: String,
    /// Of the file.
    pub sha256: String,
}

/// A network that has yet to show that it is well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Which one.
    pub network: Which,
    /// Starts with it that have not ended well so far.
    pub attempts: u32,
    /// Whether it does not wait until nobody is there.
    #[serde(default)]
    pub now: bool,
}

/// The networks of a board.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slots {
    /// The one that is proven.
    #[serde(default)]
    pub current: Which,
    /// The one before it.
    #[serde(default)]
    pub previous: Option<Which>,
    /// The one that is to be.
    #[serde(default)]
    pub trial: Option<Trial>,
}

/// What a start begins with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// The network.
    pub network: Which,
    /// Which attempt it is, where it is on trial.
    pub attempt: Option<u32>,
    /// The one that was given up just now.
    pub given_up: Option<Which>,
}

impl Which {
    /// For people.
    #[must_use]
    pub fn title(&self) -> String {
        match self {
            Self::Own => "the network inside the program".to_owned(),
            Self::Update(Version { serial, version, .. }) => format!("the network {version} (number {serial})"),
        }
    }

    /// Its file, where it has one.
    #[must_use]
    pub fn file(&self) -> Option<&str> {
        match self {
            Self::Own => None,
            Self::Update(version) => Some(&version.file),
        }
    }
}

impl Slots {
    /// Puts a network on trial; one that waits already is replaced.
    pub fn stage(&mut self, network: Which, now: bool) {
        self.trial = Some(Trial { network, attempts: 0, now });
    }

    /// What the appliance starts with. Where something was counted or given up it is to be written before the network is touched.
    pub fn start(&mut self) -> Start {
        let given_up = self.trial.take_if(|trial| trial.attempts >= ATTEMPTS).map(|trial| trial.network);
        match &mut self.trial {
            Some(trial) => {
                trial.attempts += 1;
                Start { network: trial.network.clone(), attempt: Some(trial.attempts), given_up }
            }
            None => Start { network: self.current.clone(), attempt: None, given_up },
        }
    }

    /// The start does not count: its golden answers are right, and another network serves while the catalogue is embedded with it.
    pub fn uncount(&mut self) {
        if let Some(trial) = &mut self.trial {
            trial.attempts = trial.attempts.saturating_sub(1);
        }
    }

    /// A start that did not count does now.
    pub fn count(&mut self) {
        if let Some(trial) = &mut self.trial {
            trial.attempts = trial.attempts.saturating_add(1);
        }
    }

    /// The network on trial is well: it becomes the current one. Says whether there was one.
    pub fn confirm(&mut self) -> bool {
        let Some(trial) = self.trial.take() else { return false };
        if trial.network != self.current {
            self.previous = Some(std::mem::replace(&mut self.current, trial.network));
        }
        true
    }

    /// The network on trial is not well: the current one stays. Gives the one that goes.
    pub fn reject(&mut self) -> Option<Which> {
        self.trial.take().map(|trial| trial.network)
    }

    /// Puts the one before on trial; or only gives up the one that waits. Gives what will answer.
    pub fn roll_back(&mut self) -> Option<Which> {
        if self.trial.take().is_some() {
            return Some(self.current.clone());
        }
        let previous = self.previous.clone()?;
        self.stage(previous.clone(), true);
        Some(previous)
    }

    /// The files that are still needed.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let all = [Some(&self.current), self.previous.as_ref(), self.trial.as_ref().map(|trial| &trial.network)];
        all.into_iter().flatten().filter_map(Which::file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(serial: u64) -> Which {
        Which::Update(Version {
            serial,
            version: serial.to_string(),
            file: format!("{serial}.bundle"),
            sha256: String::new(),
        })
    }

    #[test]
    fn a_network_has_two_attempts() {
        let mut slots = Slots::default();
        slots.stage(network(1), false);
        for attempt in 1..=2 {
            let start = slots.start();
            assert_eq!(start, Start { network: network(1), attempt: Some(attempt), given_up: None });
        }
        let start = slots.start();
        assert_eq!(start, Start { network: Which::Own, attempt: None, given_up: Some(network(1)) });
        assert_eq!(slots, Slots::default());
        assert_eq!(slots.start().given_up, None, "that is said once");
    }

    #[test]
    fn a_network_that_is_well_stays_and_can_be_taken_back() {
        let mut slots = Slots::default();
        slots.stage(network(1), false);
        slots.start();
        slots.uncount();
        assert_eq!(slots.start().attempt, Some(1));
        assert!(slots.confirm() && !slots.confirm());
        assert_eq!((&slots.current, &slots.previous), (&network(1), &Some(Which::Own)));
        assert_eq!(slots.roll_back(), Some(Which::Own));
        assert!(slots.trial.as_ref().unwrap().now);
        slots.start();
        slots.confirm();
        assert_eq!((&slots.current, &slots.previous), (&Which::Own, &Some(network(1))));
        slots.stage(network(2), false);
        assert_eq!(slots.roll_back(), Some(Which::Own), "only what waits is given up");
        assert_eq!(slots.files().collect::<Vec<_>>(), ["1.bundle"]);
    }

    #[derive(Debug, Clone)]
    enum Step {
        Stage(u64),
        Start,
        Uncount,
        Confirm,
        Reject,
        RollBack,
    }

    fn step() -> impl Strategy<Value = Step> {
        use Step::*;
        prop_oneof![(1..4u64).prop_map(Stage), Just(Start), Just(Uncount), Just(Confirm), Just(Reject), Just(RollBack)]
    }

    proptest! {
        /// Whatever happens, in whatever order: what is started is one that was confirmed, or one on trial with an attempt left; the current
        /// one changes only by a confirmation; no attempt goes on for ever; and what is written is read.
        #[test]
        fn there_is_always_a_network_that_is_known_to_work(steps in prop::collection::vec(step(), 0..60)) {
            let mut slots = Slots::default();
            let mut confirmed = vec![Which::Own];
            for step in steps {
                let before = slots.clone();
                match step {
                    Step::Stage(serial) => slots.stage(network(serial), false),
                    Step::Start => {
                        let start = slots.start();
                        match start.attempt {
                            None => prop_assert_eq!(&start.network, &slots.current),
                            Some(attempt) => prop_assert!((1..=ATTEMPTS).contains(&attempt)),
                        }
                    }
                    Step::Uncount => slots.uncount(),
                    Step::Confirm => if slots.confirm() { confirmed.push(slots.current.clone()) },
                    Step::Reject => { slots.reject(); }
                    Step::RollBack => { slots.roll_back(); }
                }
                prop_assert!(confirmed.contains(&slots.current));
                prop_assert!(slots.previous.iter().all(|previous| confirmed.contains(previous)));
                if !matches!(step, Step::Confirm) {
                    prop_assert_eq!(&before.current, &slots.current);
                }
                let text = serde_json::to_string(&slots).unwrap();
                prop_assert_eq!(&serde_json::from_str::<Slots>(&text).unwrap(), &slots);
            }
        }
    }
}
