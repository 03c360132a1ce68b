//! One step of the optimiser on the flat vector of all trained arrays, with clipping and a running average of the weights.
//!
//! **Source**: AdamW, Loshchilov and Hutter 2019, algorithm 2. The average of the weights is what is evaluated and kept (Polyak and
//! Juditsky 1992); it starts fast so that it does not remember the start.
//!
//! tch keeps no optimiser state in files, so the state is ours: two tensors of the length of the weights, and a count.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::objective::PROTOTYPES;
use crate::network::Network;
use crate::network::parameters::Slot;

/// Share of the old value in the averages of gradient and squared gradient.
const BETAS: (f64, f64) = (0.9, 0.999);
/// Keeps the division finite.
const EPSILON: f64 = 1e-8;

/// How weights follow gradients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimiserOptions {
    /// Highest learning rate of the backbone.
    pub rate: f64,
    /// Factor of the rate for heads and prototypes, which start from nothing.
    pub heads_factor: f64,
    /// Pull of weights (never of biases, batch norm or prototypes) towards zero, times the rate.
    pub weight_decay: f64,
    /// Gradients longer than this are shortened to it.
    pub clip: f64,
    /// Share of the old value in the running average of the weights, a step.
    pub average: f64,
    /// Share of the steps in which the rate rises.
    pub warm_up: f64,
}

/// The state of the optimiser.
#[derive(Debug)]
pub struct Optimiser {
    options: OptimiserOptions,
    /// Average of the gradient.
    pub first: Tensor,
    /// Average of the squared gradient.
    pub second: Tensor,
    /// Running average of the weights.
    pub average: Tensor,
    /// Steps done.
    pub steps: u64,
    factors: Tensor,
    decays: Tensor,
}

/// Whether an array starts from nothing rather than from the backbone's training: heads and prototypes.
fn is_new(slot: &Slot) -> bool {
    slot.name.starts_with("heads.") || slot.name == PROTOTYPES
}

/// Whether weight decay applies: convolutions and linear layers.
fn decays(slot: &Slot) -> bool {
    slot.shape.len() >= 2 && slot.name.ends_with(".weight")
}

impl Optimiser {
    /// The state before the first step.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, reason = "factors are kept in f32 as the weights are")]
    pub fn new(network: &Network, options: &OptimiserOptions) -> Self {
        let zeros = || Tensor::zeros([network.layout().len()], (Kind::Float, network.device()));
        let factor = options.heads_factor as f32;
        let factors = network.layout().constants(network.device(), |slot| if is_new(slot) { factor } else { 1.0 });
        let mask = network.layout().constants(network.device(), |slot| if decays(slot) { 1.0 } else { 0.0 });
        Self {
            options: options.clone(),
            first: zeros(),
            second: zeros(),
            average: network.flat().detach().copy(),
            steps: 0,
            decays: mask * &factors,
            factors,
        }
    }

    /// Moves the weights against the gradient; gives the gradient's length before clipping.
    /// A gradient that is not finite changes nothing.
    pub fn step(&mut self, network: &Network, gradient: &Tensor, rate: f64) -> f64 {
        tch::no_grad(|| {
            let length = gradient.norm().double_value(&[]);
            if !length.is_finite() {
                return length;
            }
            let mut gradient = gradient.shallow_clone();
            if length > self.options.clip {
                gradient = gradient.multiply_scalar(self.options.clip / length);
            }
            self.steps += 1;
            let count = i32::try_from(self.steps).unwrap_or(i32::MAX);
            let _ = self.first.lerp_(&gradient, 1.0 - BETAS.0);
            let _ = self.second.lerp_(&gradient.square(), 1.0 - BETAS.1);
            let (first_share, second_share) = (1.0 - BETAS.0.powi(count), 1.0 - BETAS.1.powi(count));
            let mut root = self.second.sqrt();
            let mut root = root.g_mul_scalar_(1.0 / second_share.sqrt());
            let root = root.g_add_scalar_(EPSILON);
            let mut step = &self.first / root;
            let mut step = step.g_mul_(&self.factors);
            let step = step.g_mul_scalar_(rate / first_share);
            let mut weights = network.flat().detach();
            let _ = weights.g_mul_(&(1.0 - &self.decays * (rate * self.options.weight_decay)));
            let _ = weights.g_sub_(&step);
            #[expect(clippy::cast_precision_loss, reason = "steps are far below 2^52")]
            let kept = self.options.average.min((1.0 + self.steps as f64) / (10.0 + self.steps as f64));
            let _ = self.average.lerp_(&weights, 1.0 - kept);
            length
        })
    }
}
