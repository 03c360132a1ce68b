//! The quantised network as data: what the QDQ file says, and what the integer simulation runs.
//!
//! Activations are `uint8` with one scale and zero point a tensor, weights `int8`, symmetric, with one scale an output channel,
//! biases `int32` with the scale `x_scale · w_scale[c]`.

use std::collections::BTreeMap;

pub use clothingid_shared::quantisation::Quantisation;

use crate::network::graph::{PIXEL_SCALE_DIVISOR, PIXEL_ZERO_POINT};

use super::fused::{Clamp, FusedGraph};

/// Levels above zero of a `uint8`.
const LEVELS: f32 = 255.0;
/// Largest magnitude of a weight; -128 is left out so that the range is symmetric.
pub const WEIGHT_LEVELS: f32 = 127.0;

/// The picture's quantisation: `(byte - 128) / 127.5`.
#[must_use]
pub fn of_picture() -> Quantisation {
    Quantisation { scale: 1.0 / PIXEL_SCALE_DIVISOR, zero_point: PIXEL_ZERO_POINT }
}

/// The finest steps that cover `low..=high` and zero; a clamped layer never reaches past its clamp, so that saturation does
/// the clamping and ONNX Runtime drops the `Clip`.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to a byte first")]
pub fn covering(low: f32, high: f32, clamp: Clamp) -> Quantisation {
    let low = if clamp == Clamp::None { low.min(0.0) } else { 0.0 };
    let high = if clamp == Clamp::Relu6 { high.clamp(0.0, 6.0) } else { high.max(0.0) };
    let span = high - low;
    if !span.is_finite() || span < 1e-6 {
        return Quantisation { scale: 1.0 / LEVELS, zero_point: 0 };
    }
    let mut scale = span / LEVELS;
    while clamp == Clamp::Relu6 && scale * LEVELS > 6.0 {
        scale = scale.next_down();
    }
    Quantisation { scale, zero_point: (-low / scale).round().clamp(0.0, LEVELS) as u8 }
}

/// Integer parameters of one convolution or linear layer.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantisedWeights {
    /// Weights in the layer's own order, OIHW or OI.
    pub weights_oihw: Vec<i8>,
    /// Size of a step, for each output channel.
    pub scales: Vec<f32>,
    /// Biases in steps of `x_scale · scales[c]`.
    pub bias: Vec<i32>,
}

/// A network in integers.
#[derive(Debug, Clone, PartialEq)]
pub struct QuantisedNetwork {
    /// Its layers.
    pub graph: FusedGraph,
    /// How each node's result is quantised; none where it stays float.
    pub activations: Vec<Option<Quantisation>>,
    /// Parameters by node.
    pub weights: BTreeMap<usize, QuantisedWeights>,
}

/// Float parameters of one convolution or linear layer.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatWeights {
    /// Weights in the layer's own order, OIHW or OI.
    pub weights_oihw: Vec<f32>,
    /// One for each output channel.
    pub bias: Vec<f32>,
}

/// A network in float, batch norm folded.
#[derive(Debug, Clone, PartialEq)]
pub struct FloatNetwork {
    /// Its layers.
    pub graph: FusedGraph,
    /// Parameters by node.
    pub weights: BTreeMap<usize, FloatWeights>,
}

impl QuantisedNetwork {
    /// Size of a step of the bias of one output channel.
    #[must_use]
    pub fn bias_scale(&self, place: usize, channel: usize) -> Option<f32> {
        let input = *self.graph.nodes.get(place)?.inputs.first()?;
        let x = (*self.activations.get(input)?)?;
        Some(x.scale * self.weights.get(&place)?.scales.get(channel)?)
    }

    /// The float network that has exactly these weights: what an engine of the class `float` computes on the bundle.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "ONNX converts the integer bias the same way")]
    pub fn dequantise(&self) -> FloatNetwork {
        let mut weights = BTreeMap::new();
        for (&place, layer) in &self.weights {
            let per_output = layer.weights_oihw.len() / layer.scales.len().max(1);
            let values = layer.weights_oihw.chunks(per_output.max(1)).zip(&layer.scales);
            let weights_oihw =
                values.flat_map(|(row, &scale)| row.iter().map(move |&q| f32::from(q) * scale)).collect();
            let bias = layer.bias.iter().enumerate();
            let bias = bias.map(|(c, &q)| q as f32 * self.bias_scale(place, c).unwrap_or(0.0)).collect();
            weights.insert(place, FloatWeights { weights_oihw, bias });
        }
        FloatNetwork { graph: self.graph.clone(), weights }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn edges_of_ranges() {
        for (low, high, clamp) in [
            (0.0, 0.0, Clamp::None),
            (f32::NAN, 1.0, Clamp::None),
            (0.0, f32::INFINITY, Clamp::Relu),
            (-1e-9, 1e-9, Clamp::None),
        ] {
            let q = covering(low, high, clamp);
            assert!(q.scale > 0.0 && q.scale.is_finite(), "{low} {high} {q:?}");
        }
        assert_eq!(covering(-3.0, 9.0, Clamp::Relu6).zero_point, 0);
        assert_eq!(of_picture().dequantise(128), 0.0);
    }

    proptest! {
        #[test]
        fn relu6_saturates_where_the_clip_does(high in 0.01f32..60.0) {
            let q = covering(0.0, high, Clamp::Relu6);
            prop_assert!(q.scale * 255.0 <= 6.0);
            prop_assert!((q.range().1 - high.min(6.0)).abs() <= 1e-5);
        }

        #[test]
        fn a_value_in_range_moves_by_half_a_step_at_most(low in -50f32..0.0, high in 0.01f32..50.0, t in 0f32..1.0) {
            let q = covering(low, high, Clamp::None);
            let (first, last) = q.range();
            let value = first + t * (last - first);
            let back = q.dequantise(q.quantise(value));
            // Half a step, and the float error of the division.
            prop_assert!((back - value).abs() <= q.scale * 0.5001 + value.abs() * 1e-6, "{value} {back} {q:?}");
        }
    }
}
