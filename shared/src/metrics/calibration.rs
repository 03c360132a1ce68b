//! Expected calibration error: does a probability of 0.8 come true eight times in ten?

/// Expected calibration error over equal-width bins (Guo et al. 2017, equation 3): mean over photographs of |accuracy − confidence| of
/// their bin. 0 for none.
#[must_use]
pub fn expected_calibration_error(confidence: &[f64], right: &[bool], bins: usize) -> f64 {
    let bins = bins.max(1);
    // (photographs, sum of confidence, right ones) of each bin.
    let mut table = vec![(0_usize, 0.0_f64, 0_usize); bins];
    let mut total = 0_usize;
    for (confidence, right) in confidence.iter().zip(right) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the bins below")]
        let bin = ((confidence.clamp(0.0, 1.0) * bins as f64) as usize).min(bins - 1);
        if let Some(entry) = table.get_mut(bin) {
            entry.0 += 1;
            entry.1 += confidence;
            entry.2 += usize::from(*right);
            total += 1;
        }
    }
    if total == 0 {
        return 0.0;
    }
    table.iter().map(|(_, confidence, right)| (*right as f64 - confidence).abs()).sum::<f64>() / total as f64
}

#[cfg(test)]
mod tests {
    use super::expected_calibration_error;

    #[test]
    fn sure_and_right_is_calibrated_sure_and_wrong_is_not() {
        assert!(expected_calibration_error(&[1.0; 4], &[true; 4], 15).abs() < 1e-12);
        assert!((expected_calibration_error(&[1.0; 4], &[false; 4], 15) - 1.0).abs() < 1e-12);
        let half = expected_calibration_error(&[0.5; 4], &[true, false, true, false], 10);
        assert!(half.abs() < 1e-12);
        assert!(expected_calibration_error(&[], &[], 10).abs() < 1e-12);
    }
}
