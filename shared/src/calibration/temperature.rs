//! Softmax with a temperature (Guo et al. 2017, section 4.2).

/// Probabilities from logits: `softmax(logits / temperature)`.
#[must_use]
pub fn probabilities(logits: &[f32], temperature: f64) -> Vec<f64> {
    let mut out = Vec::with_capacity(logits.len());
    probabilities_into(logits, temperature, &mut out);
    out
}

/// As [`probabilities`], into memory that is used again.
pub fn probabilities_into(logits: &[f32], temperature: f64, out: &mut Vec<f64>) {
    out.clear();
    // A temperature that is not positive is refused when a bundle is read; here it only must not divide by zero.
    let temperature = if temperature > 0.0 { temperature } else { 1.0 };
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    out.extend(logits.iter().map(|logit| ((f64::from(*logit) - f64::from(largest)) / temperature).exp()));
    let sum: f64 = out.iter().sum();
    for value in out {
        *value /= sum;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::probabilities;

    #[test]
    fn a_high_temperature_flattens() {
        let sharp = probabilities(&[2.0, 0.0], 1.0);
        let flat = probabilities(&[2.0, 0.0], 10.0);
        assert!(sharp[0] > flat[0] && flat[0] > 0.5);
        assert!(probabilities(&[], 1.0).is_empty());
    }

    proptest! {
        #[test]
        fn sums_to_one_and_keeps_the_order(logits in proptest::collection::vec(-80f32..80.0, 1..30), t in 0.1f64..10.0) {
            let p = probabilities(&logits, t);
            prop_assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            for i in 1..p.len() {
                prop_assert_eq!(logits[i] > logits[0] && p[i] < p[0], false);
            }
        }
    }
}
