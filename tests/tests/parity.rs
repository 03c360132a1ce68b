//! The shipped network, as three programs compute it that share no code: libtorch (whose answers the bundle carries),
//! tract (which the appliance runs), and ONNX Runtime.

use std::path::PathBuf;
use std::process::Command;

use clothingid_device::network::{Answer, EngineChoice, PhotoPath};
use clothingid_shared::bundle::{Bundle, GoldenAnswer};
use clothingid_shared::embedding::{ArithmeticClass, cosine};
use clothingid_shared::picture::{Picture, decode};
use clothingid_tests::{Rig, rig};

/// Of any value of an output, between libtorch and tract in float on the same weights: sums of up to 1,280 products in
/// another order, 52 layers deep.
const FLOAT_TOLERANCE: f32 = 1e-4;

/// Of the largest difference of a logit between the exporter's integers and ONNX Runtime's: this share of what the integers themselves
/// cost, which is the largest difference between the golden answers of `int8` and of `float`. Both round each layer alike and differ
/// only where a float product falls on the other side of a half: one step in one value of one layer, which the layers after it spread.
/// The rounding of every value of every layer is what the integers cost; the few that fall otherwise must stay far below it, in
/// whatever units this network's logits come.
const INTEGER_SHARE: f32 = 1.0 / 3.0;

/// Of the embedding, between the same two.
const INTEGER_COSINE: f32 = 0.999;

fn bundle() -> Bundle {
    Bundle::read(&rig::bundle()).expect("the shipped bundle")
}

fn golden(photo: &clothingid_shared::bundle::GoldenPhoto, class: ArithmeticClass) -> &GoldenAnswer {
    photo.answers.get(&class).unwrap_or_else(|| panic!("{} has no {class} answers", photo.name))
}

/// The largest difference of any value.
fn largest_difference(expected: &GoldenAnswer, found: &Answer) -> f32 {
    let pairs = [
        (&expected.category14, &found.category14),
        (&expected.category26, &found.category26),
        (&expected.embedding, &found.embedding),
    ];
    let mut largest = 0.0_f32;
    for (expected, found) in pairs {
        assert_eq!(expected.len(), found.len());
        for (a, b) in expected.iter().zip(found) {
            let difference = (a - b).abs();
            largest = if difference.is_nan() { f32::INFINITY } else { largest.max(difference) };
        }
    }
    largest
}

#[test]
fn the_bundle_carries_golden_photographs_with_an_answer_of_each_class() {
    let bundle = bundle();
    assert!(bundle.golden.len() >= 64, "{} golden photographs", bundle.golden.len());
    for photo in &bundle.golden {
        for class in [ArithmeticClass::Int8, ArithmeticClass::Float] {
            let answer = golden(photo, class);
            assert_eq!((answer.category14.len(), answer.category26.len()), (14, 26), "{}", photo.name);
            let length = cosine(&answer.embedding, &answer.embedding);
            assert!((length - 1.0).abs() < 1e-3, "{}: {length}", photo.name);
        }
        // What the integers cost, photograph by photograph.
        let (int8, float) = (golden(photo, ArithmeticClass::Int8), golden(photo, ArithmeticClass::Float));
        let kept = cosine(&int8.embedding, &float.embedding);
        assert!(kept > 0.9, "{}: int8 and float embeddings have cosine {kept}", photo.name);
    }
    let cosines = bundle.golden.iter().map(|photo| {
        let (int8, float) = (golden(photo, ArithmeticClass::Int8), golden(photo, ArithmeticClass::Float));
        f64::from(cosine(&int8.embedding, &float.embedding))
    });
    let mean = cosines.sum::<f64>() / f64::from(u32::try_from(bundle.golden.len()).expect("a count"));
    assert!(mean >= 0.98, "mean cosine of int8 and float embeddings is {mean}");
}

#[test]
fn tract_gives_the_answers_that_libtorch_gave_at_export() {
    let bundle = bundle();
    let mut path = PhotoPath::new(&bundle, EngineChoice::Tract, 1).expect("the engine");
    let mut worst = (0.0, String::new());
    for photo in &bundle.golden {
        let answer = path.answer(&photo.photo).expect("an answer");
        let difference = largest_difference(golden(photo, ArithmeticClass::Float), answer);
        if difference >= worst.0 {
            worst = (difference, photo.name.clone());
        }
    }
    println!("largest difference {:e} at {}", worst.0, worst.1);
    assert!(worst.0 <= FLOAT_TOLERANCE, "{} differs by {:e}", worst.1, worst.0);
}

#[test]
fn one_spoiled_patch_of_a_photograph_is_noticed() {
    let bundle = bundle();
    let mut path = PhotoPath::new(&bundle, EngineChoice::Tract, 1).expect("the engine");
    for photo in bundle.golden.iter().take(4) {
        let contract = &bundle.manifest.picture;
        let mut picture: Picture = contract.make(&decode(&photo.photo).expect("a photograph")).expect("a picture");
        let side = usize::try_from(contract.side).expect("a side");
        let middle = (side / 2 * side + side / 2) * 3;
        picture.rgb_mut()[middle..middle + 3].iter_mut().for_each(|byte| *byte ^= 0x80);
        let answer = path.answer_picture(&picture).expect("an answer");
        let difference = largest_difference(golden(photo, ArithmeticClass::Float), answer);
        assert!(difference > FLOAT_TOLERANCE, "{}: one pixel changed the answer by {difference:e} only", photo.name);
    }
}

/// ONNX Runtime's answers to the golden photographs; `spoil` turns the signs of a few weights of one layer first.
fn onnx_runtime(bundle: &Bundle, spoil: bool) -> Vec<Answer> {
    let rig = Rig::new();
    let network = rig.write("network.onnx", &bundle.network);
    let contract = &bundle.manifest.picture;
    let pictures: Vec<u8> =
        bundle.golden.iter().flat_map(|photo| contract.read(&photo.photo).expect("a picture").into_rgb()).collect();
    let pictures = rig.write("pictures.u8", pictures);
    let python = |arguments: &[&std::ffi::OsStr]| {
        // Where `cargo xtask setup` has put it; without the variable, what the system's Python has.
        let folder = std::env::var_os("CLOTHINGID_ONNXRUNTIME").unwrap_or_default();
        let output = Command::new("python3").args(arguments).env("PYTHONPATH", folder).output().expect("python3");
        assert!(
            output.status.success(),
            "ONNX Runtime: {}\nis it there? `cargo xtask setup`, then `cargo xtask test --suite train`",
            String::from_utf8_lossy(&output.stderr)
        );
    };
    if spoil {
        python(&["-c".as_ref(), SPOIL.as_ref(), network.as_os_str()]);
    }
    let script: PathBuf = rig::workspace().join("trainer/src/export/run_onnxruntime.py");
    python(&[script.as_os_str(), network.as_os_str(), pictures.as_os_str(), rig.folder().as_os_str()]);
    let output = |name: &str| {
        let bytes = std::fs::read(rig.path(format!("{name}.f32"))).expect("an output");
        let values: Vec<f32> =
            bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().expect("four"))).collect();
        let width = values.len() / bundle.golden.len();
        values.chunks_exact(width).map(<[f32]>::to_vec).collect::<Vec<_>>()
    };
    let (category14, category26, embedding) = (output("category14"), output("category26"), output("embedding"));
    category14
        .into_iter()
        .zip(category26)
        .zip(embedding)
        .map(|((category14, category26), embedding)| Answer { category14, category26, embedding })
        .collect()
}

/// Turns the signs of 64 weights of the layer in the middle.
const SPOIL: &str = "
import sys, numpy, onnx
from onnx import numpy_helper
model = onnx.load(sys.argv[1])
weights = [t for t in model.graph.initializer if t.data_type == onnx.TensorProto.INT8 and len(t.dims) == 4]
tensor = weights[len(weights) // 2]
values = numpy_helper.to_array(tensor).copy().reshape(-1)
values[:64] = -values[:64]
tensor.raw_data = values.tobytes()
onnx.save(model, sys.argv[1])
";

/// The largest difference of a logit as a share of what the integers cost, and the smallest cosine.
fn integer_distance(bundle: &Bundle, answers: &[Answer]) -> (f32, f32) {
    let (mut largest, mut cost, mut smallest) = (0.0_f32, 0.0_f32, 1.0_f32);
    for (photo, found) in bundle.golden.iter().zip(answers) {
        let (expected, float) = (golden(photo, ArithmeticClass::Int8), golden(photo, ArithmeticClass::Float));
        for (int8, float, found) in [
            (&expected.category14, &float.category14, &found.category14),
            (&expected.category26, &float.category26, &found.category26),
        ] {
            let most = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            largest = largest.max(most(int8, found));
            cost = cost.max(most(int8, float));
        }
        smallest = smallest.min(cosine(&expected.embedding, &found.embedding));
    }
    println!("largest difference of a logit {largest:e}; int8 from float {cost:e}; smallest cosine {smallest}");
    (largest / cost, smallest)
}

#[test]
#[ignore = "needs ONNX Runtime for python3: `cargo xtask setup`"]
fn onnx_runtime_gives_the_integer_answers_of_the_export() {
    let bundle = bundle();
    let answers = onnx_runtime(&bundle, false);
    assert_eq!(answers.len(), bundle.golden.len());
    let (share, smallest) = integer_distance(&bundle, &answers);
    assert!(share <= INTEGER_SHARE && smallest >= INTEGER_COSINE, "{share} of the cost, cosine {smallest}");
}

#[test]
#[ignore = "needs ONNX Runtime for python3: `cargo xtask setup`"]
fn onnx_runtime_with_one_spoiled_layer_is_noticed() {
    let bundle = bundle();
    let (share, smallest) = integer_distance(&bundle, &onnx_runtime(&bundle, true));
    assert!(share > INTEGER_SHARE || smallest < INTEGER_COSINE, "{share} of the cost, cosine {smallest}");
}
