//! `y = x / ‖x‖`; zero stays zero. **Source** ONNX LpNormalization, p = 2.

/// The vector of length one.
pub(in crate::network) fn normalise(x: &[f32]) -> Vec<f32> {
    let length = x.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>().sqrt();
    #[expect(clippy::cast_possible_truncation, reason = "the one rounding to float32")]
    let divided = |value: &f32| if length > 0.0 { (f64::from(*value) / length) as f32 } else { 0.0 };
    x.iter().map(divided).collect()
}
