//! What the screen keeps of a result, in memory that is used again.

use super::article::Articles;
use crate::camera::Frame;
use crate::pipeline::Looked;
use crate::reading::Verdict;
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
    /// Probability that a garment is the subject.
    pub garment: f64,
    /// Whether the category may be shown.
    pub is_known: bool,
    /// The likeliest of the 14 categories.
    pub group: Kind,
    /// The likeliest of the 26 categories.
    pub category: Kind,
    /// What is said of the best match.
    pub verdict: Option<Verdict>,
    /// The best match; without a number there is none.
    pub best: Best,
    /// The engine that answered.
    pub engine: String,
    /// Whose answer it is.
    pub source: Option<Source>,
}

/// A category by its key.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Kind {
    /// The taxonomy's key.
    pub key: String,
    /// 0 to 1.
    pub probability: f64,
}

/// A garment of the shop.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Best {
    /// The shop's number.
    pub sku: String,
    /// Its name.
    pub title: String,
    /// Its photograph, by name.
    pub photo: String,
    /// Cosine of the two embeddings.
    pub similarity: f64,
}

impl Seen {
    /// Becomes what `looked` is. Returns whether there is a reading; without one nothing changes.
    pub fn take_from(&mut self, looked: &Looked, source: &Source) -> bool {
        let Some(live) = &looked.reading else { return false };
        self.frame.copy_from(&looked.frame);
        self.garment = live.reading.garment;
        self.is_known = live.reading.known;
        for (kind, of) in [(&mut self.group, &live.reading.category14), (&mut self.category, &live.reading.category26)]
        {
            kind.key.clone_from(&of.label);
            kind.probability = of.probability;
        }
        self.verdict = Some(live.verdict);
        self.best.sku.clear();
        if let Some(best) = live.matches.first() {
            self.best.sku.clone_from(&best.sku);
            self.best.title.clone_from(&best.title);
            self.best.photo.clone_from(&best.photo);
            self.best.similarity = best.similarity;
        }
        self.engine.clone_from(&live.engine);
        self.source = Some(source.clone());
        true
    }

    /// The best match, if there is one.
    #[must_use]
    pub fn best(&self) -> Option<&Best> {
        (!self.best.sku.is_empty()).then_some(&self.best)
    }
}
