//! How an import goes on, for people and for machines.

use super::told::{Line, note, tell_json};
use crate::catalogue::import::{Committed, Plan, Progress};
use crate::cli::catalogue::list::counted;
use crate::cli::{Told, say};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use std::io::{IsTerminal, Stdout};
use std::time::{Duration, Instant};

/// The progress on stderr: a bar for people at a terminal, else a line every ten seconds. The batches that are on the
/// disk on stdout with `--json`.
pub(in crate::cli::catalogue) struct Shown {
    json: bool,
    /// Where stdout is gone, nobody is told; the import goes on.
    pub(in crate::cli::catalogue) told: Told<Stdout>,
    bar: ProgressBar,
    is_terminal: bool,
    total: usize,
    embedded: usize,
    stored: usize,
    started: Instant,
    last_line: Instant,
}

impl Shown {
    pub(in crate::cli::catalogue) fn new(json: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        let now = Instant::now();
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        let told = Told::on_stdout();
        Self { json, told, bar, is_terminal, total: 0, embedded: 0, stored: 0, started: now, last_line: now }
    }

    pub(in crate::cli::catalogue) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    /// Photographs a second, and the time that the rest will take.
    fn rate(&self) -> (f64, Duration) {
        #[expect(clippy::cast_precision_loss, reason = "counts of photographs")]
        let [done, left] = [self.embedded, self.total.saturating_sub(self.embedded)].map(|n| n as f64);
        let rate = done / self.started.elapsed().as_secs_f64().max(1e-3);
        (rate, Duration::try_from_secs_f64((left / rate).round()).unwrap_or_default())
    }
}

impl Progress for Shown {
    fn comparing(&mut self, photos: usize) {
        say(format_args!("comparing {} with the catalogue", counted(photos, "photo")));
    }

    fn planned(&mut self, plan: &Plan) {
        note(plan, self.json, &mut self.told);
        self.total = plan.embed_count();
        if self.total == 0 {
            return;
        }
        say(format_args!("embedding {}", counted(self.total, "photo")));
        self.started = Instant::now();
        self.last_line = self.started;
        if self.is_terminal {
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
            self.bar.set_length(self.total as u64);
            let template = "{wide_bar} {pos}/{len} photos, {per_sec}, {eta} left{msg}";
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style);
            }
        }
    }

    fn came_meanwhile(&mut self, photos: usize) {
        say(format_args!("embedding {} more, which came meanwhile", counted(photos, "photo")));
        self.total += photos;
        self.bar.inc_length(photos as u64);
    }

    fn embedded(&mut self) {
        self.embedded += 1;
        self.bar.inc(1);
    }

    fn committed(&mut self, committed: &Committed<'_>) {
        self.stored += committed.photos + committed.reembedded;
        self.bar.set_message(format!(", {} stored", self.stored));
        if self.json {
            let skus = committed.products.iter().map(|p| p.product.sku.as_str()).collect();
            let (photos, reembedded) = (committed.photos, committed.reembedded);
            // This line is made of texts and counts: it has a form in JSON.
            let _ = tell_json(&Line::Committed { skus, photos, reembedded }, &mut self.told);
        }
        if !self.is_terminal && self.last_line.elapsed() >= Duration::from_secs(10) {
            self.last_line = Instant::now();
            let (rate, left) = self.rate();
            say(format_args!(
                "stored {} of {}, {rate:.1} a second, {} s left",
                self.stored,
                counted(self.total, "photo"),
                left.as_secs()
            ));
        }
    }
}
