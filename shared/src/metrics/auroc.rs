//! How well a score tells two kinds apart, whatever the threshold.

/// Area under the receiver operating characteristic: the probability that a sample of the kind has a higher score than one that is not,
/// ties counting half (Hanley and McNeil 1982, "The Meaning and Use of the Area under a ROC Curve").
///
/// `is_kind[i]` says whether sample `i` is of the kind. With none of the kind, or none but those, there is nothing to tell apart: 0.5.
/// A score that is not a number counts as the lowest.
#[must_use]
pub fn auroc(scores: &[f64], is_kind: &[bool]) -> f64 {
    let lowest = |score: f64| if score.is_nan() { f64::NEG_INFINITY } else { score };
    let mut samples: Vec<(f64, bool)> =
        scores.iter().map(|&score| lowest(score)).zip(is_kind.iter().copied()).collect();
    samples.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut wins, mut others_below, mut kinds) = (0.0, 0.0, 0.0);
    for tied in samples.chunk_by(|a, b| a.0 == b.0) {
        let of_kind = tied.iter().filter(|(_, is_kind)| *is_kind).count() as f64;
        let others = tied.len() as f64 - of_kind;
        wins += of_kind * (others_below + others / 2.0);
        others_below += others;
        kinds += of_kind;
    }
    let pairs = kinds * others_below;
    if pairs > 0.0 { wins / pairs } else { 0.5 }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::auroc;

    #[test]
    fn all_right_is_one_all_wrong_is_zero_and_ties_are_a_half() {
        let kinds = [false, false, true, true];
        assert_eq!(auroc(&[0.1, 0.2, 0.8, 0.9], &kinds), 1.0);
        assert_eq!(auroc(&[0.9, 0.8, 0.2, 0.1], &kinds), 0.0);
        assert_eq!(auroc(&[0.5; 4], &kinds), 0.5);
        assert_eq!(auroc(&[0.1, 0.5, 0.5, 0.9], &kinds), 0.875);
        assert_eq!(auroc(&[], &[]), 0.5);
        assert_eq!(auroc(&[0.3], &[true]), 0.5);
        assert_eq!(auroc(&[f64::NAN, 0.0], &[true, false]), 0.0);
    }

    proptest! {
        #[test]
        fn it_is_the_share_of_pairs_in_the_right_order(
            samples in prop::collection::vec((0_u8..6, any::<bool>()), 0..40),
        ) {
            let scores: Vec<f64> = samples.iter().map(|(score, _)| f64::from(*score)).collect();
            let kinds: Vec<bool> = samples.iter().map(|(_, kind)| *kind).collect();
            let of = |kind: bool| scores.iter().zip(&kinds).filter(move |(_, own)| **own == kind).map(|(score, _)| *score);
            let (mut wins, mut pairs) = (0.0, 0.0);
            for one in of(true) {
                for other in of(false) {
                    pairs += 1.0;
                    wins += if one > other { 1.0 } else if one == other { 0.5 } else { 0.0 };
                }
            }
            let expected = if pairs > 0.0 { wins / pairs } else { 0.5 };
            prop_assert!((auroc(&scores, &kinds) - expected).abs() < 1e-12);
        }
    }
}
