//! From the ONNX messages to the list of layers, node by node.
//!
//! The file's form is the exporter's: each activation goes `layer → (clamp) → QuantizeLinear → DequantizeLinear → next layer`, parameters
//! come from a DequantizeLinear of an initialiser. So a tensor's name stands for a value at one [`Stage`] of that way, and each operator
//! says which stage it reads.

use super::layers::{Clamp, Convolution, Form, Geometry, Layer, Operation, Plan, Pooling, Shape, Value, ValueId};
use super::table;
use crate::network::EngineError;
use crate::network::onnx::{
    OUTPUTS, dims_of, floats_of, form, integers_of, names, number, numbers, picture_side, read_model, refuse,
};
use clothingid_shared::quantisation::Quantisation;
use std::collections::HashMap;
use tract_onnx::pb::{GraphProto, NodeProto, TensorProto};

/// Largest activation, in elements: 256 MiB as float, more than any board should give to one layer.
const LARGEST: usize = 1 << 26;
/// Longest window.
const LONGEST_WINDOW: usize = 64;
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

/// A parameter behind its DequantizeLinear.
struct Parameter {
    /// Its initialiser.
    tensor: String,
    scales: Vec<f32>,
    zero_points: Vec<i32>,
    axis: i64,
}

/// Weights and biases of a layer, checked.
struct Weights {
    dims: Vec<usize>,
    weights: Vec<i8>,
    scales: Vec<f32>,
    bias: Vec<i32>,
    bias_scales: Vec<f32>,
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
        let row = table::find(&node.op_type).ok_or_else(|| refuse(node, "no engine of ours has this operator"))?;
        (row.lower)(&mut lowering, node)?;
    }
    lowering.finish(side, &graph)
}

impl Lowering {
    /// The pixels as the graph's layers see them: the same bytes, another order of axes.
    pub(super) fn picture(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let value = self.read(node, 0, Stage::Bytes)?;
        if value != ValueId(0) || numbers(node, "perm") != [0, 3, 1, 2] {
            return Err(refuse(node, "only the picture is transposed, from NHWC to NCHW"));
        }
        self.name(node, value, Stage::Bytes)
    }

    pub(super) fn dequantize(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let first = input(node, 0)?;
        if self.constants.contains_key(first) {
            let (scales, zero_points) = self.scales(node)?;
            let parameter = Parameter { tensor: first.to_string(), scales, zero_points, axis: number(node, "axis", 1) };
            self.parameters.insert(output(node)?.to_string(), parameter);
            return Ok(());
        }
        let value = self.read(node, 0, Stage::Bytes)?;
        let found = self.quantisation(node)?;
        let pending = self.pending(value);
        if pending.is_none_or(|pending| *pending.quantisation.get_or_insert(found) != found) {
            return Err(refuse(node, "it dequantises by other numbers than its tensor was quantised by"));
        }
        self.name(node, value, Stage::Real)
    }

    pub(super) fn quantize(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let found = self.quantisation(node)?;
        let (value, stage) = self.find(node, 0)?;
        if stage == Stage::Real && self.pending(value).is_some_and(|pending| pending.quantisation == Some(found)) {
            // By its own steps again: the same bytes (behind a `Flatten`).
            return self.name(node, value, Stage::Bytes);
        }
        let value = self.take_raw(node)?;
        let clamp = self.pending(value).map_or(Clamp::None, |pending| pending.clamp);
        let saturates = match clamp {
            Clamp::None => true,
            Clamp::Relu => found.zero_point == 0,
            Clamp::Relu6 => found.zero_point == 0 && found.scale * 255.0 <= 6.0,
        };
        if !saturates {
            return Err(refuse(node, "its range passes the clamp before it"));
        }
        if let Some(pending) = self.pending(value) {
            pending.quantisation = Some(found);
        }
        self.name(node, value, Stage::Bytes)
    }

    pub(super) fn relu(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        self.clamp(node, Clamp::Relu)
    }

    pub(super) fn clip(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let bound =
            |which: usize| input(node, which).ok().and_then(|name| self.constants.get(name)).and_then(floats_of);
        if (bound(1).as_deref(), bound(2).as_deref()) != (Some(&[0.0]), Some(&[6.0])) {
            return Err(refuse(node, "only bounds of 0 and 6 are known"));
        }
        self.clamp(node, Clamp::Relu6)
    }

    fn clamp(&mut self, node: &NodeProto, clamp: Clamp) -> Result<(), EngineError> {
        let value = self.take_raw(node)?;
        let takes = self.layers.last().is_some_and(|layer| {
            layer.output == value
                && matches!(layer.operation, Operation::Dense(_) | Operation::Depthwise(_) | Operation::Add(_))
        });
        let Some(pending) = self.pending(value).filter(|pending| takes && pending.clamp == Clamp::None) else {
            return Err(refuse(node, "it does not follow a convolution or a sum"));
        };
        pending.clamp = clamp;
        match self.layers.last_mut().map(|layer| &mut layer.operation) {
            Some(Operation::Dense(convolution) | Operation::Depthwise(convolution)) => convolution.clamp = clamp,
            Some(Operation::Add(bound)) => *bound = clamp,
            _ => {}
        }
        self.name(node, value, Stage::Raw)
    }

    pub(super) fn flatten(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let (value, stage) = self.find(node, 0)?;
        let is_flat = self.shape(value).pixels() == 1;
        if !is_flat || number(node, "axis", 1) != 1 {
            return Err(refuse(node, "only a value of one pixel is flattened"));
        }
        self.name(node, value, stage)
    }

    pub(super) fn conv(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let value = self.read(node, 0, Stage::Real)?;
        let from = self.shape(value);
        let weights = self.weights(node)?;
        let (&[outputs, per_group, kernel, across], groups) = (weights.dims.as_slice(), number(node, "group", 1))
        else {
            return Err(refuse(node, "its weights have no four axes"));
        };
        let is_dense = groups == 1 && per_group == from.channels;
        let is_depthwise = per_group == 1 && usize::try_from(groups) == Ok(from.channels) && outputs == from.channels;
        let geometry = square_window(node, kernel, across)?;
        if !is_dense && !is_depthwise {
            return Err(refuse(
                node,
                &format!(
                    "{groups} groups of {per_group} channels from {}: only dense and depthwise ones run",
                    from.channels
                ),
            ));
        }
        let along =
            |length: usize| geometry.along(length).ok_or_else(|| refuse(node, "its window is larger than its input"));
        let shape = Shape { height: along(from.height)?, width: along(from.width)?, channels: outputs };
        self.convolution(node, value, geometry, weights, shape, is_depthwise && groups > 1)
    }

    pub(super) fn gemm(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let value = self.read(node, 0, Stage::Real)?;
        let from = self.shape(value);
        let weights = self.weights(node)?;
        let is_plain = number(node, "transB", 0) == 1
            && number(node, "transA", 0) == 0
            && node.attribute.iter().all(|a| !matches!(a.name.as_str(), "alpha" | "beta") || (a.f - 1.0).abs() < 1e-6);
        match weights.dims.as_slice() {
            &[outputs, inputs] if is_plain && from.pixels() == 1 && from.channels == inputs => {
                let geometry = Geometry { kernel: 1, stride: 1, before: 0, after: 0 };
                self.convolution(node, value, geometry, weights, Shape { channels: outputs, ..from }, false)
            }
            dims => Err(refuse(node, &format!("weights {dims:?} for {} features, or no plain product", from.len()))),
        }
    }

    fn convolution(
        &mut self,
        node: &NodeProto,
        value: ValueId,
        geometry: Geometry,
        weights: Weights,
        shape: Shape,
        is_depthwise: bool,
    ) -> Result<(), EngineError> {
        check_sums(node, &weights)?;
        self.bias_scales.insert(self.layers.len(), weights.bias_scales);
        let convolution = Convolution {
            geometry,
            weights_oihw: weights.weights,
            scales: weights.scales,
            bias: weights.bias,
            multipliers: Vec::new(),
            clamp: Clamp::None,
            residual: None,
        };
        let operation = if is_depthwise { Operation::Depthwise(convolution) } else { Operation::Dense(convolution) };
        self.push(node, operation, vec![value], shape)
    }

    pub(super) fn add(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let inputs = self.read_all(node)?;
        match inputs.as_slice() {
            [a, b] if self.shape(*a) == self.shape(*b) => {
                let shape = self.shape(*a);
                self.push(node, Operation::Add(Clamp::None), inputs, shape)
            }
            _ => Err(refuse(node, "expected two activations of one shape")),
        }
    }

    pub(super) fn concat(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let inputs = self.read_all(node)?;
        let shapes: Vec<Shape> = inputs.iter().map(|value| self.shape(*value)).collect();
        let Some(first) = shapes.first().copied().filter(|_| number(node, "axis", 0) == 1) else {
            return Err(refuse(node, "only channels are concatenated"));
        };
        if shapes.iter().any(|shape| (shape.height, shape.width) != (first.height, first.width)) {
            return Err(refuse(node, "its inputs have different sides"));
        }
        let channels = shapes.iter().map(|shape| shape.channels).sum();
        self.push(node, Operation::Concat, inputs, Shape { channels, ..first })
    }

    pub(super) fn max_pool(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let value = self.read(node, 0, Stage::Real)?;
        let from = self.shape(value);
        let pads = numbers(node, "pads");
        let (kernel, stride) = (numbers(node, "kernel_shape"), numbers(node, "strides"));
        let (&[kernel, across], &[stride, stride_across], &[border, ..]) = (kernel, stride, pads) else {
            return Err(refuse(node, "it has no window, steps and border of two axes"));
        };
        let is_square = kernel == across && stride == stride_across && pads == [border; 4];
        let is_plain = numbers(node, "dilations").iter().all(|d| *d == 1) && number(node, "storage_order", 0) == 0;
        let (Some(kernel), Some(stride), Some(border)) = (small(kernel), small(stride), small(border)) else {
            return Err(refuse(node, "its window is not of a size that we know"));
        };
        let pooling = Pooling { kernel, stride, border, rounds_up: number(node, "ceil_mode", 0) == 1 };
        let side = |length: usize| pooling.along(length).filter(|_| kernel > 0);
        match (side(from.height), side(from.width)) {
            (Some(height), Some(width)) if is_square && is_plain => {
                self.push(node, Operation::MaxPool(pooling), vec![value], Shape { height, width, ..from })
            }
            _ => Err(refuse(node, "it is no square pooling that fits its input")),
        }
    }

    pub(super) fn mean(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let value = self.read(node, 0, Stage::Real)?;
        let shape = Shape { height: 1, width: 1, ..self.shape(value) };
        self.push(node, Operation::Mean, vec![value], shape)
    }

    pub(super) fn normalise(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let value = self.read(node, 0, Stage::Raw)?;
        let shape = self.shape(value);
        if number(node, "p", 2) != 2 || !matches!(number(node, "axis", -1), 1 | -1) || shape.pixels() != 1 {
            return Err(refuse(node, "expected the Euclidean norm of one vector"));
        }
        self.push(node, Operation::Normalise, vec![value], shape)
    }

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

    fn constant(&self, node: &NodeProto, name: &str) -> Result<&TensorProto, EngineError> {
        self.constants.get(name).ok_or_else(|| refuse(node, &format!("`{name}` is not a constant")))
    }

    /// Scales and zero points of a quantisation, one of each a channel, or one.
    fn scales(&self, node: &NodeProto) -> Result<(Vec<f32>, Vec<i32>), EngineError> {
        let scales = floats_of(self.constant(node, input(node, 1)?)?).unwrap_or_default();
        let zero_points = match node.input.get(2).filter(|name| !name.is_empty()) {
            None => vec![0; scales.len()],
            Some(name) => integers_of(self.constant(node, name)?).unwrap_or_default(),
        };
        let is_good = !scales.is_empty()
            && scales.len() == zero_points.len()
            && scales.iter().all(|scale| scale.is_finite() && *scale > 0.0);
        if !is_good || number(node, "block_size", 0) != 0 {
            return Err(refuse(node, "its scales and zero points are not positive numbers, one each"));
        }
        Ok((scales, zero_points))
    }

    /// The one scale and zero point of an activation.
    fn quantisation(&self, node: &NodeProto) -> Result<Quantisation, EngineError> {
        let (scales, zero_points) = self.scales(node)?;
        match (scales.as_slice(), zero_points.as_slice()) {
            (&[scale], &[zero_point]) => u8::try_from(zero_point)
                .map(|zero_point| Quantisation { scale, zero_point })
                .map_err(|_| refuse(node, "its zero point is no byte")),
            _ => Err(refuse(node, "an activation has one scale")),
        }
    }

    /// Weights and biases behind inputs 1 and 2.
    fn weights(&self, node: &NodeProto) -> Result<Weights, EngineError> {
        let parameter = |which: usize| {
            let name = input(node, which)?;
            self.parameters.get(name).ok_or_else(|| refuse(node, &format!("`{name}` is no quantised parameter")))
        };
        let (weight, bias) = (parameter(1)?, parameter(2)?);
        let tensor = self.constant(node, &weight.tensor)?;
        let dims = dims_of(tensor).unwrap_or_default();
        let integers = integers_of(tensor).unwrap_or_default();
        let outputs = dims.first().copied().unwrap_or(0);
        let weights: Vec<i8> = integers.iter().filter_map(|w| i8::try_from(*w).ok()).collect();
        let bias_integers = integers_of(self.constant(node, &bias.tensor)?).unwrap_or_default();
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

    /// Multipliers and forms, now that all quantisations are known.
    fn finish(self, side: u32, graph: &GraphProto) -> Result<Plan, EngineError> {
        let mut outputs = [ValueId(0); 3];
        for (output, name) in outputs.iter_mut().zip(OUTPUTS) {
            let is_declared = graph.output.iter().any(|declared| declared.name == name);
            match self.tensors.get(name) {
                Some((value, Stage::Raw)) if is_declared => *output = *value,
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
    let per_output = convolution.weights_oihw.len() / convolution.bias.len().max(1);
    let rows = convolution.weights_oihw.chunks(per_output.max(1));
    let is_small = rows.zip(&convolution.bias).zip(&convolution.multipliers).all(|((row, bias), multiplier)| {
        multiplier.is_finite() && largest_sum(row, *bias) as f64 * f64::from(*multiplier) < LARGEST_STEP
    });
    if is_small { Ok(()) } else { Err(fail("its sums are too large for the scale of its result")) }
}

/// No sum of the layer may leave the 32 bits in which every executor adds.
fn check_sums(node: &NodeProto, weights: &Weights) -> Result<(), EngineError> {
    let per_output = weights.weights.len() / weights.bias.len().max(1);
    let rows = weights.weights.chunks(per_output.max(1));
    let fits = rows.zip(&weights.bias).all(|(row, bias)| largest_sum(row, *bias) < i64::from(i32::MAX));
    if fits { Ok(()) } else { Err(refuse(node, "its sums do not fit 32 bits")) }
}

/// The largest magnitude of any partial sum of products with bytes, centred or not, and the bias.
fn largest_sum(row: &[i8], bias: i32) -> i64 {
    2 * 255 * row.iter().map(|w| i64::from(w.unsigned_abs())).sum::<i64>() + i64::from(bias.unsigned_abs())
}

/// Window, steps and border of a `Conv`.
fn square_window(node: &NodeProto, kernel: usize, across: usize) -> Result<Geometry, EngineError> {
    // What ONNX takes where an attribute is missing.
    let or = |found: &[i64], default: &[i64]| if found.is_empty() { default.to_vec() } else { found.to_vec() };
    let (strides, pads) = (or(numbers(node, "strides"), &[1, 1]), or(numbers(node, "pads"), &[0, 0, 0, 0]));
    let is_plain = numbers(node, "dilations").iter().all(|d| *d == 1)
        && node.attribute.iter().all(|a| a.name != "auto_pad" || a.s == b"NOTSET" || a.s.is_empty());
    match (strides.as_slice(), pads.as_slice()) {
        (&[stride, stride_across], &[top, left, bottom, right])
            if is_plain && kernel == across && stride == stride_across && top == left && bottom == right =>
        {
            let (Some(stride), Some(before), Some(after)) = (small(stride), small(top), small(bottom)) else {
                return Err(refuse(node, "its steps or borders are not of a size that we know"));
            };
            if kernel == 0 || kernel > LONGEST_WINDOW || stride == 0 {
                return Err(refuse(node, &format!("a window of {kernel} in steps of {stride}")));
            }
            Ok(Geometry { kernel, stride, before, after })
        }
        _ => Err(refuse(node, "its window is not square, or has gaps")),
    }
}

fn small(length: i64) -> Option<usize> {
    usize::try_from(length).ok().filter(|length| *length <= LONGEST_WINDOW)
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
