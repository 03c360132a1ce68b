//! Every instruction set of this machine against the reference, on made-up layers.

use super::*;
use crate::network::plan::layers::Clamp;
use crate::network::plan::{Geometry, Residual, Shape};
use crate::network::reference;
use proptest::prelude::*;

/// A made-up layer and what it reads.
#[derive(Debug, Clone)]
struct Case {
    convolution: Convolution,
    from: Value,
    other: Value,
    to: Value,
    x: Vec<u8>,
    summand: Vec<u8>,
}

fn value(shape: Shape, form: Form) -> Value {
    Value { name: String::new(), shape, form, slot: 0 }
}

fn bytes(scale: f32, zero_point: u8) -> Form {
    Form::Bytes(Quantisation { scale, zero_point })
}

/// Pseudo-random bytes: a layer is described by a few numbers, so that shrinking finds small ones.
fn noise(seed: u64) -> impl FnMut() -> u8 {
    let mut state = seed | 1;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    }
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Bytes,
    Residual,
    Floats,
}

fn case(
    side: usize,
    (inputs, outputs): (usize, usize),
    geometry: Geometry,
    is_depthwise: bool,
    kind: Kind,
    seed: u64,
) -> Option<Case> {
    let along = geometry.along(side)?;
    let mut next = noise(seed);
    let from_shape = Shape { height: side, width: side, channels: inputs };
    let to_shape = Shape { height: along, width: along, channels: outputs };
    let from = value(from_shape, bytes(0.02, next()));
    let other = value(to_shape, bytes(0.03, next()));
    let per_output = geometry.taps() * if is_depthwise { 1 } else { inputs };
    let weights_oihw: Vec<i8> = (0..outputs * per_output).map(|_| next().cast_signed().max(-127)).collect();
    let scales: Vec<f32> = (0..outputs).map(|_| 0.001 + f32::from(next()) * 1e-5).collect();
    let bias = (0..outputs).map(|_| i32::from(next()) * 100 - 12_800).collect();
    // So that results use the whole range of a byte and pass it at times.
    let spread = (per_output as f32).sqrt() * 73.0 * 73.0 * 0.02 * 0.002 / 60.0;
    let own = Quantisation { scale: spread, zero_point: if next() < 128 { 0 } else { next() } };
    let form = match kind {
        Kind::Bytes => Form::Bytes(own),
        Kind::Residual => bytes(own.scale + 0.03, next()),
        Kind::Floats => Form::Floats,
    };
    let step = if matches!(kind, Kind::Floats) { 1.0 } else { own.scale };
    let multipliers = scales.iter().map(|scale| 0.02 * scale / step).collect();
    let residual = matches!(kind, Kind::Residual).then_some(Residual { own, clamp: Clamp::None });
    let convolution = Convolution { geometry, weights_oihw, scales, bias, multipliers, clamp: Clamp::None, residual };
    let x = (0..from_shape.len()).map(|_| next()).collect();
    let summand = (0..to_shape.len()).map(|_| next()).collect();
    Some(Case { convolution, from, other, to: value(to_shape, form), x, summand })
}

/// Behind its elements, what a slot has: the border, and bytes that nobody should use.
fn slot(elements: &[u8], channels: usize, zero_point: u8) -> Vec<u8> {
    let border = std::iter::repeat_n(zero_point, channels);
    elements.iter().copied().chain(border).chain(std::iter::repeat_n(0xa5, SLACK)).collect()
}

/// The bytes, or the bits of the floats, that a set of instructions gives; in two parts, as two threads would.
fn found(case: &Case, set: InstructionSet, is_depthwise: bool) -> Vec<u32> {
    let rows = Rows::new(case.convolution.geometry, case.from.shape, case.to.shape, case.x.len());
    let other = case.convolution.residual.map(|_| &case.other);
    let form = LayerForm { convolution: &case.convolution, from: &case.from, other, to: &case.to, rows };
    let kernel = if is_depthwise { set.depthwise(form) } else { set.dense(form) };
    let x = slot(&case.x, case.from.shape.channels, case.from.form.zero_point());
    let summand = slot(&case.summand, 0, 0);
    let (pixels, channels) = (case.to.shape.pixels(), case.to.shape.channels);
    let half = pixels / 2;
    if case.to.form == Form::Floats {
        let mut y = vec![f32::NAN; case.to.shape.len()];
        let (first, second) = y.split_at_mut(half * channels);
        kernel.run(&x, &[], Output::Floats(first), 0..half);
        kernel.run(&x, &[], Output::Floats(second), half..pixels);
        return y.iter().map(|y| y.to_bits()).collect();
    }
    let mut y = vec![0x5a; case.to.shape.len()];
    let (first, second) = y.split_at_mut(half * channels);
    kernel.run(&x, &summand, Output::Bytes(first), 0..half);
    kernel.run(&x, &summand, Output::Bytes(second), half..pixels);
    y.into_iter().map(u32::from).collect()
}

/// What the reference gives.
fn expected(case: &Case, is_depthwise: bool) -> Vec<u32> {
    let to = case.to.form.quantisation();
    if is_depthwise {
        let sums = reference::depthwise_sums(&case.x, &case.from, &case.convolution, case.to.shape);
        return reference::depthwise(&sums, &case.convolution, to).into_iter().map(u32::from).collect();
    }
    let sums = reference::dense_sums(&case.x, &case.from, &case.convolution, case.to.shape);
    if case.to.form == Form::Floats {
        return reference::floats(&sums, &case.convolution).into_iter().map(f32::to_bits).collect();
    }
    let other = case.convolution.residual.map(|_| (case.summand.as_slice(), case.other.form.quantisation()));
    reference::dense(&sums, &case.convolution, to, other).into_iter().map(u32::from).collect()
}

fn check(case: &Case, is_depthwise: bool) {
    let expected = expected(case, is_depthwise);
    for set in InstructionSet::of_this_machine() {
        let found = found(case, set, is_depthwise);
        let differs = found.iter().zip(&expected).position(|(found, expected)| found != expected);
        assert!(found.len() == expected.len() && differs.is_none(), "{set} differs at {differs:?} of {}", found.len());
    }
}

const POINTWISE: Geometry = Geometry { kernel: 1, stride: 1, before: 0, after: 0 };

#[test]
fn layers_of_real_networks() {
    // (side, inputs, outputs, geometry, depthwise, kind): of MobileNetV2, SqueezeNet, ResNet, AlexNet, and edges of blocks and tiles.
    let window = |kernel, stride, before, after| Geometry { kernel, stride, before, after };
    for (side, inputs, outputs, geometry, is_depthwise, kind) in [
        (11, 3, 32, window(3, 2, 0, 1), false, Kind::Bytes),
        (10, 16, 96, POINTWISE, false, Kind::Bytes),
        (5, 144, 24, POINTWISE, false, Kind::Residual),
        (5, 960, 160, POINTWISE, false, Kind::Residual),
        (1, 1280, 26, POINTWISE, false, Kind::Floats),
        (1, 1280, 256, POINTWISE, false, Kind::Floats),
        (1, 7, 1, POINTWISE, false, Kind::Floats),
        (9, 144, 144, window(3, 1, 1, 1), true, Kind::Bytes),
        (9, 32, 32, window(3, 2, 0, 1), true, Kind::Bytes),
        (6, 64, 64, window(5, 1, 2, 2), true, Kind::Bytes),
        (7, 16, 64, window(3, 1, 1, 1), false, Kind::Bytes),
        (7, 64, 64, window(3, 1, 1, 1), false, Kind::Residual),
        (31, 3, 64, window(11, 4, 2, 2), false, Kind::Bytes),
        (15, 3, 64, window(7, 2, 3, 3), false, Kind::Bytes),
        (1, 1, 1, POINTWISE, false, Kind::Bytes),
        (1, 1, 1, window(1, 1, 0, 0), true, Kind::Bytes),
        (13, 5, 65, POINTWISE, false, Kind::Residual),
    ] {
        check(&case(side, (inputs, outputs), geometry, is_depthwise, kind, 7).unwrap(), is_depthwise);
    }
}

#[test]
fn a_spoilt_weight_bias_or_byte_is_noticed() {
    let case = case(6, (20, 70), POINTWISE, false, Kind::Bytes, 3).unwrap();
    let right = expected(&case, false);
    let mut spoilt = case.clone();
    spoilt.convolution.weights_oihw[20 * 69 + 19] ^= 0x40;
    let mut shifted = case.clone();
    shifted.convolution.bias[33] += 4000;
    let mut other = case.clone();
    *other.x.last_mut().unwrap() ^= 0x80;
    for set in InstructionSet::of_this_machine() {
        for wrong in [&spoilt, &shifted, &other] {
            assert_ne!(found(wrong, set, false), right, "{set}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn dense_layers_are_those_of_the_reference(
        side in 1usize..14, inputs in 1usize..40, outputs in 1usize..150, kernel in 1usize..4, stride in 1usize..3,
        before in 0usize..2, after in 0usize..2, kind in 0usize..3, seed: u64,
    ) {
        let kind = [Kind::Bytes, Kind::Residual, Kind::Floats][kind];
        if let Some(case) = case(side, (inputs, outputs), Geometry { kernel, stride, before, after }, false, kind, seed) {
            check(&case, false);
        }
    }

    #[test]
    fn depthwise_layers_are_those_of_the_reference(
        side in 1usize..14, channels in 1usize..150, kernel in 1usize..6, stride in 1usize..3, before in 0usize..3,
        after in 0usize..3, seed: u64,
    ) {
        if let Some(case) = case(side, (channels, channels), Geometry { kernel, stride, before, after }, true, Kind::Bytes, seed) {
            check(&case, true);
        }
    }
}
