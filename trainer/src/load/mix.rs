//! Mixes the pictures of a batch with each other: a whole picture shines through ("mixup"), or a rectangle of it is put into another
//! one ("CutMix"). What a picture should give is then mixed in the same shares ([`Mixed`]).
//!
//! Partners are the batch's samples in a random order, so that each is a partner once; a view's partner is the same view of it.
//!
//! **Source**: Zhang et al. 2018, "mixup: Beyond Empirical Risk Minimization", equation 1; Yun et al. 2019, "CutMix", equations 1 and 2.

use rand::RngExt;
use rand::seq::SliceRandom;
use rand_pcg::Pcg32;
use serde::{Deserialize, Serialize};

use super::LoadError;

/// Shapes of the shares that can be drawn in a few tries.
const ALPHAS: std::ops::RangeInclusive<f64> = 0.05..=4.0;

/// How often pictures are mixed, and how far.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mixing {
    /// Chance that another picture shines through a picture.
    pub mixup: f64,
    /// Shape α of its share, which is drawn from Beta(α, α): the smaller, the more often one of the two is nearly alone.
    pub mixup_alpha: f64,
    /// Chance that a rectangle of another picture covers a part of a picture.
    pub cutmix: f64,
    /// Shape α of the share of what is not covered.
    pub cutmix_alpha: f64,
}

impl Default for Mixing {
    fn default() -> Self {
        Self { mixup: 0.0, mixup_alpha: 0.2, cutmix: 0.0, cutmix_alpha: 1.0 }
    }
}

/// What became of one picture of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mixed {
    /// The batch's picture that is in it as well.
    pub partner: usize,
    /// Share of the picture itself, between 0 and 1.
    pub share: f32,
}

impl Mixing {
    /// Whether nothing is mixed.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.mixup + self.cutmix == 0.0
    }

    /// Whether the settings make sense.
    ///
    /// # Errors
    /// They do not.
    pub fn check(&self) -> Result<(), LoadError> {
        for (setting, chance) in [("mix.mixup", self.mixup), ("mix.cutmix", self.cutmix)] {
            if !(0.0..=1.0).contains(&chance) {
                return Err(LoadError::setting(setting, "a chance between 0 and 1", chance));
            }
        }
        if self.mixup + self.cutmix > 1.0 {
            return Err(LoadError::setting("mix.mixup + mix.cutmix", "at most 1", self.mixup + self.cutmix));
        }
        for (setting, alpha) in [("mix.mixup_alpha", self.mixup_alpha), ("mix.cutmix_alpha", self.cutmix_alpha)] {
            if !ALPHAS.contains(&alpha) {
                return Err(LoadError::setting(setting, "between 0.05 and 4", alpha));
            }
        }
        Ok(())
    }

    /// Mixes a batch `[samples · views, side, side, 3]`; one answer a picture.
    pub(super) fn mix(&self, pictures_nhwc: &mut [u8], side: usize, views: usize, random: &mut Pcg32) -> Vec<Mixed> {
        let (picture_len, views) = ((side * side * 3).max(1), views.max(1));
        let mut order: Vec<usize> = (0..pictures_nhwc.len() / picture_len / views).collect();
        order.shuffle(random);
        let originals = pictures_nhwc.to_vec();
        let mut mixed = Vec::new();
        for (place, picture) in pictures_nhwc.chunks_exact_mut(picture_len).enumerate() {
            let partner = order.get(place / views).copied().unwrap_or_default() * views + place % views;
            let other = originals.get(partner * picture_len..(partner + 1) * picture_len).unwrap_or_default();
            let way = random.random_range(0.0..1.0);
            let share = if way < self.mixup {
                blend(picture, other, beta(self.mixup_alpha, random))
            } else if way < self.mixup + self.cutmix {
                cover(picture, other, side, beta(self.cutmix_alpha, random), random)
            } else {
                1.0
            };
            mixed.push(Mixed { partner, share });
        }
        mixed
    }
}

/// One draw of Beta(α, α).
///
/// **Source**: Jöhnk 1964, as in Devroye 1986, "Non-Uniform Random Variate Generation", chapter IX, theorem 3.4.
fn beta(alpha: f64, random: &mut Pcg32) -> f64 {
    loop {
        let [a, b] = [(); 2].map(|()| random.random_range(0.0_f64..1.0).powf(1.0 / alpha));
        if a + b > 0.0 && a + b <= 1.0 {
            return a / (a + b);
        }
    }
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a mean of bytes is a byte")]
fn blend(picture: &mut [u8], other: &[u8], share: f64) -> f32 {
    let share = share as f32;
    for (value, &other) in picture.iter_mut().zip(other) {
        *value = (f32::from(*value) * share + f32::from(other) * (1.0 - share)).round() as u8;
    }
    share
}

/// Covers a square of the wanted area, less what lies outside the picture; gives the share that is left.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "all lengths are between 0 and the side"
)]
fn cover(picture: &mut [u8], other: &[u8], side: usize, share: f64, random: &mut Pcg32) -> f32 {
    let half = side as f64 * (1.0 - share).sqrt() / 2.0;
    let [across, down] = [(); 2].map(|()| {
        let centre = random.random_range(0.0..side as f64);
        let end = |place: f64| place.round().clamp(0.0, side as f64) as usize;
        end(centre - half)..end(centre + half)
    });
    let row = side * 3;
    let rows = picture.chunks_exact_mut(row).zip(other.chunks_exact(row));
    for (target, source) in rows.skip(down.start).take(down.len()) {
        target[across.start * 3..across.end * 3].copy_from_slice(&source[across.start * 3..across.end * 3]);
    }
    1.0 - (across.len() * down.len()) as f32 / (side * side).max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::{Mixed, Mixing, beta};
    use crate::load::sampler::generator;

    const SIDE: usize = 16;

    /// Pictures of one value each: 10, 20, 30, …
    fn batch(pictures: u8) -> Vec<u8> {
        (1..=pictures).flat_map(|picture| vec![picture * 10; SIDE * SIDE * 3]).collect()
    }

    fn mixed(mixing: &Mixing, pictures: u8, views: usize) -> (Vec<u8>, Vec<Mixed>) {
        let mut batch = batch(pictures);
        let mixed = mixing.mix(&mut batch, SIDE, views, &mut generator(1, 2, 3, u64::MAX));
        (batch, mixed)
    }

    #[test]
    fn what_is_in_a_picture_is_what_its_share_says() {
        for mixing in [
            Mixing { mixup: 1.0, mixup_alpha: 1.0, ..Mixing::default() },
            Mixing { cutmix: 1.0, ..Mixing::default() },
            Mixing { mixup: 0.4, cutmix: 0.3, ..Mixing::default() },
        ] {
            let (pictures, mixed) = mixed(&mixing, 12, 2);
            let mut partners: Vec<usize> = mixed.iter().map(|mixed| mixed.partner).collect();
            for (place, (picture, mixed)) in pictures.chunks_exact(SIDE * SIDE * 3).zip(&mixed).enumerate() {
                assert_eq!(place % 2, mixed.partner % 2, "a view mixes with the same view");
                let value = |place: usize| 10.0 * (place as f32 + 1.0);
                let expected = mixed.share * value(place) + (1.0 - mixed.share) * value(mixed.partner);
                let mean = picture.iter().map(|&byte| f32::from(byte)).sum::<f32>() / picture.len() as f32;
                // Mixup rounds to whole grey levels.
                assert!((mean - expected).abs() <= 0.5 + 1e-3, "{mean} {expected}");
            }
            assert!(
                mixed.iter().any(|mixed| mixed.share < 0.9) && mixed.iter().all(|m| (0.0..=1.0).contains(&m.share))
            );
            partners.sort_unstable();
            assert_eq!(partners, (0..12).collect::<Vec<_>>(), "each is a partner once");
        }
        let (pictures, shares) = mixed(&Mixing { mixup: 0.0, ..Mixing::default() }, 3, 1);
        assert!(pictures == batch(3) && shares.iter().all(|mixed| mixed.share == 1.0));
    }

    /// Mean 1/2 and variance 1/(4(2α + 1)), to five standard errors of 4000 draws.
    #[test]
    fn shares_have_the_moments_of_their_distribution() {
        for alpha in [0.2, 1.0, 3.0] {
            let mut random = generator(9, 0, 0, 0);
            let draws: Vec<f64> = (0..4000).map(|_| beta(alpha, &mut random)).collect();
            let mean = draws.iter().sum::<f64>() / 4000.0;
            let variance = draws.iter().map(|draw| (draw - 0.5).powi(2)).sum::<f64>() / 4000.0;
            let expected = 1.0 / (4.0 * (2.0 * alpha + 1.0));
            assert!((mean - 0.5).abs() < 5.0 * (expected / 4000.0_f64).sqrt(), "{alpha}: {mean}");
            // The square of a centred share is at most 1/4.
            assert!((variance - expected).abs() < 5.0 * 0.125 / 4000.0_f64.sqrt(), "{alpha}: {variance} {expected}");
        }
    }

    #[test]
    fn senseless_settings_are_refused() {
        for (mixing, name) in [
            (Mixing { mixup: -0.1, ..Mixing::default() }, "mix.mixup"),
            (Mixing { cutmix: f64::NAN, ..Mixing::default() }, "mix.cutmix"),
            (Mixing { mixup: 0.6, cutmix: 0.6, ..Mixing::default() }, "mix.mixup + mix.cutmix"),
            (Mixing { mixup_alpha: 0.0, ..Mixing::default() }, "mix.mixup_alpha"),
        ] {
            let error = mixing.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{name}` is")), "{error}");
        }
        Mixing::default().check().unwrap();
    }
}
