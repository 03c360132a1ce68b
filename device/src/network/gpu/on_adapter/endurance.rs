//! Many frames: answers stay right and memory stays flat. `CLOTHINGID_TEST_FULL` runs ten times as many.

use super::{choice, device};
use crate::network::gpu::arithmetic::Arithmetic;
use crate::network::gpu::engine::{GpuEngine, Loaded, Progress};
use crate::network::gpu::recording::Recording;
use crate::network::gpu::tests::noise;
use crate::network::gpu::tiles::DEFAULT;
use crate::network::plan::layers::Clamp;
use crate::network::plan::{
    Convolution, Form, Geometry, Layer, Operation, Plan, Pooling, Residual, Shape, Value, ValueId,
};
use crate::network::{Answer, Engine, read_bundle, reference};
use clothingid_shared::embedding::ArithmeticClass;
use clothingid_shared::picture::decode;
use clothingid_shared::quantisation::Quantisation;

/// What memory may grow by after the first tenth: the allocator's own movements.
const SLACK_KIB: usize = 2048;

/// Memory of this process.
fn resident_kib() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

fn times(of_ci: usize) -> usize {
    if std::env::var_os("CLOTHINGID_TEST_FULL").is_some() { 10 * of_ci } else { of_ci }
}

/// Runs something many times; memory after a tenth must be about that at the end.
fn run(times: usize, mut once: impl FnMut(usize)) {
    let mut early = 0;
    for time in 0..times {
        once(time);
        if time == times / 10 {
            early = resident_kib();
        }
    }
    let late = resident_kib();
    println!("{times} frames: {early} KiB after a tenth, {late} KiB at the end");
    assert!(late <= early + SLACK_KIB, "memory grew from {early} KiB to {late} KiB");
}

/// A small network with one layer of each kind, each value in a slot of its own, and the bytes of a picture.
pub(super) fn one_of_each_kind() -> (Plan, Vec<u8>) {
    let mut next = noise(17);
    let square = |side, channels| Shape { height: side, width: side, channels };
    let bytes = Form::Bytes(Quantisation { scale: 0.03, zero_point: 120 });
    let mut values = Vec::new();
    let mut value = |shape, form| {
        let id = ValueId(values.len());
        values.push(Value { name: String::new(), shape, form, slot: id.0 });
        id
    };
    let picture = value(square(8, 3), bytes);
    let mut layers = Vec::new();
    let mut layer = |operation, inputs: &[ValueId], output| {
        layers.push(Layer { name: format!("layer {}", layers.len()), operation, inputs: inputs.to_vec(), output });
        output
    };
    let mut convolution = |kernel, per_output: usize, outputs: usize, form: Form, residual| {
        let step = if form == Form::Floats { 1.0 } else { form.scale() };
        Convolution {
            geometry: Geometry { kernel, stride: 1, before: kernel / 2, after: kernel / 2 },
            weights_oihw: (0..outputs * per_output).map(|_| next().cast_signed().max(-127)).collect(),
            scales: vec![0.002; outputs],
            bias: vec![100; outputs],
            multipliers: vec![0.03 * 0.002 / step; outputs],
            clamp: Clamp::None,
            residual,
        }
    };
    let own = Quantisation { scale: 0.03, zero_point: 120 };
    let dense = layer(Operation::Dense(convolution(3, 27, 10, bytes, None)), &[picture], value(square(8, 10), bytes));
    let depthwise =
        layer(Operation::Depthwise(convolution(3, 9, 10, bytes, None)), &[dense], value(square(8, 10), bytes));
    let residual = Some(Residual { own, clamp: Clamp::None });
    let pointwise = Operation::Dense(convolution(1, 10, 10, bytes, residual));
    let pointwise = layer(pointwise, &[depthwise, dense], value(square(8, 10), bytes));
    let sum = layer(Operation::Add(Clamp::None), &[pointwise, depthwise], value(square(8, 10), bytes));
    let both = layer(Operation::Concat, &[sum, dense], value(square(8, 20), bytes));
    let pooling = Pooling { kernel: 2, stride: 2, border: 0, rounds_up: false };
    let pooled = layer(Operation::MaxPool(pooling), &[both], value(square(4, 20), bytes));
    let mean = layer(Operation::Mean, &[pooled], value(square(1, 20), bytes));
    let mut head = |outputs| {
        let operation = Operation::Dense(convolution(1, 20, outputs, Form::Floats, None));
        layer(operation, &[mean], value(square(1, outputs), Form::Floats))
    };
    let heads = [head(14), head(26), head(9)];
    let unit = layer(Operation::Normalise, &[heads[2]], value(square(1, 9), Form::Floats));
    let slots = values.iter().map(|value| value.shape.len()).collect();
    let plan = Plan { side: 8, values, layers, outputs: [heads[0], heads[1], unit], slots, notes: Vec::new() };
    (plan, (0..8 * 8 * 3).map(|_| next()).collect())
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn twenty_thousand_submits_of_a_small_network() {
    let (plan, mut picture) = one_of_each_kind();
    let recording = Recording::new(&plan, Arithmetic::Int8, &DEFAULT).unwrap();
    let mut loaded = Loaded::new(device(), &recording, &Progress::hidden()).unwrap();
    let mut found = Answer::default();
    run(times(20_000), |time| {
        picture[time % 192] = picture[time % 192].wrapping_add(31);
        loaded.run(&picture, &mut found).unwrap();
        if time % 500 == 0 {
            let expected = reference::run(&plan, &picture, |_, _| {});
            assert_eq!((&found.category14, &found.category26), (&expected.category14, &expected.category26), "{time}");
        }
    });
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn three_hundred_frames_of_the_whole_network() {
    let bundle = read_bundle(None).unwrap();
    let plan = Plan::new(&bundle.network).unwrap();
    let mut engine = GpuEngine::new(&plan, Arithmetic::Int8, choice(), None).unwrap();
    let photos: Vec<_> = bundle.golden.iter().take(8).collect();
    let picture = |photo: &[u8]| bundle.manifest.picture.make(&decode(photo).unwrap()).unwrap();
    let pictures: Vec<_> = photos.iter().map(|photo| picture(&photo.photo)).collect();
    let mut found = Answer::default();
    run(times(300), |time| {
        let place = time % photos.len();
        engine.run(&pictures[place], &mut found).unwrap();
        assert_eq!(found.category26, photos[place].answers[&ArithmeticClass::Int8].category26, "frame {time}");
    });
    assert_eq!(engine.rebuilt(), 0);
}
