//! The bundle's quantised ONNX as a float network: what tract runs fastest.
//!
//! tract's integer forms are slower than its float, and its reading of the quantised file pays for every
//! QuantizeLinear. So, on the protobuf and before tract sees it:
//! - weights and biases (DequantizeLinear of an initialiser) become the floats that their integers stand for;
//! - QuantizeLinear and DequantizeLinear between layers are taken out: activations stay float;
//! - the pixels' DequantizeLinear is taken out: [`Stripped::pixel`] has its scale and zero point;
//! - LpNormalization of the embedding is taken out: 256 values are normalised quicker outside.
//!
//! The clamps (Clip) stay. What the network says afterwards is the arithmetic class `float`.
//!
//! **Promise** no panic on any bytes; memory in proportion to the file; names, shapes and sizes are checked here, so
//! that tract may trust them.
//!
//! **Source** ONNX operators QuantizeLinear and DequantizeLinear, opset 13.

use super::EngineError;
use super::onnx::{
    OUTPUTS, constant, dims_of, floats_of, form, integers_of, longs_of, names, number, picture_side, read_model,
    refuse, scales,
};
use std::collections::{HashMap, HashSet};
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto, type_proto};

/// Operators that a network of ours may have after stripping.
const OPERATORS: [&str; 12] = [
    "Transpose",
    "Conv",
    "Clip",
    "Relu",
    "Add",
    "Concat",
    "GlobalAveragePool",
    "Flatten",
    "Reshape",
    "Gemm",
    "MatMul",
    "MaxPool",
];

/// A float network, and how bytes become its input.
pub(super) struct Stripped {
    /// The network; its input is `[1, side, side, 3]` f32, its outputs are [`OUTPUTS`], the embedding not yet normalised.
    pub(super) model: ModelProto,
    /// Side of the picture in pixels.
    pub(super) side: u32,
    /// What each of the 256 byte values of a pixel stands for.
    pub(super) pixel: [f32; 256],
}

/// Reads the bundle's ONNX file and strips it.
pub(super) fn strip(network: &[u8]) -> Result<Stripped, EngineError> {
    strip_model(read_model(network)?)
}

fn strip_model(mut model: ModelProto) -> Result<Stripped, EngineError> {
    let graph = model.graph.as_mut().ok_or_else(|| form("graph", "one", "none"))?;
    let side = make_input_float(&mut graph.input)?;
    let input = graph.input.first().map(|i| i.name.clone()).unwrap_or_default();

    let mut strip = Strip {
        constants: std::mem::take(&mut graph.initializer).into_iter().map(|t| (t.name.clone(), t)).collect(),
        known: HashSet::from([input.clone()]),
        pixels: HashSet::from([input]),
        ..Strip::default()
    };
    for node in std::mem::take(&mut graph.node) {
        strip.node(node)?;
    }
    let pixel = strip.pixel.take().ok_or_else(|| form("input", "dequantised once", "never dequantised"))?;
    strip.finish(graph)?;
    model.training_info.clear();
    model.functions.clear();
    Ok(Stripped { model, side, pixel })
}

/// The work in progress.
#[derive(Default)]
struct Strip {
    /// Initialisers, and the floats that weights and biases became.
    constants: HashMap<String, TensorProto>,
    /// A value that was taken out, and the one that stands for it.
    instead: HashMap<String, String>,
    /// All values that nodes may read, besides constants.
    known: HashSet<String>,
    /// The values that are the picture's bytes.
    pixels: HashSet<String>,
    pixel: Option<[f32; 256]>,
    /// The value that LpNormalization gives, and the one that it normalises.
    normalised: Option<(String, String)>,
    nodes: Vec<NodeProto>,
}

impl Strip {
    fn node(&mut self, mut node: NodeProto) -> Result<(), EngineError> {
        for input in &mut node.input {
            if let Some(other) = self.instead.get(input) {
                input.clone_from(other);
            }
            let is_known = input.is_empty() || self.known.contains(input) || self.constants.contains_key(input);
            if !is_known {
                let problem = format!("its input `{input}` comes from nowhere");
                return Err(refuse(&node, &problem));
            }
        }
        let [output] = node.output.as_slice() else { return Err(refuse(&node, "expected one output")) };
        let output = output.clone();
        let first = node.input.first().cloned().unwrap_or_default();
        let is_constant = self.constants.contains_key(&first);
        match node.op_type.as_str() {
            "DequantizeLinear" if is_constant => {
                let floats = self.dequantise(&node, &first, &output)?;
                self.constants.insert(output, floats);
            }
            "DequantizeLinear" | "QuantizeLinear" => {
                if self.pixels.contains(&first) {
                    self.pixel(&node)?;
                }
                self.instead.insert(output, first);
            }
            "LpNormalization" => {
                if number(&node, "p", 2) != 2 || self.normalised.is_some() {
                    return Err(refuse(&node, "expected one, with p = 2"));
                }
                self.known.insert(output.clone());
                self.normalised = Some((output, first));
            }
            operator if OPERATORS.contains(&operator) => {
                if operator == "Transpose" && self.pixels.contains(&first) {
                    self.pixels.insert(output.clone());
                }
                self.known.insert(output);
                self.nodes.push(node);
            }
            _ => return Err(refuse(&node, "our networks have no such operator")),
        }
        Ok(())
    }

    /// The floats that an integer constant stands for: `(value - zero point) * scale`, per tensor or per channel.
    fn dequantise(&self, node: &NodeProto, integers: &str, output: &str) -> Result<TensorProto, EngineError> {
        let tensor = constant(&self.constants, node, integers)?;
        let values = integers_of(tensor).ok_or_else(|| refuse(node, "its integers cannot be read"))?;
        let (scales, zero_points) = scales(&self.constants, node)?;
        let dims = dims_of(tensor).ok_or_else(|| refuse(node, "it has a negative dimension"))?;
        if dims.iter().product::<usize>() != values.len() {
            return Err(refuse(node, "its integers do not fill its shape"));
        }
        let inner = if scales.len() == 1 {
            values.len().max(1)
        } else {
            let axis = number(node, "axis", 1);
            let axis = usize::try_from(if axis < 0 { axis.saturating_add(tensor.dims.len() as i64) } else { axis })
                .unwrap_or(usize::MAX);
            if dims.get(axis) != Some(&scales.len()) {
                return Err(refuse(node, "it has not one scale for each channel"));
            }
            dims.iter().skip(axis + 1).product::<usize>().max(1)
        };
        let mut bytes = Vec::with_capacity(values.len() * 4);
        let channels = scales.iter().zip(&zero_points).cycle();
        for (run, (scale, zero_point)) in values.chunks(inner).zip(channels) {
            for value in run {
                bytes.extend_from_slice(&float_of(*value, *zero_point, *scale).to_le_bytes());
            }
        }
        Ok(TensorProto {
            dims: tensor.dims.clone(),
            data_type: DataType::Float as i32,
            name: output.to_string(),
            raw_data: bytes,
            ..TensorProto::default()
        })
    }

    /// Takes in the pixels' scale and zero point.
    fn pixel(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let (scales, zero_points) = scales(&self.constants, node)?;
        let ([scale], [zero_point], None) = (scales.as_slice(), zero_points.as_slice(), self.pixel) else {
            return Err(refuse(node, "expected one scale for all pixels, once"));
        };
        let mut pixel = [0.0; 256];
        for (value, float) in (0_i32..).zip(&mut pixel) {
            *float = float_of(value, *zero_point, *scale);
        }
        self.pixel = Some(pixel);
        Ok(())
    }

    /// Puts nodes, the constants that they read and the outputs into the graph.
    fn finish(mut self, graph: &mut GraphProto) -> Result<(), EngineError> {
        let mut outputs = Vec::with_capacity(OUTPUTS.len());
        for name in OUTPUTS {
            let info = graph.output.iter().find(|o| o.name == name);
            let mut info = info.cloned().ok_or_else(|| form("outputs", &OUTPUTS.join(", "), &names(&graph.output)))?;
            let mut value = self.instead.get(name).cloned().unwrap_or_else(|| name.to_string());
            match (&self.normalised, name) {
                (Some((normalised, plain)), "embedding") if *normalised == value => value.clone_from(plain),
                (_, "embedding") => return Err(form("embedding", "the output of LpNormalization", &value)),
                _ => {}
            }
            if !self.nodes.iter().any(|node| node.output.contains(&value)) {
                return Err(form(&format!("output `{name}`"), "the output of a node", &value));
            }
            info.name = value;
            info.r#type = None;
            outputs.push(info);
        }
        let read: HashSet<&String> = self.nodes.iter().flat_map(|node| &node.input).collect();
        self.constants.retain(|name, _| read.contains(name));
        for (name, tensor) in &self.constants {
            let elements = dims_of(tensor).map(|dims| dims.iter().product::<usize>());
            let found = floats_of(tensor).map(|v| v.len()).or_else(|| longs_of(tensor).map(|v| v.len()));
            if elements.is_none() || elements != found {
                return Err(form(&format!("constant `{name}`"), "as many numbers as its shape says", "another number"));
            }
        }
        let mut constants: Vec<TensorProto> = self.constants.into_values().collect();
        constants.sort_by(|a, b| a.name.cmp(&b.name));
        graph.initializer = constants;
        graph.sparse_initializer.clear();
        graph.value_info.clear();
        graph.quantization_annotation.clear();
        graph.node = self.nodes;
        graph.output = outputs;
        Ok(())
    }
}

/// Makes the one input float; gives its side.
fn make_input_float(inputs: &mut [ValueInfoProto]) -> Result<u32, EngineError> {
    let side = picture_side(inputs)?;
    for input in inputs {
        if let Some(type_proto::Value::TensorType(tensor)) = input.r#type.as_mut().and_then(|t| t.value.as_mut()) {
            tensor.elem_type = DataType::Float as i32;
        }
    }
    Ok(side)
}

/// `(value - zero point) * scale`, exact in f64 for every 32-bit integer and rounded once.
#[expect(clippy::cast_possible_truncation, reason = "the one rounding")]
fn float_of(value: i32, zero_point: i32, scale: f32) -> f32 {
    ((f64::from(value) - f64::from(zero_point)) * f64::from(scale)) as f32
}

#[cfg(test)]
mod tests;
