//! Scales, zero points, weights and biases of a node, checked.

use super::{Lowering, input};
use crate::network::EngineError;
use crate::network::onnx::{constant, dims_of, integers_of, refuse, scales};
use clothingid_shared::quantisation::Quantisation;
use tract_onnx::pb::NodeProto;

/// A parameter behind its DequantizeLinear.
pub(super) struct Parameter {
    /// Its initialiser.
    pub(super) tensor: String,
    pub(super) scales: Vec<f32>,
    pub(super) zero_points: Vec<i32>,
    pub(super) axis: i64,
}

/// Weights and biases of a layer, checked.
pub(super) struct Weights {
    pub(super) dims: Vec<usize>,
    pub(super) weights: Vec<i8>,
    pub(super) scales: Vec<f32>,
    pub(super) bias: Vec<i32>,
    pub(super) bias_scales: Vec<f32>,
}

impl Lowering {
    /// The one scale and zero point of an activation.
    pub(super) fn quantisation(&self, node: &NodeProto) -> Result<Quantisation, EngineError> {
        let (scales, zero_points) = scales(&self.constants, node)?;
        match (scales.as_slice(), zero_points.as_slice()) {
            (&[scale], &[zero_point]) => u8::try_from(zero_point)
                .map(|zero_point| Quantisation { scale, zero_point })
                .map_err(|_| refuse(node, "its zero point is no byte")),
            _ => Err(refuse(node, "an activation has one scale")),
        }
    }

    /// Weights and biases behind inputs 1 and 2.
    pub(super) fn weights(&self, node: &NodeProto) -> Result<Weights, EngineError> {
        let parameter = |which: usize| {
            let name = input(node, which)?;
            self.parameters.get(name).ok_or_else(|| refuse(node, &format!("`{name}` is no quantised parameter")))
        };
        let (weight, bias) = (parameter(1)?, parameter(2)?);
        let tensor = constant(&self.constants, node, &weight.tensor)?;
        let dims = dims_of(tensor).unwrap_or_default();
        let integers = integers_of(tensor).unwrap_or_default();
        let outputs = dims.first().copied().unwrap_or(0);
        let weights: Vec<i8> = integers.iter().filter_map(|w| i8::try_from(*w).ok()).collect();
        let bias_integers = integers_of(constant(&self.constants, node, &bias.tensor)?).unwrap_or_default();
        let is_symmetric = [weight, bias].iter().all(|p| p.axis == 0 && p.zero_points.iter().all(|zero| *zero == 0));
        let is_whole = outputs > 0
            && dims.iter().product::<usize>() == weights.len()
            && weights.len() == integers.len()
            && [weight.scales.len(), bias.scales.len(), bias_integers.len()] == [outputs; 3];
        if !is_whole || !is_symmetric {
            return Err(refuse(
                node,
                "its weights are not int8, symmetric, with a scale and an int32 bias for each output channel",
            ));
        }
        let (scales, bias_scales) = (weight.scales.clone(), bias.scales.clone());
        Ok(Weights { dims, weights, scales, bias: bias_integers, bias_scales })
    }
}
