//! The network against itself: both orders of memory, batch norm folded and apart, frozen and not.

use tch::{Device, Kind, Tensor};

use crate::network::weights::{Array, Weights};
use crate::network::{Memory, Network, Pass, Precision, Statistics, TrainOptions};
use crate::network::{heads, imagenet};

fn weights() -> Weights {
    let mut weights = imagenet::weights().unwrap();
    heads::initialise_missing(&heads::clothingid(), &mut weights, 5);
    weights
}

fn network(weights: &Weights, options: &TrainOptions) -> Network {
    Network::for_training(heads::clothingid(), weights, Device::Cpu, options).unwrap()
}

/// Odd sides pad differently from even ones.
fn pictures(side: i64) -> Tensor {
    let ramp = Tensor::arange(2 * side * side * 3, (Kind::Int64, Device::Cpu));
    (&ramp * &ramp * 7 + &ramp * 31).remainder(251).to_kind(Kind::Uint8).view([2, side, side, 3])
}

fn largest_difference(a: &Tensor, b: &Tensor) -> f64 {
    (a - b).abs().max().double_value(&[])
}

/// Embeddings are of length 1; 50 layers of f32 in another order stay far below this (seen: 2e-6).
const ABSOLUTE: f64 = 5e-5;

#[test]
fn both_orders_of_memory_give_the_same_results() {
    let weights = weights();
    for side in [33, 64] {
        let [a, b] = [Memory::ChannelsLast, Memory::Plain].map(|memory| {
            let network = network(&weights, &TrainOptions { memory, ..TrainOptions::default() });
            network.evaluate(&pictures(side)).pop().unwrap().1
        });
        assert_eq!(a.size(), [2, 256]);
        assert!(largest_difference(&a, &b) < ABSOLUTE, "side {side}");
    }
}

#[test]
fn batch_norm_taken_into_the_convolution_changes_nothing_and_a_spoilt_one_does() {
    let weights = weights();
    let network = network(&weights, &TrainOptions::default());
    let graph = network.graph();
    // Asking for every convolution keeps each from taking its batch norm in.
    let all: Vec<_> = (0..graph.nodes.len()).map(super::NodeId).collect();
    let apart = network.evaluate_nodes(&pictures(48), &all).pop().unwrap();
    let folded = network.evaluate(&pictures(48)).pop().unwrap().1;
    assert!(largest_difference(&apart, &folded) < ABSOLUTE);

    let mut spoilt = weights.clone();
    let mut mean = spoilt.remove("features.7.conv.0.1.running_mean").unwrap();
    mean.values[0] += 1.0;
    spoilt.insert("features.7.conv.0.1.running_mean", mean);
    let spoilt =
        Network::load(heads::clothingid(), &spoilt, Device::Cpu).unwrap().evaluate(&pictures(48)).pop().unwrap().1;
    assert!(largest_difference(&spoilt, &folded) > 10.0 * ABSOLUTE);
}

#[test]
fn frozen_layers_take_no_part_and_statistics_follow_only_in_batch_mode() {
    let weights = weights();
    let frozen = vec!["features.0.".to_owned(), "features.1.".to_owned()];
    let network = network(&weights, &TrainOptions { frozen, ..TrainOptions::default() });
    assert!(network.layout().slots().iter().all(|slot| !slot.name.starts_with("features.1.")));
    assert!(network.layout().slots().iter().any(|slot| slot.name.starts_with("features.10.")));
    let wanted = [network.graph().find_output("embedding").unwrap()];
    let mean = || network.to_weights(network.flat()).get("features.18.1.running_mean").unwrap().clone();
    for (statistics, stays) in [(Statistics::Running, true), (Statistics::Batch, false), (Statistics::Pieces, false)] {
        let before = mean();
        let views = network.layout().views(network.flat());
        let result = network.run(&views, &pictures(32), Pass::Train { statistics }, &wanted).remove(0);
        let gradient =
            Tensor::run_backward(&[result.select(1, 0).sum(Kind::Float)], &[network.flat()], false, false).remove(0);
        assert!(gradient.norm().double_value(&[]) > 0.0, "{statistics:?}");
        assert_eq!(mean() == before, stays, "{statistics:?}");
    }
}

#[test]
fn only_one_handle_moves_the_running_statistics() {
    let network = network(&weights(), &TrainOptions::default());
    let wanted = [network.graph().find_output("embedding").unwrap()];
    let mean = || network.to_weights(network.flat()).get("features.18.1.running_mean").unwrap().clone();
    for (moves, stays) in [(false, true), (true, false)] {
        let (replica, before) = (network.replica(moves), mean());
        let views = replica.layout().views(replica.flat());
        let pass = Pass::Train { statistics: Statistics::Pieces };
        let results = replica.run(&views, &pictures(32), pass, &wanted);
        assert_eq!(results[0].size(), [2, 256]);
        assert_eq!(mean() == before, stays);
    }
}

#[test]
fn sixteen_bits_give_nearly_the_gradient_of_thirty_two_and_leave_evaluation_alone() {
    let weights = weights();
    let [full, half] = [Precision::Full, Precision::Bf16].map(|precision| {
        let network = network(&weights, &TrainOptions { precision, ..TrainOptions::default() });
        let wanted = [network.graph().find_output("embedding").unwrap()];
        let views = network.layout().views(network.flat());
        let pass = Pass::Train { statistics: Statistics::Running };
        let result = network.run(&views, &pictures(64), pass, &wanted).remove(0);
        assert_eq!(result.kind(), Kind::Float);
        let gradient =
            Tensor::run_backward(&[result.select(1, 0).sum(Kind::Float)], &[network.flat()], false, false).remove(0);
        assert_eq!(gradient.kind(), Kind::Float);
        (gradient, network.evaluate(&pictures(64)).pop().unwrap().1)
    });
    let cosine = full.0.dot(&half.0).double_value(&[]) / (full.0.norm() * half.0.norm()).double_value(&[]);
    // Eight bits of mantissa through fifty layers; a gradient of other pictures has a cosine near 0.
    assert!(cosine > 0.9, "{cosine}");
    assert!(largest_difference(&full.0, &half.0) > 0.0, "it was computed in other numbers");
    assert!(largest_difference(&full.1, &half.1) < 1e-12);
}

#[test]
fn a_missing_and_a_misshapen_array_are_named() {
    let mut weights = weights();
    weights.insert("heads.category26.bias", Array::zeros(&[25]));
    let error = Network::load(heads::clothingid(), &weights, Device::Cpu).unwrap_err();
    assert_eq!(error.to_string(), "tensor `heads.category26.bias` has shape [25], expected [26]");
    weights.remove("heads.category26.bias");
    let error = Network::load(heads::clothingid(), &weights, Device::Cpu).unwrap_err();
    assert!(error.to_string().starts_with("no tensor `heads.category26.bias`"), "{error}");
}
