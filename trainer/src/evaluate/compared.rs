//! A bundle against the raw ImageNet features of the same backbone on one measure, with the difference, paired.

use serde::Serialize;

use super::figure::Figure;

/// Both on the same samples.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Compared {
    /// What is measured.
    pub measure: String,
    /// By the raw features.
    pub rival: Figure,
    /// By the bundle.
    pub bundle: Figure,
    /// `bundle` minus `rival`, paired.
    pub gain: Figure,
}

impl Compared {
    /// Shares of the samples for which something holds.
    #[must_use]
    pub fn shares(
        measure: &str,
        groups: &[usize],
        rival: impl Fn(usize) -> bool,
        bundle: impl Fn(usize) -> bool,
    ) -> Self {
        let gain = |sample: usize| f64::from(u8::from(bundle(sample))) - f64::from(u8::from(rival(sample)));
        Self {
            measure: measure.to_owned(),
            rival: Figure::share(groups, &rival),
            bundle: Figure::share(groups, &bundle),
            gain: Figure::measure(groups, |drawn| mean(drawn, gain)),
        }
    }

    /// Figures of some samples, given by their positions.
    #[must_use]
    pub fn figures(
        measure: &str,
        groups: &[usize],
        rival: impl Fn(&[usize]) -> f64,
        bundle: impl Fn(&[usize]) -> f64,
    ) -> Self {
        Self {
            measure: measure.to_owned(),
            rival: Figure::measure(groups, &rival),
            bundle: Figure::measure(groups, &bundle),
            gain: Figure::measure(groups, |drawn| bundle(drawn) - rival(drawn)),
        }
    }
}

/// Mean of a value over the samples drawn; 0 without any.
pub(super) fn mean(drawn: &[usize], value: impl Fn(usize) -> f64) -> f64 {
    drawn.iter().map(|&sample| value(sample)).sum::<f64>() / drawn.len().max(1) as f64
}

/// The head of a table of [`Compared`] for people.
#[must_use]
pub fn head() -> String {
    format!("{:<40} {:<22} {:<22} {}", "", "ImageNet features", "bundle", "bundle - ImageNet, paired")
}

impl std::fmt::Display for Compared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { measure, rival, bundle, gain } = self;
        write!(f, "{measure:<40} {:<22} {:<22} ", rival.to_string(), bundle.to_string())?;
        write!(f, "{:+.3} [{:+.3}, {:+.3}]  (n = {})", gain.value, gain.low, gain.high, gain.n)
    }
}

#[cfg(test)]
mod tests {
    use super::Compared;

    #[test]
    fn the_difference_is_of_the_same_samples() {
        let groups: Vec<usize> = (0..40).collect();
        let found = Compared::shares("R@1", &groups, |i| i % 4 == 0, |i| i % 2 == 0);
        assert_eq!((found.rival.value, found.bundle.value, found.gain.value), (0.25, 0.5, 0.25));
        // Where the rival is right the bundle is too: the paired interval is narrower than both.
        assert!(found.gain.low > 0.1 && found.gain.high < 0.45, "{}", found.gain);
        let itself = Compared::figures("mAP", &groups, |drawn| drawn.len() as f64, |drawn| drawn.len() as f64);
        assert_eq!((itself.gain.low, itself.gain.high), (0.0, 0.0));
        assert!(found.to_string().contains("+0.250 ["), "{found}");
    }
}
