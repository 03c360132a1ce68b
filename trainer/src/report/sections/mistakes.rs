//! The most confident wrong answers, as pictures.

use super::{Head, Subject};
use crate::evaluate::categories::Predictions;
use crate::report::ReportError;
use crate::report::page::{Block, Section};
use crate::report::pictures::Mark;
use crate::report::table::Table;

/// Wrong answers of a head that are shown.
const SHOWN: usize = 24;

/// The section.
pub(super) fn section(subject: &Subject<'_>) -> Result<Section, ReportError> {
    let mut section = Section::new("Worst mistakes");
    section.words(
        "Larger photographs of which something wrong was said most confidently, int8. Look for labels that are wrong themselves, and for what the \
         wrong ones have in common: a background, a pose, a second garment.",
    );
    let samples = &subject.pictures.photos.samples;
    for head in Head::BOTH {
        let taxonomy = head.taxonomy(subject.manifest);
        let key = |category: usize| taxonomy.key(category).unwrap_or_default();
        let large = subject.int8.large(samples);
        let of = head.of(&large);
        let worst = most_confident_wrong(of, SHOWN);
        section.heading(head.title());
        if worst.is_empty() {
            section.words("No answer is wrong.");
            continue;
        }
        let mut tiles = Vec::new();
        let mut table = Table::new(
            format!("The same as a table, {}", head.title()),
            &["photograph", "truth", "said", "#probability"],
        )
        .folded();
        for place in worst {
            let (sample, truth, said) = (of.samples[place], key(of.truth[place]), key(of.predicted[place]));
            let probability = of.confidence[place];
            let words = format!("a {truth} of which {said} was said with probability {probability:.2}");
            let caption = format!("{said} {probability:.2}, is {truth}");
            tiles.push(subject.pictures.tile(sample, caption, words, Mark::Plain)?);
            let path = samples[sample].path.clone();
            table.row([path.into(), truth.into(), said.into(), format!("{probability:.3}").into()]);
        }
        section.blocks.push(Block::Tiles(tiles));
        section.table(table);
    }
    Ok(section)
}

/// Places of the wrong answers, the most confident first.
fn most_confident_wrong(of: &Predictions, at_most: usize) -> Vec<usize> {
    let mut wrong: Vec<usize> = (0..of.truth.len()).filter(|&place| of.predicted[place] != of.truth[place]).collect();
    wrong.sort_by(|&a, &b| of.confidence[b].total_cmp(&of.confidence[a]).then(a.cmp(&b)));
    wrong.truncate(at_most);
    wrong
}

#[cfg(test)]
mod tests {
    use super::{Predictions, most_confident_wrong};

    #[test]
    fn the_most_confident_come_first_and_right_ones_never() {
        let of = Predictions {
            truth: vec![0, 0, 1, 1, 1],
            predicted: vec![0, 1, 0, 0, 0],
            confidence: vec![0.99, 0.4, 0.9, 0.9, 0.95],
            ..Predictions::default()
        };
        assert_eq!(most_confident_wrong(&of, 9), [4, 2, 3, 1]);
        assert_eq!(most_confident_wrong(&of, 2), [4, 2]);
        assert!(most_confident_wrong(&Predictions::default(), 2).is_empty());
    }
}
