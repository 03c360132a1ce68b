//! What a network costs before it is trained: weights, multiply-adds, and the length of its quantised file.

use crate::network::{Graph, heads};

use super::error::ExportError;
use super::fold::float_network;
use super::fused::{FusedGraph, Operation};
use super::onnx::{to_bytes, write_quantised};
use super::quantised::{FloatNetwork, Quantisation, QuantisedNetwork, QuantisedWeights};

/// The cost of one network for pictures of one side.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Size {
    /// Name of the backbone.
    pub backbone: String,
    /// Side of the picture in pixels.
    pub side: usize,
    /// Trained values, heads included.
    pub parameters: usize,
    /// Multiplications of weights for one picture.
    pub multiply_adds: usize,
    /// Bytes of the quantised ONNX file.
    pub network_byte_len: usize,
}

impl Size {
    /// Measures a network with heads.
    ///
    /// # Errors
    /// The network cannot be exported for pictures of this side.
    pub fn of(graph: &Graph, side: usize) -> Result<Self, ExportError> {
        let float = float_network(graph, &heads::random(graph, 0), side)?;
        Ok(Self {
            backbone: graph.backbone.clone(),
            side,
            parameters: graph.parameters().iter().map(|array| array.shape.iter().product::<usize>()).sum(),
            multiply_adds: multiply_adds(&float.graph),
            network_byte_len: to_bytes(&write_quantised(&blank(&float))).len(),
        })
    }
}

/// Multiplications of weights for one picture.
#[must_use]
pub fn multiply_adds(graph: &FusedGraph) -> usize {
    let of_node = |operation: Operation, pixels: usize| {
        operation.weights().map_or(0, |(outputs, per_output)| pixels * outputs * per_output)
    };
    graph.nodes.iter().map(|node| of_node(node.operation, node.shape.height * node.shape.width)).sum()
}

/// The network with integers that mean nothing: its file is as long as a real one's.
fn blank(float: &FloatNetwork) -> QuantisedNetwork {
    let quantisation = Quantisation { scale: 1.0, zero_point: 0 };
    let layer = |outputs: usize, per_output: usize| QuantisedWeights {
        weights_oihw: vec![0; outputs * per_output],
        scales: vec![1.0; outputs],
        bias: vec![0; outputs],
    };
    let nodes = float.graph.nodes.iter().enumerate();
    QuantisedNetwork {
        activations: nodes.clone().map(|(place, _)| (!float.graph.is_float(place)).then_some(quantisation)).collect(),
        weights: nodes
            .filter_map(|(place, node)| node.operation.weights().map(|(outputs, each)| (place, layer(outputs, each))))
            .collect(),
        graph: float.graph.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{Size, multiply_adds};
    use crate::export::fold::float_network;
    use crate::network::backbones::BackboneName;
    use crate::network::heads;

    #[test]
    fn multiply_adds_are_those_of_the_literature() {
        // Millions at 224 without classifier: TensorFlow's table of MobileNetV2 less a linear layer of 1,001 classes, torchvision's of the
        // others less theirs.
        for (name, classifier, published) in [
            ("mobilenet_v2", 1.28, 300.0),
            ("mobilenet_v2_0.5", 1.28, 97.0),
            ("mobilenet_v2_1.4", 1.79, 582.0),
            ("resnet18", 0.5, 1814.0),
            ("resnet34", 0.5, 3664.0),
            ("resnet50", 2.0, 4089.0),
            ("alexnet", 58.6, 714.0),
        ] {
            let backbone = name.parse::<BackboneName>().unwrap().build();
            let weights = heads::random(&backbone.graph, 0);
            let network = float_network(&backbone.graph, &weights, 224).unwrap();
            let millions = f64::from(u32::try_from(multiply_adds(&network.graph)).unwrap()) / 1e6 + classifier;
            assert!((millions / published - 1.0).abs() < 0.01, "{name}: {millions:.1}");
        }
    }

    #[test]
    fn the_file_is_little_longer_than_its_weights() {
        let size = Size::of(&heads::clothingid(), 96).unwrap();
        // A byte a weight, twelve a channel for the scales of weight and bias and the bias, and the names of a few hundred tensors.
        let more = size.network_byte_len - size.parameters;
        assert!((100_000..400_000).contains(&more), "{more} of {}", size.network_byte_len);
    }
}
