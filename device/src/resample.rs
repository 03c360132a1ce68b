//! The weights of a triangle filter along one side of a picture: which samples each target sample is the mean of, and how much each counts.
//!
//! As `fast_image_resize`'s convolution with the bilinear filter, and Pillow's: a triangle as wide as two target samples, two source samples at
//! least, its weights normalised; here in whole numbers.

/// Bits of a weight; those of one target sample sum to [`ONE`].
pub(crate) const WEIGHT_BITS: u32 = 14;

/// The sum of the weights of one target sample.
pub(crate) const ONE: u32 = 1 << WEIGHT_BITS;

/// The samples that one target sample is the mean of.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Taps {
    /// The first of them.
    pub(crate) first: usize,
    /// Where its weights begin in the list of all.
    start: usize,
    count: usize,
}

/// The weights of one side. Used again, it allocates nothing for sizes that are no larger than before.
#[derive(Debug, Default)]
pub(crate) struct Weights {
    taps: Vec<Taps>,
    weights: Vec<u32>,
    shares: Vec<f64>,
}

impl Weights {
    /// For `to` target samples out of the stretch `start..start + length` of `from` source samples.
    pub(crate) fn fit(&mut self, from: usize, start: f64, length: f64, to: usize) {
        self.taps.clear();
        self.weights.clear();
        let scale = length / to.max(1) as f64;
        let reach = scale.max(1.0);
        let end = from.saturating_sub(1);
        for target in 0..to {
            let centre = start + (target as f64 + 0.5) * scale - 0.5;
            let first = whole((centre - reach).floor() + 1.0).min(end);
            let last = whole((centre + reach).ceil() - 1.0).clamp(first, end);
            self.shares.clear();
            self.shares.extend((first..=last).map(|at| (1.0 - (at as f64 - centre).abs() / reach).max(0.0)));
            self.push(first);
        }
    }

    /// Adds a target sample of the shares at hand.
    fn push(&mut self, first: usize) {
        let (sum, start): (f64, _) = (self.shares.iter().sum(), self.weights.len());
        let share = |share: f64| if sum > 0.0 { rounded(share / sum * f64::from(ONE)) } else { ONE };
        self.weights.extend(self.shares.iter().map(|&value| share(value)));
        let weights = self.weights.get_mut(start..).unwrap_or_default();
        // What rounding left over goes to the largest, so that a plain surface keeps its colour.
        let total: u32 = weights.iter().sum();
        if let Some(largest) = weights.iter_mut().max() {
            *largest = (*largest + ONE).saturating_sub(total);
        }
        // Of thousands of samples the largest is less than that: the others give what is missing, none more than one.
        let mut over = weights.iter().sum::<u32>().saturating_sub(ONE);
        for weight in weights.iter_mut().filter(|weight| **weight > 0) {
            let less = over.min(1);
            (*weight, over) = (*weight - less, over - less);
        }
        self.taps.push(Taps { first, start, count: self.shares.len() });
    }

    /// Those of samples that stand for two neighbours each, as chroma does: each has the weights of both.
    pub(crate) fn fold(&mut self, of: &Self) {
        self.taps.clear();
        self.weights.clear();
        for taps in &of.taps {
            let (first, start) = (taps.first / 2, self.weights.len());
            for (at, &weight) in (taps.first..).zip(of.of(taps)) {
                match self.weights.get_mut(start + at / 2 - first) {
                    Some(both) => *both += weight,
                    None => self.weights.push(weight),
                }
            }
            self.taps.push(Taps { first, start, count: self.weights.len() - start });
        }
    }

    /// One for each target sample.
    pub(crate) fn taps(&self) -> &[Taps] {
        &self.taps
    }

    /// The weights of a target sample, one for each source sample from its first on.
    pub(crate) fn of(&self, taps: &Taps) -> &[u32] {
        self.weights.get(taps.start..taps.start + taps.count).unwrap_or_default()
    }

    /// Spoils the weights, for tests that must notice it.
    #[cfg(test)]
    pub(crate) fn spoil(&mut self) {
        self.weights.iter_mut().for_each(|weight| *weight = weight.saturating_sub(40));
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and NaN is 0")]
fn whole(value: f64) -> usize {
    value as usize
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "`as` saturates, and NaN is 0")]
fn rounded(value: f64) -> u32 {
    value.round() as u32
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn thousands_of_samples_sum_to_one_too() {
        let mut weights = Weights::default();
        for from in 1500..3000 {
            weights.fit(from, 0.0, from as f64 * 0.862_323_402_4, 1);
            assert_eq!(weights.of(&weights.taps()[0]).iter().sum::<u32>(), ONE, "{from}");
        }
    }

    proptest! {
        #[test]
        fn weights_sum_to_one_and_stay_inside(
            from in 1_usize..3000, to in 1_usize..300, start in 0.0..100.0_f64, share in 0.01..1.0_f64,
        ) {
            let (mut weights, mut folded) = (Weights::default(), Weights::default());
            let length = (from as f64 - start).max(1.0) * share;
            weights.fit(from, start, length, to);
            folded.fold(&weights);
            for (weights, from) in [(&weights, from), (&folded, from.div_ceil(2))] {
                prop_assert_eq!(weights.taps().len(), to);
                for taps in weights.taps() {
                    prop_assert_eq!(weights.of(taps).iter().sum::<u32>(), ONE);
                    prop_assert!(taps.first + taps.count <= from);
                }
            }
        }
    }
}
