//! The time in which a network on trial must have shown that it is well: where it passes, the program ends, whatever hangs in it.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

/// From its start until it is well.
const LIMIT: Duration = Duration::from_secs(120);

/// How often it is looked.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// A deadline that runs until it is dropped.
#[derive(Debug)]
pub(super) struct Deadline {
    until: Arc<Mutex<Option<Instant>>>,
}

impl Deadline {
    /// Runs from now on; `title` is who must be well.
    pub(super) fn start(title: &str) -> Self {
        let until = Arc::new(Mutex::new(Some(Instant::now() + LIMIT)));
        let (watched, title) = (Arc::downgrade(&until), title.to_owned());
        let watch = move || {
            while let Some(is_over) = is_over(&watched) {
                if is_over {
                    eprintln!("{title} was not well within two minutes: the appliance ends, and is started again");
                    std::process::exit(1);
                }
                std::thread::sleep(LOOK_EVERY);
            }
        };
        // Without a thread there is no deadline, and the system's watchdog is what is left.
        if let Err(error) = std::thread::Builder::new().name("deadline".to_owned()).spawn(watch) {
            eprintln!("no deadline for the trial: {error}");
        }
        Self { until }
    }

    /// Does not run for now.
    pub(super) fn pause(&self) {
        self.set(None);
    }

    /// Runs anew.
    pub(super) fn again(&self) {
        self.set(Some(Instant::now() + LIMIT));
    }

    fn set(&self, until: Option<Instant>) {
        *self.until.lock().unwrap_or_else(PoisonError::into_inner) = until;
    }
}

/// Whether the time is over; nothing where nobody cares any more.
fn is_over(watched: &Weak<Mutex<Option<Instant>>>) -> Option<bool> {
    let until = watched.upgrade()?;
    let until = *until.lock().unwrap_or_else(PoisonError::into_inner);
    Some(until.is_some_and(|until| Instant::now() >= until))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_runs_is_paused_and_ends_with_who_cares() {
        let deadline = Deadline::start("it");
        let watched = Arc::downgrade(&deadline.until);
        assert_eq!(is_over(&watched), Some(false));
        deadline.pause();
        assert_eq!(is_over(&watched), Some(false));
        drop(deadline);
        assert_eq!(is_over(&watched), None);
        let past = Arc::new(Mutex::new(Some(Instant::now())));
        assert_eq!(is_over(&Arc::downgrade(&past)), Some(true));
    }
}
