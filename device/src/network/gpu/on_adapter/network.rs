//! The whole network on the adapter.

use super::{choice, device, has_float16};
use crate::network::gpu::arithmetic::{ALL, Arithmetic};
use crate::network::gpu::engine::{GpuEngine, Loaded, Progress};
use crate::network::gpu::recording::Recording;
use crate::network::gpu::tiles::{DEFAULT, Tiles};
use crate::network::gpu::tune;
use crate::network::nodes::first_difference;
use crate::network::plan::{Operation, Plan};
use crate::network::tract::TractEngine;
use crate::network::{Answer, Engine, Opened, PhotoPath, auto, golden, read_bundle, reference, with_side};
use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::{ArithmeticClass, cosine};
use clothingid_shared::files::write_atomic;
use clothingid_shared::picture::{Picture, decode};
use std::os::unix::fs::MetadataExt;

fn engine(bundle: &Bundle, arithmetic: Arithmetic) -> GpuEngine {
    GpuEngine::new(&Plan::new(&bundle.network).unwrap(), arithmetic, choice(), None).unwrap()
}

fn pictures(bundle: &Bundle) -> impl Iterator<Item = (&str, Picture)> {
    let picture = |photo: &[u8]| bundle.manifest.picture.make(&decode(photo).unwrap()).unwrap();
    bundle.golden.iter().map(move |photo| (photo.name.as_str(), picture(&photo.photo)))
}

/// The largest difference of two answers, as a part of the largest value of each output.
fn difference(found: &Answer, expected: &Answer) -> f32 {
    let outputs = [
        (&found.category14, &expected.category14),
        (&found.category26, &expected.category26),
        (&found.embedding, &expected.embedding),
    ];
    let one = |(found, expected): (&Vec<f32>, &Vec<f32>)| {
        assert_eq!(found.len(), expected.len());
        let largest = expected.iter().fold(0.0_f32, |largest, y| largest.max(y.abs()));
        found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) / largest
    };
    outputs.into_iter().map(one).fold(0.0, f32::max)
}

/// The largest difference to tract on all golden photographs.
fn to_tract(arithmetic: Arithmetic) -> f32 {
    let bundle = read_bundle(None).unwrap();
    let mut gpu = engine(&bundle, arithmetic);
    let mut tract = TractEngine::new(&bundle.network).unwrap();
    let (mut found, mut expected) = (Answer::default(), Answer::default());
    let mut largest = 0.0_f32;
    for (_, picture) in pictures(&bundle) {
        gpu.run(&picture, &mut found).unwrap();
        tract.run(&picture, &mut expected).unwrap();
        largest = largest.max(difference(&found, &expected));
    }
    println!("{arithmetic:?}: largest difference to tract {largest:e} of the largest value");
    largest
}

fn opened(engine: GpuEngine) -> Opened {
    Opened { engine: Box::new(engine), why: None }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn in_floats_it_is_near_tract() {
    assert!(to_tract(Arithmetic::Float32) < 1e-4);
    // Every layer rounds to 11 bits, 50 layers one after the other; the golden answers' tolerance holds too.
    assert!(to_tract(Arithmetic::Float16) < 3e-2);
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn every_arithmetic_gives_all_golden_answers() {
    let bundle = read_bundle(None).unwrap();
    for arithmetic in ALL {
        let mut path = PhotoPath::with_engine(opened(engine(&bundle, arithmetic)), &bundle).unwrap();
        let agreement = golden::check(&mut path, &bundle, usize::MAX).unwrap();
        assert_eq!(agreement.photos, bundle.golden.len());
        println!("{}: {agreement:?}", path.engine().name());
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn in_integers_the_logits_are_those_of_the_reference() {
    let bundle = read_bundle(None).unwrap();
    let mut gpu = engine(&bundle, Arithmetic::Int8);
    let mut answer = Answer::default();
    for (photo, (name, picture)) in bundle.golden.iter().zip(pictures(&bundle)) {
        gpu.run(&picture, &mut answer).unwrap();
        // The exporter's simulation, which the reference is held to bit for bit.
        let expected = &photo.answers[&ArithmeticClass::Int8];
        assert_eq!(answer.category14, expected.category14, "{name}");
        assert_eq!(answer.category26, expected.category26, "{name}");
        let cosine = cosine(&answer.embedding, &expected.embedding);
        assert!(cosine > 1.0 - 1e-6, "{name}: {cosine}");
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn one_spoilt_weight_is_noticed() {
    let bundle = read_bundle(None).unwrap();
    let mut plan = Plan::new(&bundle.network).unwrap();
    let Operation::Dense(first) = &mut plan.layers[0].operation else { panic!("a dense layer comes first") };
    let largest = first.weights_oihw.iter_mut().max_by_key(|w| w.unsigned_abs()).unwrap();
    *largest = largest.wrapping_neg();
    for arithmetic in ALL {
        let engine = GpuEngine::new(&plan, arithmetic, choice(), None).unwrap();
        let mut path = PhotoPath::with_engine(opened(engine), &bundle).unwrap();
        golden::check(&mut path, &bundle, usize::MAX).unwrap_err();
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn a_frame_creates_nothing_and_is_at_most_60_dispatches() {
    let bundle = read_bundle(None).unwrap();
    let (_, picture) = pictures(&bundle).next().unwrap();
    let mut answer = Answer::default();
    for arithmetic in ALL {
        let mut gpu = engine(&bundle, arithmetic);
        assert!(gpu.recording().dispatches.len() <= 60, "{}", gpu.recording());
        let created = gpu.loaded().unwrap().device().created();
        assert!(created > 0);
        for _ in 0..5 {
            gpu.run(&picture, &mut answer).unwrap();
        }
        assert_eq!(gpu.loaded().unwrap().device().created(), created);
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn a_lost_device_is_built_again_and_counted() {
    let bundle = read_bundle(None).unwrap();
    let (_, picture) = pictures(&bundle).next().unwrap();
    let mut gpu = engine(&bundle, Arithmetic::Int8);
    let (mut before, mut after) = (Answer::default(), Answer::default());
    gpu.run(&picture, &mut before).unwrap();
    assert_eq!(gpu.rebuilt(), 0);
    for losses in 1..3 {
        gpu.loaded().unwrap().device().lose();
        gpu.run(&picture, &mut after).unwrap();
        assert_eq!((gpu.rebuilt(), &after), (losses, &before));
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn tiles_are_measured_once_and_remembered() {
    let (plan, _) = super::endurance::one_of_each_kind();
    let folder = tempfile::tempdir().unwrap();
    let tiles = |arithmetic| tune::tiles(&device(), &plan, arithmetic, Some(folder.path())).unwrap();
    let (int8, float) = (tiles(Arithmetic::Int8), tiles(Arithmetic::Float16));
    let created = device().created();
    assert_eq!((tiles(Arithmetic::Int8), tiles(Arithmetic::Float16)), (int8, float));
    assert_eq!(device().created(), created, "nothing was loaded, so nothing was measured");
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn another_picture_size_and_another_adapter_are_refused() {
    let bundle = read_bundle(None).unwrap();
    let mut gpu = engine(&bundle, Arithmetic::Int8);
    assert!(gpu.name().starts_with("gpu: int8 "), "{}", gpu.name());
    let error = gpu.run(&Picture::filled(3, 5, [0; 3]), &mut Answer::default()).unwrap_err();
    assert!(error.to_string().contains("3x5"), "{error}");
    let plan = Plan::new(&bundle.network).unwrap();
    let nowhere = super::AdapterChoice::Named("no such adapter".to_string());
    let error = GpuEngine::new(&plan, Arithmetic::Int8, nowhere, None).err().unwrap();
    assert!(error.to_string().starts_with("no graphics adapter `no such adapter`: Vulkan shows `"), "{error}");
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn two_frames_may_be_on_their_way() {
    let (plan, picture) = super::endurance::one_of_each_kind();
    let recording = Recording::new(&plan, Arithmetic::Int8, &DEFAULT).unwrap();
    let mut loaded = Loaded::new(device(), &recording, &Progress::hidden()).unwrap();
    let other: Vec<u8> = picture.iter().map(|byte| !byte).collect();
    let (mut first, mut second) = (Answer::default(), Answer::default());
    for _ in 0..3 {
        let tickets = [loaded.submit(&picture).unwrap(), loaded.submit(&other).unwrap()];
        let [one, two] = tickets;
        loaded.wait(one, &mut first).unwrap();
        loaded.wait(two, &mut second).unwrap();
        for (found, picture) in [(&first, &picture), (&second, &other)] {
            let expected = reference::run(&plan, picture, |_, _| {});
            assert_eq!((&found.category14, &found.category26), (&expected.category14, &expected.category26));
        }
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn each_layer_is_compared_and_timed() {
    let bundle = read_bundle(None).unwrap();
    let mut plan = Plan::new(&bundle.network).unwrap();
    let (_, picture) = pictures(&bundle).next().unwrap();
    let mut engines = ALL.map(|arithmetic| engine(&bundle, arithmetic));
    for engine in &mut engines {
        assert_eq!(first_difference(&plan, engine, &picture).unwrap(), None, "{}", engine.name());
        let times = engine.layer_times(&picture).unwrap();
        assert_eq!(times.len(), plan.layers.len());
        assert!(times.iter().all(|time| !time.is_zero()), "{times:?}");
    }
    let changed = plan.layers.iter().position(|layer| layer.name == "features.3.conv.2").unwrap();
    let Operation::Dense(convolution) = &mut plan.layers[changed].operation else { panic!("a dense layer") };
    convolution.bias[5] += 30_000;
    for engine in &mut engines {
        let difference = first_difference(&plan, engine, &picture).unwrap().unwrap();
        assert_eq!((difference.place, difference.element), (changed, 5), "{}: {difference}", engine.name());
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn products_in_float16_keep_the_network_near_tract() {
    let bundle = read_bundle(None).unwrap();
    let plan = Plan::new(&bundle.network).unwrap();
    if !has_float16() {
        return;
    }
    let tiles = Tiles { half_products: true, ..DEFAULT };
    let recording = Recording::new(&plan, Arithmetic::Float16, &tiles).unwrap();
    let in_float16 = recording.texts.iter().filter(|text| text.needs_f16).count();
    assert!(in_float16 > 20, "only {in_float16} kernels of the network multiply in float16");
    let mut loaded = Loaded::new(device(), &recording, &Progress::hidden()).unwrap();
    let mut tract = TractEngine::new(&bundle.network).unwrap();
    let (mut found, mut expected) = (Answer::default(), Answer::default());
    for (name, picture) in pictures(&bundle) {
        loaded.run(picture.rgb(), &mut found).unwrap();
        tract.run(&picture, &mut expected).unwrap();
        let difference = difference(&found, &expected);
        assert!(difference < 6e-2, "{name}: {difference}");
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn both_are_measured_once_and_again_for_another_bundle() {
    let mut bundle = read_bundle(None).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let open = |bundle: &Bundle| auto::open_beside(&choice(), bundle, 1, Some(folder.path())).unwrap();
    let first = open(&bundle);
    let why = first.why.unwrap();
    // Whichever was faster here: both times are said, and that is news once.
    assert!(why.reason.contains(" ms a picture on `") && why.reason.contains(" ms on the processor"), "{}", why.reason);
    assert!(why.is_news);
    let second = open(&bundle);
    assert_eq!(second.engine.name(), first.engine.name());
    let remembered = second.why.unwrap();
    assert_eq!((&remembered.reason, remembered.is_news), (&why.reason, false));
    bundle.network = with_side(&bundle.network, 64).unwrap();
    assert!(open(&bundle).why.unwrap().is_news, "another bundle is measured anew");
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn compiled_kernels_are_kept_and_a_torn_file_is_replaced() {
    let (plan, _) = super::endurance::one_of_each_kind();
    let folder = tempfile::tempdir().unwrap();
    let open = || GpuEngine::new(&plan, Arithmetic::Int8, choice(), Some(folder.path())).unwrap();
    let kernels = || {
        let entries = std::fs::read_dir(folder.path().join("gpu-kernels")).unwrap();
        let [file] = &entries.map(|entry| entry.unwrap().path()).collect::<Vec<_>>()[..] else { panic!("one file") };
        (file.clone(), std::fs::read(file).unwrap(), std::fs::metadata(file).unwrap().ino())
    };
    open();
    let (file, whole, written) = kernels();
    open();
    assert_eq!(kernels().2, written, "what was read is not written again");
    write_atomic(&file, &whole[..whole.len() - 1]).unwrap();
    open();
    assert_eq!(kernels().1.len(), whole.len());
}
