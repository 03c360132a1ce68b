//! `y = x / ‖x‖`; zero stays zero. **Source** ONNX LpNormalization, p = 2.

use clothingid_shared::embedding::l2_normalise;

/// The vector of length one.
pub(in crate::network) fn normalise(x: &[f32]) -> Vec<f32> {
    let mut y = x.to_vec();
    l2_normalise(&mut y);
    y
}
