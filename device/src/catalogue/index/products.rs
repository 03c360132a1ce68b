//! Of each product what ranks and filters it, in columns.

use super::facet::Facet;
use crate::catalogue::filter::{Cents, Filter};
use std::collections::BTreeMap;
use std::sync::Arc;

/// No product has this name (it names a style alone, or a product that was removed).
const ABSENT: u32 = u32::MAX;

/// No price.
const NO_PRICE: u64 = u64::MAX;

/// Columns by the number of a product's name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Products {
    groups: Vec<u32>,
    facets: Vec<u32>,
    prices: Vec<u64>,
    /// What the facets are.
    kinds: Arc<Vec<Facet>>,
    present: usize,
}

/// What is kept of one product.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Kept {
    /// The number of its style's name.
    pub group: u32,
    /// The number of its facet.
    pub facet: u32,
    /// Its price.
    pub price: Option<Cents>,
}

impl Products {
    /// Columns that were written as they lie here; nothing where they do not fit each other.
    #[must_use]
    pub fn from_parts(groups: Vec<u32>, facets: Vec<u32>, prices: Vec<u64>, kinds: Vec<Facet>) -> Option<Self> {
        let is_known = |facet: &u32| *facet == ABSENT || (*facet as usize) < kinds.len();
        let fits = groups.len() == facets.len() && facets.len() == prices.len() && facets.iter().all(is_known);
        let present = facets.iter().filter(|facet| **facet != ABSENT).count();
        fits.then(|| Self { groups, facets, prices, kinds: Arc::new(kinds), present })
    }

    /// Groups, facets and prices by the number of the product, and what the facets are.
    #[must_use]
    pub fn parts(&self) -> (&[u32], &[u32], &[u64], &[Facet]) {
        (&self.groups, &self.facets, &self.prices, &self.kinds)
    }

    /// How many products there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.present
    }

    /// Whether there is a product with this number.
    #[must_use]
    pub fn has(&self, product: u32) -> bool {
        self.facets.get(product as usize).is_some_and(|facet| *facet != ABSENT)
    }

    /// What there is one answer for, of a product's rows.
    #[must_use]
    pub fn group(&self, product: u32) -> u32 {
        self.groups.get(product as usize).copied().unwrap_or(product)
    }

    /// Puts a product in its place, or takes it out.
    pub fn set(&mut self, product: u32, kept: Option<Kept>) {
        let place = product as usize;
        self.cover(place + 1);
        if let (Some(group), Some(facet), Some(price)) =
            (self.groups.get_mut(place), self.facets.get_mut(place), self.prices.get_mut(place))
        {
            self.present -= usize::from(*facet != ABSENT);
            *group = kept.map_or(ABSENT, |kept| kept.group);
            *facet = kept.map_or(ABSENT, |kept| kept.facet);
            *price = kept.and_then(|kept| kept.price).map_or(NO_PRICE, |price| price.0);
            self.present += usize::from(*facet != ABSENT);
        }
    }

    /// Has a place for each of so many names, most of which may be of no product.
    pub fn cover(&mut self, names: usize) {
        if self.groups.len() < names {
            self.groups.resize(names, ABSENT);
            self.facets.resize(names, ABSENT);
            self.prices.resize(names, NO_PRICE);
        }
    }

    /// A new facet's number.
    pub fn add_facet(&mut self, facet: Facet) -> u32 {
        let kinds = Arc::make_mut(&mut self.kinds);
        kinds.push(facet);
        u32::try_from(kinds.len() - 1).unwrap_or(ABSENT)
    }

    /// Gives back the room that was taken for more.
    pub fn settle(&mut self) {
        self.groups.shrink_to_fit();
        self.facets.shrink_to_fit();
        self.prices.shrink_to_fit();
    }

    /// The colours of all products, each with how many products have it; the most frequent first.
    #[must_use]
    pub fn colours(&self) -> Vec<(String, usize)> {
        let mut of_kind = vec![0; self.kinds.len()];
        for facet in &self.facets {
            if let Some(count) = of_kind.get_mut(*facet as usize) {
                *count += 1;
            }
        }
        let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
        for (kind, count) in self.kinds.iter().zip(of_kind).filter(|(_, count)| *count > 0) {
            for colour in kind.colours() {
                *counts.entry(colour).or_default() += count;
            }
        }
        let mut colours: Vec<(String, usize)> =
            counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect();
        colours.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        colours
    }

    /// Which products a filter takes, by their numbers.
    #[must_use]
    pub fn passing(&self, filter: &Filter) -> Vec<bool> {
        let filter = filter.folded();
        let passing: Vec<bool> = self.kinds.iter().map(|facet| facet.passes(&filter)).collect();
        let passes = |facet: &u32| passing.get(*facet as usize).copied().unwrap_or(false);
        match filter.price {
            None => self.facets.iter().map(passes).collect(),
            Some(range) => {
                let prices = self.facets.iter().zip(&self.prices);
                prices.map(|(facet, price)| passes(facet) && *price != NO_PRICE && range.has(Cents(*price))).collect()
            }
        }
    }
}
