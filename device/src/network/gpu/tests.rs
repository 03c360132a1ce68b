//! Made-up layers, and what needs no adapter.

use super::arithmetic::{ALL, Arithmetic};
use super::recording::Recording;
use super::tiles::DEFAULT;
use crate::network::plan::layers::Clamp;
use crate::network::plan::{
    Convolution, Form, Geometry, Layer, Operation, Plan, Pooling, Residual, Shape, Value, ValueId,
};
use crate::network::read_bundle;
use clothingid_shared::quantisation::Quantisation;

/// A layer in a few numbers, so that shrinking finds small ones.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) side: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) kind: Kind,
    pub(super) seed: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Dense(Geometry, Ending),
    Depthwise(Geometry),
    Add,
    Concat,
    MaxPool(Pooling),
    Mean,
    Normalise,
}

/// How a dense layer ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ending {
    Bytes,
    Residual,
    Floats,
}

/// What a layer reads: values and their bytes.
pub(super) type Inputs = Vec<(ValueId, Vec<u8>)>;

/// Pseudo-random bytes.
pub(super) fn noise(seed: u64) -> impl FnMut() -> u8 {
    let mut state = seed | 1;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    }
}

/// A plan of this one layer, and random bytes for the values that it reads; empty where a window does not fit.
///
/// Value and slot 0 are a picture that nobody reads, so that layers may be of either class.
pub(super) fn try_made_up(case: &Case) -> Option<(Plan, Inputs)> {
    let &Case { side, inputs, outputs, kind, seed } = case;
    let mut next = noise(seed);
    let (along, channels, parts) = match kind {
        Kind::Dense(geometry, ending) => {
            (geometry.along(side)?, outputs, if ending == Ending::Residual { 2 } else { 1 })
        }
        Kind::Depthwise(geometry) => (geometry.along(side)?, inputs, 1),
        Kind::Add => (side, inputs, 2),
        Kind::Concat => (side, 2 * inputs + outputs, 3),
        Kind::MaxPool(pooling) => (pooling.along(side)?, inputs, 1),
        Kind::Mean => (1, inputs, 1),
        Kind::Normalise => (1, inputs, 1),
    };
    let square = |side, channels| Shape { height: side, width: side, channels };
    let to_shape = square(along, channels);
    let mut quantisation =
        |scale: f32| Quantisation { scale: scale * (1.0 + f32::from(next()) / 512.0), zero_point: next() };
    let from = quantisation(0.02);
    let per_output = match kind {
        Kind::Dense(geometry, _) => geometry.taps() * inputs,
        Kind::Depthwise(geometry) => geometry.taps(),
        _ => 1,
    };
    // So that results use the whole range of a byte and pass it at times.
    let own = quantisation((per_output as f32).sqrt() * 73.0 * 73.0 * 0.02 * 0.002 / 60.0);
    let mut values = vec![value(square(1, 3), Form::Bytes(from))];
    for part in 0..parts {
        let shape = match (kind, part) {
            (Kind::Dense(..), 1) => to_shape,
            (Kind::Concat, 1) => square(side, outputs),
            (Kind::Normalise, _) => square(1, inputs),
            _ => square(side, inputs),
        };
        let form = match kind {
            Kind::Normalise => Form::Floats,
            _ if part == 0 => Form::Bytes(from),
            _ => Form::Bytes(quantisation(0.03)),
        };
        values.push(value(shape, form));
    }
    let to_form = match kind {
        Kind::Dense(_, Ending::Floats) | Kind::Normalise => Form::Floats,
        Kind::Dense(_, Ending::Residual) => Form::Bytes(quantisation(own.scale + 0.03)),
        Kind::Dense(..) | Kind::Depthwise(_) => Form::Bytes(own),
        Kind::MaxPool(_) => Form::Bytes(from),
        _ => Form::Bytes(quantisation(0.03)),
    };
    values.push(value(to_shape, to_form));
    let convolution = |geometry, residual, next: &mut dyn FnMut() -> u8| {
        let step = if to_form == Form::Floats { 1.0 } else { own.scale };
        let scales: Vec<f32> = (0..channels).map(|_| 0.001 + f32::from(next()) * 1e-5).collect();
        Convolution {
            geometry,
            weights_oihw: (0..channels * per_output).map(|_| next().cast_signed().max(-127)).collect(),
            bias: (0..channels).map(|_| i32::from(next()) * 100 - 12_800).collect(),
            multipliers: scales.iter().map(|scale| from.scale * scale / step).collect(),
            scales,
            clamp: [Clamp::None, Clamp::Relu, Clamp::Relu6][usize::from(next()) % 3],
            residual,
        }
    };
    let operation = match kind {
        Kind::Dense(geometry, ending) => {
            let residual = Residual { own, clamp: [Clamp::None, Clamp::Relu][usize::from(next()) % 2] };
            let residual = (ending == Ending::Residual).then_some(residual);
            Operation::Dense(convolution(geometry, residual, &mut next))
        }
        Kind::Depthwise(geometry) => Operation::Depthwise(convolution(geometry, None, &mut next)),
        Kind::Add => Operation::Add(Clamp::Relu),
        Kind::Concat => Operation::Concat,
        Kind::MaxPool(pooling) => Operation::MaxPool(pooling),
        Kind::Mean => Operation::Mean,
        Kind::Normalise => Operation::Normalise,
    };
    for (slot, value) in values.iter_mut().enumerate() {
        value.slot = slot;
    }
    let output = ValueId(values.len() - 1);
    let read: Vec<ValueId> = (1..=parts).map(ValueId).collect();
    let bytes = read.iter().map(|id| (*id, (0..values[id.0].shape.len()).map(|_| next()).collect())).collect();
    let slots = values.iter().map(|value| value.shape.len()).collect();
    let layers = vec![Layer { name: "made up".into(), operation, inputs: read, output }];
    Some((Plan { side: 1, values, layers, outputs: [output; 3], slots, notes: Vec::new() }, bytes))
}

/// As [`try_made_up`], for layers that fit.
pub(super) fn made_up(case: &Case) -> (Plan, Inputs) {
    try_made_up(case).unwrap()
}

fn value(shape: Shape, form: Form) -> Value {
    Value { name: String::new(), shape, form, slot: 0 }
}

pub(super) const POINTWISE: Geometry = Geometry { kernel: 1, stride: 1, before: 0, after: 0 };

pub(super) fn window(kernel: usize, stride: usize, before: usize, after: usize) -> Geometry {
    Geometry { kernel, stride, before, after }
}

/// Layers of MobileNetV2, SqueezeNet, ResNet and AlexNet, and edges of quads and tiles; one of each kind at least.
pub(super) fn made_up_layers() -> Vec<Case> {
    let pooling = |kernel, stride, border, rounds_up| Kind::MaxPool(Pooling { kernel, stride, border, rounds_up });
    [
        (11, 3, 32, Kind::Dense(window(3, 2, 0, 1), Ending::Bytes)),
        (10, 16, 96, Kind::Dense(POINTWISE, Ending::Bytes)),
        (5, 144, 24, Kind::Dense(POINTWISE, Ending::Residual)),
        (5, 960, 160, Kind::Dense(POINTWISE, Ending::Residual)),
        (1, 1280, 26, Kind::Dense(POINTWISE, Ending::Floats)),
        (1, 1280, 256, Kind::Dense(POINTWISE, Ending::Floats)),
        (1, 7, 1, Kind::Dense(POINTWISE, Ending::Floats)),
        (9, 144, 144, Kind::Depthwise(window(3, 1, 1, 1))),
        (9, 32, 32, Kind::Depthwise(window(3, 2, 0, 1))),
        (6, 63, 63, Kind::Depthwise(window(5, 1, 2, 2))),
        (7, 16, 64, Kind::Dense(window(3, 1, 1, 1), Ending::Bytes)),
        (7, 64, 64, Kind::Dense(window(3, 1, 1, 1), Ending::Residual)),
        (31, 3, 64, Kind::Dense(window(11, 4, 2, 2), Ending::Bytes)),
        (8, 20, 9, Kind::Dense(window(1, 2, 0, 0), Ending::Bytes)),
        (1, 1, 1, Kind::Dense(POINTWISE, Ending::Bytes)),
        (1, 1, 1, Kind::Depthwise(POINTWISE)),
        (13, 5, 65, Kind::Dense(POINTWISE, Ending::Residual)),
        (7, 13, 0, Kind::Add),
        (5, 64, 32, Kind::Concat),
        (3, 5, 2, Kind::Concat),
        (1, 1, 1, Kind::Concat),
        (13, 10, 0, pooling(3, 2, 0, true)),
        (12, 9, 0, pooling(3, 2, 1, false)),
        (5, 1281, 0, Kind::Mean),
        (1, 256, 0, Kind::Normalise),
        (1, 7, 0, Kind::Normalise),
    ]
    .map(|(side, inputs, outputs, kind)| Case { side, inputs, outputs, kind, seed: 7 })
    .to_vec()
}

#[test]
fn the_shipped_network_is_recorded_as_printed() {
    let plan = Plan::new(&read_bundle(None).unwrap().network).unwrap();
    let recording = Recording::new(&plan, Arithmetic::Int8, &DEFAULT).unwrap();
    insta::assert_snapshot!("recording", recording.to_string());
}

#[test]
fn no_dispatch_writes_where_it_reads() {
    let plan = Plan::new(&read_bundle(None).unwrap().network).unwrap();
    for arithmetic in ALL {
        let recording = Recording::new(&plan, arithmetic, &DEFAULT).unwrap();
        assert!(recording.dispatches.iter().all(|dispatch| !dispatch.reads.contains(&dispatch.writes)));
    }
}

#[test]
fn in_floats_only_a_convolution_reads_a_picture() {
    let case = Case { side: 4, inputs: 3, outputs: 0, kind: Kind::Mean, seed: 1 };
    let (mut plan, _) = made_up(&case);
    plan.layers[0].inputs = vec![ValueId(0)];
    let error = Recording::new(&plan, Arithmetic::Float32, &DEFAULT).unwrap_err();
    assert!(error.to_string().contains("`made up` (mean, 1x1x3) has no kernel"), "{error}");
    assert!(Recording::new(&plan, Arithmetic::Int8, &DEFAULT).is_ok());
}
