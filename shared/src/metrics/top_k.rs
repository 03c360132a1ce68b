//! Top-1 accuracy, over photographs and balanced over classes.

/// Share of predictions that are right; 0 for none.
#[must_use]
pub fn top_1(predicted: &[usize], truth: &[usize]) -> f64 {
    let right = predicted.iter().zip(truth).filter(|(p, t)| p == t).count();
    ratio(right, predicted.len().min(truth.len()))
}

/// Mean over the classes that occur of the share of each class that is found (Brodersen et al. 2010); 0 for none.
#[must_use]
pub fn balanced_accuracy(predicted: &[usize], truth: &[usize], classes: usize) -> f64 {
    let mut seen = vec![0_usize; classes];
    let mut found = vec![0_usize; classes];
    for (predicted, truth) in predicted.iter().zip(truth) {
        if let (Some(seen), Some(found)) = (seen.get_mut(*truth), found.get_mut(*truth)) {
            *seen += 1;
            *found += usize::from(predicted == truth);
        }
    }
    let occurring: Vec<f64> = seen.iter().zip(&found).filter(|(n, _)| **n > 0).map(|(n, f)| ratio(*f, *n)).collect();
    if occurring.is_empty() { 0.0 } else { occurring.iter().sum::<f64>() / occurring.len() as f64 }
}

pub(super) fn ratio(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::{balanced_accuracy, top_1};

    #[test]
    fn a_rare_class_weighs_as_much_as_a_common_one() {
        let truth = [0, 0, 0, 0, 1];
        let predicted = [0, 0, 0, 0, 0];
        assert!((top_1(&predicted, &truth) - 0.8).abs() < 1e-12);
        assert!((balanced_accuracy(&predicted, &truth, 3) - 0.5).abs() < 1e-12);
    }

    #[test]
    fn nothing_is_nothing() {
        assert!(top_1(&[], &[]).abs() < 1e-12);
        assert!(balanced_accuracy(&[], &[], 14).abs() < 1e-12);
    }
}
