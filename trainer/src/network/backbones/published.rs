//! torchvision's published weights for our networks.
//!
//! They expect ImageNet's mean and deviation of the pixels: `(byte / 255 - mean) / deviation` is a factor and an offset of our
//! `(byte - 128) / 127.5`. The factor goes into the first convolution's weights, the offset into its bias or, where batch norm follows,
//! into the mean that it takes away. In a border of zeros the offset is then missing: the published network sees its mean colour
//! (124, 116, 104) around the picture, ours the grey 128.

use crate::network::graph::{Graph, Layer, PIXEL_SCALE_DIVISOR, PIXEL_ZERO_POINT};
use crate::network::weights::{Weights, WeightsError};

/// Mean and deviation of ImageNet's pixels, of 255: red, green, blue.
const PIXELS: [(f32, f32); 3] = [(0.485, 0.229), (0.456, 0.224), (0.406, 0.225)];

/// First parts of the names of torchvision's classifiers.
const CLASSIFIERS: [&str; 2] = ["classifier.", "fc."];

/// Whether the weights are a published file's and not ours: those have a classifier, ours have heads.
#[must_use]
pub fn is_published(weights: &Weights) -> bool {
    weights.iter().any(|(name, _)| is_classifier(name))
}

fn is_classifier(name: &str) -> bool {
    CLASSIFIERS.iter().any(|prefix| name.starts_with(prefix))
}

/// The weights without their classifier.
#[must_use]
pub fn without_classifier(mut weights: Weights) -> Weights {
    let names: Vec<String> =
        weights.iter().map(|(name, _)| name.to_owned()).filter(|name| is_classifier(name)).collect();
    for name in names {
        weights.remove(&name);
    }
    weights
}

/// Published weights of `graph` for our pixels, without their classifier.
///
/// # Errors
/// An array of the first convolution, or of the batch norm behind it, is missing or has another shape.
pub fn adopt(graph: &Graph, weights: Weights) -> Result<Weights, WeightsError> {
    let [_, convolution, behind, ..] = graph.nodes.as_slice() else { unreachable!("a backbone has layers") };
    let Layer::Convolution { outputs, kernel, bias, .. } = convolution.layer else {
        unreachable!("every backbone begins with a convolution")
    };
    let mut weights = without_classifier(weights);
    let (name, area) = (format!("{}.weight", convolution.name), kernel * kernel);
    let mut array = weights.get_shaped(&name, &[outputs, 3, kernel, kernel])?.clone();
    // What the offsets of the pixels add to each channel.
    let mut offsets = vec![0.0_f32; outputs];
    for (planes, offset) in array.values.chunks_exact_mut(3 * area).zip(&mut offsets) {
        for (plane, (mean, deviation)) in planes.chunks_exact_mut(area).zip(PIXELS) {
            *offset += (f32::from(PIXEL_ZERO_POINT) / 255.0 - mean) / deviation * plane.iter().sum::<f32>();
            plane.iter_mut().for_each(|w| *w *= PIXEL_SCALE_DIVISOR / 255.0 / deviation);
        }
    }
    weights.insert(name, array);
    let (name, sign) = if bias {
        (format!("{}.bias", convolution.name), 1.0)
    } else {
        (format!("{}.running_mean", behind.name), -1.0)
    };
    let mut array = weights.get_shaped(&name, &[outputs])?.clone();
    array.values.iter_mut().zip(offsets).for_each(|(value, offset)| *value += sign * offset);
    weights.insert(name, array);
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind, Tensor};

    use super::{PIXELS, adopt, is_published};
    use crate::network::backbones::BackboneName;
    use crate::network::backbones::resnet::Depth;
    use crate::network::parameters::{to_array, to_tensor};
    use crate::network::weights::Array;
    use crate::network::{Network, NodeId, Weights, heads};

    /// The first layer of the published network on normalised pixels, computed by the published formula, is that of the adopted one on
    /// bytes; away from the border, where the published one sees another colour.
    #[test]
    fn adopted_weights_see_our_pixels_as_published_ones_see_theirs() {
        let pictures = Tensor::randint(256, [2, 64, 64, 3], (Kind::Uint8, Device::Cpu));
        let nchw = pictures.permute([0, 3, 1, 2]).to_kind(Kind::Float) / 255.0;
        let row = |of: fn(&(f32, f32)) -> f32| Tensor::from_slice(&PIXELS.iter().map(of).collect::<Vec<_>>());
        let theirs = (nchw - row(|p| p.0).view([1, 3, 1, 1])) / row(|p| p.1).view([1, 3, 1, 1]);
        for backbone in [BackboneName::Squeezenet, BackboneName::Alexnet, BackboneName::Resnet(Depth::D18)] {
            let graph = heads::with_heads(backbone.build(), heads::CLOTHING);
            let mut weights = heads::random(&graph, 5);
            let (name, (stride, border)) = match backbone {
                BackboneName::Resnet(_) => ("conv1", (2, 3)),
                BackboneName::Squeezenet => ("features.0", (2, 0)),
                _ => ("features.0", (4, 2)),
            };
            let kernel = to_tensor(weights.get(&format!("{name}.weight")).unwrap(), Device::Cpu);
            let mut expected = theirs.conv2d(&kernel, None::<&Tensor>, [stride; 2], [border; 2], [1; 2], 1);
            if let BackboneName::Resnet(_) = backbone {
                let mean = Tensor::randn([64], (Kind::Float, Device::Cpu));
                weights.insert("bn1.running_mean", to_array(&mean));
                expected = (expected - mean.view([1, 64, 1, 1])) / (1.0_f64 + 1e-5).sqrt();
            }
            weights.insert("fc.weight", Array::zeros(&[1000, 512]));
            assert!(is_published(&weights));
            let found = |weights: &Weights| {
                // The convolution, or the batch norm behind it.
                let place = if name == "conv1" { NodeId(2) } else { NodeId(1) };
                Network::load(graph.clone(), weights, Device::Cpu)
                    .unwrap()
                    .evaluate_nodes(&pictures, &[place])
                    .remove(0)
            };
            let inside = |x: &Tensor| x.narrow(2, 2, 12).narrow(3, 2, 12);
            let difference = |x: &Tensor| (inside(x) - inside(&expected)).abs().max().double_value(&[]);
            let plain = difference(&found(&weights));
            let adopted = adopt(&graph, weights).unwrap();
            assert!(!is_published(&adopted));
            // Up to 363 products of a few units each in f32.
            let difference = difference(&found(&adopted));
            assert!(difference < 1e-4, "{backbone}: {difference:e}");
            assert!(plain > 0.1, "{backbone}: without adoption it must show: {plain:e}");
        }
    }
}
