//! What more photographs of a garment are worth: one of the studio, or with one to three others from the counter.

use serde::Serialize;

use super::gallery::{Gain, Gallery};
use super::known::Known;
use super::measure::garments;
use super::way::Way;
use crate::import::ViewSplit;

/// Most photographs that are added.
const ADDED_MOST: usize = 3;
/// Fewest garments whose figures are given: of fewer, resampling says that they are certain.
const GARMENTS_MIN: usize = 10;

/// R@1, R@5 and mAP with photographs added, beside one photograph a garment; the same queries of both.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ViewFigures {
    /// Photographs added to the asked-for garments' one.
    pub added: usize,
    /// Queries whose garment has so many others.
    pub queries: usize,
    /// Garments among them.
    pub garments: usize,
    /// Photographs that are searched before any is added.
    pub gallery: usize,
    /// The measures; empty of fewer than ten garments.
    pub measures: Vec<Gain>,
}

/// Adds one to three photographs of each asked-for garment to the gallery's one. A query never finds itself, and other garments keep their one.
#[must_use]
pub fn added_views(known: &Known) -> Vec<ViewFigures> {
    let gallery = Gallery::of(
        &known.samples,
        (0..known.samples.len()).filter(|&photo| known.samples[photo].view_split != ViewSplit::Query),
    );
    let others = |query: usize| -> Vec<usize> {
        let item = known.samples[query].item;
        known.queries().into_iter().filter(|&photo| photo != query && known.samples[photo].item == item).collect()
    };
    (1..=ADDED_MOST)
        .map(|added| {
            let mut queries = known.queries();
            queries.retain(|&query| others(query).len() >= added);
            let groups: Vec<usize> = queries.iter().map(|&query| known.samples[query].group).collect();
            let ranks = |added: usize| {
                let own =
                    |query: usize, studio: &[usize]| [studio, others(query).get(..added).unwrap_or_default()].concat();
                gallery.ranks(known, &Way::Plain, &queries, own)
            };
            let garments = garments(known, &queries);
            let is_enough = garments >= GARMENTS_MIN;
            let measures = if is_enough { Gain::of(&groups, &ranks(0), &ranks(added)) } else { Vec::new() };
            ViewFigures { added, queries: queries.len(), garments, gallery: gallery.photos(), measures }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::added_views;
    use crate::evaluate::ways::known::Known;
    use crate::evaluate::ways::measure::tests::known;
    use crate::import::ViewSplit;

    #[test]
    fn an_added_photograph_finds_what_the_studio_s_does_not() {
        // The studio's photographs look like no query; the others are alike.
        let plain = known(|_, _, _| {});
        let studio: Vec<bool> = plain.samples.iter().map(|s| s.view_split == ViewSplit::Gallery).collect();
        let spoilt = known(|place, _, own| {
            if studio[place] {
                own.fill(0.0);
            }
            own.push(f32::from(u8::from(studio[place])));
        });
        let found = added_views(&spoilt);
        assert_eq!(found.iter().map(|f| f.added).collect::<Vec<_>>(), [1, 2, 3]);
        let first = &found[0];
        assert!(first.queries > 8 && first.garments * 2 == first.queries, "{first:?}");
        assert!(first.measures[0].before.value < 0.5, "{first:?}");
        assert_eq!((first.measures[0].after.value, first.measures[0].gain.n), (1.0, first.queries));
        // The pack's garments have three photographs: one asks, one is the studio's, one is added.
        assert!(found[1..].iter().all(|f| f.queries == 0 && f.measures.is_empty()), "{found:?}");
    }

    #[test]
    fn a_photograph_that_tells_nothing_adds_nothing_and_no_photographs_no_figures() {
        let found = added_views(&known(|_, _, own| own.fill(1.0)));
        assert_eq!((found[0].measures[0].before.value, found[0].measures[0].after.value), (0.0, 0.0));
        assert!(added_views(&Known::default()).iter().all(|f| f.queries == 0));
    }
}
