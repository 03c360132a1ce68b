//! "Try it on my clothes": garments whose number is known are held before the camera, and what was answered is counted.

use super::desk::Said;
use clothingid_shared::metrics::{Interval, wilson};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Garments before anything is said of them all.
pub const FEWEST: usize = 5;

/// Garments of one trial, at most: their pictures are in memory.
pub const MOST: usize = 40;

/// How far down the answer is looked for the second figure.
pub const AMONG: usize = 5;

/// The garments that were tried.
#[derive(Debug, Clone, Default)]
pub struct Trial {
    /// The garment that is to be held before the camera next.
    pub next: Option<Garment>,
    /// Those that were.
    pub looks: Vec<Look>,
}

/// A garment of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Garment {
    /// Its number.
    pub sku: String,
    /// Its name.
    pub title: String,
    /// Its style: a search answers with one garment of a style, and any of them is right.
    pub style: String,
}

/// What was answered to one garment.
#[derive(Debug, Clone)]
pub struct Look {
    /// What it was.
    pub garment: Garment,
    /// The picture, as a JPEG file.
    pub jpeg: Arc<Vec<u8>>,
    /// The garments of the answer, best first.
    pub answer: Vec<Garment>,
}

impl Look {
    /// The right garment's place in the answer, from 1; nothing where it is not among the first [`AMONG`].
    #[must_use]
    pub fn place(&self) -> Option<usize> {
        let place = self.answer.iter().take(AMONG).position(|one| one.style == self.garment.style);
        place.map(|place| place + 1)
    }
}

/// How often the answer was right.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// So many times.
    pub hits: usize,
    /// Of so many.
    pub of: usize,
    /// The share.
    pub share: f64,
    /// Where it lies for all such garments, at 95 %.
    pub interval: Interval,
}

impl Rate {
    #[expect(clippy::cast_precision_loss, reason = "counts of garments")]
    fn of(hits: usize, of: usize) -> Self {
        let share = if of == 0 { 0.0 } else { hits as f64 / of as f64 };
        Self { hits, of, share, interval: wilson(share, of) }
    }
}

impl Trial {
    /// Whether there is room for one more.
    #[must_use]
    pub fn has_room(&self) -> bool {
        self.looks.len() < MOST
    }

    /// Counts what was answered to the garment that was to come next. One that was tried before is counted anew.
    pub fn look(&mut self, jpeg: Vec<u8>, said: &Said, style_of: impl Fn(&str) -> Option<String>) {
        let Some(garment) = self.next.take() else { return };
        let answer = said.matches.iter().map(|one| Garment {
            sku: one.sku.clone(),
            title: one.title.clone(),
            style: style_of(&one.sku).unwrap_or_else(|| one.sku.clone()),
        });
        let look = Look { answer: answer.collect(), jpeg: Arc::new(jpeg), garment };
        self.looks.retain(|other| other.garment.sku != look.garment.sku);
        if self.has_room() {
            self.looks.push(look);
        }
    }

    /// How often the right garment came first, and how often it was among the first [`AMONG`]; nothing before there are enough.
    #[must_use]
    pub fn rates(&self) -> Option<(Rate, Rate)> {
        let of = self.looks.len();
        let within = |most| self.looks.iter().filter(|look| look.place().is_some_and(|place| place <= most)).count();
        (of >= FEWEST).then(|| (Rate::of(within(1), of), Rate::of(within(AMONG), of)))
    }

    /// The garments that were not found first, with what came first in their place (nothing: no answer), the most frequent pair first.
    #[must_use]
    pub fn confused(&self) -> Vec<(Garment, Option<Garment>, usize)> {
        let mut pairs: BTreeMap<(&str, Option<&str>), (&Look, usize)> = BTreeMap::new();
        for look in self.looks.iter().filter(|look| look.place() != Some(1)) {
            let first = look.answer.first().map(|one| one.style.as_str());
            pairs.entry((&look.garment.style, first)).or_insert((look, 0)).1 += 1;
        }
        let mut pairs: Vec<_> = pairs.into_values().collect();
        pairs.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        pairs.into_iter().map(|(look, count)| (look.garment.clone(), look.answer.first().cloned(), count)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staff::desk::SaidMatch;

    fn garment(sku: &str) -> Garment {
        Garment { sku: sku.into(), title: sku.to_lowercase(), style: sku.split('-').next().unwrap().into() }
    }

    fn said(skus: &[&str]) -> Said {
        let of =
            |sku: &&str| SaidMatch { sku: (*sku).into(), title: String::new(), photo: String::new(), similarity: 0.5 };
        Said { verdict: "similar".into(), matches: skus.iter().map(of).collect() }
    }

    fn trial(looks: &[(&str, &[&str])]) -> Trial {
        let mut trial = Trial::default();
        for (sku, answer) in looks {
            trial.next = Some(garment(sku));
            trial.look(Vec::new(), &said(answer), |sku| sku.split('-').next().map(Into::into));
        }
        trial
    }

    #[test]
    fn a_garment_of_the_same_style_is_right_and_places_are_counted() {
        let looks: &[(&str, &[&str])] = &[
            ("A-S", &["A-M", "B"]),
            ("B", &["A-M", "B"]),
            ("C", &["D", "E", "F", "G", "H", "C"]),
            ("D", &[]),
            ("E", &["E"]),
        ];
        let trial = trial(looks);
        let places: Vec<_> = trial.looks.iter().map(Look::place).collect();
        assert_eq!(places, [Some(1), Some(2), None, None, Some(1)]);
        let (first, among) = trial.rates().unwrap();
        assert_eq!((first.hits, among.hits, first.of), (2, 3, 5));
        assert!(first.interval.low < 0.4 && 0.4 < first.interval.high && first.interval.low > 0.1);
        let confused: Vec<_> =
            trial.confused().into_iter().map(|(is, said, _)| (is.sku, said.map(|said| said.sku))).collect();
        assert_eq!(confused, [("B".into(), Some("A-M".into())), ("C".into(), Some("D".into())), ("D".into(), None)]);
    }

    #[test]
    fn nothing_is_said_of_few_and_a_second_look_counts_in_place_of_the_first() {
        let few = trial(&[("A", &["B"]), ("A", &["A"])]);
        assert!(few.looks.len() == 1 && few.rates().is_none() && few.confused().is_empty());
        let mut many = Trial::default();
        for number in 0..MOST + 3 {
            many.next = Some(garment(&format!("G{number}")));
            many.look(Vec::new(), &said(&[]), |_| None);
        }
        assert!(many.looks.len() == MOST && !many.has_room());
        many.look(Vec::new(), &said(&[]), |_| None);
        assert_eq!(many.looks.len(), MOST, "without a garment nothing is counted");
    }
}
