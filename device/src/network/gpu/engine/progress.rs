//! How far a slow start is: a bar on a terminal, elsewhere a line every ten seconds. Where several engines start at once, the first one shows.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Between two lines.
const PAUSE: Duration = Duration::from_secs(10);

/// Set while one is shown.
static IS_SHOWN: AtomicBool = AtomicBool::new(false);

/// Counts the steps of one slow thing.
pub(in crate::network::gpu) struct Progress {
    message: String,
    of: usize,
    done: AtomicUsize,
    shown: Option<Shown>,
}

enum Shown {
    Bar(ProgressBar),
    Lines(Mutex<Instant>),
}

impl Progress {
    /// Of so many steps.
    pub(in crate::network::gpu) fn new(message: String, of: usize) -> Self {
        let is_first = !IS_SHOWN.swap(true, Ordering::Relaxed);
        let shown = is_first.then(|| {
            if std::io::stderr().is_terminal() {
                let style = ProgressStyle::with_template("{msg} {wide_bar} {pos} of {len}");
                let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
                Shown::Bar(ProgressBar::new(of as u64).with_style(style).with_message(message.clone()))
            } else {
                Shown::Lines(Mutex::new(Instant::now()))
            }
        });
        Self { message, of, done: AtomicUsize::new(0), shown }
    }

    /// Shown to nobody.
    pub(in crate::network::gpu) fn hidden() -> Self {
        Self { message: String::new(), of: 0, done: AtomicUsize::new(0), shown: None }
    }

    /// One step is done.
    pub(in crate::network::gpu) fn step(&self) {
        let done = 1 + self.done.fetch_add(1, Ordering::Relaxed);
        match &self.shown {
            Some(Shown::Bar(bar)) => bar.inc(1),
            Some(Shown::Lines(last)) => {
                let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
                if last.elapsed() >= PAUSE {
                    *last = Instant::now();
                    eprintln!("{}: {done} of {}", self.message, self.of);
                }
            }
            None => {}
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(shown) = &self.shown {
            IS_SHOWN.store(false, Ordering::Relaxed);
            if let Shown::Bar(bar) = shown {
                bar.finish_and_clear();
            }
        }
    }
}
