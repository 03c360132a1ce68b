//! A query on its way through an index.

use super::segment::Segment;
use crate::catalogue::scan::{Candidates, Hit, Mask, Query};
use std::collections::HashMap;

/// A query, and the memory that finding its candidates takes; kept from one search to the next.
#[derive(Debug, Default)]
pub struct Finder {
    /// What is looked for.
    pub query: Query,
    /// What was found last.
    pub hits: Vec<Hit>,
    pub(super) candidates: Candidates,
    /// Of each product for which something was taken by mistake, how similar to the query the most similar mistake is.
    pub(super) mistaken: HashMap<u32, f32>,
    every_mistake: Mask,
}

impl Finder {
    /// Compares the query with all that was taken for something by mistake.
    pub(super) fn look_for_mistakes(&mut self, mistakes: &Segment) {
        let Self { query, hits, candidates, mistaken, every_mistake } = self;
        mistaken.clear();
        if mistakes.is_empty() {
            return;
        }
        candidates.reset(mistakes.len(), 0);
        every_mistake.fill(mistakes.len());
        mistakes.scan(query, every_mistake, |product, _| Some(product), candidates);
        candidates.drain_into(hits);
        for hit in hits {
            // The best comes first.
            mistaken.entry(hit.group).or_insert(hit.similarity);
        }
    }
}
