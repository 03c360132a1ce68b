//! SqueezeNet 1.1.
//!
//! **Source**: Iandola et al. 2016, "SqueezeNet", in the 1.1 form of its authors; key names of torchvision.
//!
//! Published weights expect ImageNet's mean and deviation of the pixels (`published.rs`); the first convolution has no padding, so that
//! the difference goes into it exactly.

use super::Backbone;
use crate::network::graph::{Graph, Layer, NodeId, Padding, Pooling, Rounding};

/// As recipes have it.
pub(super) const NAME: &str = "squeezenet";

/// Channels of the last fire module: the length of the pooled features.
pub const FEATURES: usize = 512;

/// Fire modules by their number in torchvision's names, with input, squeezed and expanded (each half) channels; `None` is a pooling.
const MODULES: [Option<(usize, usize, usize, usize)>; 11] = [
    None,
    Some((3, 64, 16, 64)),
    Some((4, 128, 16, 64)),
    None,
    Some((6, 128, 32, 128)),
    Some((7, 256, 32, 128)),
    None,
    Some((9, 256, 48, 192)),
    Some((10, 384, 48, 192)),
    Some((11, 384, 64, 256)),
    Some((12, 512, 64, 256)),
];

/// Between the groups of modules; the last window may reach over the border.
const POOL: Pooling = Pooling { kernel: 3, stride: 2, border: 0, rounding: Rounding::Up };

/// A convolution with ReLU behind it.
fn convolution(
    graph: &mut Graph,
    name: &str,
    from: NodeId,
    channels: (usize, usize),
    shape: (usize, usize, usize),
) -> NodeId {
    let ((inputs, outputs), (kernel, stride, border)) = (channels, shape);
    let padding = Padding::Symmetric(border);
    let node = graph.push(
        name,
        Layer::Convolution { inputs, outputs, kernel, stride, groups: 1, padding, bias: true },
        &[from],
    );
    graph.push(format!("{name}.relu"), Layer::Relu, &[node])
}

/// The layers up to the last fire module.
fn features() -> (Graph, NodeId) {
    let mut graph = Graph::new(NAME);
    let picture = graph.picture();
    let mut x = convolution(&mut graph, "features.0", picture, (3, 64), (3, 2, 0));
    let mut number = 2;
    for module in MODULES {
        let Some((place, inputs, squeezed, expanded)) = module else {
            x = graph.push(format!("features.{number}"), Layer::MaxPool(POOL), &[x]);
            number += 3;
            continue;
        };
        let name = format!("features.{place}");
        let narrow = convolution(&mut graph, &format!("{name}.squeeze"), x, (inputs, squeezed), (1, 1, 0));
        let points = convolution(&mut graph, &format!("{name}.expand1x1"), narrow, (squeezed, expanded), (1, 1, 0));
        let squares = convolution(&mut graph, &format!("{name}.expand3x3"), narrow, (squeezed, expanded), (3, 1, 1));
        x = graph.push(format!("{name}.concat"), Layer::Concat, &[points, squares]);
    }
    (graph, x)
}

/// The network up to its pooled features.
#[must_use]
pub fn backbone() -> Backbone {
    let (mut graph, x) = features();
    let pooled = graph.push("pooled", Layer::GlobalAveragePool, &[x]);
    Backbone { graph, pooled, features: FEATURES }
}

/// The whole ImageNet classifier, with the single result `logits`.
#[must_use]
pub fn imagenet_classifier() -> Graph {
    let (mut graph, x) = features();
    let x = convolution(&mut graph, "classifier.1", x, (FEATURES, 1000), (1, 1, 0));
    let logits = graph.push("pooled", Layer::GlobalAveragePool, &[x]);
    graph.output("logits", logits);
    graph
}

#[cfg(test)]
mod tests {
    use super::imagenet_classifier;

    #[test]
    fn the_graph_has_the_published_size() {
        let trainable: usize =
            imagenet_classifier().parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum();
        assert_eq!(trainable, 1_235_496, "torchvision's count for squeezenet1_1");
    }
}
