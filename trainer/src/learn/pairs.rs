//! Metric learning: embeddings of one garment are drawn together and those of different ones apart, pair by pair, with a memory of the
//! embeddings of earlier batches so that a small batch has many to be held against.
//!
//! A pair needs two pictures, and the pieces of a batch are on different threads. So the embeddings of the whole batch are brought
//! together here, and each piece gets the gradient of its own back.
//!
//! **Source**: Wang et al. 2019, "Multi-Similarity Loss", equations 10 to 15; Wang et al. 2020, "Cross-Batch Memory", algorithm 1.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::ask::dims;
use crate::load::LoadError;

/// How pairs are weighed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PairOptions {
    /// Weight of this loss; 0: off.
    pub weight: f64,
    /// How hard a pair of one garment is drawn together that is further apart than others.
    pub alpha: f64,
    /// How hard a pair of different garments is pushed apart that is nearer than others.
    pub beta: f64,
    /// Cosine that divides the two.
    pub base: f64,
    /// A pair counts if it is harder than the hardest of the other kind, or easier by less than this.
    pub margin: f64,
    /// Embeddings of earlier pictures that are kept; 0: none.
    pub memory: usize,
    /// Share of the steps before the memory is used: embeddings of the first steps are soon wrong.
    pub memory_after: f64,
}

impl Default for PairOptions {
    fn default() -> Self {
        Self { weight: 0.0, alpha: 2.0, beta: 50.0, base: 0.5, margin: 0.1, memory: 0, memory_after: 0.1 }
    }
}

impl PairOptions {
    /// Whether the settings make sense.
    ///
    /// # Errors
    /// They do not.
    pub fn check(&self) -> Result<(), LoadError> {
        for (setting, factor) in [("loss.metric.alpha", self.alpha), ("loss.metric.beta", self.beta)] {
            if !factor.is_finite() || factor <= 0.0 {
                return Err(LoadError::setting(setting, "a finite number above 0", factor));
            }
        }
        for (setting, cosine) in [("loss.metric.base", self.base), ("loss.metric.margin", self.margin)] {
            if !(-1.0..=1.0).contains(&cosine) {
                return Err(LoadError::setting(setting, "between -1 and 1", cosine));
            }
        }
        if !(0.0..=1.0).contains(&self.memory_after) {
            return Err(LoadError::setting("loss.metric.memory_after", "a share between 0 and 1", self.memory_after));
        }
        Ok(())
    }
}

/// What the pairs of a batch give.
#[derive(Debug)]
pub struct Pull {
    /// Their loss before weighting.
    pub loss: f64,
    /// The gradient of the weighted loss with regard to the embeddings, `[N, 256]`.
    pub gradient: Tensor,
}

/// The pairs of a run, with the memory.
#[derive(Debug)]
pub struct Pairs {
    options: PairOptions,
    /// Kept embeddings `[M, 256]`, oldest first.
    pub(super) embeddings: Tensor,
    /// The garment of each, as its row among the prototypes.
    pub(super) garments: Vec<i64>,
}

impl Pairs {
    /// With an empty memory.
    #[must_use]
    pub fn new(options: &PairOptions, device: Device) -> Self {
        let embeddings = Tensor::zeros([0, dims()], (Kind::Float, device));
        Self { options: options.clone(), embeddings, garments: Vec::new() }
    }

    /// Holds a batch's embeddings `[N, 256]` against each other, and against the memory where `uses_memory`; then keeps them. Pictures
    /// whose garment is −1 take no part.
    pub fn pull(&mut self, embeddings: &Tensor, garments: &[i64], uses_memory: bool) -> Pull {
        let leaf = embeddings.detach().copy().set_requires_grad(true);
        let rows: Vec<i64> = (0..).zip(garments).filter(|(_, garment)| **garment >= 0).map(|(row, _)| row).collect();
        let known: Vec<i64> = garments.iter().copied().filter(|garment| *garment >= 0).collect();
        let device = embeddings.device();
        let own = leaf.index_select(0, &Tensor::from_slice(&rows).to_device(device));
        let (others, other_garments) = if uses_memory {
            (Tensor::cat(&[&own, &self.embeddings], 0), [known.as_slice(), &self.garments].concat())
        } else {
            (own.shallow_clone(), known.clone())
        };
        let pull = if rows.is_empty() {
            Pull { loss: 0.0, gradient: leaf.zeros_like() }
        } else {
            let loss = self.multi_similarity(&own, &known, &others, &other_garments);
            let gradient = Tensor::run_backward(&[&loss * self.options.weight], &[&leaf], false, false).pop();
            Pull { loss: loss.double_value(&[]), gradient: gradient.unwrap_or_else(|| leaf.zeros_like()) }
        };
        self.keep(&own.detach(), &known);
        pull
    }

    /// Mean over the rows of `own`, which are also the first of `others`.
    fn multi_similarity(&self, own: &Tensor, own_garments: &[i64], others: &Tensor, other_garments: &[i64]) -> Tensor {
        let PairOptions { alpha, beta, base, margin, .. } = self.options;
        let cosines = own.matmul(&others.transpose(0, 1));
        let garments = |garments: &[i64]| Tensor::from_slice(garments).to_device(own.device());
        let is_same = garments(own_garments).unsqueeze(1).eq_tensor(&garments(other_garments).unsqueeze(0));
        let (n, m) = (length(own_garments), length(other_garments));
        let is_itself = Tensor::eye_m(n, m, (Kind::Bool, own.device()));
        let is_positive = is_same.logical_and(&is_itself.logical_not());
        let is_negative = is_same.logical_not();
        // Mining, equations 11 and 12, without gradient: the hardest pair of either kind judges those of the other.
        let (is_positive, is_negative) = tch::no_grad(|| {
            let furthest =
                cosines.masked_fill(&is_positive.logical_not(), f64::INFINITY).amin([1_i64].as_slice(), true);
            let nearest = cosines.masked_fill(&is_same, f64::NEG_INFINITY).amax([1_i64].as_slice(), true);
            let positive = is_positive.logical_and(&(&cosines - margin).lt_tensor(&nearest));
            let negative = is_negative.logical_and(&(&cosines + margin).gt_tensor(&furthest));
            (positive, negative)
        });
        // ln(1 + Σ exp x) over the chosen, as a log-sum-exp with a further 0.
        let zero = Tensor::zeros([n, 1], (Kind::Float, own.device()));
        let soft = |scaled: Tensor, chosen: &Tensor| {
            let chosen = scaled.masked_fill(&chosen.logical_not(), f64::NEG_INFINITY);
            Tensor::cat(&[&chosen, &zero], 1).logsumexp([1_i64].as_slice(), false)
        };
        let together = soft((&cosines - base) * -alpha, &is_positive) / alpha;
        let apart = soft((&cosines - base) * beta, &is_negative) / beta;
        (together + apart).mean(Kind::Float)
    }

    /// Puts embeddings behind those kept, and forgets the oldest of too many.
    fn keep(&mut self, embeddings: &Tensor, garments: &[i64]) {
        self.garments.extend_from_slice(garments);
        let surplus = self.garments.len().saturating_sub(self.options.memory);
        self.garments.drain(..surplus);
        let all = Tensor::cat(&[&self.embeddings, embeddings], 0);
        self.embeddings = all.narrow(0, i64::try_from(surplus).unwrap_or(0), length(&self.garments)).copy();
    }
}

fn length(garments: &[i64]) -> i64 {
    i64::try_from(garments.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::{PairOptions, Pairs, Pull};
    use crate::network::parameters::to_vec;

    /// Embeddings in a plane, by their angle in degrees.
    #[expect(clippy::cast_possible_truncation, reason = "a test's numbers")]
    fn at(degrees: &[f64]) -> Tensor {
        let mut values = vec![0.0_f32; degrees.len() * 256];
        for (row, degrees) in values.chunks_exact_mut(256).zip(degrees) {
            (row[0], row[1]) = (degrees.to_radians().cos() as f32, degrees.to_radians().sin() as f32);
        }
        Tensor::from_slice(&values).view([-1, 256])
    }

    fn pairs(memory: usize) -> Pairs {
        Pairs::new(&PairOptions { weight: 2.0, memory, ..PairOptions::default() }, Device::Cpu)
    }

    #[test]
    fn the_loss_is_what_its_formula_says() {
        let cosine = |degrees: f64| degrees.to_radians().cos();
        let soft = |factor: f64, cosines: &[f64]| {
            (1.0 + cosines.iter().map(|cosine| (factor * (cosine - 0.5)).exp()).sum::<f64>()).ln() / factor.abs()
        };
        // Garment 0 at 0° and 40°, garment 1 at 60° and 65°, and a thing that is no garment.
        let found = pairs(0).pull(&at(&[0.0, 40.0, 60.0, 65.0, 10.0]), &[0, 0, 1, 1, -1], true);
        // The pair of 0 has 0.766. 0° has strangers at 0.5 and 0.423: none within 0.1 of the pair's cosine, and the pair needs no pull.
        // 40° has them at 0.940 and 0.906. The pair of 1 has 0.996; 60° has 0.940 within 0.1, and 0.5 is not; 65° has 0.906 and 0.423.
        let second = soft(-2.0, &[cosine(40.0)]) + soft(50.0, &[cosine(20.0), cosine(25.0)]);
        let third = soft(-2.0, &[cosine(5.0)]) + soft(50.0, &[cosine(20.0)]);
        let fourth = soft(-2.0, &[cosine(5.0)]) + soft(50.0, &[cosine(25.0)]);
        let expected = (second + third + fourth) / 4.0;
        assert!((found.loss - expected).abs() < 1e-5, "{} {expected}", found.loss);
        let gradient = to_vec(&found.gradient);
        assert!(gradient[..256].iter().any(|value| *value != 0.0), "a partner of others' pairs moves too");
        assert!(gradient[4 * 256..].iter().all(|value| *value == 0.0), "what is no garment does not");
    }

    #[test]
    fn the_gradient_is_the_slope() {
        let (angles, garments) = ([3.0, 40.0, 60.0, 72.0], [0, 0, 1, 1]);
        let Pull { gradient, .. } = pairs(0).pull(&at(&angles), &garments, false);
        for place in 0..angles.len() {
            let loss = |by: f64| {
                let mut angles = angles;
                angles[place] += by;
                pairs(0).pull(&at(&angles), &garments, false).loss
            };
            let slope = 2.0 * (loss(0.1) - loss(-0.1)) / 0.2_f64.to_radians();
            let row = &to_vec(&gradient)[place * 256..place * 256 + 2];
            let turn = angles[place].to_radians();
            let expected = f64::from(row[1]) * turn.cos() - f64::from(row[0]) * turn.sin();
            // Differences of f32 losses of about 0.4 over 0.0035: 1e-4 each.
            assert!((slope - expected).abs() < 2e-3 + 0.01 * expected.abs(), "{place}: {slope} {expected}");
        }
    }

    #[test]
    fn the_memory_gives_strangers_keeps_the_newest_and_is_left_alone_where_it_is_not_used() {
        let mut pairs = pairs(3);
        assert!(pairs.pull(&at(&[0.0, 10.0]), &[0, 0], true).loss < 1e-9, "no stranger, no pair to judge by");
        let with = pairs.pull(&at(&[5.0, 15.0]), &[1, 1], true).loss;
        assert!(with > 0.3, "{with}");
        assert_eq!(pairs.garments, [0, 1, 1]);
        let kept = to_vec(&pairs.embeddings);
        assert_eq!(kept, to_vec(&at(&[10.0, 5.0, 15.0])));
        assert!(pairs.pull(&at(&[5.0, 15.0]), &[2, 2], false).loss < 1e-9);
        assert!(pairs.pull(&at(&[5.0]), &[-1], true).loss == 0.0 && pairs.garments == [1, 2, 2]);
        assert_eq!(pairs.embeddings.kind(), Kind::Float);
    }
}
