//! Writes a network as ONNX, opset 17: one walk, with float parameters or with integers between `QuantizeLinear` and
//! `DequantizeLinear` ("QDQ").
//!
//! Tensors of a layer `L`: `L` before its clamp, `L.clamped` behind it, `L.quantised` (bytes), `L.dequantised` (what the next layer
//! reads). Parameters: `L.weight`, `L.bias`, and in QDQ form `L.weight.scale`, `L.weight.dequantised` and so on.

use tract_onnx::pb;
use tract_onnx::pb::tensor_proto::DataType;

use super::messages::{floats, int8, int32, integer, integers, node, uint8, value};
use crate::export::fused::{Clamp, FusedGraph, FusedNode, Geometry, Operation};
use crate::export::quantised::{
    FloatNetwork, FloatWeights, Quantisation, QuantisedNetwork, QuantisedWeights, of_picture,
};
use crate::network::graph::{Pooling, Rounding};

/// Version of the operator set.
const OPSET: i64 = 17;
/// Version of the file format that goes with the opset.
const IR_VERSION: i64 = 8;
/// Name of the network's input.
pub(super) const PICTURE: &str = "picture";

/// What fills the layers.
enum Parameters<'a> {
    Float(&'a FloatNetwork),
    Quantised(&'a QuantisedNetwork),
}

struct Writer<'a> {
    graph: &'a FusedGraph,
    parameters: Parameters<'a>,
    nodes: Vec<pb::NodeProto>,
    initialisers: Vec<pb::TensorProto>,
    /// What later layers read of each node.
    results: Vec<String>,
}

/// The network in float: what the checks run.
#[must_use]
pub fn write_float(network: &FloatNetwork) -> pb::ModelProto {
    write(&network.graph, Parameters::Float(network))
}

/// The network in QDQ form: what ships.
#[must_use]
pub fn write_quantised(network: &QuantisedNetwork) -> pb::ModelProto {
    write(&network.graph, Parameters::Quantised(network))
}

fn write(graph: &FusedGraph, parameters: Parameters<'_>) -> pb::ModelProto {
    let mut writer = Writer { graph, parameters, nodes: Vec::new(), initialisers: Vec::new(), results: Vec::new() };
    for place in 0..graph.nodes.len() {
        writer.layer(place);
    }
    let outputs = graph
        .outputs
        .iter()
        .map(|(name, place)| value(name, &[1, graph.nodes[*place].shape.len()], DataType::Float))
        .collect();
    let file = pb::GraphProto {
        name: graph.backbone.clone(),
        node: writer.nodes,
        initializer: writer.initialisers,
        input: vec![value(PICTURE, &[1, graph.side, graph.side, 3], DataType::Uint8)],
        output: outputs,
        ..Default::default()
    };
    pb::ModelProto {
        ir_version: IR_VERSION,
        opset_import: vec![pb::OperatorSetIdProto { domain: String::new(), version: OPSET }],
        producer_name: "clothingid-train".to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(file),
        ..Default::default()
    }
}

impl Writer<'_> {
    fn push(&mut self, op: &str, inputs: &[&str], output: &str, attributes: Vec<pb::AttributeProto>) -> String {
        self.nodes.push(node(op, output, inputs, output, attributes));
        output.to_owned()
    }

    /// The operator that is the layer itself: its node has the layer's name.
    fn push_layer(
        &mut self,
        op: &str,
        layer: &str,
        inputs: &[&str],
        output: &str,
        attributes: Vec<pb::AttributeProto>,
    ) -> String {
        self.nodes.push(node(op, layer, inputs, output, attributes));
        output.to_owned()
    }

    /// `scale` and `zero_point` initialisers of an activation.
    fn quantisation(&mut self, name: &str, quantisation: Quantisation) -> (String, String) {
        let (scale, zero_point) = (format!("{name}.scale"), format!("{name}.zero_point"));
        self.initialisers.push(floats(&scale, &[], &[quantisation.scale]));
        self.initialisers.push(uint8(&zero_point, &[], &[quantisation.zero_point]));
        (scale, zero_point)
    }

    /// Quantises and dequantises `from`; the bytes are named `{name}.quantised`.
    fn through_bytes(&mut self, from: &str, name: &str, quantisation: Quantisation) -> String {
        let (scale, zero_point) = self.quantisation(name, quantisation);
        let bytes = self.push("QuantizeLinear", &[from, &scale, &zero_point], &format!("{name}.quantised"), Vec::new());
        self.push("DequantizeLinear", &[&bytes, &scale, &zero_point], &format!("{name}.dequantised"), Vec::new())
    }

    fn layer(&mut self, place: usize) {
        let graph = self.graph;
        let layer = &graph.nodes[place];
        let inputs: Vec<String> = layer.inputs.iter().map(|&p| self.results[p].clone()).collect();
        let reads: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let output = graph.outputs.iter().find(|(_, p)| *p == place).map(|(name, _)| name.as_str());
        let raw = output
            .filter(|_| layer.clamp == Clamp::None && !self.is_quantised(place))
            .unwrap_or(&layer.name)
            .to_owned();
        let name = layer.name.as_str();
        let mut result = match layer.operation {
            Operation::Picture => {
                let nchw = self.push_layer(
                    "Transpose",
                    name,
                    &[PICTURE],
                    "picture.nchw",
                    vec![integers("perm", &[0, 3, 1, 2])],
                );
                let (scale, zero_point) = self.quantisation("picture", of_picture());
                let result =
                    self.push("DequantizeLinear", &[&nchw, &scale, &zero_point], "picture.dequantised", Vec::new());
                self.results.push(result);
                return;
            }
            Operation::Convolution(g) => {
                let (weight, bias) = self.weights(place, layer, &[g.outputs, g.inputs / g.groups, g.kernel, g.kernel]);
                self.push_layer("Conv", name, &[reads[0], &weight, &bias], &raw, convolution(&g))
            }
            Operation::Linear { inputs, outputs } => {
                let (weight, bias) = self.weights(place, layer, &[outputs, inputs]);
                self.push_layer("Gemm", name, &[reads[0], &weight, &bias], &raw, vec![integer("transB", 1)])
            }
            Operation::Add => self.push_layer("Add", name, &reads, &raw, Vec::new()),
            Operation::Concat => self.push_layer("Concat", name, &reads, &raw, vec![integer("axis", 1)]),
            Operation::MaxPool(Pooling { kernel, stride, border, rounding }) => {
                let attributes = vec![
                    integers("kernel_shape", &[kernel; 2]),
                    integers("strides", &[stride; 2]),
                    integers("pads", &[border; 4]),
                    integer("ceil_mode", usize::from(rounding == Rounding::Up)),
                ];
                self.push_layer("MaxPool", name, &reads, &raw, attributes)
            }
            Operation::GlobalAveragePool => {
                // ONNX Runtime fuses the pool only where `QuantizeLinear` follows at once, so the flattening comes after it.
                let mut pooled =
                    self.push_layer("GlobalAveragePool", name, &reads, &format!("{name}.spatial"), Vec::new());
                if let Some(quantisation) = self.quantisation_of(place) {
                    pooled = self.through_bytes(&pooled, &format!("{name}.spatial"), quantisation);
                }
                self.push_layer("Flatten", &format!("{name}.flatten"), &[&pooled], &raw, vec![integer("axis", 1)])
            }
            Operation::L2Normalise => {
                self.push_layer("LpNormalization", name, &reads, &raw, vec![integer("axis", 1), integer("p", 2)])
            }
        };
        if layer.clamp != Clamp::None {
            let clamped = output
                .filter(|_| !self.is_quantised(place))
                .map_or_else(|| format!("{}.clamped", layer.name), str::to_owned);
            result = match layer.clamp {
                Clamp::Relu6 => {
                    self.bounds();
                    self.push("Clip", &[&result, "zero", "six"], &clamped, Vec::new())
                }
                _ => self.push("Relu", &[&result], &clamped, Vec::new()),
            };
        }
        if let Some(quantisation) = self.quantisation_of(place) {
            result = self.through_bytes(&result, &layer.name, quantisation);
        }
        self.results.push(result);
    }

    /// The bounds of every ReLU6, once.
    fn bounds(&mut self) {
        if !self.initialisers.iter().any(|t| t.name == "six") {
            self.initialisers.push(floats("zero", &[], &[0.0]));
            self.initialisers.push(floats("six", &[], &[6.0]));
        }
    }

    fn quantisation_of(&self, place: usize) -> Option<Quantisation> {
        match self.parameters {
            Parameters::Float(_) => None,
            Parameters::Quantised(network) => network.activations.get(place).copied().flatten(),
        }
    }

    fn is_quantised(&self, place: usize) -> bool {
        self.quantisation_of(place).is_some()
    }

    /// Writes a layer's parameters and returns the tensors that the operator reads.
    fn weights(&mut self, place: usize, layer: &FusedNode, shape: &[usize]) -> (String, String) {
        let (weight, bias) = (format!("{}.weight", layer.name), format!("{}.bias", layer.name));
        match self.parameters {
            Parameters::Float(network) => {
                let none = FloatWeights { weights_oihw: Vec::new(), bias: Vec::new() };
                let layer = network.weights.get(&place).unwrap_or(&none);
                self.initialisers.push(floats(&weight, shape, &layer.weights_oihw));
                self.initialisers.push(floats(&bias, &[layer.bias.len()], &layer.bias));
                (weight, bias)
            }
            Parameters::Quantised(network) => {
                let none = QuantisedWeights { weights_oihw: Vec::new(), scales: Vec::new(), bias: Vec::new() };
                let layer = network.weights.get(&place).unwrap_or(&none);
                let channels = [layer.scales.len()];
                let bias_scales: Vec<f32> =
                    (0..channels[0]).map(|c| network.bias_scale(place, c).unwrap_or(0.0)).collect();
                self.initialisers.push(int8(&weight, shape, &layer.weights_oihw));
                self.initialisers.push(floats(&format!("{weight}.scale"), &channels, &layer.scales));
                self.initialisers.push(int8(&format!("{weight}.zero_point"), &channels, &vec![0; channels[0]]));
                self.initialisers.push(int32(&bias, &channels, &layer.bias));
                self.initialisers.push(floats(&format!("{bias}.scale"), &channels, &bias_scales));
                self.initialisers.push(int32(&format!("{bias}.zero_point"), &channels, &vec![0; channels[0]]));
                let dequantise = |writer: &mut Self, name: &str| {
                    let inputs = [name, &format!("{name}.scale"), &format!("{name}.zero_point")];
                    writer.push("DequantizeLinear", &inputs, &format!("{name}.dequantised"), vec![integer("axis", 0)])
                };
                (dequantise(self, &weight), dequantise(self, &bias))
            }
        }
    }
}

/// Attributes of a `Conv`.
fn convolution(g: &Geometry) -> Vec<pb::AttributeProto> {
    vec![
        integers("kernel_shape", &[g.kernel; 2]),
        integers("strides", &[g.stride; 2]),
        integers("pads", &[g.before, g.before, g.after, g.after]),
        integer("group", g.groups),
    ]
}
