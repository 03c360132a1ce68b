//! How far an index has read the catalogue's history.

use crate::catalogue::store::since::Touch;
use crate::catalogue::{Store, StoreError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// How many touches are remembered: a product that is touched again in one change moves to a new place, so that the last ones may be gone.
const REMEMBERED: u32 = 32;

/// How far the history was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    epoch: Option<String>,
    /// The newest touches, the oldest of them first.
    touches: Vec<Touch>,
}

impl Position {
    /// The catalogue's as it is now.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn of(store: &Store) -> Result<Self, StoreError> {
        Ok(Self { epoch: store.epoch()?, touches: store.newest_touches(REMEMBERED)? })
    }

    /// The products that may be others now than at this position. Nothing where that cannot be said, or where they are more than `most`:
    /// the history is forgotten, or this is another catalogue.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn changed_since(&self, store: &Store, most: usize) -> Result<Option<BTreeSet<String>>, StoreError> {
        if store.epoch()? != self.epoch {
            return Ok(None);
        }
        if self.touches.is_empty() {
            // Without a history one catalogue is as another but for the epoch.
            let is_the_same = self.epoch.is_some() && store.newest_touches(1)?.is_empty();
            return Ok(is_the_same.then(BTreeSet::new));
        }
        for (place, touch) in self.touches.iter().enumerate().rev() {
            if store.has_touch(touch)? {
                let behind = store.touched_behind(touch.place, most)?;
                // In a copy that has gone its own way since, these were never touched: there they are as they were before.
                let gone = self.touches.iter().skip(place + 1).map(|touch| touch.sku.clone());
                return Ok(behind.map(|behind| behind.into_iter().chain(gone).collect()));
            }
        }
        Ok(None)
    }
}
