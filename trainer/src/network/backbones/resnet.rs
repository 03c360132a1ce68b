//! ResNet-18, ResNet-34 and ResNet-50.
//!
//! **Source**: He et al. 2016, "Deep Residual Learning for Image Recognition", table 1; key names of torchvision, and its place of a
//! bottleneck's stride (in the 3×3 convolution).

use super::Backbone;
use crate::network::graph::{Graph, Layer, NodeId, Padding, Pooling, Rounding};

/// Layers with weights, as the paper counts them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Depth {
    /// ResNet-18.
    D18,
    /// ResNet-34.
    D34,
    /// ResNet-50.
    D50,
}

/// Channels inside the blocks of each stage; the first convolution has those of the first.
const CHANNELS: [usize; 4] = [64, 128, 256, 512];

/// Behind the first convolution.
const POOL: Pooling = Pooling { kernel: 3, stride: 2, border: 1, rounding: Rounding::Down };

impl Depth {
    /// All of them, smallest first.
    pub const ALL: [Self; 3] = [Self::D18, Self::D34, Self::D50];

    /// The backbone's name.
    #[must_use]
    pub fn backbone_name(self) -> &'static str {
        match self {
            Self::D18 => "resnet18",
            Self::D34 => "resnet34",
            Self::D50 => "resnet50",
        }
    }

    /// Blocks of each stage.
    fn blocks(self) -> [usize; 4] {
        match self {
            Self::D18 => [2, 2, 2, 2],
            Self::D34 | Self::D50 => [3, 4, 6, 3],
        }
    }

    /// Channels that a block gives for each that it has inside.
    fn expansion(self) -> usize {
        match self {
            Self::D18 | Self::D34 => 1,
            Self::D50 => 4,
        }
    }

    /// Length of the pooled features.
    #[must_use]
    pub fn features(self) -> usize {
        CHANNELS[3] * self.expansion()
    }
}

/// A convolution whose border keeps the side at stride 1, with batch norm and without activation.
fn convolution(
    graph: &mut Graph,
    names: (&str, &str),
    from: NodeId,
    channels: (usize, usize),
    shape: (usize, usize),
) -> NodeId {
    let ((name, norm), (inputs, outputs), (kernel, stride)) = (names, channels, shape);
    let padding = Padding::Symmetric(kernel / 2);
    let layer = Layer::Convolution { inputs, outputs, kernel, stride, groups: 1, padding, bias: false };
    let node = graph.push(name, layer, &[from]);
    graph.push(norm, Layer::BatchNorm { channels: outputs }, &[node])
}

/// Two or three convolutions beside a way around them, which takes a convolution of its own where the shape changes.
fn block(
    graph: &mut Graph,
    name: &str,
    from: NodeId,
    depth: Depth,
    (inputs, inside, stride): (usize, usize, usize),
) -> NodeId {
    let outputs = inside * depth.expansion();
    // Input and output channels, kernel and stride of each.
    let convolutions = match depth {
        Depth::D18 | Depth::D34 => vec![((inputs, inside), (3, stride)), ((inside, outputs), (3, 1))],
        Depth::D50 => vec![((inputs, inside), (1, 1)), ((inside, inside), (3, stride)), ((inside, outputs), (1, 1))],
    };
    let last = convolutions.len();
    let mut x = from;
    for (number, (channels, shape)) in (1..).zip(convolutions) {
        let names = (format!("{name}.conv{number}"), format!("{name}.bn{number}"));
        x = convolution(graph, (&names.0, &names.1), x, channels, shape);
        if number < last {
            x = graph.push(format!("{name}.relu{number}"), Layer::Relu, &[x]);
        }
    }
    let around = if stride != 1 || inputs != outputs {
        let names = (format!("{name}.downsample.0"), format!("{name}.downsample.1"));
        convolution(graph, (&names.0, &names.1), from, (inputs, outputs), (1, stride))
    } else {
        from
    };
    let sum = graph.push(format!("{name}.add"), Layer::Add, &[x, around]);
    graph.push(format!("{name}.relu"), Layer::Relu, &[sum])
}

/// The network up to its pooled features.
#[must_use]
pub fn of_depth(depth: Depth) -> Backbone {
    let mut graph = Graph::new(depth.backbone_name());
    let picture = graph.picture();
    let mut x = convolution(&mut graph, ("conv1", "bn1"), picture, (3, CHANNELS[0]), (7, 2));
    x = graph.push("relu", Layer::Relu, &[x]);
    x = graph.push("maxpool", Layer::MaxPool(POOL), &[x]);
    let mut channels = CHANNELS[0];
    for (stage, (inside, blocks)) in (1..).zip(CHANNELS.into_iter().zip(depth.blocks())) {
        for place in 0..blocks {
            let stride = if stage > 1 && place == 0 { 2 } else { 1 };
            x = block(&mut graph, &format!("layer{stage}.{place}"), x, depth, (channels, inside, stride));
            channels = inside * depth.expansion();
        }
    }
    let pooled = graph.push("pooled", Layer::GlobalAveragePool, &[x]);
    Backbone { graph, pooled, features: depth.features() }
}

#[cfg(test)]
mod tests {
    use super::{Depth, of_depth};
    use crate::network::graph::Layer;

    #[test]
    fn each_depth_has_the_published_size() {
        // torchvision's counts, classifier included: 1,000 rows of the features and a bias.
        let published = [(Depth::D18, 11_689_512, 20), (Depth::D34, 21_797_672, 36), (Depth::D50, 25_557_032, 53)];
        for (depth, expected, convolutions) in published {
            let backbone = of_depth(depth);
            let parameters = backbone.graph.parameters();
            let trainable: usize = parameters.iter().map(|p| p.shape.iter().product::<usize>()).sum();
            assert_eq!(trainable + 1000 * (depth.features() + 1), expected, "{depth:?}");
            let is_convolution = |layer: &Layer| matches!(layer, Layer::Convolution { .. });
            assert_eq!(backbone.graph.nodes.iter().filter(|n| is_convolution(&n.layer)).count(), convolutions);
        }
    }

    #[test]
    fn arrays_have_torchvisions_names() {
        let graph = of_depth(Depth::D50).graph;
        let names: Vec<String> = graph.parameters().into_iter().map(|array| array.name).collect();
        for name in ["conv1.weight", "bn1.bias", "layer1.0.downsample.1.weight", "layer4.2.conv3.weight"] {
            assert!(names.iter().any(|found| found == name), "no `{name}`");
        }
        assert!(!names.iter().any(|name| name == "layer1.1.downsample.0.weight"));
    }
}
