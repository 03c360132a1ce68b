//! One step of the optimiser on the flat vector of all trained arrays, with clipping and a running average of the weights.
//!
//! **Source**: AdamW and SGD with momentum and decoupled weight decay, Loshchilov and Hutter 2019, algorithms 2 and 1. The average of the
//! weights is what is evaluated and kept (Polyak and Juditsky 1992); it starts fast so that it does not remember the start.
//!
//! tch keeps no optimiser state in files, so the state is ours: two tensors of the length of the weights, and a count.

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::objective::PROTOTYPES;
use super::recipe::is_default;
use crate::network::Network;
use crate::network::parameters::Slot;

/// Share of the old value in the averages of gradient and squared gradient.
const BETAS: (f64, f64) = (0.9, 0.999);
/// Keeps the division finite.
const EPSILON: f64 = 1e-8;

/// What a step makes of the gradients so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// Their average over the root of their mean square: each weight moves about as fast.
    #[default]
    Adamw,
    /// Their sum, in which older ones fade (momentum): rates are some hundred times those of AdamW.
    Sgd,
}

/// How weights follow gradients.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptimiserOptions {
    /// What a step makes of the gradients so far.
    #[serde(default, skip_serializing_if = "is_default")]
    pub method: Method,
    /// Share of the older gradients that SGD keeps a step.
    #[serde(default = "usual_momentum", skip_serializing_if = "is_usual_momentum")]
    pub momentum: f64,
    /// Highest learning rate of the backbone.
    pub rate: f64,
    /// Factor of the rate for heads and prototypes, which start from nothing.
    pub heads_factor: f64,
    /// Pull of weights (never of biases, batch norm or prototypes) towards zero, times the rate.
    pub weight_decay: f64,
    /// Gradients longer than this are shortened to it.
    pub clip: f64,
    /// Share of the old value in the running average of the weights, a step; 0 for no average: the weights themselves are judged and kept.
    pub average: f64,
    /// Share of the steps in which the rate rises.
    pub warm_up: f64,
    /// Steps in a row whose gradient may be infinite or not a number and is passed over; one more stops the run.
    #[serde(default, skip_serializing_if = "is_default")]
    pub skip_overflows: u64,
}

/// What [`OptimiserOptions::momentum`] is where a recipe says nothing.
fn usual_momentum() -> f64 {
    0.9
}

#[expect(clippy::float_cmp, clippy::trivially_copy_pass_by_ref, reason = "serde's form; the default is an exact value")]
fn is_usual_momentum(momentum: &f64) -> bool {
    *momentum == usual_momentum()
}

/// The state of the optimiser.
#[derive(Debug)]
pub struct Optimiser {
    options: OptimiserOptions,
    /// Average of the gradient; with SGD the fading sum of gradients.
    pub first: Tensor,
    /// Average of the squared gradient; empty with SGD.
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
        let second = match options.method {
            Method::Adamw => zeros(),
            Method::Sgd => Tensor::zeros([0], (Kind::Float, network.device())),
        };
        Self {
            options: options.clone(),
            first: zeros(),
            second,
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
            let step = match self.options.method {
                Method::Adamw => self.adamw(&gradient, rate),
                Method::Sgd => {
                    let mut kept = self.first.g_mul_scalar_(self.options.momentum);
                    let _ = kept.g_add_(&gradient);
                    (&self.first * &self.factors).g_mul_scalar_(rate)
                }
            };
            let mut weights = network.flat().detach();
            let _ = weights.g_mul_(&(1.0 - &self.decays * (rate * self.options.weight_decay)));
            let _ = weights.g_sub_(&step);
            #[expect(clippy::cast_precision_loss, reason = "steps are far below 2^52")]
            let kept = self.options.average.min((1.0 + self.steps as f64) / (10.0 + self.steps as f64));
            let _ = self.average.lerp_(&weights, 1.0 - kept);
            length
        })
    }

    fn adamw(&mut self, gradient: &Tensor, rate: f64) -> Tensor {
        let count = i32::try_from(self.steps).unwrap_or(i32::MAX);
        let _ = self.first.lerp_(gradient, 1.0 - BETAS.0);
        let _ = self.second.lerp_(&gradient.square(), 1.0 - BETAS.1);
        let (first_share, second_share) = (1.0 - BETAS.0.powi(count), 1.0 - BETAS.1.powi(count));
        let mut root = self.second.sqrt();
        let mut root = root.g_mul_scalar_(1.0 / second_share.sqrt());
        let root = root.g_add_scalar_(EPSILON);
        let mut step = &self.first / root;
        let mut step = step.g_mul_(&self.factors);
        step.g_mul_scalar_(rate / first_share)
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Tensor};

    use super::{Method, Optimiser, OptimiserOptions};
    use crate::network::TrainOptions;
    use crate::network::graph::Graph;
    use crate::network::parameters::{to_tensor, to_vec};
    use crate::network::{Array, Network, Weights, graph::ArraySpec};

    const OPTIONS: OptimiserOptions = OptimiserOptions {
        method: Method::Sgd,
        momentum: 0.5,
        rate: 0.1,
        heads_factor: 2.0,
        weight_decay: 0.1,
        clip: 10.0,
        average: 0.0,
        warm_up: 0.0,
        skip_overflows: 0,
    };

    /// Three arrays of one weight: a convolution's, a bias, and a head's.
    fn network() -> Network {
        let extra: Vec<ArraySpec> =
            [("features.0.weight", vec![1, 1]), ("features.0.bias", vec![1]), ("heads.a.weight", vec![1, 1])]
                .map(|(name, shape)| ArraySpec { name: name.to_owned(), shape })
                .to_vec();
        let weights: Weights = extra
            .iter()
            .map(|spec| (spec.name.clone(), Array { shape: spec.shape.clone(), values: vec![1.0] }))
            .collect();
        let options = TrainOptions { extra, ..TrainOptions::default() };
        Network::for_training(Graph::new("none"), &weights, Device::Cpu, &options).unwrap()
    }

    fn close(found: &Tensor, expected: [f32; 3]) {
        assert!(
            to_vec(found).iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-6),
            "{:?} {expected:?}",
            to_vec(found)
        );
    }

    #[test]
    fn sgd_keeps_a_share_of_older_gradients_and_decay_spares_biases() {
        let network = network();
        let mut optimiser = Optimiser::new(&network, &OPTIONS);
        let gradient = to_tensor(&Array { shape: vec![3], values: vec![1.0; 3] }, Device::Cpu);
        optimiser.step(&network, &gradient, 0.1);
        // Decay by 1 - 0.1 * 0.1 (the head's by twice that), then the gradient.
        close(network.flat(), [0.99 - 0.1, 1.0 - 0.1, 0.98 - 0.2]);
        close(&optimiser.average, [0.89, 0.9, 0.78]);
        optimiser.step(&network, &gradient, 0.1);
        close(network.flat(), [0.89 * 0.99 - 0.15, 0.9 - 0.15, 0.78 * 0.98 - 0.3]);
        assert_eq!(to_vec(&optimiser.average), to_vec(network.flat()), "an average of 0 is none");
        assert_eq!(optimiser.second.numel(), 0);
    }

    #[test]
    fn a_long_gradient_is_shortened_and_one_that_is_not_finite_changes_nothing() {
        let (network, long) = (network(), Tensor::from_slice(&[300.0_f32, 0.0, 400.0]));
        let mut optimiser = Optimiser::new(&network, &OptimiserOptions { weight_decay: 0.0, ..OPTIONS });
        assert_eq!(optimiser.step(&network, &long, 0.1), 500.0);
        close(network.flat(), [1.0 - 0.6, 1.0, 1.0 - 1.6]);
        let before = to_vec(network.flat());
        assert!(optimiser.step(&network, &Tensor::from_slice(&[f32::NAN, 0.0, 0.0]), 0.1).is_nan());
        assert!(to_vec(network.flat()) == before && optimiser.steps == 1);
    }
}
