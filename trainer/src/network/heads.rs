//! The three results of ClothingID's network on one backbone: coarser categories (14 of clothing), finer ones (26 of clothing), and the
//! embedding of the garment.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::backbones::{Backbone, mobilenet_v2};
use super::graph::{Graph, Layer};
use super::weights::{Array, Weights};

/// Result and node prefix of the coarser categories, whatever they are of.
pub const CATEGORY14: &str = "category14";
/// Result and node prefix of the finer ones.
pub const CATEGORY26: &str = "category26";
/// Result and node prefix of the embedding.
pub const EMBEDDING: &str = "embedding";
/// Values of an embedding.
pub const EMBEDDING_DIMS: usize = 256;
/// How many categories of clothing each head has, in the order of the results.
pub const CLOTHING: [usize; 2] = [14, 26];

/// A backbone with the three heads, `classes` categories each; the results are named [`CATEGORY14`], [`CATEGORY26`] and [`EMBEDDING`].
#[must_use]
pub fn with_heads(backbone: Backbone, classes: [usize; 2]) -> Graph {
    let Backbone { mut graph, pooled, features } = backbone;
    for (name, outputs) in [CATEGORY14, CATEGORY26].into_iter().zip(classes) {
        let layer = Layer::Linear { inputs: features, outputs };
        let logits = graph.push(format!("heads.{name}"), layer, &[pooled]);
        graph.output(name, logits);
    }
    let linear = graph.push(
        format!("heads.{EMBEDDING}"),
        Layer::Linear { inputs: features, outputs: EMBEDDING_DIMS },
        &[pooled],
    );
    let unit = graph.push(format!("heads.{EMBEDDING}.unit"), Layer::L2Normalise, &[linear]);
    graph.output(EMBEDDING, unit);
    graph
}

/// The network that ships: MobileNetV2 with the three heads of clothing.
#[must_use]
pub fn clothingid() -> Graph {
    with_heads(mobilenet_v2::backbone(), CLOTHING)
}

/// Gives each linear layer that `weights` lacks a random start: normal with variance `1 / inputs`, no bias.
///
/// For the embedding this is a random projection, which keeps angles, so that even the untrained head tells garments apart.
pub fn initialise_missing(graph: &Graph, weights: &mut Weights, seed: u64) {
    let mut random = Pcg64Mcg::seed_from_u64(seed);
    for node in &graph.nodes {
        let Layer::Linear { inputs, outputs } = node.layer else { continue };
        let (weight, bias) = (format!("{}.weight", node.name), format!("{}.bias", node.name));
        if weights.contains(&weight) && weights.contains(&bias) {
            continue;
        }
        #[expect(clippy::cast_precision_loss, reason = "layer sizes are small")]
        let deviation = (1.0 / inputs as f32).sqrt();
        let values = (0..inputs * outputs).map(|_| normal(&mut random) * deviation).collect();
        weights.insert(weight, Array { shape: vec![outputs, inputs], values });
        weights.insert(bias, Array::zeros(&[outputs]));
    }
}

/// A random start of every array: convolutions normal with variance `2 / inputs` (He et al. 2015, equation 10), batch norm as it changes nothing.
#[must_use]
pub fn random(graph: &Graph, seed: u64) -> Weights {
    let mut weights = Weights::new();
    let mut random = Pcg64Mcg::seed_from_u64(seed ^ 0x5eed);
    for array in graph.parameters().into_iter().chain(graph.state()) {
        let len = array.shape.iter().product();
        let values = if array.shape.len() == 4 {
            let inputs: usize = array.shape.iter().skip(1).product();
            #[expect(clippy::cast_precision_loss, reason = "layer sizes are small")]
            let deviation = (2.0 / inputs.max(1) as f32).sqrt();
            (0..len).map(|_| normal(&mut random) * deviation).collect()
        } else if array.name.ends_with(".bias") || array.name.ends_with(".running_mean") {
            vec![0.0; len]
        } else {
            vec![1.0; len]
        };
        let is_linear = array.shape.len() == 2 || array.name.starts_with("heads.");
        if !is_linear {
            weights.insert(array.name, Array { shape: array.shape, values });
        }
    }
    initialise_missing(graph, &mut weights, seed);
    weights
}

/// One draw of the normal distribution (Box and Muller 1958).
fn normal(random: &mut Pcg64Mcg) -> f32 {
    let radius = (-2.0 * (1.0 - random.random::<f32>()).ln()).sqrt();
    radius * (std::f32::consts::TAU * random.random::<f32>()).cos()
}

#[cfg(test)]
mod tests {
    use clothingid_shared::taxonomy::Taxonomies;

    use super::{CLOTHING, clothingid, initialise_missing, random, with_heads};
    use crate::network::Network;
    use crate::network::backbones::BackboneName;
    use crate::network::weights::Weights;

    #[test]
    fn results_have_their_names_and_new_heads_their_start() {
        assert_eq!(Taxonomies::clothing().classes(), CLOTHING);
        let graph = clothingid();
        let names: Vec<&str> = graph.outputs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["category14", "category26", "embedding"]);
        let mut weights = Weights::new();
        initialise_missing(&graph, &mut weights, 1);
        let head = weights.get_shaped("heads.embedding.weight", &[256, 1280]).unwrap();
        let (sum, squares) =
            head.values.iter().fold((0.0_f64, 0.0_f64), |(s, q), &v| (s + f64::from(v), q + f64::from(v).powi(2)));
        let n = 256.0 * 1280.0;
        // Standard error of the mean is 1/sqrt(1280 n) = 5e-5, of the variance's ratio sqrt(2/n) = 0.0025: five of each.
        assert!((sum / n).abs() < 2.5e-4, "mean {}", sum / n);
        assert!((squares / n * 1280.0 - 1.0).abs() < 0.0125, "variance ratio {}", squares / n * 1280.0);
        let before = weights.clone();
        initialise_missing(&graph, &mut weights, 2);
        assert_eq!(weights, before, "what is there stays");
    }

    #[test]
    fn each_backbone_runs_from_a_random_start() {
        for backbone in BackboneName::all() {
            let graph = with_heads(backbone.build(), [2, 31]);
            let network = Network::load(graph.clone(), &random(&graph, 3), tch::Device::Cpu).unwrap();
            let pictures = tch::Tensor::randint(256, [2, 64, 64, 3], (tch::Kind::Uint8, tch::Device::Cpu));
            let sizes: Vec<_> = network.evaluate(&pictures).into_iter().map(|(_, result)| result.size()).collect();
            assert_eq!(sizes, [[2, 2], [2, 31], [2, 256]], "{backbone}");
        }
    }
}
