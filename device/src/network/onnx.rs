//! Small readers of the ONNX messages that tract-onnx generated, and the errors of a file that is not of our form.
//!
//! **Promise** no panic on any bytes; nothing is larger than the file says and holds.

use super::EngineError;
use prost::Message;
use std::collections::HashMap;
use tract_onnx::pb::tensor_proto::DataType;
use tract_onnx::pb::{ModelProto, NodeProto, TensorProto, ValueInfoProto, tensor_shape_proto::dimension, type_proto};
use tract_onnx::prelude::Framework;

/// The outputs that a network of ours has, in the order in which engines give them.
pub(super) const OUTPUTS: [&str; 3] = ["category14", "category26", "embedding"];

/// The messages of an ONNX file.
pub(super) fn read_model(mut network: &[u8]) -> Result<ModelProto, EngineError> {
    let model = tract_onnx::onnx().proto_model_for_read(&mut network);
    model.map_err(|e| EngineError::Load(e.into_boxed_dyn_error()))
}

/// The side of the one input, `picture` `[1, side, side, 3]` uint8.
pub(super) fn picture_side(inputs: &[ValueInfoProto]) -> Result<u32, EngineError> {
    let [input] = inputs else { return Err(form("inputs", "picture", &names(inputs))) };
    let Some(type_proto::Value::TensorType(tensor)) = input.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
        return Err(form("input", "a tensor", "something else"));
    };
    let dims: Vec<i64> = tensor
        .shape
        .iter()
        .flat_map(|shape| &shape.dim)
        .map(|dim| match dim.value {
            Some(dimension::Value::DimValue(n)) => n,
            _ => -1,
        })
        .collect();
    match (input.name.as_str(), tensor.elem_type, dims.as_slice()) {
        ("picture", elem, [1, height, width, 3]) if elem == DataType::Uint8 as i32 && height == width => {
            u32::try_from(*height)
                .ok()
                .filter(|side| (8..=4096).contains(side))
                .ok_or_else(|| form("input side", "8 to 4096 pixels", &height.to_string()))
        }
        (name, elem, dims) => {
            Err(form("input", "picture uint8 [1, side, side, 3]", &format!("{name} type {elem} {dims:?}")))
        }
    }
}

/// The same network for pictures of another side: the weights of a convolution do not know it.
///
/// # Errors
/// The bytes are no network of ours.
pub fn with_side(network: &[u8], side: u32) -> Result<Vec<u8>, EngineError> {
    let mut model = read_model(network)?;
    let graph = model.graph.as_mut().ok_or_else(|| form("graph", "one", "none"))?;
    picture_side(&graph.input)?;
    for input in &mut graph.input {
        let Some(type_proto::Value::TensorType(tensor)) = input.r#type.as_mut().and_then(|t| t.value.as_mut()) else {
            continue;
        };
        for dim in tensor.shape.iter_mut().flat_map(|shape| shape.dim.iter_mut().skip(1).take(2)) {
            dim.value = Some(dimension::Value::DimValue(i64::from(side)));
        }
    }
    Ok(model.encode_to_vec())
}

/// A tensor's lengths; none where one is negative or their product too large.
pub(super) fn dims_of(tensor: &TensorProto) -> Option<Vec<usize>> {
    let dims: Vec<usize> = tensor.dims.iter().map(|d| usize::try_from(*d).ok()).collect::<Option<_>>()?;
    dims.iter().try_fold(1_usize, |product, d| product.checked_mul(*d)).map(|_| dims)
}

/// The values of a float tensor.
pub(super) fn floats_of(tensor: &TensorProto) -> Option<Vec<f32>> {
    if tensor.data_type != DataType::Float as i32 {
        return None;
    }
    if tensor.raw_data.is_empty() {
        return Some(tensor.float_data.clone());
    }
    let (chunks, rest) = tensor.raw_data.as_chunks::<4>();
    rest.is_empty().then(|| chunks.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect())
}

/// The values of a tensor of 64-bit integers.
pub(super) fn longs_of(tensor: &TensorProto) -> Option<Vec<i64>> {
    if tensor.data_type != DataType::Int64 as i32 {
        return None;
    }
    if tensor.raw_data.is_empty() {
        return Some(tensor.int64_data.clone());
    }
    let (chunks, rest) = tensor.raw_data.as_chunks::<8>();
    rest.is_empty().then(|| chunks.iter().map(|bytes| i64::from_le_bytes(*bytes)).collect())
}

/// The values of a tensor of 8-bit or 32-bit integers.
pub(super) fn integers_of(tensor: &TensorProto) -> Option<Vec<i32>> {
    let raw = &tensor.raw_data;
    match DataType::try_from(tensor.data_type).ok()? {
        DataType::Uint8 | DataType::Int8 | DataType::Int32 if raw.is_empty() => Some(tensor.int32_data.clone()),
        DataType::Uint8 => Some(raw.iter().map(|byte| i32::from(*byte)).collect()),
        DataType::Int8 => Some(raw.iter().map(|byte| i32::from(byte.cast_signed())).collect()),
        DataType::Int32 => {
            let (chunks, rest) = raw.as_chunks::<4>();
            rest.is_empty().then(|| chunks.iter().map(|bytes| i32::from_le_bytes(*bytes)).collect())
        }
        _ => None,
    }
}

/// A constant that a node reads.
pub(super) fn constant<'a>(
    constants: &'a HashMap<String, TensorProto>,
    node: &NodeProto,
    name: &str,
) -> Result<&'a TensorProto, EngineError> {
    constants.get(name).ok_or_else(|| refuse(node, &format!("`{name}` is not a constant")))
}

/// Scales and zero points of a QuantizeLinear or DequantizeLinear: positive numbers, one of each a channel, or one.
pub(super) fn scales(
    constants: &HashMap<String, TensorProto>,
    node: &NodeProto,
) -> Result<(Vec<f32>, Vec<i32>), EngineError> {
    if number(node, "block_size", 0) != 0 {
        return Err(refuse(node, "blocked quantisation is not read"));
    }
    let name = node.input.get(1).map(String::as_str).unwrap_or_default();
    let scales = floats_of(constant(constants, node, name)?).unwrap_or_default();
    let zero_points = match node.input.get(2).filter(|name| !name.is_empty()) {
        None => vec![0; scales.len()],
        Some(name) => integers_of(constant(constants, node, name)?).unwrap_or_default(),
    };
    let is_good = !scales.is_empty()
        && scales.len() == zero_points.len()
        && scales.iter().all(|scale| scale.is_finite() && *scale > 0.0);
    if !is_good {
        return Err(refuse(node, "its scales and zero points are not positive numbers, one each"));
    }
    Ok((scales, zero_points))
}

/// An integer attribute of a node, or what ONNX takes where there is none.
pub(super) fn number(node: &NodeProto, attribute: &str, default: i64) -> i64 {
    node.attribute.iter().find(|a| a.name == attribute).map_or(default, |a| a.i)
}

/// A list-of-integers attribute of a node; empty where there is none.
pub(super) fn numbers<'a>(node: &'a NodeProto, attribute: &str) -> &'a [i64] {
    node.attribute.iter().find(|a| a.name == attribute).map_or(&[], |a| &a.ints)
}

/// Names, for messages.
pub(super) fn names(values: &[ValueInfoProto]) -> String {
    values.iter().map(|value| value.name.as_str()).collect::<Vec<_>>().join(", ")
}

/// The node cannot be run.
pub(super) fn refuse(node: &NodeProto, problem: &str) -> EngineError {
    let name = if node.name.is_empty() { node.output.first().cloned().unwrap_or_default() } else { node.name.clone() };
    EngineError::Node { node: name, operator: node.op_type.clone(), problem: problem.to_string() }
}

/// The file has another form.
pub(super) fn form(what: &str, expected: &str, found: &str) -> EngineError {
    EngineError::Form { what: what.to_string(), expected: expected.to_string(), found: found.to_string() }
}
