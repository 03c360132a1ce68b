//! Every kernel on the adapter: bytes equal those of the reference, real numbers those of plain loops.

use super::{device, has_float16};
use crate::network::gpu::arithmetic::Arithmetic;
use crate::network::gpu::engine::{Loaded, Progress, elements};
use crate::network::gpu::recording::Recording;
use crate::network::gpu::tests::{Case, Ending, Kind, POINTWISE, made_up, made_up_layers, try_made_up};
use crate::network::gpu::tiles::{DEFAULT, LanesOver, Products, Tile, Tiles};
use crate::network::plan::Elements;
use crate::network::plan::layers::Clamp;
use crate::network::plan::{Form, Geometry, Operation, Plan, Pooling, Shape, ValueId};
use crate::network::reference;
use half::f16;
use proptest::prelude::*;

const TILES: [Tiles; 4] = [
    DEFAULT,
    Tiles {
        dense: Tile { lanes_over: LanesOver::Channels, pixels: 4, quads: 1, invocations: 1 << 20 },
        depthwise_pixels: 1,
        products: Products::Packed,
        half_products: true,
    },
    Tiles {
        dense: Tile { lanes_over: LanesOver::Pixels, pixels: 3, quads: 4, invocations: 200 },
        depthwise_pixels: 7,
        products: Products::Integers,
        half_products: false,
    },
    Tiles {
        dense: Tile { lanes_over: LanesOver::Channels, pixels: 1, quads: 1, invocations: 2000 },
        depthwise_pixels: 2,
        products: Products::Floats,
        half_products: true,
    },
];

/// The tiles that the adapter can run.
fn tiles() -> impl Iterator<Item = Tiles> {
    let has_float16 = has_float16();
    TILES.into_iter().map(move |tiles| Tiles { half_products: tiles.half_products && has_float16, ..tiles })
}

fn nth_tiles(place: usize) -> Tiles {
    tiles().nth(place).unwrap()
}

/// Elements with their channels padded to quads; the padding is what nobody should use.
fn pad<T: Copy>(elements: &[T], shape: Shape, padding: T) -> Vec<T> {
    let missing = shape.channels.next_multiple_of(4) - shape.channels;
    let pixels = elements.chunks(shape.channels);
    pixels.flat_map(|pixel| pixel.iter().copied().chain(std::iter::repeat_n(padding, missing))).collect()
}

/// The real numbers of a value's bytes; of what is no bytes, some of both signs.
fn real(plan: &Plan, id: ValueId, bytes: &[u8]) -> Vec<f32> {
    let form = plan.value(id).form;
    let one = |byte: &u8| match form {
        Form::Bytes(quantisation) => quantisation.dequantise(*byte),
        Form::Floats => f32::from(*byte) - 128.0,
    };
    bytes.iter().map(one).collect()
}

fn le_bytes(floats: &[f32]) -> Vec<u8> {
    floats.iter().flat_map(|float| float.to_le_bytes()).collect()
}

/// What the adapter gives in integers.
fn found_int8(plan: &Plan, inputs: &[(ValueId, Vec<u8>)], tiles: &Tiles) -> Elements {
    let recording = Recording::new(plan, Arithmetic::Int8, tiles).unwrap();
    let loaded = Loaded::new(device(), &recording, &Progress::hidden()).unwrap();
    let padded = |(id, bytes): &(ValueId, Vec<u8>)| {
        let value = plan.value(*id);
        let bytes = match value.form {
            Form::Bytes(_) => pad(bytes, value.shape, 0xa5),
            Form::Floats => le_bytes(&pad(&real(plan, *id, bytes), value.shape, 0.0)),
        };
        (value.slot, bytes)
    };
    let inputs: Vec<(usize, Vec<u8>)> = inputs.iter().map(padded).collect();
    let bytes = loaded.run_slots(&inputs, plan.value(plan.layers[0].output).slot);
    elements(Arithmetic::Int8, &recording.dispatches[0], &bytes)
}

/// What the reference gives.
fn expected_int8(plan: &Plan, inputs: &[(ValueId, Vec<u8>)]) -> Elements {
    let elements = |(id, bytes): &(ValueId, Vec<u8>)| match plan.value(*id).form {
        Form::Bytes(_) => Elements::Bytes(bytes.clone()),
        Form::Floats => Elements::Floats(real(plan, *id, bytes)),
    };
    let inputs: Vec<Elements> = inputs.iter().map(elements).collect();
    reference::step(plan, &plan.layers[0], &inputs.iter().collect::<Vec<_>>())
}

fn check_int8(case: &Case, tiles: &Tiles) {
    let Some((plan, inputs)) = try_made_up(case) else { return };
    match (found_int8(&plan, &inputs, tiles), expected_int8(&plan, &inputs)) {
        (Elements::Floats(found), Elements::Floats(expected)) if matches!(case.kind, Kind::Normalise) => {
            let expected: Vec<f64> = expected.iter().map(|y| f64::from(*y)).collect();
            check_near(case, &found, (&expected, 1.0), FLOAT32);
        }
        (found, expected) => {
            assert!(found == expected, "{case:?} {}\n{found:?}\n{expected:?}", tiles.line());
        }
    }
}

/// What the adapter gives in floats.
fn found_float(plan: &Plan, inputs: &[(ValueId, Vec<u8>)], arithmetic: Arithmetic, tiles: &Tiles) -> Vec<f32> {
    let recording = Recording::new(plan, arithmetic, tiles).unwrap();
    let is_half = |form: Form| arithmetic == Arithmetic::Float16 && form != Form::Floats;
    let loaded = Loaded::new(device(), &recording, &Progress::hidden()).unwrap();
    let padded = |(id, bytes): &(ValueId, Vec<u8>)| {
        let value = plan.value(*id);
        if *id == ValueId(0) {
            return (value.slot, pad(bytes, value.shape, 0));
        }
        let floats = pad(&real(plan, *id, bytes), value.shape, 0.0);
        let halves = || floats.iter().flat_map(|float| f16::from_f32(*float).to_le_bytes()).collect();
        (value.slot, if is_half(value.form) { halves() } else { le_bytes(&floats) })
    };
    let inputs: Vec<(usize, Vec<u8>)> = inputs.iter().map(padded).collect();
    let bytes = loaded.run_slots(&inputs, plan.value(plan.layers[0].output).slot);
    elements(arithmetic, &recording.dispatches[0], &bytes).floats().to_vec()
}

/// The inputs in double precision.
fn reals(plan: &Plan, inputs: &[(ValueId, Vec<u8>)]) -> Vec<Vec<f64>> {
    inputs.iter().map(|(id, bytes)| real(plan, *id, bytes).into_iter().map(f64::from).collect()).collect()
}

/// The largest sum of magnitudes that goes into any result: what roundings are relative to. A result may be far smaller, where summands
/// cancel.
fn largest_magnitude(plan: &Plan, inputs: &[(ValueId, Vec<u8>)]) -> f64 {
    let mut plan = plan.clone();
    match &mut plan.layers[0].operation {
        Operation::Dense(c) | Operation::Depthwise(c) => {
            c.clamp = Clamp::None;
            c.weights_oihw.iter_mut().for_each(|w| *w = w.saturating_abs());
            c.bias.iter_mut().for_each(|bias| *bias = bias.abs());
            c.residual.iter_mut().for_each(|residual| residual.clamp = Clamp::None);
        }
        Operation::Add(clamp) => *clamp = Clamp::None,
        _ => {}
    }
    let magnitudes: Vec<Vec<f64>> =
        reals(&plan, inputs).into_iter().map(|real| real.into_iter().map(f64::abs).collect()).collect();
    expected_float(&plan, &magnitudes).into_iter().fold(1e-3, f64::max)
}

/// Plain loops in double precision.
fn expected_float(plan: &Plan, reals: &[Vec<f64>]) -> Vec<f64> {
    let inputs: Vec<&[f64]> = reals.iter().map(Vec::as_slice).collect();
    reference::real::step(plan, &plan.layers[0], &inputs)
}

/// What float32 may lose over the longest sums of made-up layers, of the largest sum of magnitudes.
const FLOAT32: f64 = 1e-5;

/// What float16 may lose: inputs, weights and result are rounded to 11 bits each, 3 · 2⁻¹¹ of the largest sum of magnitudes at most; and the
/// sums of four products on the way, four more.
const FLOAT16: f64 = 1.5e-3;
const FLOAT16_BY_FLOAT16: f64 = 3.5e-3;

fn check_near(case: &Case, found: &[f32], (expected, largest): (&[f64], f64), tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (f64::from(*found) - expected).abs();
        assert!(difference <= tolerance * largest, "{case:?} ({tolerance}) at {place}: {found}, expected {expected}");
    }
}

fn check_float(case: &Case, tiles: &Tiles) {
    let Some((plan, inputs)) = try_made_up(case) else { return };
    check_floats(case, &plan, &inputs, tiles);
}

/// Both float arithmetics against plain loops.
fn check_floats(case: &Case, plan: &Plan, inputs: &[(ValueId, Vec<u8>)], tiles: &Tiles) {
    let largest = largest_magnitude(plan, inputs);
    let expected = expected_float(plan, &reals(plan, inputs));
    let is_dense = matches!(plan.layers[0].operation, Operation::Dense(_));
    let float16 = if tiles.half_products && is_dense { FLOAT16_BY_FLOAT16 } else { FLOAT16 };
    for (arithmetic, tolerance) in [(Arithmetic::Float32, FLOAT32), (Arithmetic::Float16, float16)] {
        let found = found_float(plan, inputs, arithmetic, tiles);
        check_near(case, &found, (&expected, largest), tolerance);
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn layers_of_real_networks() {
    for case in made_up_layers() {
        for tiles in &tiles().collect::<Vec<_>>() {
            check_int8(&case, tiles);
            check_float(&case, tiles);
        }
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn sums_beyond_what_floats_hold_are_exact_too() {
    let case = Case { side: 2, inputs: 800, outputs: 8, kind: Kind::Dense(POINTWISE, Ending::Floats), seed: 5 };
    let (mut plan, mut inputs) = made_up(&case);
    let Operation::Dense(c) = &mut plan.layers[0].operation else { panic!("dense") };
    // All signs agree and the result is odd: float32 would drop its last digit.
    c.weights_oihw.fill(127);
    inputs[0].1.fill(255);
    let Form::Bytes(quantisation) = &mut plan.values[1].form else { panic!("bytes") };
    quantisation.zero_point = 0;
    for tiles in &tiles().collect::<Vec<_>>() {
        assert_eq!(found_int8(&plan, &inputs, tiles), expected_int8(&plan, &inputs), "{}", tiles.line());
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn a_picture_is_normalised_in_its_first_layer() {
    let geometry = Geometry { kernel: 3, stride: 2, before: 0, after: 1 };
    let case = Case { side: 9, inputs: 3, outputs: 10, kind: Kind::Dense(geometry, Ending::Bytes), seed: 11 };
    let (mut plan, mut inputs) = made_up(&case);
    plan.values[0].shape = plan.values[1].shape;
    plan.values[0].form = plan.values[1].form;
    plan.layers[0].inputs = vec![ValueId(0)];
    inputs[0].0 = ValueId(0);
    for tiles in &tiles().collect::<Vec<_>>() {
        check_floats(&case, &plan, &inputs, tiles);
        assert_eq!(found_int8(&plan, &inputs, tiles), expected_int8(&plan, &inputs));
    }
}

#[test]
#[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
fn a_spoilt_weight_bias_or_byte_is_noticed() {
    for kind in [Kind::Dense(POINTWISE, Ending::Bytes), Kind::Depthwise(Geometry { kernel: 3, ..POINTWISE })] {
        let case = Case { side: 6, inputs: 20, outputs: 70, kind, seed: 3 };
        let (plan, inputs) = made_up(&case);
        let right = expected_int8(&plan, &inputs);
        let mut spoilt = [plan.clone(), plan.clone()];
        for (which, plan) in spoilt.iter_mut().enumerate() {
            let (Operation::Dense(c) | Operation::Depthwise(c)) = &mut plan.layers[0].operation else {
                panic!("no convolution")
            };
            match which {
                0 => c.weights_oihw.iter_mut().rev().take(20).for_each(|w| *w ^= 0x40),
                _ => c.bias[13] += 9000,
            }
        }
        let mut other = inputs.clone();
        other[0].1.iter_mut().rev().take(20).for_each(|byte| *byte ^= 0x80);
        for tiles in &tiles().collect::<Vec<_>>() {
            assert_eq!(found_int8(&plan, &inputs, tiles), right);
            assert_ne!(found_int8(&spoilt[0], &inputs, tiles), right, "{kind:?} {}", tiles.line());
            assert_ne!(found_int8(&spoilt[1], &inputs, tiles), right, "{kind:?} {}", tiles.line());
            assert_ne!(found_int8(&plan, &other, tiles), right, "{kind:?} {}", tiles.line());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    #[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
    fn dense_layers_are_those_of_the_reference(
        side in 1usize..12, inputs in 1usize..40, outputs in 1usize..70, kernel in 1usize..4, stride in 1usize..3,
        before in 0usize..2, after in 0usize..2, ending in 0usize..3, tiles in 0usize..4, seed: u64,
    ) {
        let ending = [Ending::Bytes, Ending::Residual, Ending::Floats][ending];
        let kind = Kind::Dense(Geometry { kernel, stride, before, after }, ending);
        let case = Case { side, inputs, outputs, kind, seed };
        check_int8(&case, &nth_tiles(tiles));
        check_float(&case, &nth_tiles(tiles));
    }

    #[test]
    #[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
    fn depthwise_layers_are_those_of_the_reference(
        side in 1usize..14, inputs in 1usize..70, kernel in 1usize..6, stride in 1usize..3, before in 0usize..3,
        after in 0usize..3, tiles in 0usize..4, seed: u64,
    ) {
        let case = Case { side, inputs, outputs: 0, kind: Kind::Depthwise(Geometry { kernel, stride, before, after }), seed };
        check_int8(&case, &nth_tiles(tiles));
        check_float(&case, &nth_tiles(tiles));
    }

    #[test]
    #[ignore = "needs a Vulkan adapter: `cargo xtask test --suite gpu`"]
    fn other_layers_are_those_of_the_reference(
        side in 1usize..14, inputs in 1usize..40, outputs in 1usize..20, kernel in 1usize..4, stride in 1usize..3,
        border in 0usize..2, rounds_up: bool, which in 0usize..5, seed: u64,
    ) {
        let pooling = Pooling { kernel, stride, border, rounds_up };
        let kind = [Kind::Add, Kind::Concat, Kind::MaxPool(pooling), Kind::Mean, Kind::Normalise][which];
        let case = Case { side, inputs, outputs, kind, seed };
        check_int8(&case, &DEFAULT);
        check_float(&case, &DEFAULT);
    }
}
