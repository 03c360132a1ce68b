//! Stages that are started again when they fail.
//!
//! Each stage is a thread with a body. When the body returns an error or panics, that is counted and said once, and the
//! body is called again after a back-off that doubles from [`BackOff::FIRST`] to [`BackOff::LONGEST`] and starts anew
//! after a stretch of good work. Other stages are not touched.

use crate::health::{Health, Stage};
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// Tells all stages to end, and lets them sleep until then.
#[derive(Debug, Clone, Default)]
pub struct Stop {
    inside: Arc<(Mutex<bool>, Condvar)>,
}

impl Stop {
    /// A stop that nobody asked for yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks all who watch to end.
    pub fn ask(&self) {
        *self.inside.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.inside.1.notify_all();
    }

    /// Whether somebody asked.
    #[must_use]
    pub fn is_asked(&self) -> bool {
        *self.inside.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sleeps for `time`, or until somebody asks; returns whether somebody did.
    #[must_use]
    pub fn wait(&self, time: Duration) -> bool {
        let asked = self.inside.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (asked, _) =
            self.inside.1.wait_timeout_while(asked, time, |asked| !*asked).unwrap_or_else(PoisonError::into_inner);
        *asked
    }
}

/// How long to wait before a failed stage is started again.
#[derive(Debug, Clone, Copy)]
pub struct BackOff {
    next: Duration,
}

impl BackOff {
    /// After the first failure.
    pub const FIRST: Duration = Duration::from_millis(250);
    /// After many.
    pub const LONGEST: Duration = Duration::from_secs(5);
    /// A body that worked for this long was well.
    pub const WELL: Duration = Duration::from_secs(10);

    /// As before the first failure.
    #[must_use]
    pub fn new() -> Self {
        Self { next: Self::FIRST }
    }

    /// The wait after a failure of a body that ran for `worked`.
    pub fn after(&mut self, worked: Duration) -> Duration {
        if worked >= Self::WELL {
            *self = Self::new();
        }
        let wait = self.next;
        self.next = (wait * 2).min(Self::LONGEST);
        wait
    }
}

impl Default for BackOff {
    fn default() -> Self {
        Self::new()
    }
}

/// How a stage's body may end early.
pub type StageError = Box<dyn Error + Send + Sync>;

/// Runs `body` on a thread of its own until it returns `Ok` or `stop` is asked, starting it again after failures.
///
/// **Errors** the system gives no thread.
pub fn supervise(
    stage: Stage,
    stop: &Stop,
    health: &Arc<Health>,
    mut body: impl FnMut() -> Result<(), StageError> + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let (stop, health) = (stop.clone(), Arc::clone(health));
    thread::Builder::new().name(stage.key().to_owned()).spawn(move || {
        let mut back_off = BackOff::new();
        let mut said = String::new();
        while !stop.is_asked() {
            let started = Instant::now();
            let problem = match catch_unwind(AssertUnwindSafe(&mut body)) {
                Ok(Ok(())) => return,
                Ok(Err(error)) => in_words(error.as_ref()),
                Err(panic) => panic_in_words(panic.as_ref()),
            };
            health.metrics.stage_failed(stage);
            let wait = back_off.after(started.elapsed());
            if problem != said {
                health.events.say(format!("{} stopped and is started again: {problem}", stage.key()));
                said = problem;
            }
            if stop.wait(wait) {
                return;
            }
        }
    })
}

/// An error and its causes in one line.
#[must_use]
pub fn in_words(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let words = error.to_string();
        if !text.ends_with(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        cause = error.source();
    }
    text
}

fn panic_in_words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or_else(|| panic.downcast_ref::<String>().map(String::as_str));
    format!("a fault in the program: {}", text.unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[test]
    fn back_off_doubles_to_its_bound_and_starts_anew() {
        let mut back_off = BackOff::new();
        let short = Duration::from_millis(1);
        let waits: Vec<_> = (0..7).map(|_| back_off.after(short).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1000, 2000, 4000, 5000, 5000]);
        assert_eq!(back_off.after(BackOff::WELL), BackOff::FIRST);
    }

    #[test]
    fn errors_and_panics_start_the_stage_again() -> Result<(), Box<dyn Error>> {
        let (stop, health) = (Stop::new(), Arc::new(Health::silent()));
        let calls = Arc::new(AtomicU32::new(0));
        let counted = Arc::clone(&calls);
        let body = move || match counted.fetch_add(1, Ordering::SeqCst) {
            0 => Err("the first time".into()),
            1 => std::panic::panic_any("the second time"),
            _ => Ok(()),
        };
        supervise(Stage::Capture, &stop, &health, body)?.join().map_err(|_| "the supervisor itself panicked")?;
        assert_eq!(calls.load(Ordering::SeqCst), 3);
        assert_eq!(health.metrics.stage_failures(Stage::Capture), 2);
        let said: Vec<_> = health.events.newest(9).into_iter().map(|event| event.what).collect();
        assert!(said[0].contains("the second time") && said[1].contains("the first time"), "{said:?}");
        Ok(())
    }

    #[test]
    fn a_stop_ends_the_back_off() -> Result<(), Box<dyn Error>> {
        let (stop, health) = (Stop::new(), Arc::new(Health::silent()));
        let thread = supervise(Stage::Capture, &stop, &health, || Err("always".into()))?;
        assert!(!stop.wait(Duration::from_millis(20)));
        stop.ask();
        thread.join().map_err(|_| "panicked")?;
        assert!(health.metrics.stage_failures(Stage::Capture) >= 1);
        Ok(())
    }
}
