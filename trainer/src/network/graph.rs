//! A network, defined once: the typed layer graph that `tch` trains and the exporter writes as ONNX.
//!
//! Every layer is one [`Node`]; a node names its inputs by [`NodeId`], and nodes stand in the order in which they run.
//! Parameters live beside the graph in a [`Weights`](super::weights::Weights) table under the node's name
//! (`features.0.0.weight`), so that the graph itself is plain data that prints, compares and serialises.
//!
//! **Shapes** are those of PyTorch: activations `[N, C, H, W]`, convolution weights `[O, I/groups, kH, kW]` (OIHW),
//! linear weights `[O, I]`.

use serde::{Deserialize, Serialize};

/// Position of a node in [`Graph::nodes`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NodeId(pub usize);

/// How a convolution treats the border.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Padding {
    /// TensorFlow's SAME: output side `ceil(input / stride)`; an odd rest goes to the right and the bottom.
    Same,
    /// The same number of zeros on all four sides.
    Symmetric(usize),
}

impl Padding {
    /// Zeros before and after, and the output length, along one axis of `length`.
    #[must_use]
    pub fn along(self, length: usize, kernel: usize, stride: usize) -> (usize, usize, usize) {
        match self {
            Self::Same => {
                let out = length.div_ceil(stride);
                let total = ((out - 1) * stride + kernel).saturating_sub(length);
                (total / 2, total - total / 2, out)
            }
            Self::Symmetric(n) => (n, n, (length + 2 * n).saturating_sub(kernel) / stride + 1),
        }
    }
}

/// How a pooling's output side is made whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rounding {
    /// Windows that reach over the border are left out.
    Down,
    /// The last window may reach over the border (SqueezeNet).
    Up,
}

/// Square max pooling; the border never wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pooling {
    /// Side of the window.
    pub kernel: usize,
    /// Step along both axes.
    pub stride: usize,
    /// Rows and columns around the input that the windows may cover besides.
    pub border: usize,
    /// What becomes of the last window.
    pub rounding: Rounding,
}

impl Pooling {
    /// Output length along one axis of `length`; none where the window is larger than the input with its border, or the border so large
    /// that a window could lie in it alone.
    #[must_use]
    pub fn along(self, length: usize) -> Option<usize> {
        if self.stride == 0 || 2 * self.border > self.kernel {
            return None;
        }
        let rest = (length + 2 * self.border).checked_sub(self.kernel)?;
        Some(match self.rounding {
            Rounding::Down => rest / self.stride + 1,
            // A window that would begin behind the input is none.
            Rounding::Up if rest.div_ceil(self.stride) * self.stride >= length + self.border => rest / self.stride + 1,
            Rounding::Up => rest.div_ceil(self.stride) + 1,
        })
    }
}

/// One kind of layer with its hyper-parameters.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Layer {
    /// The picture after normalisation, `[N, 3, S, S]`.
    Picture,
    /// Convolution without activation; depthwise where `groups == inputs == outputs`.
    /// Parameters: `NAME.weight`, and `NAME.bias` where `bias`.
    Convolution {
        /// Input channels.
        inputs: usize,
        /// Output channels.
        outputs: usize,
        /// Side of the square kernel.
        kernel: usize,
        /// Step along both axes.
        stride: usize,
        /// Channel groups.
        groups: usize,
        /// Border.
        padding: Padding,
        /// Whether `NAME.bias` exists (folded graphs, and networks without batch norm).
        bias: bool,
    },
    /// Batch normalisation, epsilon 1e-5.
    /// Parameters: `NAME.weight`, `NAME.bias`; state: `NAME.running_mean`, `NAME.running_var`.
    BatchNorm {
        /// Channels.
        channels: usize,
    },
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `max(x, 0)`.
    Relu,
    /// Sum of two inputs of one shape.
    Add,
    /// Concatenation along the channels (SqueezeNet's fire module).
    Concat,
    /// The largest value of each window.
    MaxPool(Pooling),
    /// Mean over height and width: `[N, C, H, W]` to `[N, C]`.
    GlobalAveragePool,
    /// `x Wᵀ + b`. Parameters: `NAME.weight`, `NAME.bias`.
    Linear {
        /// Input features.
        inputs: usize,
        /// Output features.
        outputs: usize,
    },
    /// Division by the Euclidean norm along the features.
    L2Normalise,
}

/// One layer of the graph with its name and inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Unique name; prefix of the node's parameters.
    pub name: String,
    /// What is computed.
    pub layer: Layer,
    /// Where the inputs come from; always earlier nodes.
    pub inputs: Vec<NodeId>,
}

/// An array that a node needs: its name in the weights and its shape.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArraySpec {
    /// `features.0.0.weight`.
    pub name: String,
    /// Length along each axis.
    pub shape: Vec<usize>,
}

impl Node {
    /// The arrays that training changes by gradient.
    #[must_use]
    pub fn parameters(&self) -> Vec<ArraySpec> {
        match self.layer {
            Layer::Convolution { inputs, outputs, kernel, groups, bias, .. } => {
                let mut arrays = vec![self.array("weight", &[outputs, inputs / groups, kernel, kernel])];
                if bias {
                    arrays.push(self.array("bias", &[outputs]));
                }
                arrays
            }
            Layer::Linear { inputs, outputs } => {
                vec![self.array("weight", &[outputs, inputs]), self.array("bias", &[outputs])]
            }
            Layer::BatchNorm { channels } => vec![self.array("weight", &[channels]), self.array("bias", &[channels])],
            _ => Vec::new(),
        }
    }

    /// The arrays that batch norm keeps beside: mean and variance of what it has seen.
    #[must_use]
    pub fn state(&self) -> Vec<ArraySpec> {
        match self.layer {
            Layer::BatchNorm { channels } => {
                vec![self.array("running_mean", &[channels]), self.array("running_var", &[channels])]
            }
            _ => Vec::new(),
        }
    }

    fn array(&self, what: &str, shape: &[usize]) -> ArraySpec {
        ArraySpec { name: format!("{}.{what}", self.name), shape: shape.to_vec() }
    }
}

/// A whole network: nodes in running order and the named results.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Graph {
    /// Name of the backbone, for people (`mobilenet_v2`).
    pub backbone: String,
    /// Layers in running order; the first is [`Layer::Picture`].
    pub nodes: Vec<Node>,
    /// Results by name (`category14`, `category26`, `embedding`, or `logits` of a classifier).
    pub outputs: Vec<(String, NodeId)>,
}

impl Graph {
    /// A graph that holds nothing but the picture.
    #[must_use]
    pub fn new(backbone: &str) -> Self {
        let picture = Node { name: "picture".to_owned(), layer: Layer::Picture, inputs: Vec::new() };
        Self { backbone: backbone.to_owned(), nodes: vec![picture], outputs: Vec::new() }
    }

    /// The picture's node.
    #[must_use]
    pub fn picture(&self) -> NodeId {
        NodeId(0)
    }

    /// Appends a layer and returns its place.
    pub fn push(&mut self, name: impl Into<String>, layer: Layer, inputs: &[NodeId]) -> NodeId {
        debug_assert!(inputs.iter().all(|input| input.0 < self.nodes.len()));
        self.nodes.push(Node { name: name.into(), layer, inputs: inputs.to_vec() });
        NodeId(self.nodes.len() - 1)
    }

    /// Declares a result.
    pub fn output(&mut self, name: &str, node: NodeId) {
        self.outputs.push((name.to_owned(), node));
    }

    /// The node of a named result.
    #[must_use]
    pub fn find_output(&self, name: &str) -> Option<NodeId> {
        self.outputs.iter().find(|(n, _)| n == name).map(|(_, id)| *id)
    }

    /// All arrays that training changes by gradient, in running order.
    #[must_use]
    pub fn parameters(&self) -> Vec<ArraySpec> {
        self.nodes.iter().flat_map(Node::parameters).collect()
    }

    /// All running statistics, in running order.
    #[must_use]
    pub fn state(&self) -> Vec<ArraySpec> {
        self.nodes.iter().flat_map(Node::state).collect()
    }

    /// The first layer whose window is larger than what a picture of `side` leaves for it, if there is one.
    #[must_use]
    pub fn too_small(&self, side: usize) -> Option<&Node> {
        self.shapes(side).err()
    }

    /// Channels and side of each node's result for pictures of `side`.
    ///
    /// # Errors
    /// The first layer whose window is larger than what is left for it.
    pub fn shapes(&self, side: usize) -> Result<Vec<(usize, usize)>, &Node> {
        let mut shapes: Vec<(usize, usize)> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let from = |which: usize| node.inputs.get(which).and_then(|id| shapes.get(id.0)).copied().unwrap_or((0, 0));
            let (channels, length) = from(0);
            let shape = match node.layer {
                Layer::Picture => Some((3, side)),
                Layer::Convolution { outputs, kernel, stride, padding, .. } => {
                    let (before, after, out) = padding.along(length, kernel, stride);
                    (length + before + after >= kernel).then_some((outputs, out))
                }
                Layer::Concat => Some(((0..node.inputs.len()).map(|which| from(which).0).sum(), length)),
                Layer::MaxPool(pooling) => pooling.along(length).map(|out| (channels, out)),
                Layer::GlobalAveragePool => Some((channels, 1)),
                Layer::Linear { outputs, .. } => Some((outputs, 1)),
                Layer::BatchNorm { .. } | Layer::Relu6 | Layer::Relu | Layer::Add | Layer::L2Normalise => {
                    Some((channels, length))
                }
            };
            shapes.push(shape.ok_or(node)?);
        }
        Ok(shapes)
    }

    /// The nodes of the results, in their order.
    #[must_use]
    pub fn output_nodes(&self) -> Vec<NodeId> {
        self.outputs.iter().map(|(_, node)| *node).collect()
    }

    /// The node at `id`.
    #[must_use]
    pub fn node(&self, id: NodeId) -> &Node {
        &self.nodes[id.0]
    }
}

/// Pixels enter as `(byte - ZERO_POINT) / SCALE_DIVISOR`: a `uint8` `DequantizeLinear` says exactly this, and the zero padding of the
/// first convolution is the byte 128. MobileNetV2's own `x / 127.5 - 1` differs by a constant 0.004, which training absorbs.
pub const PIXEL_ZERO_POINT: u8 = 128;
/// See [`PIXEL_ZERO_POINT`].
pub const PIXEL_SCALE_DIVISOR: f32 = 127.5;

#[cfg(test)]
mod tests {
    use super::{Padding, Pooling, Rounding};
    use crate::network::backbones::BackboneName;

    #[test]
    fn the_layer_that_a_small_picture_does_not_fill_is_named() {
        let graph = BackboneName::Alexnet.build().graph;
        assert!(graph.too_small(63).is_none());
        assert_eq!(graph.too_small(62).unwrap().name, "features.12");
        assert_eq!(graph.too_small(3).unwrap().name, "features.0");
        assert!(BackboneName::default().build().graph.too_small(1).is_none());
    }

    #[test]
    fn pools_have_the_sides_of_the_published_networks() {
        let pool = |kernel, stride, border, rounding| Pooling { kernel, stride, border, rounding };
        // ResNet at 224 and at an odd side, AlexNet, SqueezeNet with and without a last window that reaches over.
        for (pooling, length, expected) in [
            (pool(3, 2, 1, Rounding::Down), 112, Some(56)),
            (pool(3, 2, 1, Rounding::Down), 33, Some(17)),
            (pool(3, 2, 1, Rounding::Down), 1, Some(1)),
            (pool(3, 2, 0, Rounding::Down), 55, Some(27)),
            (pool(3, 2, 0, Rounding::Down), 6, Some(2)),
            (pool(3, 2, 0, Rounding::Up), 6, Some(3)),
            (pool(3, 2, 0, Rounding::Up), 111, Some(55)),
            (pool(3, 2, 0, Rounding::Up), 2, None),
            // The third window would begin in the border behind the input.
            (pool(2, 2, 1, Rounding::Up), 3, Some(2)),
            (pool(1, 3, 0, Rounding::Up), 2, Some(1)),
            (pool(2, 0, 0, Rounding::Down), 2, None),
            (pool(2, 2, 2, Rounding::Down), 2, None),
        ] {
            assert_eq!(pooling.along(length), expected, "{pooling:?} of {length}");
        }
    }

    #[test]
    fn same_padding_puts_the_odd_zero_last() {
        // (length, kernel, stride) -> (before, after, out), as TensorFlow computes it.
        for (case, expected) in [
            ((160, 3, 2), (0, 1, 80)),
            ((5, 3, 2), (1, 1, 3)),
            ((7, 3, 1), (1, 1, 7)),
            ((10, 1, 1), (0, 0, 10)),
            ((1, 3, 2), (1, 1, 1)),
        ] {
            let (length, kernel, stride) = case;
            assert_eq!(Padding::Same.along(length, kernel, stride), expected, "{case:?}");
        }
    }
}
