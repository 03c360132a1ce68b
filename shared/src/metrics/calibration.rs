//! Expected calibration error: does a probability of 0.8 come true eight times in ten?

/// Photographs of which a probability in one range was said.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct CalibrationBin {
    /// How many.
    pub n: usize,
    /// Sum of the probabilities that were said.
    pub confidence: f64,
    /// How many were right.
    pub right: usize,
}

/// Photographs by the probability that was said of each, in bins of equal width from 0 to 1; there is at least one bin.
#[must_use]
pub fn calibration_bins(confidence: &[f64], right: &[bool], bins: usize) -> Vec<CalibrationBin> {
    let bins = bins.max(1);
    let mut table = vec![CalibrationBin::default(); bins];
    for (confidence, right) in confidence.iter().zip(right) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "clamped to the bins below")]
        let bin = ((confidence.clamp(0.0, 1.0) * bins as f64) as usize).min(bins - 1);
        if let Some(bin) = table.get_mut(bin) {
            bin.n += 1;
            bin.confidence += confidence;
            bin.right += usize::from(*right);
        }
    }
    table
}

/// Expected calibration error over equal-width bins (Guo et al. 2017, equation 3): mean over photographs of |accuracy − confidence| of
/// their bin. 0 for none.
#[must_use]
pub fn expected_calibration_error(confidence: &[f64], right: &[bool], bins: usize) -> f64 {
    let table = calibration_bins(confidence, right, bins);
    let total: usize = table.iter().map(|bin| bin.n).sum();
    if total == 0 {
        return 0.0;
    }
    table.iter().map(|bin| (bin.right as f64 - bin.confidence).abs()).sum::<f64>() / total as f64
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
