//! How much each layer loses by being integer, worst first.

use serde::Serialize;
use tch::Tensor;

use super::error::ExportError;
use super::float::FloatRunner;
use super::simulate::{Activation, Simulation};

/// One layer against its float twin.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerLoss {
    /// The layer.
    pub layer: String,
    /// Signal to quantisation noise in decibels, over all photographs.
    pub sqnr_db: f64,
    /// Cosine of the two results.
    pub cosine: f64,
    /// Size of a step; none where the result is float.
    pub scale: Option<f32>,
    /// Byte that stands for zero.
    pub zero_point: Option<u8>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    signal: f64,
    noise: f64,
    product: f64,
    found: f64,
}

/// Compares every layer's result on some photographs; each network runs on its own results, so losses accumulate.
///
/// # Errors
/// [`ExportError::Torch`].
pub fn layer_losses<P: AsRef<[u8]>>(
    float: &FloatRunner,
    simulation: &Simulation,
    pictures: &[P],
) -> Result<Vec<LayerLoss>, ExportError> {
    let network = simulation.network();
    let mut sums = vec![Sums::default(); network.graph.nodes.len()];
    for picture in pictures {
        let mut reference: Vec<Vec<f32>> = Vec::new();
        float.visit(std::slice::from_ref(picture), |_, _, after| reference.push(channel_last(after)))?;
        simulation.visit(picture.as_ref(), |place, activation| {
            let found: Vec<f32> = match (activation, network.activations[place]) {
                (Activation::Integers(bytes), Some(q)) => bytes.iter().map(|&byte| q.dequantise(byte)).collect(),
                (Activation::Floats(values), _) => values.clone(),
                (Activation::Integers(_), None) => Vec::new(),
            };
            let sum = &mut sums[place];
            for (&a, &b) in reference[place].iter().zip(&found) {
                let (a, b) = (f64::from(a), f64::from(b));
                sum.signal += a * a;
                sum.noise += (a - b) * (a - b);
                sum.product += a * b;
                sum.found += b * b;
            }
        });
    }
    let loss = |(place, sum): (usize, &Sums)| LayerLoss {
        layer: network.graph.nodes[place].name.clone(),
        sqnr_db: 10.0 * (sum.signal / sum.noise.max(1e-30)).max(1e-30).log10(),
        cosine: sum.product / (sum.signal * sum.found).sqrt().max(1e-30),
        scale: network.activations[place].map(|q| q.scale),
        zero_point: network.activations[place].map(|q| q.zero_point),
    };
    let mut losses: Vec<LayerLoss> = sums.iter().enumerate().map(loss).collect();
    losses.sort_by(|a, b| a.sqnr_db.total_cmp(&b.sqnr_db));
    Ok(losses)
}

/// Values of `[1, C, H, W]` or `[1, C]` with the channels last.
fn channel_last(tensor: &Tensor) -> Vec<f32> {
    let tensor = if tensor.dim() == 4 { tensor.permute([0, 2, 3, 1]) } else { tensor.shallow_clone() }.contiguous();
    let mut values = vec![0f32; tensor.numel()];
    let count = values.len();
    tensor.copy_data(&mut values, count);
    values
}
