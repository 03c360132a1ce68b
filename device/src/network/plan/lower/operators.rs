//! One function for each row of the [table](super::super::table).

use super::parameters::{Parameter, Weights};
use super::{Lowering, Stage, input, output};
use crate::network::EngineError;
use crate::network::onnx::{floats_of, number, numbers, refuse, scales};
use crate::network::plan::layers::{Clamp, Convolution, Geometry, Operation, Pooling, Shape, ValueId};
use tract_onnx::pb::NodeProto;

/// Longest window, step and border.
const LONGEST_WINDOW: usize = 64;

impl Lowering {
    /// The pixels as the graph's layers see them: the same bytes, another order of axes.
    pub(in crate::network::plan) fn picture(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let value = self.read(node, 0, Stage::Bytes)?;
        if value != ValueId(0) || numbers(node, "perm") != [0, 3, 1, 2] {
            return Err(refuse(node, "only the picture is transposed, from NHWC to NCHW"));
        }
        self.name(node, value, Stage::Bytes)
    }

    pub(in crate::network::plan) fn dequantize(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let first = input(node, 0)?;
        if self.constants.contains_key(first) {
            let (scales, zero_points) = scales(&self.constants, node)?;
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

    pub(in crate::network::plan) fn quantize(&mut self, node: &NodeProto) -> Result<(), EngineError> {
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

    pub(in crate::network::plan) fn relu(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        self.clamp(node, Clamp::Relu)
    }

    pub(in crate::network::plan) fn clip(&mut self, node: &NodeProto) -> Result<(), EngineError> {
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

    pub(in crate::network::plan) fn flatten(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let (value, stage) = self.find(node, 0)?;
        let is_flat = self.shape(value).pixels() == 1;
        if !is_flat || number(node, "axis", 1) != 1 {
            return Err(refuse(node, "only a value of one pixel is flattened"));
        }
        self.name(node, value, stage)
    }

    pub(in crate::network::plan) fn conv(&mut self, node: &NodeProto) -> Result<(), EngineError> {
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

    pub(in crate::network::plan) fn gemm(&mut self, node: &NodeProto) -> Result<(), EngineError> {
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
        // Every executor adds in 32 bits.
        if convolution.largest_sums().any(|sum| sum >= i64::from(i32::MAX)) {
            return Err(refuse(node, "its sums do not fit 32 bits"));
        }
        let operation = if is_depthwise { Operation::Depthwise(convolution) } else { Operation::Dense(convolution) };
        self.push(node, operation, vec![value], shape)
    }

    pub(in crate::network::plan) fn add(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let inputs = self.read_all(node)?;
        match inputs.as_slice() {
            [a, b] if self.shape(*a) == self.shape(*b) => {
                let shape = self.shape(*a);
                self.push(node, Operation::Add(Clamp::None), inputs, shape)
            }
            _ => Err(refuse(node, "expected two activations of one shape")),
        }
    }

    pub(in crate::network::plan) fn concat(&mut self, node: &NodeProto) -> Result<(), EngineError> {
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

    pub(in crate::network::plan) fn max_pool(&mut self, node: &NodeProto) -> Result<(), EngineError> {
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

    pub(in crate::network::plan) fn mean(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let value = self.read(node, 0, Stage::Real)?;
        let shape = Shape { height: 1, width: 1, ..self.shape(value) };
        self.push(node, Operation::Mean, vec![value], shape)
    }

    pub(in crate::network::plan) fn normalise(&mut self, node: &NodeProto) -> Result<(), EngineError> {
        let value = self.read(node, 0, Stage::Raw)?;
        let shape = self.shape(value);
        if number(node, "p", 2) != 2 || !matches!(number(node, "axis", -1), 1 | -1) || shape.pixels() != 1 {
            return Err(refuse(node, "expected the Euclidean norm of one vector"));
        }
        self.push(node, Operation::Normalise, vec![value], shape)
    }
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
