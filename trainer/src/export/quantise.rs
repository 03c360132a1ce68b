//! Float weights to integers: `int8` weights with one scale an output channel, `int32` biases, and the correction of biases.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::calibrate::{Clipping, Observations};
use super::error::ExportError;
use super::fused::Operation;
use super::quantised::{
    FloatNetwork, FloatWeights, Quantisation, QuantisedNetwork, QuantisedWeights, WEIGHT_LEVELS, covering, of_picture,
};
use super::simulate::batched::Batched;

/// Largest bias in steps, so that corrections and sums have room: a scale grows until its bias fits.
const BIAS_MAX: f32 = 536_870_912.0;

/// How many weights share one scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Granularity {
    /// Those of one output channel: what ships.
    Channel,
    /// Those of one layer: ruins MobileNets, kept so that a test sees the gate refuse it.
    Tensor,
}

/// One row of weights and its bias to integers.
#[must_use]
#[expect(clippy::cast_possible_truncation, reason = "bounded by the scale; `as` saturates")]
pub fn quantise_row(weights: &[f32], bias: f32, x_scale: f32, largest: f32) -> (Vec<i8>, f32, i32) {
    let scale = (largest / WEIGHT_LEVELS).max(bias.abs() / (x_scale * BIAS_MAX)).max(1e-20);
    let integer = |&w: &f32| (w / scale).round_ties_even().clamp(-WEIGHT_LEVELS, WEIGHT_LEVELS) as i8;
    let step = f64::from(x_scale * scale);
    (weights.iter().map(integer).collect(), scale, (f64::from(bias) / step).round_ties_even() as i32)
}

/// Parameters of one layer to integers.
fn quantise_layer(layer: &FloatWeights, x_scale: f32, granularity: Granularity) -> QuantisedWeights {
    let row = (layer.weights_oihw.len() / layer.bias.len().max(1)).max(1);
    let largest = |weights: &[f32]| weights.iter().fold(0f32, |max, w| max.max(w.abs()));
    let of_layer = largest(&layer.weights_oihw);
    let mut quantised = QuantisedWeights { weights_oihw: Vec::new(), scales: Vec::new(), bias: Vec::new() };
    for (weights, &bias) in layer.weights_oihw.chunks(row).zip(&layer.bias) {
        let largest = if granularity == Granularity::Tensor { of_layer } else { largest(weights) };
        let (integers, scale, bias) = quantise_row(weights, bias, x_scale, largest);
        quantised.weights_oihw.extend(integers);
        quantised.scales.push(scale);
        quantised.bias.push(bias);
    }
    quantised
}

/// Quantises a network by what the calibration saw.
///
/// # Errors
/// [`ExportError::Layer`] where a layer with weights reads something that stays float.
pub fn quantise(
    network: &FloatNetwork,
    observations: &Observations,
    clipping: Clipping,
    granularity: Granularity,
) -> Result<QuantisedNetwork, ExportError> {
    let graph = &network.graph;
    let mut activations: Vec<Option<Quantisation>> = Vec::new();
    let mut weights = BTreeMap::new();
    for (place, node) in graph.nodes.iter().enumerate() {
        let (low, high) = observations.histograms[place].range(clipping, node.clamp);
        activations.push(match node.operation {
            Operation::Picture => Some(of_picture()),
            // The largest of some bytes is one of them.
            Operation::MaxPool(_) => activations[node.inputs[0]],
            _ if graph.is_float(place) => None,
            _ => Some(covering(low, high, node.clamp)),
        });
        if let Some(layer) = network.weights.get(&place) {
            let fail = || ExportError::Layer { layer: node.name.clone(), reason: "its input stays float".to_owned() };
            let x = activations[node.inputs[0]].ok_or_else(fail)?;
            weights.insert(place, quantise_layer(layer, x.scale, granularity));
        }
    }
    Ok(QuantisedNetwork { graph: graph.clone(), activations, weights })
}

/// Moves each layer's biases so that the mean of each of its channels, before the clamp, is that of the float network.
///
/// Layer by layer, each with the corrected layers before it. **Source**: Nagel et al. 2019, "Data-Free Quantization Through Weight
/// Equalization and Bias Correction", section 4.2, with measured means.
///
/// # Errors
/// [`ExportError::Torch`].
pub fn correct_biases<P: AsRef<[u8]>>(
    batched: &mut Batched,
    observations: &Observations,
    pictures: &[P],
    mut done: impl FnMut(),
) -> Result<(), ExportError> {
    let _guard = tch::no_grad_guard();
    let nodes = batched.network().graph.nodes.clone();
    let mut live: Vec<Option<Tensor>> = (0..nodes.len()).map(|_| None).collect();
    for (place, node) in nodes.iter().enumerate() {
        if node.operation == Operation::Picture {
            live[place] = Some(batched.pictures(pictures)?);
            done();
            continue;
        }
        let inputs: Vec<&Tensor> = node.inputs.iter().filter_map(|&p| live[p].as_ref()).collect();
        // The normalisation behind the last layer has no bias and no reader.
        let [first, ..] = inputs.as_slice() else { continue };
        if let Some(sums) = batched.sums(place, first)? {
            let means = channel_means(&sums);
            let scale = |c: usize| f64::from(batched.network().bias_scale(place, c).unwrap_or(0.0));
            let found = means.iter().enumerate().map(|(c, mean)| mean * scale(c));
            let correction: Vec<f64> =
                observations.channel_means[place].iter().zip(found).map(|(float, found)| float - found).collect();
            batched.correct_bias(place, &correction)?;
        }
        if batched.network().activations[place].is_some() {
            let result = batched.step(place, &inputs)?;
            live[place] = Some(result);
        }
        for &input in &node.inputs {
            if batched.is_done(input, place) {
                live[input] = None;
            }
        }
        done();
    }
    Ok(())
}

/// Mean of each channel over photographs and pixels.
fn channel_means(sums: &Tensor) -> Vec<f64> {
    let axes: &[i64] = if sums.dim() == 4 { &[0, 2, 3] } else { &[0] };
    let means = sums.mean_dim(axes, false, Kind::Double).contiguous();
    let mut values = vec![0f64; means.numel()];
    let count = values.len();
    means.copy_data(&mut values, count);
    values
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rows_of_zeros_keep_their_bias() {
        let (weights, scale, bias) = quantise_row(&[0.0; 4], 3.0, 0.02, 0.0);
        assert_eq!(weights, [0; 4]);
        let back = f64::from(bias) * f64::from(scale * 0.02);
        assert!((back - 3.0).abs() < 1e-5, "{back}");
        assert_eq!(quantise_row(&[], 0.0, 1.0, 0.0).2, 0);
    }

    proptest! {
        #[test]
        fn weights_and_biases_come_back_within_half_a_step(
            weights in proptest::collection::vec(-3f32..3.0, 1..40), bias in -20f32..20.0, x_scale in 1e-4f32..0.1,
        ) {
            let largest = weights.iter().fold(0f32, |max, w| max.max(w.abs()));
            let (integers, scale, quantised_bias) = quantise_row(&weights, bias, x_scale, largest);
            for (&integer, &weight) in integers.iter().zip(&weights) {
                // Half a step, and the float error of division and product.
                prop_assert!((f32::from(integer) * scale - weight).abs() <= scale * 0.5001);
            }
            let step = f64::from(x_scale * scale);
            prop_assert!((f64::from(quantised_bias) * step - f64::from(bias)).abs() <= step * 0.5001 + 1e-6);
        }
    }
}
