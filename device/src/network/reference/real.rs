//! The same layers in real numbers: plain loops in double precision on dequantised weights, nothing rounded between layers. What the float
//! classes are held against, as the integers' loops are what `int8` is held against.

use crate::network::plan::layers::Clamp;
use crate::network::plan::{Convolution, Layer, Operation, Plan, Pooling, Shape};

/// Runs a picture of `[side, side, 3]` bytes; `visit` is called with each layer's place and result.
pub(in crate::network) fn run(plan: &Plan, picture: &[u8], mut visit: impl FnMut(usize, &[f64])) {
    let mut values: Vec<Vec<f64>> = vec![Vec::new(); plan.values.len()];
    let pixels = plan.values[0].form.quantisation();
    values[0] = picture.iter().map(|byte| f64::from(pixels.dequantise(*byte))).collect();
    for (place, layer) in plan.layers.iter().enumerate() {
        let inputs: Vec<&[f64]> = layer.inputs.iter().map(|value| values[value.0].as_slice()).collect();
        let result = step(plan, layer, &inputs);
        visit(place, &result);
        values[layer.output.0] = result;
    }
}

/// Runs one layer.
pub(in crate::network) fn step(plan: &Plan, layer: &Layer, inputs: &[&[f64]]) -> Vec<f64> {
    let (from, to) = (plan.input(layer), plan.value(layer.output).shape);
    let (x, shape) = (inputs[0], from.shape);
    match &layer.operation {
        Operation::Dense(c) => {
            let own = convolution(c, x, from.form.scale(), shape, to, false);
            let Some(residual) = c.residual else { return own };
            own.iter().zip(inputs[1]).map(|(own, other)| clamped(own + other, residual.clamp)).collect()
        }
        Operation::Depthwise(c) => convolution(c, x, from.form.scale(), shape, to, true),
        Operation::Add(clamp) => x.iter().zip(inputs[1]).map(|(a, b)| clamped(a + b, *clamp)).collect(),
        Operation::Concat => {
            let channels = |part: usize| plan.value(layer.inputs[part]).shape.channels;
            let of_pixel = |p: usize| {
                let parts = inputs.iter().enumerate();
                parts.flat_map(move |(part, real)| real[p * channels(part)..(p + 1) * channels(part)].to_vec())
            };
            (0..to.pixels()).flat_map(of_pixel).collect()
        }
        Operation::MaxPool(pooling) => max_pool(x, shape, *pooling, to),
        Operation::Mean => {
            let sum = |c: usize| (0..shape.pixels()).map(|p| x[p * shape.channels + c]).sum::<f64>();
            (0..shape.channels).map(|c| sum(c) / shape.pixels() as f64).collect()
        }
        Operation::Normalise => {
            let norm = x.iter().map(|v| v * v).sum::<f64>().sqrt();
            x.iter().map(|v| if norm > 0.0 { v / norm } else { 0.0 }).collect()
        }
    }
}

fn convolution(c: &Convolution, x: &[f64], x_scale: f32, from: Shape, to: Shape, is_depthwise: bool) -> Vec<f64> {
    let (taps, inputs) = (c.geometry.taps(), from.channels);
    let mut y = Vec::with_capacity(to.len());
    for pixel in 0..to.pixels() {
        for o in 0..to.channels {
            let scale = f64::from(c.scales[o]);
            let mut sum = f64::from(c.bias[o]) * f64::from(x_scale) * scale;
            for tap in 0..taps {
                let Some(source) = c.geometry.source(from, to, pixel, tap) else { continue };
                for i in if is_depthwise { o..o + 1 } else { 0..inputs } {
                    let at = if is_depthwise { o * taps + tap } else { (o * inputs + i) * taps + tap };
                    sum += x[source * inputs + i] * f64::from(c.weights_oihw[at]) * scale;
                }
            }
            y.push(clamped(sum, c.clamp));
        }
    }
    y
}

fn max_pool(x: &[f64], from: Shape, pooling: Pooling, to: Shape) -> Vec<f64> {
    let mut y = Vec::with_capacity(to.len());
    for pixel in 0..to.pixels() {
        for channel in 0..to.channels {
            let mut largest = f64::MIN;
            for row in pooling.window(pixel / to.width, from.height) {
                for column in pooling.window(pixel % to.width, from.width) {
                    largest = largest.max(x[(row * from.width + column) * from.channels + channel]);
                }
            }
            y.push(largest);
        }
    }
    y
}

fn clamped(value: f64, clamp: Clamp) -> f64 {
    match clamp {
        Clamp::None => value,
        Clamp::Relu => value.max(0.0),
        Clamp::Relu6 => value.clamp(0.0, 6.0),
    }
}
