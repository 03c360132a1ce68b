//! `y = x / ‖x‖`; zero stays zero. **Source** ONNX LpNormalization, p = 2.

/// The vector of length one.
pub(in crate::network) fn normalise(x: &[f32]) -> Vec<f32> {
    let norm = x.iter().map(|v| v * v).sum::<f32>().sqrt();
    let scale = if norm > 0.0 { norm } else { 1.0 };
    x.iter().map(|v| v / scale).collect()
}
