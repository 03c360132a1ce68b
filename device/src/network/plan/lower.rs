//! From the ONNX messages to the list of layers, node by node.
//!
//! The file's form is the exporter's: each activation goes `layer → (clamp) → QuantizeLinear → DequantizeLinear → next layer`, parameters
//! come from a DequantizeLinear of an initialiser. So a tensor's name stands for a value at one [`Stage`] of that way, and each operator
//! says which stage it reads.
//!
//! - [`operators`]: what each operator becomes.
//! - [`parameters`]: scales, zero points, weights and biases, checked.

mod operators;
mod parameters;

use self::parameters::Parameter;
use super::layers::{Clamp, Form, Layer, Operation, Plan, Shape, Value, ValueId};
use super::table;
use crate::network::EngineError;
use crate::network::onnx::{OUTPUTS, form, names, picture_side, read_model, refuse};
use clothingid_shared::quantisation::Quantisation;
use std::collections::HashMap;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

/// Largest activation, in elements: 256 MiB as float, more than any board should give to one layer.
const LARGEST: usize = 1 << 26;
/// Sums in steps of the result stay below this magnitude, so that converting them to integers cannot overflow.
const LARGEST_STEP: f64 = 1_073_741_824.0;

/// How far a value has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// As its layer made it.
    Raw,
    /// Quantised.
    Bytes,
    /// Quantised and dequantised: what layers read.
    Real,
}

/// A value whose form is not known before its QuantizeLinear.
struct Pending {
    name: String,
    shape: Shape,
    quantisation: Option<Quantisation>,
    clamp: Clamp,
}

/// The work in progress.
pub(super) struct Lowering {
    constants: HashMap<String, TensorProto>,
    parameters: HashMap<String, Parameter>,
    tensors: HashMap<String, (ValueId, Stage)>,
    values: Vec<Pending>,
    layers: Vec<Layer>,
    /// Scales of each layer's bias, to be compared when all quantisations are known.
    bias_scales: HashMap<usize, Vec<f32>>,
}

/// Reads a bundle's network.
pub(super) fn lower(network: &[u8]) -> Result<Plan, EngineError> {
    let model = read_model(network)?;
    lower_graph(model.graph.ok_or_else(|| form("graph", "one", "none"))?)
}

/// Reads the graph of a network.
pub(super) fn lower_graph(mut graph: GraphProto) -> Result<Plan, EngineError> {
    let side = picture_side(&graph.input)?;
    let length = side as usize;
    let picture = Pending {
        name: "picture".to_string(),
        shape: Shape { height: length, width: length, channels: 3 },
        quantisation: None,
        clamp: Clamp::None,
    };
    let mut lowering = Lowering {
        constants: std::mem::take(&mut graph.initializer).into_iter().map(|t| (t.name.clone(), t)).collect(),
        parameters: HashMap::new(),
        tensors: HashMap::from([("picture".to_string(), (ValueId(0), Stage::Bytes))]),
        values: vec![picture],
        layers: Vec::new(),
        bias_scales: HashMap::new(),
    };
    for node in &graph.node {
        let lower = table::find(&node.op_type).ok_or_else(|| refuse(node, "no engine of ours has this operator"))?;
        lower(&mut lowering, node)?;
    }
    lowering.finish(side, &graph)
}

impl Lowering {
    /// Appends a layer and its value.
    fn push(
        &mut self,
        node: &NodeProto,
        operation: Operation,
        inputs: Vec<ValueId>,
        shape: Shape,
    ) -> Result<(), EngineError> {
        let elements = shape.height.checked_mul(shape.width).and_then(|pixels| pixels.checked_mul(shape.channels));
        if elements.is_none_or(|elements| elements == 0 || elements > LARGEST) {
            return Err(refuse(node, &format!("its result would be {shape:?}")));
        }
        let name = if node.name.is_empty() { output(node)?.to_string() } else { node.name.clone() };
        let value = ValueId(self.values.len());
        self.values.push(Pending { name: name.clone(), shape, quantisation: None, clamp: Clamp::None });
        self.layers.push(Layer { name, operation, inputs, output: value });
        self.name(node, value, Stage::Raw)
    }

    /// Gives the node's result a name.
    fn name(&mut self, node: &NodeProto, value: ValueId, stage: Stage) -> Result<(), EngineError> {
        let name = output(node)?;
        if self.constants.contains_key(name) || self.tensors.insert(name.to_string(), (value, stage)).is_some() {
            return Err(refuse(node, &format!("`{name}` is made twice")));
        }
        Ok(())
    }

    fn find(&self, node: &NodeProto, which: usize) -> Result<(ValueId, Stage), EngineError> {
        let name = input(node, which)?;
        let found = self.tensors.get(name).copied();
        found
            .ok_or_else(|| refuse(node, &format!("its input `{name}` comes from nowhere, or is read before its clamp")))
    }

    /// The value that an input names, which must be at `stage`.
    fn read(&self, node: &NodeProto, which: usize, stage: Stage) -> Result<ValueId, EngineError> {
        match self.find(node, which)? {
            (value, found) if found == stage => Ok(value),
            _ => Err(refuse(node, &format!("input {which} is not in the form of a quantised network"))),
        }
    }

    fn read_all(&self, node: &NodeProto) -> Result<Vec<ValueId>, EngineError> {
        (0..node.input.len()).map(|which| self.read(node, which, Stage::Real)).collect()
    }

    /// The value that a clamp or QuantizeLinear changes; nobody else may read it unchanged.
    fn take_raw(&mut self, node: &NodeProto) -> Result<ValueId, EngineError> {
        let value = self.read(node, 0, Stage::Raw)?;
        self.tensors.remove(input(node, 0)?);
        Ok(value)
    }

    fn pending(&mut self, value: ValueId) -> Option<&mut Pending> {
        self.values.get_mut(value.0)
    }

    fn shape(&self, value: ValueId) -> Shape {
        self.values.get(value.0).map_or(Shape { height: 0, width: 0, channels: 0 }, |pending| pending.shape)
    }

    /// Multipliers and forms, now that all quantisations are known.
    fn finish(self, side: u32, graph: &GraphProto) -> Result<Plan, EngineError> {
        let mut outputs = [ValueId(0); 3];
        for (output, name) in outputs.iter_mut().zip(OUTPUTS) {
            let is_declared = graph.output.iter().any(|declared| declared.name == name);
            match self.tensors.get(name) {
                Some((value, Stage::Raw)) if is_declared => *output = *value,
                _ if is_declared => {
                    return Err(form(&format!("output `{name}`"), "made by a node and not quantised", "neither"));
                }
                _ => return Err(form("outputs", &OUTPUTS.join(", "), &names(&graph.output))),
            }
        }
        let values = self.values.into_iter().map(|pending| Value {
            form: pending.quantisation.map_or(Form::Floats, Form::Bytes),
            name: pending.name,
            shape: pending.shape,
            slot: 0,
        });
        let (values, layers) = (values.collect(), self.layers);
        let mut plan = Plan { side, values, layers, outputs, slots: Vec::new(), notes: Vec::new() };
        let mut layers = std::mem::take(&mut plan.layers);
        for (place, layer) in layers.iter_mut().enumerate() {
            let bias_scales = self.bias_scales.get(&place).map(Vec::as_slice).unwrap_or_default();
            complete(&plan, layer, bias_scales)?;
        }
        plan.layers = layers;
        Ok(plan)
    }
}

/// Works out a layer's multipliers and checks its forms.
fn complete(plan: &Plan, layer: &mut Layer, bias_scales: &[f32]) -> Result<(), EngineError> {
    let (name, operator) = (layer.name.clone(), layer.operation.name().to_string());
    let fail = |problem: &str| EngineError::Node { node: name, operator, problem: problem.to_string() };
    let (from, to) = (plan.input(layer).form, plan.value(layer.output).form);
    let reads_bytes = layer.inputs.iter().all(|value| matches!(plan.value(*value).form, Form::Bytes(_)));
    let is_linear = plan.value(layer.output).shape.pixels() == 1;
    let has_fitting_forms = match layer.operation {
        Operation::Normalise => !reads_bytes && to == Form::Floats,
        Operation::Dense(_) if is_linear => reads_bytes,
        Operation::MaxPool(_) => reads_bytes && from == to,
        _ => reads_bytes && to != Form::Floats,
    };
    if !has_fitting_forms {
        return Err(fail("its input or its result is not quantised as the integer layers need it"));
    }
    let (Operation::Dense(convolution) | Operation::Depthwise(convolution)) = &mut layer.operation else {
        return Ok(());
    };
    let is_near = |(scale, found): (&f32, &f32)| (from.scale() * scale - found).abs() <= found.abs() * 1e-5;
    if !convolution.scales.iter().zip(bias_scales).all(is_near) {
        return Err(fail("its bias has another scale than its input times its weights"));
    }
    convolution.multipliers = convolution.scales.iter().map(|scale| from.scale() * scale / to.scale()).collect();
    let is_small = convolution
        .largest_sums()
        .zip(&convolution.multipliers)
        .all(|(sum, multiplier)| multiplier.is_finite() && sum as f64 * f64::from(*multiplier) < LARGEST_STEP);
    if is_small { Ok(()) } else { Err(fail("its sums are too large for the scale of its result")) }
}

fn input(node: &NodeProto, which: usize) -> Result<&str, EngineError> {
    node.input.get(which).map(String::as_str).ok_or_else(|| refuse(node, &format!("it has no input {which}")))
}

fn output(node: &NodeProto) -> Result<&str, EngineError> {
    match node.output.as_slice() {
        [output] => Ok(output),
        _ => Err(refuse(node, "expected one output")),
    }
}
