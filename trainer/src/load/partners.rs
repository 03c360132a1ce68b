//! Which photographs show the same item: a further view of a sample is another of them where there is one.

use std::collections::BTreeMap;

use rand::seq::IndexedRandom;

use crate::import::Part;
use crate::pack::Pack;

/// The photographs of items that have several in one part.
#[derive(Debug)]
pub(super) struct Partners {
    by_item: BTreeMap<usize, Vec<usize>>,
}

impl Partners {
    /// Looks through a part.
    pub(super) fn of(pack: &Pack, part: Part) -> Self {
        let mut by_item: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for (index, row) in pack.rows().iter().enumerate().filter(|(_, row)| row.part == part) {
            by_item.entry(row.item).or_default().push(index);
        }
        by_item.retain(|_, rows| rows.len() > 1);
        Self { by_item }
    }

    /// Another real photograph of the row's item that was not seen yet, else the row itself.
    pub(super) fn another(&self, pack: &Pack, row: usize, seen: &[usize], random: &mut rand_pcg::Pcg32) -> usize {
        let Some(all) = pack.rows().get(row).and_then(|packed| self.by_item.get(&packed.item)) else { return row };
        let unseen: Vec<usize> = all.iter().copied().filter(|other| !seen.contains(other)).collect();
        unseen.choose(random).copied().unwrap_or(row)
    }
}
