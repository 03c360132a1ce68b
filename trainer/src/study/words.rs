//! What the evidence allows to be said, in words.

use super::contrast::{ALPHA, Difference};
use super::findings::{ArmFindings, Findings};
use super::measure::Measure;

/// What the contrast with raw features is.
pub const ABOVE_RAW: &str = "A logistic regression on frozen ImageNet features, and those features themselves for retrieval, on the same folds. Not a \
     question of the recipe, so its p-values are not corrected.";

/// Photographs of a garment that the poster's network was trained on: 526,647 of 22,000 garments.
const POSTER_VIEWS: f64 = 526_647.0 / 22_000.0;

/// How far the study is, and how it was measured.
#[must_use]
pub fn lead(findings: &Findings) -> String {
    format!(
        "{} of {} cells are finished. Every photograph is reported on once, by a network from whose pre-training, training and choices its \
         whole group was held out. Intervals are 95 %, by a bootstrap that resamples groups.",
        findings.cells_done, findings.cells
    )
}

/// What queries search.
#[must_use]
pub fn galleries(findings: &Findings) -> String {
    let (gallery, strangers) = findings.arms.iter().find(|arm| arm.folds > 0).map_or((0.0, 0.0), |arm| arm.gallery);
    format!(
        "Each query searches the gallery of its own fold: {gallery:.0} photographs on average; \"among strangers\" adds the {strangers:.0} larger \
         held-out photographs of garments that have only one."
    )
}

/// The smallest difference that each primary measure could show, a sentence each.
#[must_use]
pub fn power(findings: &Findings) -> Vec<String> {
    let sentence = |(measure, own, alike): &(Measure, f64, f64)| {
        format!(
            "Smallest difference in {} that the study can see (80 % power, 5 % two-sided): {own:.3} if the photographs of a group are \
             independent, {alike:.3} if they are all alike.",
            measure.name()
        )
    };
    findings.smallest.iter().map(sentence).collect()
}

/// The learning rates that an arm chose, fold by fold.
#[must_use]
pub fn rates(arm: &ArmFindings) -> String {
    let rates: Vec<String> =
        arm.rates.iter().map(|rate| rate.map_or("–".to_owned(), |rate| format!("{rate:e}"))).collect();
    rates.join(", ")
}

/// The verdict on the primary contrast and what limits it, as paragraphs.
#[must_use]
pub fn verdict(findings: &Findings) -> Vec<String> {
    let mut lines = Vec::new();
    if findings.primary.is_empty() {
        lines.push("No fold has both arms of the primary contrast yet: nothing can be said.".to_owned());
    }
    for difference in &findings.primary {
        // What the whole study could see, a part of its folds cannot.
        let seen = smallest(findings, difference).filter(|_| difference.folds == findings.folds);
        lines.push(sentence(difference, seen));
    }
    if findings.cells_done < findings.cells {
        lines.push(format!(
            "{} of {} cells are finished; the sentences above are of the folds that both arms have, and are not the study's last word.",
            findings.cells_done, findings.cells
        ));
    }
    let (garments, photos) = findings.data.identification;
    lines.push(format!(
        "These photographs have {:.2} views a garment, the poster's had about {POSTER_VIEWS:.0}: identification here is mostly telling \
         changed copies of one photograph apart, which is less than the poster's networks were taught. What is found here is neither \
         a confirmation nor a refutation of the poster's claim about 24 views.",
        photos as f64 / garments.max(1) as f64
    ));
    lines
}

fn smallest(findings: &Findings, difference: &Difference) -> Option<(f64, f64)> {
    let found = findings.smallest.iter().find(|(measure, _, _)| *measure == difference.measure);
    found.map(|&(_, own, alike)| (own, alike))
}

fn sentence(difference: &Difference, smallest: Option<(f64, f64)>) -> String {
    let Difference { better, against, gain, p_corrected, folds, .. } = difference;
    let measure = difference.measure.name();
    let folds = if *folds == 1 { "1 fold".to_owned() } else { format!("{folds} folds") };
    let figures = format!(
        "{:.3} against {:.3}, a difference of {:+.3} [{:+.3}, {:+.3}], corrected p = {p_corrected:.3}, n = {} in {folds}",
        difference.value, difference.other, gain.value, gain.low, gain.high, gain.n
    );
    if *p_corrected < ALPHA {
        let word = if gain.value > 0.0 { "better" } else { "worse" };
        return format!("By {measure}, `{better}` is {word} than `{against}`: {figures}.");
    }
    let seen = smallest.map_or(String::new(), |(own, alike)| {
        format!(" The study could have seen a difference of {own:.3} to {alike:.3}.")
    });
    format!("By {measure}, `{better}` and `{against}` cannot be told apart: {figures}.{seen}")
}

#[cfg(test)]
mod tests {
    use super::super::measure::Measure;
    use super::{Difference, sentence};
    use crate::evaluate::figure::Figure;

    fn difference(value: f64, p: f64) -> Difference {
        Difference {
            better: "clothingid".into(),
            against: "imagenet".into(),
            measure: Measure::RecallAt1,
            value: 0.5 + value,
            other: 0.5,
            gain: Figure { value, low: value - 0.05, high: value + 0.05, n: 294, groups: 150 },
            folds: 5,
            p,
            p_corrected: p,
        }
    }

    #[test]
    fn the_words_follow_the_sign_and_the_p_value() {
        let words = |value: f64, p: f64| sentence(&difference(value, p), Some((0.07, 0.1)));
        assert!(words(0.1, 0.01).starts_with("By R@1, `clothingid` is better than `imagenet`: 0.600 against 0.500"));
        assert!(words(-0.1, 0.01).contains("is worse than"));
        let unclear = words(0.02, 0.4);
        assert!(
            unclear.contains("cannot be told apart") && unclear.ends_with("a difference of 0.070 to 0.100."),
            "{unclear}"
        );
    }
}
