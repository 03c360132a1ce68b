//! The graph as it is exported: activations fused into the layer before them, borders and sides worked out.
//!
//! [`fuse`] turns a folded [`Graph`] (no batch norm) into a [`FusedGraph`]: one node for each convolution, sum, pool or linear layer
//! with the [`Clamp`] that follows it. The ONNX writer, the float runner and the integer simulation all walk this one list.

use crate::network::graph::{Graph, Layer, NodeId, Pooling};

use super::error::ExportError;

/// What bounds a layer's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clamp {
    /// Nothing.
    None,
    /// `max(x, 0)`.
    Relu,
    /// `min(max(x, 0), 6)`.
    Relu6,
}

/// Height, width and channels of one photograph's activation; `1, 1, C` after the global pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
    /// Channels.
    pub channels: usize,
}

impl Shape {
    /// Number of values.
    #[must_use]
    pub fn len(self) -> usize {
        self.height * self.width * self.channels
    }

    /// Whether there is no value.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }
}

/// A convolution with its border worked out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Geometry {
    /// Input channels.
    pub inputs: usize,
    /// Output channels.
    pub outputs: usize,
    /// Side of the square kernel.
    pub kernel: usize,
    /// Step along both axes.
    pub stride: usize,
    /// Channel groups.
    pub groups: usize,
    /// Zeros above and to the left.
    pub before: usize,
    /// Zeros below and to the right.
    pub after: usize,
}

impl Geometry {
    /// Weights of one output channel: `I/groups · kH · kW`.
    #[must_use]
    pub fn weights_per_output(&self) -> usize {
        self.inputs / self.groups * self.kernel * self.kernel
    }

    /// Whether each channel is convolved by itself.
    #[must_use]
    pub fn is_depthwise(&self) -> bool {
        self.groups == self.inputs && self.groups == self.outputs && self.groups > 1
    }

    /// Output length along one axis.
    #[must_use]
    pub fn along(&self, length: usize) -> Option<usize> {
        (length + self.before + self.after).checked_sub(self.kernel).map(|rest| rest / self.stride + 1)
    }
}

/// What one fused node computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    /// The normalised picture.
    Picture,
    /// Convolution with bias.
    Convolution(Geometry),
    /// Sum of two inputs.
    Add,
    /// Concatenation along the channels.
    Concat,
    /// The largest value of each window.
    MaxPool(Pooling),
    /// Mean over height and width.
    GlobalAveragePool,
    /// `x Wᵀ + b`.
    Linear {
        /// Input features.
        inputs: usize,
        /// Output features.
        outputs: usize,
    },
    /// Division by the Euclidean norm.
    L2Normalise,
}

impl Operation {
    /// Output channels and weights of each, where the layer has weights.
    #[must_use]
    pub fn weights(&self) -> Option<(usize, usize)> {
        match self {
            Self::Convolution(geometry) => Some((geometry.outputs, geometry.weights_per_output())),
            Self::Linear { inputs, outputs } => Some((*outputs, *inputs)),
            _ => None,
        }
    }
}

/// One layer with the clamp behind it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FusedNode {
    /// Unique name, that of the layer before the clamp.
    pub name: String,
    /// What is computed.
    pub operation: Operation,
    /// What bounds it.
    pub clamp: Clamp,
    /// Places of the inputs, always earlier.
    pub inputs: Vec<usize>,
    /// Shape of the result.
    pub shape: Shape,
}

/// The whole network as it is exported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FusedGraph {
    /// Name of the backbone.
    pub backbone: String,
    /// Side of the square picture.
    pub side: usize,
    /// Layers in running order; the first is the picture.
    pub nodes: Vec<FusedNode>,
    /// Results by name.
    pub outputs: Vec<(String, usize)>,
}

impl FusedGraph {
    /// The place of a named result.
    #[must_use]
    pub fn find_output(&self, name: &str) -> Option<usize> {
        self.outputs.iter().find(|(n, _)| n == name).map(|(_, place)| *place)
    }

    /// Whether the node's result leaves the integers: logits, and what only the normalisation reads.
    #[must_use]
    pub fn is_float(&self, place: usize) -> bool {
        let normalised = matches!(self.nodes[place].operation, Operation::L2Normalise);
        let is_output = self.outputs.iter().any(|(_, output)| *output == place);
        let mut readers = self.nodes.iter().filter(|node| node.inputs.contains(&place)).peekable();
        let only_normalised = readers.peek().is_some() && readers.all(|node| node.operation == Operation::L2Normalise);
        normalised || is_output || only_normalised
    }

    /// Keeps what the named outputs need; unknown names are left out.
    #[must_use]
    pub fn with_output(mut self, name: &str, place: usize) -> Self {
        self.outputs = vec![(name.to_owned(), place)];
        self.nodes.truncate(place + 1);
        self
    }
}

/// Fuses a folded graph for pictures of `side`.
///
/// Returns the fused graph and, for each fused node, the graph's node whose result it gives (the clamp, where there is one).
///
/// # Errors
/// [`ExportError::Layer`] for a batch norm that was not folded, a convolution without bias, a clamp that cannot be fused, or
/// shapes that do not fit.
pub fn fuse(graph: &Graph, side: usize) -> Result<(FusedGraph, Vec<NodeId>), ExportError> {
    let mut nodes: Vec<FusedNode> = Vec::new();
    let mut sources: Vec<NodeId> = Vec::new();
    let mut place_of: Vec<usize> = Vec::new();
    for (index, node) in graph.nodes.iter().enumerate() {
        let fail = |reason: String| ExportError::Layer { layer: node.name.clone(), reason };
        let inputs: Vec<usize> = node.inputs.iter().map(|id| place_of[id.0]).collect();
        let shapes: Vec<Shape> = inputs.iter().map(|&i| nodes[i].shape).collect();
        let only = || match shapes.as_slice() {
            [shape] => Ok(*shape),
            other => Err(fail(format!("it needs one input and has {}", other.len()))),
        };
        let (operation, shape) = match &node.layer {
            Layer::Picture => (Operation::Picture, Shape { height: side, width: side, channels: 3 }),
            Layer::BatchNorm { .. } => return Err(fail("the batch norm was not folded".to_owned())),
            Layer::Relu6 | Layer::Relu => {
                let clamp = if node.layer == Layer::Relu { Clamp::Relu } else { Clamp::Relu6 };
                let input = node.inputs.first().copied().ok_or_else(|| fail("it has no input".to_owned()))?;
                let readers = graph.nodes.iter().filter(|other| other.inputs.contains(&input)).count();
                let is_output = graph.outputs.iter().any(|(_, output)| *output == input);
                let place = inputs[0];
                let producer = &mut nodes[place];
                let takes =
                    matches!(producer.operation, Operation::Convolution(_) | Operation::Add | Operation::Linear { .. });
                if readers != 1 || is_output || !takes || producer.clamp != Clamp::None {
                    return Err(fail(format!("it cannot be fused into `{}`", producer.name)));
                }
                producer.clamp = clamp;
                sources[place] = NodeId(index);
                place_of.push(place);
                continue;
            }
            Layer::Convolution { inputs, outputs, kernel, stride, groups, padding, bias } => {
                let from = only()?;
                if !bias {
                    return Err(fail("the convolution has no bias: fold the graph first".to_owned()));
                }
                if from.channels != *inputs
                    || *groups == 0
                    || inputs % groups != 0
                    || outputs % groups != 0
                    || from.height != from.width
                {
                    return Err(fail(format!("{inputs} to {outputs} channels in {groups} groups on {from:?}")));
                }
                let (before, after, out) = padding.along(from.height, *kernel, *stride);
                let (inputs, outputs, kernel, stride, groups) = (*inputs, *outputs, *kernel, *stride, *groups);
                let geometry = Geometry { inputs, outputs, kernel, stride, groups, before, after };
                if geometry.along(from.height) != Some(out) {
                    return Err(fail(format!("a kernel of {kernel} on a side of {}", from.height)));
                }
                (Operation::Convolution(geometry), Shape { height: out, width: out, channels: outputs })
            }
            Layer::Add => match shapes.as_slice() {
                [a, b] if a == b => (Operation::Add, *a),
                other => return Err(fail(format!("it needs two inputs of one shape, found {other:?}"))),
            },
            Layer::Concat => {
                let first = shapes.first().copied().ok_or_else(|| fail("it has no input".to_owned()))?;
                if shapes.iter().any(|s| (s.height, s.width) != (first.height, first.width)) {
                    return Err(fail(format!("inputs of different sides: {shapes:?}")));
                }
                (Operation::Concat, Shape { channels: shapes.iter().map(|s| s.channels).sum(), ..first })
            }
            Layer::MaxPool(pooling) => {
                let from = only()?;
                let out = pooling.along(from.height).ok_or_else(|| fail(format!("{pooling:?} on {from:?}")))?;
                (Operation::MaxPool(*pooling), Shape { height: out, width: out, channels: from.channels })
            }
            Layer::GlobalAveragePool => {
                (Operation::GlobalAveragePool, Shape { height: 1, width: 1, channels: only()?.channels })
            }
            Layer::Linear { inputs, outputs } => {
                let from = only()?;
                if from != (Shape { height: 1, width: 1, channels: *inputs }) {
                    return Err(fail(format!("it needs {inputs} features, found {from:?}")));
                }
                let (inputs, outputs) = (*inputs, *outputs);
                (Operation::Linear { inputs, outputs }, Shape { height: 1, width: 1, channels: outputs })
            }
            Layer::L2Normalise => (Operation::L2Normalise, only()?),
        };
        place_of.push(nodes.len());
        sources.push(NodeId(index));
        nodes.push(FusedNode { name: node.name.clone(), operation, clamp: Clamp::None, inputs, shape });
    }
    let outputs = graph.outputs.iter().map(|(name, id)| (name.clone(), place_of[id.0])).collect();
    Ok((FusedGraph { backbone: graph.backbone.clone(), side, nodes, outputs }, sources))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::graph::Padding;

    fn convolution(bias: bool) -> Layer {
        Layer::Convolution { inputs: 3, outputs: 4, kernel: 3, stride: 2, groups: 1, padding: Padding::Same, bias }
    }

    #[test]
    fn a_clamp_joins_the_layer_before_it() {
        let mut graph = Graph::new("toy");
        let conv = graph.push("conv", convolution(true), &[graph.picture()]);
        let relu = graph.push("relu", Layer::Relu6, &[conv]);
        graph.output("logits", relu);
        let (fused, sources) = fuse(&graph, 7).unwrap();
        assert_eq!(fused.nodes.len(), 2);
        assert_eq!(fused.nodes[1].clamp, Clamp::Relu6);
        assert_eq!(fused.nodes[1].shape, Shape { height: 4, width: 4, channels: 4 });
        assert_eq!((sources, fused.outputs), (vec![NodeId(0), NodeId(2)], vec![("logits".to_owned(), 1)]));
    }

    #[test]
    fn what_cannot_be_exported_is_named() {
        let mut graph = Graph::new("toy");
        graph.push("conv", convolution(false), &[graph.picture()]);
        assert!(fuse(&graph, 8).unwrap_err().to_string().contains("`conv`"));
        let mut graph = Graph::new("toy");
        let conv = graph.push("conv", convolution(true), &[graph.picture()]);
        graph.push("relu", Layer::Relu6, &[conv]);
        graph.push("other", Layer::Relu6, &[conv]);
        assert!(fuse(&graph, 8).unwrap_err().to_string().contains("cannot be fused"));
    }
}
