//! The three results of ClothingID's network on one backbone: 14 categories, 26 categories, and the embedding of the garment.

use clothingid_shared::taxonomy::Taxonomy;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64Mcg;

use super::backbones::{Backbone, mobilenet_v2};
use super::graph::{Graph, Layer};
use super::weights::{Array, Weights};

/// Result and node prefix of the 14 categories.
pub const CATEGORY14: &str = "category14";
/// Result and node prefix of the 26 categories.
pub const CATEGORY26: &str = "category26";
/// Result and node prefix of the embedding.
pub const EMBEDDING: &str = "embedding";
/// Values of an embedding.
pub const EMBEDDING_DIMS: usize = 256;

/// A backbone with the three heads; the results are named [`CATEGORY14`], [`CATEGORY26`] and [`EMBEDDING`].
#[must_use]
pub fn with_heads(backbone: Backbone) -> Graph {
    let Backbone { mut graph, pooled, features } = backbone;
    for (name, taxonomy) in [(CATEGORY14, Taxonomy::category14()), (CATEGORY26, Taxonomy::category26())] {
        let layer = Layer::Linear { inputs: features, outputs: taxonomy.len() };
        let logits = graph.push(format!("heads.{name}"), layer, &[pooled]);
        graph.output(name, logits);
    }
    let linear = graph.push(format!("heads.{EMBEDDING}"), Layer::Linear { inputs: features, outputs: EMBEDDING_DIMS }, &[pooled]);
    let unit = graph.push(format!("heads.{EMBEDDING}.unit"), Layer::L2Normalise, &[linear]);
    graph.output(EMBEDDING, unit);
    graph
}

/// The network that ships: MobileNetV2 with the three heads.
#[must_use]
pub fn clothingid() -> Graph {
    with_heads(mobilenet_v2::backbone())
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

/// One draw of the normal distribution (Box and Muller 1958).
fn normal(random: &mut Pcg64Mcg) -> f32 {
    let radius = (-2.0 * (1.0 - random.random::<f32>()).ln()).sqrt();
    radius * (std::f32::consts::TAU * random.random::<f32>()).cos()
}

#[cfg(test)]
mod tests {
    use super::{clothingid, initialise_missing};
    use crate::network::weights::Weights;

    #[test]
    fn results_have_their_names_and_new_heads_their_start() {
        let graph = clothingid();
        let names: Vec<&str> = graph.outputs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["category14", "category26", "embedding"]);
        let mut weights = Weights::new();
        initialise_missing(&graph, &mut weights, 1);
        let head = weights.get_shaped("heads.embedding.weight", &[256, 1280]).unwrap();
        let (sum, squares) = head.values.iter().fold((0.0_f64, 0.0_f64), |(s, q), &v| (s + f64::from(v), q + f64::from(v).powi(2)));
        let n = 256.0 * 1280.0;
        // Standard error of the mean is 1/sqrt(1280 n) = 5e-5, of the variance's ratio sqrt(2/n) = 0.0025: five of each.
        assert!((sum / n).abs() < 2.5e-4, "mean {}", sum / n);
        assert!((squares / n * 1280.0 - 1.0).abs() < 0.0125, "variance ratio {}", squares / n * 1280.0);
        let before = weights.clone();
        initialise_missing(&graph, &mut weights, 2);
        assert_eq!(weights, before, "what is there stays");
    }
}
