//! Each other backbone through every form: random weights whose batch norm has seen the pictures, folded, equalised, in tract, as a file,
//! in integers, and in ONNX Runtime.

use super::*;
use crate::export::fused::Operation;
use crate::network::TrainOptions;
use crate::network::backbones::BackboneName;
use crate::network::heads::{CLOTHING, random, with_heads};
use crate::network::{Pass, Statistics};

/// Batches after which the running statistics are nine tenths those of the pictures.
const BATCHES: usize = 22;
/// Of integers against float: random weights spread what rounding does as trained ones do not, the more the deeper they are (cosines
/// from 0.88 for the narrow MobileNetV2 to 0.9999 for AlexNet were seen). A network that is wrong has nothing like it.
const GATE: Gate = Gate { divergence: 0.2, cosine: 0.8 };

/// Random weights with the running statistics of the pictures.
fn seen(graph: &Graph, pictures_nhwc: &Tensor) -> Weights {
    let weights = random(graph, 11);
    if graph.state().is_empty() {
        return weights;
    }
    let network = Network::for_training(graph.clone(), &weights, Device::Cpu, &TrainOptions::default()).unwrap();
    let wanted = [graph.outputs[0].1];
    let views = network.layout().views(network.flat());
    let pass = Pass::Train { statistics: Statistics::Batch };
    tch::no_grad(|| (0..BATCHES).for_each(|_| drop(network.run(&views, pictures_nhwc, pass, &wanted))));
    network.to_weights(network.flat())
}

/// Of any value, as a share of what the integers cost where they cost most: both round each layer alike and differ only where a float
/// product falls on the other side of a half, which random weights spread as they spread all rounding.
const INTEGER_SHARE: f32 = 1.0 / 3.0;

/// [`FLOAT_TOLERANCE`] is of logits about 1; random weights give others.
fn float_tolerance(answers: &[NamedAnswers]) -> f32 {
    let values = answers.iter().flat_map(|answer| answer.values().flatten());
    FLOAT_TOLERANCE * values.fold(1.0, |largest: f32, value| largest.max(value.abs()))
}

/// How far integers and float lie apart.
fn agreement(float: &[NamedAnswers], integer: &[NamedAnswers]) -> Agreement {
    Agreement::of(&take_all(float.to_vec()).unwrap(), &take_all(integer.to_vec()).unwrap())
}

/// An odd side meets borders.
fn holds(name: &str, side: usize) {
    let backbone: BackboneName = name.parse().unwrap();
    let graph = with_heads(backbone.build(), CLOTHING);
    let pictures = super::pictures(PHOTOS_MIN / 4, side);
    let compared = &pictures[..PHOTOS];
    let weights = seen(&graph, &tensor(compared, side));
    let trained = evaluate(&Network::load(graph.clone(), &weights, Device::Cpu).unwrap(), &tensor(compared, side));

    // Float: folded, equalised, and by tract.
    let network = float_network(&graph, &weights, side).unwrap();
    let runner = FloatRunner::new(network.clone()).unwrap();
    let float = runner.run_all(compared, |_| {}).unwrap();
    let allowed = float_tolerance(&trained);
    compare(("trained", &trained), ("folded", &float), allowed).unwrap();
    let observations = Observations::of(&runner, &pictures, |_| {}).unwrap();
    let equal = equalise(&network, &observations, 0.8);
    assert_ne!(equal, network);
    let found = FloatRunner::new(equal).unwrap().run_all(compared, |_| {}).unwrap();
    compare(("float", &float), ("equalised", &found), allowed).unwrap();
    let found = tract_answers(&write_float(&network), side, compared).unwrap();
    compare(("libtorch", &float), ("tract", &found), allowed).unwrap();

    // Integers: as a file, in batches, near float.
    let quantised = quantise(&network, &observations, Clipping::Percentile(99.999), Granularity::Channel).unwrap();
    assert_eq!(read_quantised(&to_bytes(&write_quantised(&quantised))).unwrap(), quantised);
    if let Some(pool) = quantised.graph.nodes.iter().position(|node| matches!(node.operation, Operation::MaxPool(_))) {
        let mut wider = quantised.clone();
        wider.activations[pool].as_mut().unwrap().scale *= 2.0;
        let refused = read_quantised(&to_bytes(&write_quantised(&wider))).unwrap_err().to_string();
        assert!(refused.contains("another range than its input"), "{refused}");
    }
    let integer = integer(&quantised, compared);
    let batched = Batched::new(Simulation::new(quantised.clone()).unwrap()).unwrap();
    assert_eq!(batched.run_all(compared, |_| {}).unwrap(), integer);
    let near = agreement(&float, &integer);
    println!("{name}: {near:?}");
    GATE.check(&near).unwrap_or_else(|error| panic!("{error}: {near:?}"));
    let mut spoiled = quantised.clone();
    for (place, layer) in &mut spoiled.weights {
        if let Operation::Convolution(_) = quantised.graph.nodes[*place].operation {
            layer.weights_oihw.iter_mut().for_each(|w| *w = w.wrapping_neg());
        }
    }
    let spoiled = self::integer(&spoiled, compared);
    let far = agreement(&float, &spoiled);
    assert!(GATE.check(&far).is_err(), "{far:?}");

    // ONNX Runtime.
    let Some((reference, operators)) = onnx_runtime(&write_quantised(&quantised), compared) else { return };
    let is_float = |op: &&str| ["Conv", "Relu", "Clip", "Add", "QuantizeLinear", "DequantizeLinear"].contains(op);
    assert_eq!(operators.split_whitespace().find(is_float), None, "{operators}");
    let cost = compare(("libtorch", &float), ("simulation", &integer), f32::INFINITY).unwrap();
    let allowed = INTEGER_SHARE * cost;
    let worst = compare(("onnx runtime", &reference), ("simulation", &integer), allowed).unwrap();
    println!("{name}: largest difference between ONNX Runtime and the simulation {worst:e}, integers cost {cost:e}");
    let red = compare(("onnx runtime", &reference), ("simulation", &spoiled), allowed);
    assert!(matches!(red, Err(ExportError::Parity { .. })), "{red:?}");
}

fn integer(network: &QuantisedNetwork, pictures: &[Vec<u8>]) -> Vec<NamedAnswers> {
    Simulation::new(network.clone()).unwrap().run_all(pictures, || {})
}

#[test]
fn a_narrow_mobilenet_v2_holds() {
    holds("mobilenet_v2_0.5", 35);
}

#[test]
fn squeezenet_holds() {
    holds("squeezenet", 35);
}

#[test]
fn alexnet_holds() {
    holds("alexnet", 67);
}

#[test]
fn resnet_with_two_convolutions_a_block_holds() {
    holds("resnet18", 35);
}

#[test]
fn resnet_with_three_convolutions_a_block_holds() {
    holds("resnet50", 35);
}
