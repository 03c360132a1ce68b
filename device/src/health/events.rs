//! The last things that happened, in memory.

use serde::Serialize;
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Something that happened once.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Event {
    /// Seconds since the program started.
    pub seconds: f64,
    /// What happened, in words.
    pub what: String,
}

/// A ring of the newest events; each is also handed to a listener (the program prints it on stderr).
pub struct Events {
    started: Instant,
    ring: Mutex<VecDeque<Event>>,
    listener: Box<dyn Fn(&Event) + Send + Sync>,
}

impl Events {
    /// How many events are remembered.
    pub const REMEMBERED: usize = 256;

    /// No event yet; `listener` hears each one.
    #[must_use]
    pub fn new(listener: impl Fn(&Event) + Send + Sync + 'static) -> Self {
        Self { started: Instant::now(), ring: Mutex::default(), listener: Box::new(listener) }
    }

    /// Remembers that something happened.
    pub fn say(&self, what: impl Into<String>) {
        let event = Event { seconds: self.started.elapsed().as_secs_f64(), what: what.into() };
        (self.listener)(&event);
        let mut ring = self.ring.lock().unwrap_or_else(PoisonError::into_inner);
        if ring.len() == Self::REMEMBERED {
            ring.pop_front();
        }
        ring.push_back(event);
    }

    /// Seconds since the program started.
    #[must_use]
    pub fn now(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    /// The newest `count` events, newest first.
    #[must_use]
    pub fn newest(&self, count: usize) -> Vec<Event> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner).iter().rev().take(count).cloned().collect()
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("ring", &self.ring).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_forgotten() {
        let events = Events::new(|_| ());
        for number in 0..Events::REMEMBERED + 3 {
            events.say(number.to_string());
        }
        let all = events.newest(usize::MAX);
        assert_eq!(all.len(), Events::REMEMBERED);
        assert_eq!(all[0].what, (Events::REMEMBERED + 2).to_string());
        assert_eq!(all[Events::REMEMBERED - 1].what, "3");
    }
}
