//! MobileNetV2 1.0.
//!
//! **Source**: Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", table 2; key names of torchvision.
//!
//! Stride-2 convolutions pad as TensorFlow does (SAME): the published weights were trained so, and symmetric padding costs them nine
//! points of ImageNet top-1.

use super::Backbone;
use crate::network::graph::{Graph, Layer, NodeId, Padding};

/// Rows of table 2: expansion, output channels, repeats, stride of the first.
const BLOCKS: [(usize, usize, usize, usize); 7] =
    [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];

/// Channels of the first convolution.
const STEM: usize = 32;

/// Channels of the last convolution: the length of the pooled features.
pub const FEATURES: usize = 1280;

/// Classes of the ImageNet classifier.
pub const IMAGENET_CLASSES: usize = 1000;

/// One convolution with batch norm; the caller adds the activation.
fn convolution(
    graph: &mut Graph,
    names: (&str, &str),
    from: NodeId,
    channels: (usize, usize),
    shape: (usize, usize, usize),
) -> NodeId {
    let ((name, norm), (inputs, outputs), (kernel, stride, groups)) = (names, channels, shape);
    let layer = Layer::Convolution { inputs, outputs, kernel, stride, groups, padding: Padding::Same, bias: false };
    let node = graph.push(name, layer, &[from]);
    graph.push(norm, Layer::BatchNorm { channels: outputs }, &[node])
}

/// Appends ReLU6 behind `from`.
fn relu6(graph: &mut Graph, name: &str, from: NodeId) -> NodeId {
    graph.push(format!("{name}.relu6"), Layer::Relu6, &[from])
}

/// Expand, filter, project; the input is added where nothing changes shape.
fn inverted_residual(graph: &mut Graph, name: &str, from: NodeId, block: (usize, usize, usize, usize)) -> NodeId {
    let (expansion, inputs, outputs, stride) = block;
    let hidden = inputs * expansion;
    let mut x = from;
    let mut step = 0;
    if expansion != 1 {
        let names = (format!("{name}.conv.0.0"), format!("{name}.conv.0.1"));
        x = convolution(graph, (&names.0, &names.1), x, (inputs, hidden), (1, 1, 1));
        x = relu6(graph, &format!("{name}.conv.0"), x);
        step = 1;
    }
    let names = (format!("{name}.conv.{step}.0"), format!("{name}.conv.{step}.1"));
    x = convolution(graph, (&names.0, &names.1), x, (hidden, hidden), (3, stride, hidden));
    x = relu6(graph, &format!("{name}.conv.{step}"), x);
    let names = (format!("{name}.conv.{}", step + 1), format!("{name}.conv.{}", step + 2));
    x = convolution(graph, (&names.0, &names.1), x, (hidden, outputs), (1, 1, 1));
    if stride == 1 && inputs == outputs { graph.push(format!("{name}.add"), Layer::Add, &[from, x]) } else { x }
}

/// The network up to its pooled features.
#[must_use]
pub fn backbone() -> Backbone {
    let mut graph = Graph::new("mobilenet_v2");
    let picture = graph.picture();
    let mut x = convolution(&mut graph, ("features.0.0", "features.0.1"), picture, (3, STEM), (3, 2, 1));
    x = relu6(&mut graph, "features.0", x);
    let mut channels = STEM;
    let mut index = 1;
    for (expansion, outputs, repeats, first_stride) in BLOCKS {
        for repeat in 0..repeats {
            let stride = if repeat == 0 { first_stride } else { 1 };
            x = inverted_residual(&mut graph, &format!("features.{index}"), x, (expansion, channels, outputs, stride));
            channels = outputs;
            index += 1;
        }
    }
    let names = (format!("features.{index}.0"), format!("features.{index}.1"));
    x = convolution(&mut graph, (&names.0, &names.1), x, (channels, FEATURES), (1, 1, 1));
    x = relu6(&mut graph, &format!("features.{index}"), x);
    let pooled = graph.push("pooled", Layer::GlobalAveragePool, &[x]);
    Backbone { graph, pooled, features: FEATURES }
}

/// The whole ImageNet classifier, with the single result `logits`.
#[must_use]
pub fn imagenet_classifier() -> Graph {
    let Backbone { mut graph, pooled, features } = backbone();
    let logits = graph.push("classifier.1", Layer::Linear { inputs: features, outputs: IMAGENET_CLASSES }, &[pooled]);
    graph.output("logits", logits);
    graph
}

#[cfg(test)]
mod tests {
    use super::imagenet_classifier;
    use crate::network::graph::Layer;

    #[test]
    fn the_graph_has_the_published_size() {
        let graph = imagenet_classifier();
        let trainable: usize = graph.parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum();
        assert_eq!(trainable, 3_504_872, "torchvision's count for mobilenet_v2");
        let convolutions = graph.nodes.iter().filter(|n| matches!(n.layer, Layer::Convolution { .. })).count();
        assert_eq!(convolutions, 52);
        assert_eq!(graph.nodes.iter().filter(|n| n.layer == Layer::Add).count(), 10);
    }
}
