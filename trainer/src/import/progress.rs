//! How far long work has come, on standard error: a bar in a terminal, else one line every ten seconds.

use std::io::IsTerminal;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Time between lines where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(10);

/// Progress of one phase after another.
#[derive(Debug)]
pub struct Progress {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    bar: ProgressBar,
    is_shown: bool,
    is_terminal: bool,
    phase: String,
    total: u64,
    begun: Instant,
    last_line: Instant,
}

impl Progress {
    /// Shows progress to people.
    #[must_use]
    pub fn shown() -> Self {
        Self::new(true)
    }

    /// Says nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(false)
    }

    fn new(is_shown: bool) -> Self {
        let now = Instant::now();
        let is_terminal = std::io::stderr().is_terminal();
        let state = State {
            bar: ProgressBar::hidden(),
            is_shown,
            is_terminal,
            phase: String::new(),
            total: 0,
            begun: now,
            last_line: now,
        };
        Self { state: Mutex::new(state) }
    }

    /// Begins a phase of `total` steps.
    pub fn begin(&self, phase: &str, total: usize) {
        let Ok(mut state) = self.state.lock() else { return };
        state.bar.finish_and_clear();
        state.total = total as u64;
        state.phase = phase.to_owned();
        state.begun = Instant::now();
        state.last_line = state.begun;
        let target = if state.is_shown && state.is_terminal {
            ProgressDrawTarget::stderr()
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(state.total), target);
        if let Ok(style) = ProgressStyle::with_template("{msg} [{wide_bar}] {pos}/{len} {per_sec} {eta} left") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(phase.to_owned());
        state.bar = bar;
    }

    /// One step is done.
    pub fn step(&self) {
        let Ok(mut state) = self.state.lock() else { return };
        state.bar.inc(1);
        if state.is_shown && !state.is_terminal && state.last_line.elapsed() >= LINE_EVERY {
            state.last_line = Instant::now();
            let done = state.bar.position();
            let seconds = state.begun.elapsed().as_secs_f64();
            let rate = done as f64 / seconds.max(1e-9);
            let left = state.total.saturating_sub(done) as f64 / rate.max(1e-9);
            eprintln!("{}: {done} of {} ({rate:.0}/s, {left:.0} s left)", state.phase, state.total);
        }
    }

    /// The phase is over.
    pub fn end(&self) {
        if let Ok(state) = self.state.lock() {
            state.bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Progress;

    #[test]
    fn steps_outside_of_a_phase_do_no_harm() {
        let progress = Progress::silent();
        progress.step();
        progress.begin("x", 0);
        progress.step();
        progress.end();
        progress.end();
    }
}
