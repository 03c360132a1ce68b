//! The products that are searched, and at which rank each query finds its own.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use rayon::prelude::*;
use serde::Serialize;

use super::known::Known;
use super::way::Way;
use crate::evaluate::compared::mean;
use crate::evaluate::figure::Figure;
use crate::evaluate::photos::Sample;

/// Photographs of each product, by garment.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Gallery {
    products: BTreeMap<usize, Vec<usize>>,
}

impl Gallery {
    /// The products of some photographs.
    pub(super) fn of(samples: &[Sample], photos: impl Iterator<Item = usize>) -> Self {
        let mut products: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        photos.for_each(|photo| products.entry(samples[photo].item).or_default().push(photo));
        Self { products }
    }

    /// Photographs in all.
    pub(super) fn photos(&self) -> usize {
        self.products.values().map(Vec::len).sum()
    }

    /// Photographs of one product.
    pub(super) fn of_item(&self, item: usize) -> &[usize] {
        self.products.get(&item).map_or(&[], Vec::as_slice)
    }

    /// The rank at which each query finds its own product, of which it sees what `own` leaves, and not itself.
    pub(super) fn ranks(
        &self,
        known: &Known,
        way: &Way,
        queries: &[usize],
        own: impl Fn(usize, &[usize]) -> Vec<usize> + Sync,
    ) -> Vec<usize> {
        let one = |&query: &usize| {
            let item = known.samples[query].item;
            let right = way.likeness(known, query, &own(query, self.of_item(item)));
            let others = self.products.iter().filter(|(other, _)| **other != item);
            // Of equals the wrong one comes first, and what is no number is found last.
            let is_ahead =
                |photos: &[usize]| way.likeness(known, query, photos).partial_cmp(&right) != Some(Ordering::Less);
            others.filter(|(_, photos)| is_ahead(photos)).count()
        };
        queries.par_iter().map(one).collect()
    }
}

/// A measure of one way and of another on the same queries.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gain {
    /// What is measured.
    pub measure: &'static str,
    /// Without the change.
    pub before: Figure,
    /// With it.
    pub after: Figure,
    /// `after` minus `before`, paired.
    pub gain: Figure,
}

impl Gain {
    /// R@1, R@5 and mAP of two rankings of the same queries. With one right product the average precision of a query is one over its place.
    pub(super) fn of(groups: &[usize], before: &[usize], after: &[usize]) -> Vec<Self> {
        let within = |k: usize| move |rank: usize| f64::from(u8::from(rank < k));
        let measures: [(&'static str, &dyn Fn(usize) -> f64); 3] =
            [("R@1", &within(1)), ("R@5", &within(5)), ("mAP", &inverse_place)];
        let one = |(measure, value): (&'static str, &dyn Fn(usize) -> f64)| {
            let of = |ranks: &[usize], drawn: &[usize]| mean(drawn, |query| value(ranks[query]));
            Self {
                measure,
                before: Figure::measure(groups, |drawn| of(before, drawn)),
                after: Figure::measure(groups, |drawn| of(after, drawn)),
                gain: Figure::measure(groups, |drawn| of(after, drawn) - of(before, drawn)),
            }
        };
        measures.map(one).into()
    }
}

impl std::fmt::Display for Gain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { measure, before, after, gain } = self;
        let change = format!("{:+.3} [{:+.3}, {:+.3}]", gain.value, gain.low, gain.high);
        write!(f, "{measure:<5} {before}  {after}  {change}")
    }
}

/// Average precision of a query whose only right product is at a rank.
#[expect(clippy::cast_precision_loss, reason = "a rank among products")]
pub(super) fn inverse_place(rank: usize) -> f64 {
    1.0 / (rank as f64 + 1.0)
}

#[cfg(test)]
mod tests {
    use super::{Gain, inverse_place};

    #[test]
    fn a_gain_is_of_the_same_queries() {
        let groups: Vec<usize> = (0..30).collect();
        let before: Vec<usize> = groups.iter().map(|q| q % 3 * 3).collect();
        let gains = Gain::of(&groups, &before, &[0; 30]);
        let values: Vec<(&str, f64)> = gains.iter().map(|g| (g.measure, g.before.value)).collect();
        let third = 1.0 / 3.0;
        for ((name, value), expected) in
            values.into_iter().zip([("R@1", third), ("R@5", 2.0 * third), ("mAP", (1.0 + 0.25 + 1.0 / 7.0) * third)])
        {
            assert!(name == expected.0 && (value - expected.1).abs() < 1e-12, "{name} {value}");
        }
        assert!(gains.iter().all(|g| (g.after.value - 1.0).abs() < 1e-12 && g.gain.low > 0.0), "{gains:?}");
        assert!(Gain::of(&groups, &before, &before).iter().all(|g| (g.gain.low, g.gain.high) == (0.0, 0.0)));
        assert_eq!((inverse_place(0), inverse_place(3)), (1.0, 0.25));
    }
}
