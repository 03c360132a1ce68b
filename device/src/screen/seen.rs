//! What the screen keeps of a result, in memory that is used again.

use super::article::Articles;
use crate::camera::Frame;
use crate::catalogue::Match;
use crate::pipeline::Looked;
use crate::reading::{Reading, Verdict};
use clothingid_shared::bundle::Bundle;
use std::sync::Arc;

/// Where the names of categories and the shop's garments come from; another one after a change of network.
#[derive(Clone)]
pub struct Source {
    /// Labels and thresholds.
    pub bundle: Arc<Bundle>,
    /// The shop's garments.
    pub articles: Arc<dyn Articles>,
}

/// A result as far as the screen shows it.
#[derive(Clone, Default)]
pub struct Seen {
    /// The frame.
    pub frame: Frame,
    /// What may be said of it.
    pub reading: Reading,
    /// What is said of the best match.
    pub verdict: Verdict,
    /// The best match; without a number there is none.
    pub best: Match,
    /// The engine that answered.
    pub engine: String,
    /// Whose answer it is.
    pub source: Option<Source>,
}

impl Seen {
    /// Becomes what `looked` is. Returns whether there is a reading; without one nothing changes.
    pub fn take_from(&mut self, looked: &Looked, source: &Source) -> bool {
        let Some(live) = &looked.reading else { return false };
        self.frame.copy_from(&looked.frame);
        self.reading.copy_from(&live.reading);
        self.verdict = live.verdict;
        match live.matches.first() {
            Some(best) => self.best.copy_from(best),
            None => self.best.sku.clear(),
        }
        self.engine.clone_from(&live.engine);
        self.source = Some(source.clone());
        true
    }

    /// The best match, if there is one.
    #[must_use]
    pub fn best(&self) -> Option<&Match> {
        (!self.best.sku.is_empty()).then_some(&self.best)
    }
}
