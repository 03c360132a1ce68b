//! Small builders and readers of the ONNX messages that tract-onnx generated.

use std::collections::BTreeMap;

use tract_onnx::pb;
use tract_onnx::pb::attribute_proto::AttributeType;
use tract_onnx::pb::tensor_proto::DataType;

use crate::export::error::ExportError;

/// The error of a file that is not of our form.
pub(super) fn not_ours(reason: impl Into<String>) -> ExportError {
    ExportError::Onnx { reason: reason.into() }
}

#[expect(clippy::cast_possible_wrap, reason = "lengths of tensors are small")]
fn dims(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&n| n as i64).collect()
}

/// An initialiser of little-endian bytes.
fn tensor(name: &str, shape: &[usize], data_type: DataType, raw_data: Vec<u8>) -> pb::TensorProto {
    pb::TensorProto {
        name: name.to_owned(),
        dims: dims(shape),
        data_type: data_type as i32,
        raw_data,
        ..Default::default()
    }
}

/// A `float` initialiser.
pub(super) fn floats(name: &str, shape: &[usize], values: &[f32]) -> pb::TensorProto {
    tensor(name, shape, DataType::Float, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// An `int8` initialiser.
pub(super) fn int8(name: &str, shape: &[usize], values: &[i8]) -> pb::TensorProto {
    tensor(name, shape, DataType::Int8, values.iter().map(|v| v.cast_unsigned()).collect())
}

/// A `uint8` initialiser.
pub(super) fn uint8(name: &str, shape: &[usize], values: &[u8]) -> pb::TensorProto {
    tensor(name, shape, DataType::Uint8, values.to_vec())
}

/// An `int32` initialiser.
pub(super) fn int32(name: &str, shape: &[usize], values: &[i32]) -> pb::TensorProto {
    tensor(name, shape, DataType::Int32, values.iter().flat_map(|v| v.to_le_bytes()).collect())
}

/// An integer attribute.
#[expect(clippy::cast_possible_wrap, reason = "hyper-parameters are small")]
pub(super) fn integer(name: &str, value: usize) -> pb::AttributeProto {
    pb::AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Int as i32,
        i: value as i64,
        ..Default::default()
    }
}

/// A list of integers.
pub(super) fn integers(name: &str, values: &[usize]) -> pb::AttributeProto {
    pb::AttributeProto {
        name: name.to_owned(),
        r#type: AttributeType::Ints as i32,
        ints: dims(values),
        ..Default::default()
    }
}

/// A node with one result.
pub(super) fn node(
    op: &str,
    name: &str,
    inputs: &[&str],
    output: &str,
    attribute: Vec<pb::AttributeProto>,
) -> pb::NodeProto {
    pb::NodeProto {
        name: name.to_owned(),
        op_type: op.to_owned(),
        input: inputs.iter().map(|&input| input.to_owned()).collect(),
        output: vec![output.to_owned()],
        attribute,
        ..Default::default()
    }
}

/// An input or output of the network.
pub(super) fn value(name: &str, shape: &[usize], data_type: DataType) -> pb::ValueInfoProto {
    use pb::tensor_shape_proto::{Dimension, dimension};
    let dim = |n: &i64| Dimension { value: Some(dimension::Value::DimValue(*n)), ..Default::default() };
    let shape = pb::TensorShapeProto { dim: dims(shape).iter().map(dim).collect() };
    let tensor = pb::type_proto::Tensor { elem_type: data_type as i32, shape: Some(shape) };
    let r#type = pb::TypeProto { value: Some(pb::type_proto::Value::TensorType(tensor)), ..Default::default() };
    pb::ValueInfoProto { name: name.to_owned(), r#type: Some(r#type), ..Default::default() }
}

/// The initialisers of a file by name.
pub(super) struct Initialisers<'a> {
    by_name: BTreeMap<&'a str, &'a pb::TensorProto>,
}

impl<'a> Initialisers<'a> {
    pub(super) fn of(graph: &'a pb::GraphProto) -> Self {
        Self { by_name: graph.initializer.iter().map(|t| (t.name.as_str(), t)).collect() }
    }

    fn get(&self, name: &str, data_type: DataType) -> Result<&'a pb::TensorProto, ExportError> {
        let tensor = self.by_name.get(name).ok_or_else(|| not_ours(format!("no initialiser `{name}`")))?;
        if tensor.data_type != data_type as i32 {
            return Err(not_ours(format!(
                "initialiser `{name}` has element type {}, expected {}",
                tensor.data_type, data_type as i32
            )));
        }
        let expected =
            tensor.dims.iter().try_fold(1usize, |n, &d| usize::try_from(d).ok().and_then(|d| n.checked_mul(d)));
        let width = if matches!(data_type, DataType::Int8 | DataType::Uint8) { 1 } else { 4 };
        if expected.and_then(|n| n.checked_mul(width)) != Some(tensor.raw_data.len()) {
            return Err(not_ours(format!(
                "initialiser `{name}` of shape {:?} has {} bytes",
                tensor.dims,
                tensor.raw_data.len()
            )));
        }
        Ok(tensor)
    }

    pub(super) fn floats(&self, name: &str) -> Result<Vec<f32>, ExportError> {
        let raw = &self.get(name, DataType::Float)?.raw_data;
        let values: Vec<f32> = raw.as_chunks().0.iter().map(|b: &[u8; 4]| f32::from_le_bytes(*b)).collect();
        if values.iter().all(|v| v.is_finite()) {
            Ok(values)
        } else {
            Err(not_ours(format!("initialiser `{name}` is not finite")))
        }
    }

    pub(super) fn int8(&self, name: &str) -> Result<Vec<i8>, ExportError> {
        Ok(self.get(name, DataType::Int8)?.raw_data.iter().map(|b| b.cast_signed()).collect())
    }

    pub(super) fn uint8(&self, name: &str) -> Result<Vec<u8>, ExportError> {
        Ok(self.get(name, DataType::Uint8)?.raw_data.clone())
    }

    pub(super) fn int32(&self, name: &str) -> Result<Vec<i32>, ExportError> {
        let raw = &self.get(name, DataType::Int32)?.raw_data;
        Ok(raw.as_chunks().0.iter().map(|b: &[u8; 4]| i32::from_le_bytes(*b)).collect())
    }

    /// Shape of an initialiser of any type.
    pub(super) fn shape(&self, name: &str) -> Result<Vec<usize>, ExportError> {
        let tensor = self.by_name.get(name).ok_or_else(|| not_ours(format!("no initialiser `{name}`")))?;
        let dims: Option<Vec<usize>> = tensor.dims.iter().map(|&d| usize::try_from(d).ok()).collect();
        dims.ok_or_else(|| not_ours(format!("initialiser `{name}` has a negative length")))
    }
}

/// A list-of-integers attribute of a node.
pub(super) fn read_integers(node: &pb::NodeProto, name: &str) -> Result<Vec<usize>, ExportError> {
    let attribute = node.attribute.iter().find(|a| a.name == name);
    let values = attribute.and_then(|a| a.ints.iter().map(|&i| usize::try_from(i).ok()).collect::<Option<Vec<_>>>());
    values.ok_or_else(|| not_ours(format!("node `{}` has no attribute `{name}`", node.name)))
}

/// An integer attribute of a node.
pub(super) fn read_integer(node: &pb::NodeProto, name: &str) -> Result<usize, ExportError> {
    let attribute = node.attribute.iter().find(|a| a.name == name);
    attribute
        .and_then(|a| usize::try_from(a.i).ok())
        .ok_or_else(|| not_ours(format!("node `{}` has no attribute `{name}`", node.name)))
}
