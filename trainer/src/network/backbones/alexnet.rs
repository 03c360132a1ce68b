//! AlexNet's features below a global average pool: a network of the poster's time.
//!
//! **Source**: Krizhevsky 2014, "One weird trick for parallelizing convolutional neural networks", as torchvision has it; key names of
//! torchvision. Its three linear layers hold 58.6 million of its 61.1 million weights, which no device of ours should carry: they are
//! left out, and the mean of the last 256 channels is what the heads read (Lin et al. 2014, "Network in Network", section 3.2).

use super::Backbone;
use crate::network::graph::{Graph, Layer, NodeId, Padding, Pooling, Rounding};

/// As recipes have it.
pub(super) const NAME: &str = "alexnet";

/// Channels of the last convolution: the length of the pooled features.
pub const FEATURES: usize = 256;

/// Places of a convolution and of its ReLU in torchvision's names, with channels, kernel, stride and border; a pool has its place.
const LAYERS: [Step; 8] = [
    Step::Convolution { place: 0, channels: (3, 64), shape: (11, 4, 2) },
    Step::Pool { place: 2 },
    Step::Convolution { place: 3, channels: (64, 192), shape: (5, 1, 2) },
    Step::Pool { place: 5 },
    Step::Convolution { place: 6, channels: (192, 384), shape: (3, 1, 1) },
    Step::Convolution { place: 8, channels: (384, 256), shape: (3, 1, 1) },
    Step::Convolution { place: 10, channels: (256, 256), shape: (3, 1, 1) },
    Step::Pool { place: 12 },
];

/// One line of the network.
enum Step {
    /// With ReLU behind it.
    Convolution {
        /// In torchvision's names.
        place: usize,
        /// Inputs and outputs.
        channels: (usize, usize),
        /// Kernel, stride and border.
        shape: (usize, usize, usize),
    },
    /// [`POOL`].
    Pool {
        /// In torchvision's names.
        place: usize,
    },
}

/// Overlapping windows (Krizhevsky et al. 2012, section 3.4).
const POOL: Pooling = Pooling { kernel: 3, stride: 2, border: 0, rounding: Rounding::Down };

/// The network up to its pooled features.
#[must_use]
pub fn backbone() -> Backbone {
    let mut graph = Graph::new(NAME);
    let mut x: NodeId = graph.picture();
    for step in LAYERS {
        x = match step {
            Step::Convolution { place, channels: (inputs, outputs), shape: (kernel, stride, border) } => {
                let padding = Padding::Symmetric(border);
                let layer = Layer::Convolution { inputs, outputs, kernel, stride, groups: 1, padding, bias: true };
                let node = graph.push(format!("features.{place}"), layer, &[x]);
                graph.push(format!("features.{place}.relu"), Layer::Relu, &[node])
            }
            Step::Pool { place } => graph.push(format!("features.{place}"), Layer::MaxPool(POOL), &[x]),
        };
    }
    let pooled = graph.push("pooled", Layer::GlobalAveragePool, &[x]);
    Backbone { graph, pooled, features: FEATURES }
}

#[cfg(test)]
mod tests {
    use super::backbone;

    #[test]
    fn the_graph_has_the_published_size() {
        let trainable: usize = backbone().graph.parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum();
        // Of torchvision's 61,100,840 the classifier has 9216 × 4096 + 4096 × 4096 + 4096 × 1000 and their biases.
        assert_eq!(trainable, 61_100_840 - (9216 * 4096 + 4096 * 4096 + 4096 * 1000 + 4096 + 4096 + 1000));
    }
}
