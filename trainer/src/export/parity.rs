//! The real network through every form that the exporter has: trained graph, folded graph, float ONNX, QDQ ONNX, integers.
//!
//! The weights are the ImageNet start with seeded random heads, the pictures photographs that ship.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::LazyLock;

use clothingid_shared::files;
use clothingid_shared::picture::PictureContract;
use prost::Message;
use tch::{Device, Tensor};

use super::answers::{Agreement, Gate, NamedAnswers, take_all};
use super::calibrate::{Clipping, Observations, PHOTOS_MIN};
use super::check::{FLOAT_TOLERANCE, compare, tract_answers};
use super::equalise::equalise;
use super::error::ExportError;
use super::float::FloatRunner;
use super::fold::{float_network, fold};
use super::onnx::{read_quantised, to_bytes, write_float, write_quantised};
use super::quantise::{Granularity, correct_biases, quantise};
use super::quantised::{FloatNetwork, QuantisedNetwork};
use super::simulate::Simulation;
use super::simulate::batched::Batched;
use crate::network::heads::{clothingid, initialise_missing};
use crate::network::{Graph, Network, Weights, imagenet};

/// Small, so that a test build stays quick; odd, so that borders are met.
const SIDE: usize = 97;
/// Photographs that the engines are compared on.
const PHOTOS: usize = 16;
/// Where the script and the photographs lie.
const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/export/run_onnxruntime.py");
const DEMO: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../demo/photos");

fn trained() -> (Graph, Weights) {
    let graph = clothingid();
    let mut weights = imagenet::weights().unwrap();
    initialise_missing(&graph, &mut weights, 7);
    (graph, weights)
}

/// Different pictures from one photograph: itself, mirrored, upside down, turned by half.
fn turns(rgb: &[u8], side: usize) -> [Vec<u8>; 4] {
    let flip = |across: bool, down: bool| {
        let mut out = Vec::with_capacity(rgb.len());
        for y in 0..side {
            for x in 0..side {
                let (x, y) = (if across { side - 1 - x } else { x }, if down { side - 1 - y } else { y });
                out.extend_from_slice(&rgb[(y * side + x) * 3..][..3]);
            }
        }
        out
    };
    [flip(false, false), flip(true, false), flip(false, true), flip(true, true)]
}

/// Four pictures from each of the first `photos` of the demo shop.
fn pictures(photos: usize, side: usize) -> Vec<Vec<u8>> {
    let contract = PictureContract::with_side(u32::try_from(side).unwrap());
    let paths = files::photos_in(Path::new(DEMO)).unwrap();
    let read = |path: &PathBuf| contract.read(&files::read(path).unwrap()).unwrap().into_rgb();
    paths.iter().take(photos).flat_map(|path| turns(&read(path), side)).collect()
}

static PICTURES: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| pictures(48, SIDE));

/// The pictures that are compared; the rest only calibrate.
fn compared() -> &'static [Vec<u8>] {
    &PICTURES[..PHOTOS]
}

static FLOAT: LazyLock<FloatNetwork> = LazyLock::new(|| {
    let (graph, weights) = trained();
    float_network(&graph, &weights, SIDE).unwrap()
});

static OBSERVATIONS: LazyLock<Observations> = LazyLock::new(|| {
    let runner = FloatRunner::new(FLOAT.clone()).unwrap();
    Observations::of(&runner, &PICTURES, |_| {}).unwrap()
});

fn quantised(granularity: Granularity) -> QuantisedNetwork {
    quantise(&FLOAT, &OBSERVATIONS, Clipping::Percentile(99.999), granularity).unwrap()
}

fn float_answers(network: FloatNetwork) -> Vec<NamedAnswers> {
    FloatRunner::new(network).unwrap().run_all(compared(), |_| {}).unwrap()
}

fn integer_answers(network: QuantisedNetwork) -> Vec<NamedAnswers> {
    Simulation::new(network).unwrap().run_all(compared(), || {})
}

/// Pictures `[N, S, S, 3]`.
fn tensor(pictures: &[Vec<u8>], side: usize) -> Tensor {
    let side = i64::try_from(side).unwrap();
    Tensor::from_slice(&pictures.concat()).reshape([-1, side, side, 3])
}

/// Answers of the trained graph as libtorch runs it.
fn torch_answers(graph: Graph, weights: &Weights) -> Vec<NamedAnswers> {
    evaluate(&Network::load(graph, weights, Device::Cpu).unwrap(), &tensor(compared(), SIDE))
}

fn evaluate(network: &Network, pictures_nhwc: &Tensor) -> Vec<NamedAnswers> {
    let outputs = network.evaluate(pictures_nhwc);
    let mut answers = vec![NamedAnswers::new(); PHOTOS];
    for (name, tensor) in outputs {
        let rows: Vec<Vec<f32>> = tensor.try_into().unwrap();
        answers.iter_mut().zip(rows).for_each(|(answer, row)| drop(answer.insert(name.clone(), row)));
    }
    answers
}

#[test]
fn folding_changes_no_answer() {
    let (graph, weights) = trained();
    let (folded, arrays) = fold(&graph, &weights).unwrap();
    let reference = torch_answers(graph, &weights);
    compare(("trained", &reference), ("folded", &torch_answers(folded.clone(), &arrays)), FLOAT_TOLERANCE).unwrap();
    compare(("trained", &reference), ("exported", &float_answers(FLOAT.clone())), FLOAT_TOLERANCE).unwrap();

    let mut spoiled = arrays;
    let mut array = spoiled.remove("features.3.conv.1.0.weight").unwrap();
    array.values[4] += 0.1;
    spoiled.insert("features.3.conv.1.0.weight", array);
    let red = compare(("trained", &reference), ("folded", &torch_answers(folded, &spoiled)), FLOAT_TOLERANCE);
    assert!(matches!(red, Err(ExportError::Parity { .. })), "{red:?}");
}

#[test]
fn equalising_changes_no_answer() {
    let equalised = equalise(&FLOAT, &OBSERVATIONS, 0.8);
    assert_ne!(equalised, *FLOAT);
    compare(("float", &float_answers(FLOAT.clone())), ("equalised", &float_answers(equalised)), FLOAT_TOLERANCE)
        .unwrap();
}

#[test]
fn tract_and_libtorch_agree() {
    let reference = float_answers(FLOAT.clone());
    let model = write_float(&FLOAT);
    let found = tract_answers(&model, SIDE, compared()).unwrap();
    compare(("libtorch", &reference), ("tract", &found), FLOAT_TOLERANCE).unwrap();

    let mut spoiled = FLOAT.clone();
    spoiled.weights.values_mut().nth(20).unwrap().weights_oihw[0] += 0.1;
    let red = compare(
        ("libtorch", &reference),
        ("tract", &tract_answers(&write_float(&spoiled), SIDE, compared()).unwrap()),
        FLOAT_TOLERANCE,
    );
    assert!(matches!(red, Err(ExportError::Parity { .. })), "{red:?}");
}

#[test]
fn the_file_says_what_was_written() {
    let network = quantised(Granularity::Channel);
    let bytes = to_bytes(&write_quantised(&network));
    assert_eq!(read_quantised(&bytes).unwrap(), network);
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        assert!(read_quantised(&bytes[..cut]).is_err(), "cut at {cut}");
    }
    let mut model = write_quantised(&network);
    let graph = model.graph.as_mut().unwrap();
    graph.initializer.iter_mut().find(|t| t.name == "features.0.0.weight").unwrap().raw_data.pop();
    assert!(read_quantised(&model.encode_to_vec()).unwrap_err().to_string().contains("features.0.0.weight"));
}

#[test]
fn batches_give_the_same_numbers_as_the_plain_loops() {
    let simulation = Simulation::new(quantised(Granularity::Channel)).unwrap();
    let plain = simulation.run_all(compared(), || {});
    let mut batched = Batched::new(simulation).unwrap();
    assert_eq!(batched.run_all(compared(), |_| {}).unwrap(), plain);
    batched.correct_bias(1, &[0.1; 32]).unwrap();
    let corrected = batched.run_all(compared(), |_| {}).unwrap();
    assert_ne!(corrected, plain);
    assert_eq!(batched.plain().run_all(compared(), || {}), corrected);
}

#[test]
fn the_gate_lets_channels_pass_and_refuses_tensors() {
    let reference = take_all(float_answers(FLOAT.clone())).unwrap();
    let mut batched = Batched::new(Simulation::new(quantised(Granularity::Channel)).unwrap()).unwrap();
    correct_biases(&mut batched, &OBSERVATIONS, &PICTURES[..PHOTOS_MIN], || {}).unwrap();
    let good = Agreement::of(&reference, &take_all(batched.run_all(compared(), |_| {}).unwrap()).unwrap());
    Gate::default().check(&good).unwrap_or_else(|error| panic!("{error}: {good:?}"));
    let bad = Agreement::of(&reference, &take_all(integer_answers(quantised(Granularity::Tensor))).unwrap());
    let refused = Gate::default().check(&bad);
    assert!(matches!(refused, Err(ExportError::Gate { .. })), "{bad:?}");
}

/// Of every network of ours.
const OUTPUTS: [&str; 3] = ["category14", "category26", "embedding"];

/// ONNX Runtime's answers to the first pictures, and the operators that it made of the model.
fn onnx_runtime(model: &tract_onnx::pb::ModelProto, pictures: &[Vec<u8>]) -> Option<(Vec<NamedAnswers>, String)> {
    if !Command::new("python3")
        .args(["-c", "import onnx, onnxruntime, numpy"])
        .output()
        .is_ok_and(|o| o.status.success())
    {
        eprintln!("skipped: ONNX Runtime is missing: `python3 -m pip install onnx onnxruntime numpy`");
        return None;
    }
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    files::write_atomic(&at("model.onnx"), &to_bytes(model)).unwrap();
    files::write_atomic(&at("pictures.u8"), &pictures[..PHOTOS].concat()).unwrap();
    let paths = [PathBuf::from(SCRIPT), at("model.onnx"), at("pictures.u8"), folder.path().to_path_buf()];
    let output = Command::new("python3").args(paths).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut answers = vec![NamedAnswers::new(); PHOTOS];
    for name in OUTPUTS {
        let bytes = files::read(&at(&format!("{name}.f32"))).unwrap();
        let values: Vec<f32> = bytes.as_chunks().0.iter().map(|b: &[u8; 4]| f32::from_le_bytes(*b)).collect();
        let width = values.len() / PHOTOS;
        answers.iter_mut().zip(values.chunks(width)).for_each(|(a, row)| drop(a.insert(name.to_owned(), row.to_vec())));
    }
    Some((answers, String::from_utf8(output.stdout).unwrap()))
}

/// Of the integer simulation against ONNX Runtime, on logits of standard deviation about 1: both round every layer alike, and differ
/// only where a float product falls on the other side of a half, which is one step in one value.
const INTEGER_TOLERANCE: f32 = 0.05;

#[test]
fn onnx_runtime_and_the_simulation_agree() {
    let network = quantised(Granularity::Channel);
    let Some((reference, operators)) = onnx_runtime(&write_quantised(&network), &PICTURES) else {
        return;
    };
    let count = |op: &str| operators.split_whitespace().filter(|o| *o == op).count();
    assert_eq!((count("QLinearConv"), count("QLinearAdd"), count("QGemm")), (52, 10, 3), "{operators}");
    assert_eq!(count("Conv") + count("Clip") + count("DequantizeLinear") + count("QuantizeLinear"), 0, "{operators}");
    let found = integer_answers(network.clone());
    let worst = compare(("onnx runtime", &reference), ("simulation", &found), INTEGER_TOLERANCE).unwrap();
    eprintln!("largest difference between ONNX Runtime and the simulation: {worst:e}");

    let mut spoiled = network;
    let weights = spoiled.weights.values_mut().nth(30).unwrap();
    weights.weights_oihw.iter_mut().take(64).for_each(|w| *w = w.wrapping_neg());
    let red = compare(("onnx runtime", &reference), ("simulation", &integer_answers(spoiled)), INTEGER_TOLERANCE);
    assert!(matches!(red, Err(ExportError::Parity { .. })), "{red:?}");
}

#[test]
fn onnx_runtime_and_libtorch_agree_in_float() {
    // What an engine of the class `float` computes on the bundle: float arithmetic on the integer weights.
    let network = quantised(Granularity::Channel).dequantise();
    let Some((reference, _)) = onnx_runtime(&write_float(&network), &PICTURES) else {
        return;
    };
    compare(("onnx runtime", &reference), ("libtorch", &float_answers(network)), FLOAT_TOLERANCE).unwrap();
}

mod backbones;
