//! What may be said of the best match: whether the garment was found, may be among the closest, or is not in the catalogue at all.

use clothingid_shared::bundle::Matching;
use serde::Serialize;

/// How sure it is that a garment was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// The best match is the same garment.
    Confident,
    /// The garment may be among the closest.
    Similar,
    /// Nothing is like it, or nothing was searched for.
    #[default]
    Nothing,
}

impl Verdict {
    /// By the similarity of the best match; none where there is no match. A bundle that does not say when nothing is like a garment never has
    /// it said of what was found.
    #[must_use]
    pub fn of(best: Option<f64>, matching: &Matching) -> Self {
        let Some(best) = best else { return Self::Nothing };
        if best >= matching.confident.threshold {
            return Self::Confident;
        }
        let is_similar = matching.similar.as_ref().is_none_or(|similar| best >= similar.threshold);
        if is_similar { Self::Similar } else { Self::Nothing }
    }

    /// Whether the best match may be called the same garment.
    #[must_use]
    pub fn is_confident(self) -> bool {
        self == Self::Confident
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clothingid_shared::bundle::OperatingPoint;

    fn point(threshold: f64) -> OperatingPoint {
        let meaning = String::new();
        OperatingPoint {
            threshold,
            meaning,
            true_accept: 1.0,
            false_accept: 0.0,
            positives: 1,
            negatives: 1,
            auroc: None,
        }
    }

    #[test]
    fn a_match_is_the_garment_or_may_be_or_nothing_is_like_it() {
        let matching = Matching { confident: point(0.7), similar: Some(point(0.4)) };
        for (best, verdict) in [
            (Some(0.7), Verdict::Confident),
            (Some(0.699), Verdict::Similar),
            (Some(0.4), Verdict::Similar),
            (Some(0.399), Verdict::Nothing),
            (Some(f64::NAN), Verdict::Nothing),
            (None, Verdict::Nothing),
        ] {
            assert_eq!(Verdict::of(best, &matching), verdict, "{best:?}");
            assert_eq!(verdict.is_confident(), best == Some(0.7));
        }
        assert_eq!(serde_json::to_string(&Verdict::Nothing).unwrap(), r#""nothing""#);
    }

    #[test]
    fn a_bundle_of_two_verdicts_says_similar_of_all_that_is_not_confident() {
        let matching = Matching { confident: point(0.7), similar: None };
        assert_eq!(Verdict::of(Some(-0.5), &matching), Verdict::Similar);
        assert_eq!(Verdict::of(None, &matching), Verdict::Nothing);
    }
}
