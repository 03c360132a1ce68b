//! MobileNetV2 in the widths of its authors.
//!
//! **Source**: Sandler et al. 2018, "MobileNetV2: Inverted Residuals and Linear Bottlenecks", table 2; key names of torchvision.
//!
//! Stride-2 convolutions pad as TensorFlow does (SAME), and pixels enter as `x / 127.5 - 1`: the authors' weights were trained so, and
//! symmetric padding costs them nine points of ImageNet top-1. torchvision's own weights have the same names and were trained with
//! symmetric padding and other pixels; no array tells them apart, and they start worse here.

use super::Backbone;
use crate::network::graph::{Graph, Layer, NodeId, Padding};

/// Rows of table 2: expansion, output channels, repeats, stride of the first.
const BLOCKS: [(usize, usize, usize, usize); 7] =
    [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)];

/// Channels of the first convolution at width 1.
const STEM: usize = 32;

/// Channels of the last convolution at width 1 and below.
const LAST: usize = 1280;

/// Channels come in multiples of this.
const DIVISOR: usize = 8;

/// Factor on the channels of every layer, in hundredths: one of those that the authors published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Width(u16);

impl Width {
    /// The network of the paper.
    pub const ONE: Self = Self(100);
    /// All of them, narrowest first.
    pub const ALL: [Self; 6] = [Self(35), Self(50), Self(75), Self::ONE, Self(130), Self(140)];

    /// `channels` times the width as a multiple of eight, never more than a tenth below. **Source**: `_make_divisible` of the authors.
    fn of(self, channels: usize) -> usize {
        // In hundredths, so that nothing rounds twice.
        let exact = channels * usize::from(self.0);
        let near = ((exact + 100 * DIVISOR / 2) / (100 * DIVISOR) * DIVISOR).max(DIVISOR);
        if near * 1000 < exact * 9 { near + DIVISOR } else { near }
    }

    /// Channels of the last convolution, which narrow networks keep whole: the length of the pooled features.
    #[must_use]
    pub fn features(self) -> usize {
        self.max(Self::ONE).of(LAST)
    }

    /// The backbone's name with the width behind it, where that is not 1: `mobilenet_v2_0.75`.
    pub(super) fn backbone_name(self) -> String {
        if self == Self::ONE { NAME.to_owned() } else { format!("{NAME}_{self}") }
    }
}

impl std::fmt::Display for Width {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", f32::from(self.0) / 100.0)
    }
}

/// Name at width 1.
const NAME: &str = "mobilenet_v2";

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

/// The network of width 1 up to its pooled features.
#[must_use]
pub fn backbone() -> Backbone {
    of_width(Width::ONE)
}

/// The network up to its pooled features.
#[must_use]
pub fn of_width(width: Width) -> Backbone {
    let mut graph = Graph::new(&width.backbone_name());
    let picture = graph.picture();
    let mut channels = width.of(STEM);
    let mut x = convolution(&mut graph, ("features.0.0", "features.0.1"), picture, (3, channels), (3, 2, 1));
    x = relu6(&mut graph, "features.0", x);
    let mut index = 1;
    for (expansion, outputs, repeats, first_stride) in BLOCKS {
        let outputs = width.of(outputs);
        for repeat in 0..repeats {
            let stride = if repeat == 0 { first_stride } else { 1 };
            x = inverted_residual(&mut graph, &format!("features.{index}"), x, (expansion, channels, outputs, stride));
            channels = outputs;
            index += 1;
        }
    }
    let names = (format!("features.{index}.0"), format!("features.{index}.1"));
    x = convolution(&mut graph, (&names.0, &names.1), x, (channels, width.features()), (1, 1, 1));
    x = relu6(&mut graph, &format!("features.{index}"), x);
    let pooled = graph.push("pooled", Layer::GlobalAveragePool, &[x]);
    Backbone { graph, pooled, features: width.features() }
}

/// The whole ImageNet classifier, with the single result `logits`.
#[must_use]
pub fn imagenet_classifier() -> Graph {
    classifier(Width::ONE)
}

/// The classifier of a width.
fn classifier(width: Width) -> Graph {
    let Backbone { mut graph, pooled, features } = of_width(width);
    let logits = graph.push("classifier.1", Layer::Linear { inputs: features, outputs: IMAGENET_CLASSES }, &[pooled]);
    graph.output("logits", logits);
    graph
}

#[cfg(test)]
mod tests {
    use super::{Width, classifier, imagenet_classifier};
    use crate::network::graph::Layer;

    #[test]
    fn each_width_has_the_published_size() {
        // Millions in the table of TensorFlow's model garden, which counts no batch norm.
        for (width, published) in Width::ALL.into_iter().zip(["1.66", "1.95", "2.61", "3.47", "5.34", "6.06"]) {
            let graph = classifier(width);
            let counted = graph.nodes.iter().filter(|node| !matches!(node.layer, Layer::BatchNorm { .. }));
            let weights: usize =
                counted.flat_map(crate::network::Node::parameters).map(|p| p.shape.iter().product::<usize>()).sum();
            let millions = f64::from(u32::try_from(weights).unwrap()) / 1e6;
            assert_eq!(format!("{millions:.2}"), published, "{width}");
        }
    }

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
