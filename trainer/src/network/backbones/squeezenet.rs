//! SqueezeNet 1.1.
//!
//! **Source**: Iandola et al. 2016, "SqueezeNet", in the 1.1 form of its authors; key names of torchvision.
//!
//! Published weights expect ImageNet's mean and deviation of the pixels; [`adopt`] puts the difference to our pixels into the first
//! convolution, exactly, because that one has no padding.

use super::Backbone;
use crate::network::graph::{Graph, Layer, NodeId, PIXEL_SCALE_DIVISOR, PIXEL_ZERO_POINT, Padding};
use crate::network::weights::{Weights, WeightsError};

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

/// Mean and deviation of ImageNet's pixels, of 255, that published weights expect: red, green, blue.
const PUBLISHED_PIXELS: [(f32, f32); 3] = [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)];

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
    let mut graph = Graph::new("squeezenet");
    let picture = graph.picture();
    let mut x = convolution(&mut graph, "features.0", picture, (3, 64), (3, 2, 0));
    let mut number = 2;
    for module in MODULES {
        let Some((place, inputs, squeezed, expanded)) = module else {
            x = graph.push(format!("features.{number}"), Layer::MaxPool { kernel: 3, stride: 2 }, &[x]);
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

/// Published weights for our pixels: `(byte / 255 - mean) / deviation` is a factor and an offset of `(byte - 128) / 127.5`.
///
/// # Errors
/// The first convolution is missing or has another shape.
pub fn adopt(mut weights: Weights) -> Result<Weights, WeightsError> {
    let mut kernel = weights.get_shaped("features.0.weight", &[64, 3, 3, 3])?.clone();
    let mut bias = weights.get_shaped("features.0.bias", &[64])?.clone();
    for (output, bias) in kernel.values.chunks_exact_mut(27).zip(&mut bias.values) {
        for (plane, (mean, deviation)) in output.chunks_exact_mut(9).zip(PUBLISHED_PIXELS) {
            let offset = (f32::from(PIXEL_ZERO_POINT) / 255.0 - mean) / deviation;
            *bias += offset * plane.iter().sum::<f32>();
            plane.iter_mut().for_each(|w| *w *= PIXEL_SCALE_DIVISOR / 255.0 / deviation);
        }
    }
    weights.insert("features.0.weight", kernel);
    weights.insert("features.0.bias", bias);
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::{adopt, imagenet_classifier};
    use crate::network::weights::{Array, Weights};

    #[test]
    fn the_graph_has_the_published_size() {
        let trainable: usize =
            imagenet_classifier().parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum();
        assert_eq!(trainable, 1_235_496, "torchvision's count for squeezenet1_1");
    }

    #[test]
    fn adopted_weights_see_our_pixels_as_published_ones_see_theirs() {
        let kernel: Vec<f32> = (0..64 * 27_u16).map(|i| f32::from(i % 13) - 6.0).collect();
        let mut weights = Weights::new();
        weights.insert("features.0.weight", Array { shape: vec![64, 3, 3, 3], values: kernel.clone() });
        weights.insert("features.0.bias", Array::zeros(&[64]));
        let adopted = adopt(weights).unwrap();
        let bytes: Vec<f32> = (0..27_u16).map(|i| f32::from(i * 37 % 256)).collect();
        let dot = |kernel: &[f32], pixel: &dyn Fn(usize) -> f32| -> f32 {
            kernel.iter().enumerate().map(|(i, w)| w * pixel(i)).sum()
        };
        let theirs =
            dot(&kernel[27..54], &|i| (bytes[i] / 255.0 - [0.485, 0.456, 0.406][i / 9]) / [0.229, 0.224, 0.225][i / 9]);
        let (w, b) = (adopted.get("features.0.weight").unwrap(), adopted.get("features.0.bias").unwrap());
        let ours = dot(&w.values[27..54], &|i| (bytes[i] - 128.0) / 127.5) + b.values[1];
        // 27 products of at most 6 × 3 in f32: some 1e-5 each.
        assert!((ours - theirs).abs() < 1e-3, "{ours} against {theirs}");
    }
}
