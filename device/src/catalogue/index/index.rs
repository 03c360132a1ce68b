//! The catalogue at one time, as it is searched.

use super::finder::Finder;
use super::products::Products;
use super::segment::Segment;
use crate::catalogue::filter::Filter;
use crate::catalogue::scan::Mask;
use std::collections::{BTreeSet, HashSet};
use std::sync::{Arc, OnceLock};

/// The catalogue at one time. Clones share its parts, and so does the next one made from it.
#[derive(Debug, Clone)]
pub struct Index {
    /// Almost all rows.
    pub(super) base: Arc<Segment>,
    /// Which of them are still in the catalogue.
    pub(super) base_alive: Arc<Mask>,
    /// Those that came since.
    pub(super) recent: Arc<Segment>,
    pub(super) recent_alive: Arc<Mask>,
    /// Photographs among them that were taken at the counter. Some may be gone.
    pub(super) counter: Arc<BTreeSet<i64>>,
    /// What was taken for a product by mistake.
    pub(super) mistaken: Arc<Segment>,
    pub(super) products: Arc<Products>,
    pub(super) photo_count: usize,
    /// The products without a photograph that the shop lists, once somebody has asked for them.
    pub(super) rowless: OnceLock<Arc<[u32]>>,
}

impl Index {
    /// Nothing yet, for rows of this many values.
    #[must_use]
    pub fn new(value_count: usize) -> Self {
        Self::of(Segment::new(value_count), Products::default())
    }

    /// All of these rows.
    #[must_use]
    pub fn of(base: Segment, products: Products) -> Self {
        let recent = Arc::new(Segment::new(base.rows().value_count()));
        let mistaken = Arc::clone(&recent);
        let (base_alive, photo_count) = (Arc::new(Mask::all(base.len())), base.len());
        let (base, products) = (Arc::new(base), Arc::new(products));
        Self {
            base,
            base_alive,
            recent,
            recent_alive: Arc::default(),
            counter: Arc::default(),
            mistaken,
            products,
            photo_count,
            rowless: OnceLock::new(),
        }
    }

    /// How many photographs are searched.
    #[must_use]
    pub fn photo_count(&self) -> usize {
        self.photo_count
    }

    /// How many products there are, those without a photograph of their own among them.
    #[must_use]
    pub fn product_count(&self) -> usize {
        self.products.count()
    }

    /// The colours of all products, in lower case, each with how many products have it; the most frequent first.
    #[must_use]
    pub fn colours(&self) -> Vec<(String, usize)> {
        self.products.colours()
    }

    /// Values of a row.
    #[must_use]
    pub fn value_count(&self) -> usize {
        self.base.rows().value_count()
    }

    /// Leaves in [`Finder::hits`] the rows most like its query among the products that the filter takes: the best `rows` of all, and the best one
    /// of each of the best `groups` styles. Numbers are those of photographs.
    ///
    /// Of a product for which something was taken by mistake, only rows count that are more like the query than that is: the nearest
    /// of all that is known of the product says whether the query shows it.
    pub fn find(&self, finder: &mut Finder, filter: Option<&Filter>, rows: usize, groups: usize) {
        let passing = filter.map(|filter| self.passing(filter));
        finder.look_for_mistakes(&self.mistaken);
        let Finder { query, candidates, hits, mistaken, .. } = finder;
        candidates.reset(rows, groups);
        for (segment, alive) in [(&self.base, &self.base_alive), (&self.recent, &self.recent_alive)] {
            let group = |product, similarity| {
                let is_mistaken = mistaken.get(&product).is_some_and(|closest| similarity <= *closest);
                (!is_mistaken).then(|| self.products.group(product))
            };
            match &passing {
                None => segment.scan(query, alive, group, candidates),
                Some(passing) => {
                    let passes = |product: &u32| passing.get(*product as usize).copied().unwrap_or(false);
                    let mask = alive.and(segment.products().iter().map(passes));
                    segment.scan(query, &mask, group, candidates);
                }
            }
        }
        candidates.drain_into(hits);
    }

    /// Which products a filter takes, by their numbers: those that it takes for themselves, and those that show a style of which it takes a
    /// product without a photograph. A size or colour of which there is no photograph is found by one of its style.
    fn passing(&self, filter: &Filter) -> Vec<bool> {
        let mut passing = self.products.passing(filter);
        let passes = |passing: &[bool], product: u32| passing.get(product as usize).copied().unwrap_or(false);
        let lent: HashSet<u32> = (self.rowless().iter())
            .filter(|product| passes(&passing, **product))
            .map(|product| self.products.group(*product))
            .collect();
        if !lent.is_empty() {
            for (product, passes) in (0..).zip(&mut passing) {
                *passes |= self.products.has(product) && lent.contains(&self.products.group(product));
            }
        }
        passing
    }

    /// The products without a photograph that the shop lists.
    fn rowless(&self) -> &[u32] {
        self.rowless.get_or_init(|| {
            let names = self.products.parts().0.len();
            let mut has_row = vec![false; names];
            for (segment, alive) in [(&self.base, &self.base_alive), (&self.recent, &self.recent_alive)] {
                let rows =
                    segment.photos().iter().zip(segment.products()).enumerate().filter(|(row, _)| alive.has(*row));
                for (_, (_, product)) in rows.filter(|(_, (photo, _))| !self.counter.contains(photo)) {
                    if let Some(has_row) = has_row.get_mut(*product as usize) {
                        *has_row = true;
                    }
                }
            }
            (0..)
                .zip(&has_row)
                .filter(|(product, has_row)| !**has_row && self.products.has(*product))
                .map(|(p, _)| p)
                .collect()
        })
    }
}
