//! Batch norm folded into the convolution before it: `w' = w · γ / √(σ² + ε)`, `b' = β + (b - μ) · γ / √(σ² + ε)`.
//!
//! The arithmetic is `f64`; the result is an ordinary [`Graph`] with ordinary [`Weights`], so libtorch runs it as it ran the one that
//! was trained.

use crate::network::graph::{Graph, Layer, NodeId};
use crate::network::weights::{Array, Weights};

use super::error::ExportError;
use super::fused::{FusedGraph, fuse};
use super::quantised::{FloatNetwork, FloatWeights};

/// Epsilon of every batch norm of ours.
const EPSILON: f64 = 1e-5;

/// Takes a parameter, with the number of values that its layer needs.
fn parameter<'a>(weights: &'a Weights, layer: &str, what: &str, expected: usize) -> Result<&'a [f32], ExportError> {
    let parameter = format!("{layer}.{what}");
    let layer = || layer.to_owned();
    let Ok(array) = weights.get(&parameter) else {
        return Err(ExportError::MissingParameter { layer: layer(), parameter });
    };
    if array.values.len() != expected {
        return Err(ExportError::ParameterLength { layer: layer(), parameter, expected, found: array.values.len() });
    }
    if array.values.iter().any(|value| !value.is_finite()) {
        return Err(ExportError::NotFinite { layer: layer(), parameter });
    }
    Ok(&array.values)
}

/// Folds every batch norm, and gives every convolution a bias.
///
/// # Errors
/// [`ExportError::MissingParameter`], [`ExportError::ParameterLength`], [`ExportError::NotFinite`]; [`ExportError::Layer`] for a batch norm
/// that does not follow a convolution which it alone reads.
pub fn fold(graph: &Graph, weights: &Weights) -> Result<(Graph, Weights), ExportError> {
    let mut folded = Graph::new(&graph.backbone);
    folded.nodes.clear();
    let mut arrays = Weights::new();
    let mut place_of: Vec<NodeId> = Vec::new();
    for node in &graph.nodes {
        let inputs: Vec<NodeId> = node.inputs.iter().map(|id| place_of[id.0]).collect();
        let layer = match &node.layer {
            Layer::BatchNorm { channels } => {
                let input = *node.inputs.first().ok_or_else(|| alone(&node.name))?;
                let readers = graph.nodes.iter().filter(|other| other.inputs.contains(&input)).count();
                let is_output = graph.outputs.iter().any(|(_, output)| *output == input);
                let before = graph.node(input);
                let Layer::Convolution { outputs, .. } = before.layer else { return Err(alone(&node.name)) };
                if readers != 1 || is_output || outputs != *channels {
                    return Err(alone(&node.name));
                }
                fold_into(&mut arrays, &before.name, weights, &node.name, *channels)?;
                place_of.push(inputs[0]);
                continue;
            }
            Layer::Convolution { inputs, outputs, kernel, stride, groups, padding, bias } => {
                let shape = vec![*outputs, inputs / (*groups).max(1), *kernel, *kernel];
                let values = parameter(weights, &node.name, "weight", shape.iter().product())?.to_vec();
                let bias = if *bias {
                    parameter(weights, &node.name, "bias", *outputs)?.to_vec()
                } else {
                    vec![0.0; *outputs]
                };
                arrays.insert(format!("{}.weight", node.name), Array { shape, values });
                arrays.insert(format!("{}.bias", node.name), Array { shape: vec![*outputs], values: bias });
                let (inputs, outputs, kernel, stride, groups) = (*inputs, *outputs, *kernel, *stride, *groups);
                Layer::Convolution { inputs, outputs, kernel, stride, groups, padding: *padding, bias: true }
            }
            Layer::Linear { inputs, outputs } => {
                let values = parameter(weights, &node.name, "weight", inputs * outputs)?.to_vec();
                let bias = parameter(weights, &node.name, "bias", *outputs)?.to_vec();
                arrays.insert(format!("{}.weight", node.name), Array { shape: vec![*outputs, *inputs], values });
                arrays.insert(format!("{}.bias", node.name), Array { shape: vec![*outputs], values: bias });
                node.layer.clone()
            }
            other => other.clone(),
        };
        place_of.push(folded.push(node.name.clone(), layer, &inputs));
    }
    for (name, id) in &graph.outputs {
        folded.output(name, place_of[id.0]);
    }
    Ok((folded, arrays))
}

/// The error of a batch norm that has no convolution of its own.
fn alone(layer: &str) -> ExportError {
    ExportError::Layer {
        layer: layer.to_owned(),
        reason: "the batch norm does not follow a convolution that it alone reads".to_owned(),
    }
}

/// Changes the convolution's arrays by the batch norm's.
#[expect(clippy::cast_possible_truncation, reason = "rounding to f32 once, at the end, is the point")]
fn fold_into(
    arrays: &mut Weights,
    convolution: &str,
    weights: &Weights,
    norm: &str,
    channels: usize,
) -> Result<(), ExportError> {
    let gamma = parameter(weights, norm, "weight", channels)?;
    let beta = parameter(weights, norm, "bias", channels)?;
    let mean = parameter(weights, norm, "running_mean", channels)?;
    let variance = parameter(weights, norm, "running_var", channels)?;
    let factors: Vec<f64> =
        gamma.iter().zip(variance).map(|(&g, &v)| f64::from(g) / (f64::from(v) + EPSILON).sqrt()).collect();
    let (weight_name, bias_name) = (format!("{convolution}.weight"), format!("{convolution}.bias"));
    if let Some(mut array) = arrays.remove(&weight_name) {
        let row = array.values.len() / channels.max(1);
        for (values, factor) in array.values.chunks_mut(row.max(1)).zip(&factors) {
            values.iter_mut().for_each(|value| *value = (f64::from(*value) * factor) as f32);
        }
        arrays.insert(weight_name, array);
    }
    if let Some(mut array) = arrays.remove(&bias_name) {
        for (((value, factor), &b), &m) in array.values.iter_mut().zip(&factors).zip(beta).zip(mean) {
            *value = (f64::from(b) + (f64::from(*value) - f64::from(m)) * factor) as f32;
        }
        arrays.insert(bias_name, array);
    }
    Ok(())
}

/// Folds and fuses: the network in the exporter's own form, for pictures of `side`.
///
/// Also returns, for each fused node, the folded graph's node whose result it gives.
///
/// # Errors
/// As [`fold`] and [`fuse`].
pub fn float_network(graph: &Graph, weights: &Weights, side: usize) -> Result<FloatNetwork, ExportError> {
    let (folded, arrays) = fold(graph, weights)?;
    let (fused, _) = fuse(&folded, side)?;
    let taken = take_weights(&fused, &arrays)?;
    Ok(FloatNetwork { graph: fused, weights: taken })
}

/// The arrays of each layer of a fused graph.
fn take_weights(
    graph: &FusedGraph,
    arrays: &Weights,
) -> Result<std::collections::BTreeMap<usize, FloatWeights>, ExportError> {
    let mut taken = std::collections::BTreeMap::new();
    for (place, node) in graph.nodes.iter().enumerate() {
        let Some((outputs, per_output)) = node.operation.weights() else { continue };
        let weights_oihw = parameter(arrays, &node.name, "weight", outputs * per_output)?.to_vec();
        let bias = parameter(arrays, &node.name, "bias", outputs)?.to_vec();
        taken.insert(place, FloatWeights { weights_oihw, bias });
    }
    Ok(taken)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::graph::Padding;

    fn toy() -> (Graph, Weights) {
        let mut graph = Graph::new("toy");
        let layer = Layer::Convolution {
            inputs: 3,
            outputs: 2,
            kernel: 1,
            stride: 1,
            groups: 1,
            padding: Padding::Same,
            bias: false,
        };
        let conv = graph.push("c", layer, &[graph.picture()]);
        let norm = graph.push("n", Layer::BatchNorm { channels: 2 }, &[conv]);
        let relu = graph.push("r", Layer::Relu6, &[norm]);
        graph.output("logits", relu);
        let mut weights = Weights::new();
        let mut put = |name: &str, shape: Vec<usize>, values: Vec<f32>| weights.insert(name, Array { shape, values });
        put("c.weight", vec![2, 3, 1, 1], vec![1.0, 2.0, 3.0, -1.0, 0.5, 0.0]);
        put("n.weight", vec![2], vec![2.0, 1.0]);
        put("n.bias", vec![2], vec![0.5, -0.5]);
        put("n.running_mean", vec![2], vec![1.0, 0.0]);
        put("n.running_var", vec![2], vec![4.0 - 1e-5, 1.0 - 1e-5]);
        (graph, weights)
    }

    #[test]
    fn folds_by_the_formula() {
        let (graph, weights) = toy();
        let (folded, arrays) = fold(&graph, &weights).unwrap();
        assert_eq!(folded.nodes.iter().map(|n| n.name.as_str()).collect::<Vec<_>>(), ["picture", "c", "r"]);
        for (found, expected) in arrays.get("c.weight").unwrap().values.iter().zip([1.0, 2.0, 3.0, -1.0, 0.5, 0.0]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
        for (found, expected) in arrays.get("c.bias").unwrap().values.iter().zip([-0.5, -0.5]) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }

    #[test]
    fn a_missing_short_or_infinite_array_is_named() {
        let (graph, weights) = toy();
        let mut without = weights.clone();
        without.remove("n.bias");
        assert!(
            matches!(fold(&graph, &without), Err(ExportError::MissingParameter { parameter, .. }) if parameter == "n.bias")
        );
        let mut short = weights.clone();
        short.insert("n.bias", Array { shape: vec![1], values: vec![0.0] });
        assert!(matches!(fold(&graph, &short), Err(ExportError::ParameterLength { found: 1, expected: 2, .. })));
        let mut infinite = weights;
        infinite.insert("n.bias", Array { shape: vec![2], values: vec![0.0, f32::NAN] });
        assert!(matches!(fold(&graph, &infinite), Err(ExportError::NotFinite { .. })));
    }
}
