//! Reads back the QDQ form that [`write`](super::write) writes, and nothing else: `evaluate --bundle` simulates what the file says.
//!
//! Promise: no panic on any bytes; memory in proportion to the file; every place, shape and length is checked here, so that the
//! simulation may trust the result.

use std::collections::BTreeMap;

use prost::Message;
use tract_onnx::pb;

use super::messages::{Initialisers, not_ours, read_integer, read_integers};
use super::write::PICTURE;
use crate::export::error::ExportError;
use crate::export::fused::{Clamp, FusedGraph, FusedNode, Geometry, Operation, Shape};
use crate::export::quantised::{Quantisation, QuantisedNetwork, QuantisedWeights, of_picture};
use crate::network::graph::{Pooling, Rounding};

/// Largest side of a picture that is believed.
const SIDE_MAX: usize = 1024;
/// Largest activation that is believed, in values.
const VALUES_MAX: usize = 1 << 26;

struct Reader<'a> {
    initialisers: Initialisers<'a>,
    /// Which fused node a tensor belongs to.
    place_of: BTreeMap<String, usize>,
    nodes: Vec<FusedNode>,
    activations: Vec<Option<Quantisation>>,
    weights: BTreeMap<usize, QuantisedWeights>,
}

/// Reads an ONNX file of ours.
///
/// # Errors
/// [`ExportError::Onnx`].
pub fn read_quantised(bytes: &[u8]) -> Result<QuantisedNetwork, ExportError> {
    let model = pb::ModelProto::decode(bytes).map_err(|error| not_ours(format!("no ONNX message: {error}")))?;
    let graph = model.graph.as_ref().ok_or_else(|| not_ours("it has no graph"))?;
    let side = side_of(graph)?;
    let mut reader = Reader {
        initialisers: Initialisers::of(graph),
        place_of: BTreeMap::new(),
        nodes: Vec::new(),
        activations: Vec::new(),
        weights: BTreeMap::new(),
    };
    for node in &graph.node {
        reader.node(node, side)?;
    }
    let mut outputs = Vec::new();
    for output in &graph.output {
        outputs.push((output.name.clone(), reader.place(&output.name)?));
    }
    let graph = FusedGraph { backbone: graph.name.clone(), side, nodes: reader.nodes, outputs };
    Ok(QuantisedNetwork { graph, activations: reader.activations, weights: reader.weights })
}

/// The window of a `MaxPool`.
fn pooling(node: &pb::NodeProto) -> Result<Pooling, ExportError> {
    let (kernel, stride) = (read_integers(node, "kernel_shape")?, read_integers(node, "strides")?);
    let (pads, rounding) = (read_integers(node, "pads")?, read_integer(node, "ceil_mode")?);
    let (&[kernel, across], &[stride, stride_across], &[border, ..]) =
        (kernel.as_slice(), stride.as_slice(), pads.as_slice())
    else {
        return Err(not_ours(format!("node `{}` has no two axes", node.name)));
    };
    let is_square = kernel == across && stride == stride_across && pads == [border; 4];
    let is_small = kernel <= SIDE_MAX && border < SIDE_MAX && stride <= SIDE_MAX;
    match (is_square && is_small && kernel > 0, rounding) {
        (true, 0) => Ok(Pooling { kernel, stride, border, rounding: Rounding::Down }),
        (true, 1) => Ok(Pooling { kernel, stride, border, rounding: Rounding::Up }),
        _ => Err(not_ours(format!("node `{}` is no square pooling of ours", node.name))),
    }
}

/// Side of the picture that the network takes.
fn side_of(graph: &pb::GraphProto) -> Result<usize, ExportError> {
    use pb::tensor_shape_proto::dimension::Value::DimValue;
    let input = graph.input.iter().find(|input| input.name == PICTURE).ok_or_else(|| not_ours("no input `picture`"))?;
    let Some(pb::type_proto::Value::TensorType(tensor)) = input.r#type.as_ref().and_then(|t| t.value.as_ref()) else {
        return Err(not_ours("input `picture` is no tensor"));
    };
    let dims = tensor.shape.iter().flat_map(|shape| &shape.dim);
    let dims: Vec<i64> = dims.map(|d| if let Some(DimValue(n)) = d.value { n } else { -1 }).collect();
    match dims.as_slice() {
        [1, height, width, 3] if height == width => match usize::try_from(*height) {
            Ok(side) if (1..=SIDE_MAX).contains(&side) => Ok(side),
            _ => Err(not_ours(format!("input `picture` has shape {dims:?}"))),
        },
        _ => Err(not_ours(format!("input `picture` has shape {dims:?}, expected [1, S, S, 3]"))),
    }
}

impl Reader<'_> {
    fn place(&self, tensor: &str) -> Result<usize, ExportError> {
        self.place_of.get(tensor).copied().ok_or_else(|| not_ours(format!("nothing makes the tensor `{tensor}`")))
    }

    fn quantisation(&self, node: &pb::NodeProto) -> Result<Quantisation, ExportError> {
        let [_, scale, zero_point] = node.input.as_slice() else {
            return Err(not_ours(format!("node `{}` needs three inputs", node.name)));
        };
        let (scale, zero_point) = (self.initialisers.floats(scale)?, self.initialisers.uint8(zero_point)?);
        match (scale.as_slice(), zero_point.as_slice()) {
            (&[scale], &[zero_point]) if scale > 0.0 => Ok(Quantisation { scale, zero_point }),
            _ => Err(not_ours(format!("node `{}` has no single positive scale and zero point", node.name))),
        }
    }

    fn add(
        &mut self,
        node: &pb::NodeProto,
        operation: Operation,
        inputs: Vec<usize>,
        shape: Shape,
    ) -> Result<usize, ExportError> {
        if shape.is_empty() || shape.len() > VALUES_MAX {
            return Err(not_ours(format!("node `{}` makes {shape:?}", node.name)));
        }
        self.nodes.push(FusedNode { name: node.name.clone(), operation, clamp: Clamp::None, inputs, shape });
        self.activations.push(None);
        Ok(self.nodes.len() - 1)
    }

    fn node(&mut self, node: &pb::NodeProto, side: usize) -> Result<(), ExportError> {
        let fail = |reason: &str| not_ours(format!("node `{}` ({}): {reason}", node.name, node.op_type));
        let [output] = node.output.as_slice() else { return Err(fail("one result expected")) };
        let first = node.input.first().ok_or_else(|| fail("it has no input"))?;
        // Parameters are dequantised before their layer, which reads them by name.
        if node.op_type == "DequantizeLinear" && self.initialisers.shape(first).is_ok() {
            return Ok(());
        }
        let place = match node.op_type.as_str() {
            "Transpose" if first == PICTURE && self.nodes.is_empty() => {
                self.add(node, Operation::Picture, Vec::new(), Shape { height: side, width: side, channels: 3 })?
            }
            "DequantizeLinear" => {
                let (place, found) = (self.place(first)?, self.quantisation(node)?);
                if *self.activations[place].get_or_insert(found) != found {
                    return Err(fail("it dequantises by other numbers than its tensor was quantised by"));
                }
                if place == 0 && found != of_picture() {
                    return Err(fail("the picture is not normalised as (x - 128) / 127.5"));
                }
                place
            }
            "QuantizeLinear" => {
                let (place, found) = (self.place(first)?, self.quantisation(node)?);
                let bound = match self.nodes[place].clamp {
                    Clamp::None => true,
                    Clamp::Relu => found.zero_point == 0,
                    Clamp::Relu6 => found.zero_point == 0 && found.scale * 255.0 <= 6.0,
                };
                if !bound || *self.activations[place].get_or_insert(found) != found {
                    return Err(fail("its range passes the clamp before it, or another range was set"));
                }
                // The largest of some bytes is one of them.
                let is_pool = matches!(self.nodes[place].operation, Operation::MaxPool(_));
                if is_pool && self.activations[self.nodes[place].inputs[0]] != Some(found) {
                    return Err(fail("a pool's result has another range than its input"));
                }
                place
            }
            "Clip" | "Relu" => {
                let place = self.place(first)?;
                if node.op_type == "Clip" {
                    let bounds: Vec<f32> =
                        node.input[1..].iter().flat_map(|n| self.initialisers.floats(n)).flatten().collect();
                    if bounds != [0.0, 6.0] {
                        return Err(fail("only bounds of 0 and 6 are read"));
                    }
                }
                let clamp = if node.op_type == "Clip" { Clamp::Relu6 } else { Clamp::Relu };
                if self.nodes[place].clamp != Clamp::None || self.activations[place].is_some() {
                    return Err(fail("it does not follow its layer"));
                }
                self.nodes[place].clamp = clamp;
                place
            }
            "Flatten" => self.place(first)?,
            _ => self.layer(node)?,
        };
        self.place_of.insert(output.clone(), place);
        Ok(())
    }

    fn layer(&mut self, node: &pb::NodeProto) -> Result<usize, ExportError> {
        let fail = |reason: String| not_ours(format!("node `{}` ({}): {reason}", node.name, node.op_type));
        let has_weights = matches!(node.op_type.as_str(), "Conv" | "Gemm");
        let reads = if has_weights { &node.input[..node.input.len().min(1)] } else { &node.input[..] };
        let inputs = reads.iter().map(|name| self.place(name)).collect::<Result<Vec<_>, _>>()?;
        let shapes: Vec<Shape> = inputs.iter().map(|&p| self.nodes[p].shape).collect();
        let from = *shapes.first().ok_or_else(|| fail("it has no input".to_owned()))?;
        let (operation, shape) = match node.op_type.as_str() {
            "Conv" => {
                let geometry = self.geometry(node, from)?;
                let out = geometry.along(from.height).ok_or_else(|| fail(format!("its kernel passes {from:?}")))?;
                (Operation::Convolution(geometry), Shape { height: out, width: out, channels: geometry.outputs })
            }
            "Gemm" => {
                let shape = self.initialisers.shape(&self.weight_name(node)?)?;
                let &[outputs, inputs] = shape.as_slice() else {
                    return Err(fail(format!("weights of shape {shape:?}")));
                };
                if read_integer(node, "transB")? != 1 || from != (Shape { height: 1, width: 1, channels: inputs }) {
                    return Err(fail(format!("{inputs} features expected, found {from:?}")));
                }
                (Operation::Linear { inputs, outputs }, Shape { height: 1, width: 1, channels: outputs })
            }
            "Add" if shapes.len() == 2 && shapes[0] == shapes[1] => (Operation::Add, from),
            "Concat" if shapes.iter().all(|s| (s.height, s.width) == (from.height, from.width)) => {
                (Operation::Concat, Shape { channels: shapes.iter().map(|s| s.channels).sum(), ..from })
            }
            "MaxPool" => {
                let pooling = pooling(node)?;
                let out = pooling.along(from.height).ok_or_else(|| fail(format!("{pooling:?} on {from:?}")))?;
                (Operation::MaxPool(pooling), Shape { height: out, width: out, channels: from.channels })
            }
            "GlobalAveragePool" => {
                (Operation::GlobalAveragePool, Shape { height: 1, width: 1, channels: from.channels })
            }
            "LpNormalization" => (Operation::L2Normalise, from),
            _ => return Err(fail("this exporter writes no such node here".to_owned())),
        };
        let place = self.add(node, operation, inputs, shape)?;
        if has_weights {
            let weights = self.read_weights(node)?;
            self.weights.insert(place, weights);
        }
        Ok(place)
    }

    /// Name of the integer weights behind a layer's second input.
    fn weight_name(&self, node: &pb::NodeProto) -> Result<String, ExportError> {
        let name = node.input.get(1).and_then(|name| name.strip_suffix(".dequantised")).unwrap_or_default();
        if name.ends_with(".weight") {
            Ok(name.to_owned())
        } else {
            Err(not_ours(format!("node `{}` has no integer weights", node.name)))
        }
    }

    fn geometry(&self, node: &pb::NodeProto, from: Shape) -> Result<Geometry, ExportError> {
        let fail = |what: &str| not_ours(format!("node `{}` has {what}", node.name));
        let shape = self.initialisers.shape(&self.weight_name(node)?)?;
        let &[outputs, per_group, kernel, across] = shape.as_slice() else {
            return Err(fail("weights that are not OIHW"));
        };
        let (strides, pads) = (read_integers(node, "strides")?, read_integers(node, "pads")?);
        let groups = read_integer(node, "group")?;
        let &[before, left, after, right] = pads.as_slice() else { return Err(fail("no four pads")) };
        let &[stride, stride_across] = strides.as_slice() else { return Err(fail("no two strides")) };
        let is_square = kernel == across
            && before == left
            && after == right
            && stride == stride_across
            && from.height == from.width;
        let fits = groups > 0 && per_group.checked_mul(groups) == Some(from.channels) && outputs.is_multiple_of(groups);
        let is_small = stride > 0
            && kernel > 0
            && kernel <= SIDE_MAX
            && before < SIDE_MAX
            && after < SIDE_MAX
            && outputs <= VALUES_MAX;
        if !is_square || !fits || !is_small {
            return Err(fail("a geometry that is not square or does not fit its input"));
        }
        Ok(Geometry { inputs: from.channels, outputs, kernel, stride, groups, before, after })
    }

    /// A layer's integer parameters.
    fn read_weights(&self, node: &pb::NodeProto) -> Result<QuantisedWeights, ExportError> {
        let weight = self.weight_name(node)?;
        let bias = node.input.get(2).and_then(|name| name.strip_suffix(".dequantised")).unwrap_or_default();
        Ok(QuantisedWeights {
            weights_oihw: self.initialisers.int8(&weight)?,
            scales: self.initialisers.floats(&format!("{weight}.scale"))?,
            bias: self.initialisers.int32(bias)?,
        })
    }
}
