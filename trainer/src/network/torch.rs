//! Runs a [`Graph`] with libtorch: in training with gradients, else without.
//!
//! **Layout.** The pictures arrive as `[N, S, S, 3]` bytes; seen as `[N, 3, S, S]` their strides are those of "channels last", which
//! every layer keeps. tch has no call for that layout, and needs none: nothing here ever asks for another. On processors it is the
//! faster one (see `clothingid-train weights bench`).
//!
//! **Batch norm** either takes the statistics of the batch, or the running ones ([`Statistics`](super::Statistics)). In the second case the factor goes
//! into the convolution before it, at every step, so that gradients still reach both; that spares two passes over each activation
//! forwards and three backwards.

use std::collections::HashMap;

use tch::{Device, Kind, Tensor};

use super::graph::{
    ArraySpec, Graph, Layer, Node, NodeId, PIXEL_SCALE_DIVISOR, PIXEL_ZERO_POINT, Padding, Pooling, Rounding,
};
use super::parameters::{Layout, Views, to_array, to_tensor};
use super::pass::{Memory, Pass, Precision, TrainOptions};
use super::weights::{Weights, WeightsError};

/// Added to the variance before the root.
const EPSILON: f64 = 1e-5;

/// Share of the batch in the running statistics at each step.
const MOMENTUM: f64 = 0.1;

/// A graph with its arrays on a device.
#[derive(Debug)]
pub struct Network {
    graph: Graph,
    device: Device,
    memory: Memory,
    precision: Precision,
    layout: Layout,
    flat: Tensor,
    fixed: HashMap<String, Tensor>,
    /// For each node, the last node that reads it.
    last_use: Vec<usize>,
    /// For each node, how many read it.
    readers: Vec<usize>,
    /// For each convolution, the batch norm that alone reads it.
    norm_behind: Vec<Option<usize>>,
    /// Whether its training passes move the running statistics.
    moves_statistics: bool,
}

impl Network {
    /// Puts a network up for running only; nothing asks for gradients.
    ///
    /// # Errors
    /// An array is missing or has another shape.
    pub fn load(graph: Graph, weights: &Weights, device: Device) -> Result<Self, WeightsError> {
        let options = TrainOptions { frozen: vec![String::new()], ..TrainOptions::default() };
        Self::for_training(graph, weights, device, &options)
    }

    /// Puts a network up for training.
    ///
    /// # Errors
    /// An array is missing or has another shape.
    pub fn for_training(
        graph: Graph,
        weights: &Weights,
        device: Device,
        options: &TrainOptions,
    ) -> Result<Self, WeightsError> {
        let is_frozen = |array: &ArraySpec| options.frozen.iter().any(|prefix| array.name.starts_with(prefix.as_str()));
        let (frozen, mut trained): (Vec<_>, Vec<_>) = graph.parameters().into_iter().partition(is_frozen);
        trained.extend(options.extra.iter().cloned());
        let layout = Layout::new(&trained);
        let flat = if layout.is_empty() {
            Tensor::zeros([0], (Kind::Float, device))
        } else {
            layout.gather(weights, device)?.set_requires_grad(true)
        };
        let mut fixed = HashMap::new();
        for array in frozen.into_iter().chain(graph.state()) {
            let tensor = to_tensor(weights.get_shaped(&array.name, &array.shape)?, device);
            fixed.insert(array.name, tensor);
        }
        let mut last_use: Vec<usize> = (0..graph.nodes.len()).collect();
        let mut readers = vec![0; graph.nodes.len()];
        for (place, node) in graph.nodes.iter().enumerate() {
            for input in &node.inputs {
                last_use[input.0] = place;
                readers[input.0] += 1;
            }
        }
        let mut norm_behind = vec![None; graph.nodes.len()];
        for (place, node) in graph.nodes.iter().enumerate() {
            if let (Layer::BatchNorm { .. }, Some(&NodeId(from))) = (&node.layer, node.inputs.first()) {
                let folds =
                    matches!(graph.nodes[from].layer, Layer::Convolution { bias: false, .. }) && readers[from] == 1;
                if folds {
                    norm_behind[from] = Some(place);
                }
            }
        }
        Ok(Self {
            graph,
            device,
            memory: options.memory,
            precision: options.precision,
            layout,
            flat,
            fixed,
            last_use,
            readers,
            norm_behind,
            moves_statistics: true,
        })
    }

    /// A second handle on the same arrays for another thread: what changes in one changes in the other. Only one handle may move the
    /// running statistics, else what they become hangs on which thread was faster.
    #[must_use]
    pub fn replica(&self, moves_statistics: bool) -> Self {
        let flat = self.flat.detach().set_requires_grad(!self.layout.is_empty());
        let fixed = self.fixed.iter().map(|(name, tensor)| (name.clone(), tensor.shallow_clone())).collect();
        Self {
            graph: self.graph.clone(),
            device: self.device,
            memory: self.memory,
            precision: self.precision,
            layout: self.layout.clone(),
            flat,
            fixed,
            last_use: self.last_use.clone(),
            readers: self.readers.clone(),
            norm_behind: self.norm_behind.clone(),
            moves_statistics,
        }
    }

    /// The graph.
    #[must_use]
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Where it runs.
    #[must_use]
    pub fn device(&self) -> Device {
        self.device
    }

    /// The trained arrays, flat; a leaf that asks for gradients.
    pub fn flat(&self) -> &Tensor {
        &self.flat
    }

    /// The order of the trained arrays.
    #[must_use]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// All arrays of the graph (extra ones included) with the trained ones taken from `flat`.
    #[must_use]
    pub fn to_weights(&self, flat: &Tensor) -> Weights {
        let mut weights = self.layout.scatter(flat);
        for (name, tensor) in &self.fixed {
            weights.insert(name.clone(), to_array(tensor));
        }
        weights
    }

    /// Puts other running statistics and frozen arrays in place of those loaded.
    ///
    /// # Errors
    /// An array is missing or has another shape.
    pub fn restore_fixed(&mut self, weights: &Weights) -> Result<(), WeightsError> {
        for (name, tensor) in &mut self.fixed {
            let shape: Vec<usize> = tensor.size().iter().map(|&n| usize::try_from(n).unwrap_or(0)).collect();
            *tensor = to_tensor(weights.get_shaped(name, &shape)?, self.device);
        }
        Ok(())
    }

    /// The results of pictures `[N, S, S, 3] u8` by name, in the graph's order, without gradients.
    #[must_use]
    pub fn evaluate(&self, pictures_nhwc: &Tensor) -> Vec<(String, Tensor)> {
        let wanted = self.graph.output_nodes();
        let results = self.evaluate_nodes(pictures_nhwc, &wanted);
        self.graph.outputs.iter().map(|(name, _)| name.clone()).zip(results).collect()
    }

    /// What the wanted nodes give for pictures `[N, S, S, 3] u8`, without gradients.
    #[must_use]
    pub fn evaluate_nodes(&self, pictures_nhwc: &Tensor, wanted: &[NodeId]) -> Vec<Tensor> {
        tch::no_grad(|| self.run(&self.layout.views(&self.flat), pictures_nhwc, Pass::Evaluate, wanted))
    }

    /// What the wanted nodes give for pictures `[N, S, S, 3] u8`, with the trained arrays of `views`.
    ///
    /// **Shapes**: activations `[N, C, H, W]` (stored channels last), features `[N, C]`.
    #[must_use]
    pub fn run(&self, views: &Views<'_>, pictures_nhwc: &Tensor, pass: Pass, wanted: &[NodeId]) -> Vec<Tensor> {
        let run = Run { network: self, views, pass, wanted };
        run.all(pictures_nhwc)
    }
}

/// One pass through the graph.
struct Run<'a> {
    network: &'a Network,
    views: &'a Views<'a>,
    pass: Pass,
    wanted: &'a [NodeId],
}

impl Run<'_> {
    fn all(&self, pictures_nhwc: &Tensor) -> Vec<Tensor> {
        let nodes = &self.network.graph.nodes;
        let end = self.wanted.iter().map(|id| id.0).max().unwrap_or(0);
        let mut values: Vec<Option<Tensor>> = nodes.iter().map(|_| None).collect();
        for (place, node) in nodes.iter().enumerate().take(end + 1) {
            if values[place].is_some() {
                continue;
            }
            if let Some(norm) = self.folded_norm(place) {
                values[norm] = Some(self.folded(node, &nodes[norm], &self.input(&values, node, 0)));
            } else {
                values[place] = Some(self.layer(node, &values, pictures_nhwc));
            }
            for input in &node.inputs {
                let is_last = self.network.last_use[input.0] <= place;
                if is_last && !self.wanted.contains(input) {
                    values[input.0] = None;
                }
            }
        }
        self.wanted.iter().map(|id| values[id.0].as_ref().map_or_else(Tensor::new, Tensor::shallow_clone)).collect()
    }

    /// The batch norm that this convolution takes into itself.
    fn folded_norm(&self, place: usize) -> Option<usize> {
        let keeps_statistics = !self.takes_statistics();
        self.network.norm_behind[place].filter(|_| keeps_statistics && !self.wanted.contains(&NodeId(place)))
    }

    /// Numbers from the picture to the pool.
    fn kind(&self) -> Kind {
        match (self.pass, self.network.precision) {
            (Pass::Train { .. }, Precision::Bf16) => Kind::BFloat16,
            _ => Kind::Float,
        }
    }

    /// Whether batch norm divides by what the pictures at hand give.
    fn takes_statistics(&self) -> bool {
        matches!(self.pass, Pass::Train { statistics } if statistics.are_of_pictures())
    }

    fn array(&self, node: &Node, what: &str) -> Tensor {
        let name = format!("{}.{what}", node.name);
        self.views
            .get(&name)
            .or_else(|| self.network.fixed.get(&name))
            .map(Tensor::shallow_clone)
            .unwrap_or_else(|| unreachable!("`{name}` was checked when the network was put up"))
    }

    fn input(&self, values: &[Option<Tensor>], node: &Node, which: usize) -> Tensor {
        let from = node.inputs[which];
        values[from.0]
            .as_ref()
            .map(Tensor::shallow_clone)
            .unwrap_or_else(|| unreachable!("nodes stand in running order"))
    }

    /// Whether the node may write over its input.
    fn owns_input(&self, node: &Node) -> bool {
        let from = node.inputs[0];
        self.network.readers[from.0] == 1 && !self.wanted.contains(&from)
    }

    fn layer(&self, node: &Node, values: &[Option<Tensor>], pictures_nhwc: &Tensor) -> Tensor {
        match node.layer {
            Layer::Picture => {
                let picture = picture(pictures_nhwc, self.network.device).to_kind(self.kind());
                if self.network.memory == Memory::Plain { picture.contiguous() } else { picture }
            }
            Layer::Convolution { bias, .. } => {
                let bias = bias.then(|| self.array(node, "bias"));
                convolve(node, &self.input(values, node, 0), &self.array(node, "weight"), bias.as_ref())
            }
            Layer::BatchNorm { .. } => {
                let is_batch = self.takes_statistics();
                let [gain, bias] = ["weight", "bias"].map(|what| Some(self.array(node, what)));
                let [mean, variance] = ["running_mean", "running_var"]
                    .map(|what| (!is_batch || self.network.moves_statistics).then(|| self.array(node, what)));
                self.input(values, node, 0).batch_norm(gain, bias, mean, variance, is_batch, MOMENTUM, EPSILON, true)
            }
            Layer::Relu6 if self.owns_input(node) => self.input(values, node, 0).relu6_(),
            Layer::Relu6 => self.input(values, node, 0).relu6(),
            Layer::Relu if self.owns_input(node) => self.input(values, node, 0).relu_(),
            Layer::Relu => self.input(values, node, 0).relu(),
            Layer::Add => self.input(values, node, 0) + self.input(values, node, 1),
            Layer::Concat => {
                let inputs: Vec<Tensor> = (0..node.inputs.len()).map(|which| self.input(values, node, which)).collect();
                Tensor::cat(&inputs, 1)
            }
            Layer::MaxPool(pooling) => max_pool(&self.input(values, node, 0), pooling),
            Layer::GlobalAveragePool => self.input(values, node, 0).mean_dim([2_i64, 3].as_slice(), false, Kind::Float),
            Layer::Linear { .. } => self
                .input(values, node, 0)
                .to_kind(Kind::Float)
                .linear(&self.array(node, "weight"), Some(&self.array(node, "bias"))),
            Layer::L2Normalise => unit(&self.input(values, node, 0)),
        }
    }

    /// A convolution with the batch norm behind it taken into its weights.
    fn folded(&self, node: &Node, norm: &Node, x: &Tensor) -> Tensor {
        let factor = self.array(norm, "weight") / (self.array(norm, "running_var") + EPSILON).sqrt();
        let bias = self.array(norm, "bias") - self.array(norm, "running_mean") * &factor;
        let weight = self.array(node, "weight") * factor.view([-1, 1, 1, 1]);
        convolve(node, x, &weight, Some(&bias))
    }
}

/// Rows divided by their Euclidean norm.
pub fn unit(rows: &Tensor) -> Tensor {
    rows / rows.norm_scalaropt_dim(2.0, [1_i64].as_slice(), true).clamp_min(1e-12)
}

fn int(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// The largest value of each window of `[N, C, H, W]`.
fn max_pool(x: &Tensor, pooling: Pooling) -> Tensor {
    let square = |n: usize| [int(n); 2];
    let Pooling { kernel, stride, border, rounding } = pooling;
    x.max_pool2d(square(kernel), square(stride), square(border), [1, 1], rounding == Rounding::Up)
}

/// Bytes `[N, S, S, 3]` as normalised values `[N, 3, S, S]`, stored channels last.
fn picture(pictures_nhwc: &Tensor, device: Device) -> Tensor {
    let mut x = pictures_nhwc.to_device(device).to_kind(Kind::Float);
    let mut x = x.subtract_scalar_(f64::from(PIXEL_ZERO_POINT));
    let x = x.divide_scalar_(f64::from(PIXEL_SCALE_DIVISOR));
    x.permute([0, 3, 1, 2])
}

/// The convolution of `node`, padded as it says.
fn convolve(node: &Node, x: &Tensor, weight: &Tensor, bias: Option<&Tensor>) -> Tensor {
    let Layer::Convolution { kernel, stride, groups, padding, .. } = node.layer else {
        unreachable!("`{}` is no convolution", node.name)
    };
    let size = x.size();
    let along = |axis: usize| padding.along(usize::try_from(size[axis]).unwrap_or(0), kernel, stride);
    let ((top, bottom, _), (left, right, _)) = (along(2), along(3));
    let stride = [int(stride), int(stride)];
    // Weights in the numbers of what they meet: the cast back is the gradient's.
    let (weight, bias) = (&weight.to_kind(x.kind()), bias.map(|bias| bias.to_kind(x.kind())));
    let bias = bias.as_ref();
    if matches!(padding, Padding::Symmetric(_)) || (top == bottom && left == right) {
        return x.conv2d(weight, bias, stride, [int(top), int(left)], [1, 1], int(groups));
    }
    let padded = x.constant_pad_nd([int(left), int(right), int(top), int(bottom)]);
    padded.conv2d(weight, bias, stride, [0, 0], [1, 1], int(groups))
}

#[cfg(test)]
mod tests;
