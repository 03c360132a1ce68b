//! What runs while one network answers: the page, the pipeline, and the threads beside them.

use crate::health::Health;
use crate::health::watchdog::{self, Progress};
use crate::page::Server;
use crate::pipeline::{Pipeline, Stop};
use crate::staff::Staff;
use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Why a network answers no more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::cli) enum Ended {
    /// The appliance is to stop.
    Stopped,
    /// Another network is to answer.
    Changes,
    /// The shop has changed its settings: everything is opened again.
    Settings,
}

/// Everything that one network answers with, running.
pub(super) struct Serving {
    pub(super) server: Server,
    pub(super) pipeline: Pipeline,
    /// What works beside the frames for as long as the page answers, and what ends it.
    pub(super) threads: [JoinHandle<()>; 2],
    pub(super) stop: Stop,
    /// What it is made of, for people.
    pub(super) words: [(&'static str, String); 6],
    pub(super) staff: Arc<Staff>,
    /// Whether nobody had set it up when this began.
    pub(super) is_first_start: bool,
}

/// How long the answer to new settings may take to arrive before the appliance is opened again with them.
const LAST_ANSWER: Duration = Duration::from_millis(1500);

impl Serving {
    /// Says on the console what runs, and where the page is.
    fn say_what_runs(&self) {
        let address = self.server.address();
        eprintln!("ClothingID {}", env!("CARGO_PKG_VERSION"));
        for (what, value) in &self.words {
            eprintln!("  {what:<10} {value}");
        }
        eprintln!("Ctrl-C ends it.");
        eprintln!("  {:<10} {}", "page", url(address));
    }

    /// Runs until it is told to stop, or settings are changed, or `changes`, which is asked so often and told whether the appliance gets on, says that another network is to
    /// answer.
    pub(super) fn until(
        self,
        stop: &Stop,
        look_every: Duration,
        health: &Health,
        mut changes: impl FnMut(bool) -> bool,
    ) -> Ended {
        self.say_what_runs();
        watchdog::ready();
        watchdog::usual();
        let (mut progress, mut changed) = (Progress::default(), None::<Instant>);
        let ended = loop {
            if stop.wait(look_every) {
                break Ended::Stopped;
            }
            let is_made = progress.is_made(health);
            if is_made {
                watchdog::feed();
            }
            // A PIN that was set ends the first start, whoever set it, and what is open for it alone.
            let is_set_up = self.is_first_start && !self.staff.is_first_start();
            if (is_set_up || self.staff.wants_to_be_opened_again())
                && changed.get_or_insert_with(Instant::now).elapsed() >= LAST_ANSWER
            {
                break Ended::Settings;
            }
            if changes(is_made) {
                break Ended::Changes;
            }
        };
        match ended {
            Ended::Stopped => {
                eprintln!("ending");
                watchdog::stopping();
            }
            Ended::Changes | Ended::Settings => watchdog::opening(),
        }
        self.end();
        ended
    }

    /// Ends all of it, and waits for it. The address stays taken: who asks meanwhile waits for what is started next.
    fn end(self) {
        // While the last answers are given the camera ends, and uploads are still looked at: no wait comes after another.
        self.pipeline.ask_to_end();
        self.server.end();
        self.stop.ask();
        self.pipeline.end();
        for thread in self.threads {
            // The supervisors catch the panics of what they run.
            let _ = thread.join();
        }
    }
}

/// What to type into a browser.
pub(super) fn url(address: SocketAddr) -> String {
    let port = address.port();
    if address.ip().is_loopback() && address.is_ipv4() {
        format!("http://localhost:{port}")
    } else {
        format!("http://{address}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_one_that_a_browser_takes() {
        for (address, expected) in [
            ("127.0.0.1:8080", "http://localhost:8080"),
            ("127.0.0.1:80", "http://localhost:80"),
            ("[::1]:8080", "http://[::1]:8080"),
            ("192.0.2.7:8080", "http://192.0.2.7:8080"),
        ] {
            assert_eq!(url(address.parse().unwrap()), expected);
        }
    }
}
