//! How well a logistic regression reads an attribute from features: from the bundle's and, as rival, from the raw ImageNet features.

use clothingid_shared::metrics::balanced_accuracy;
use clothingid_shared::picture::PictureContract;
use serde::Serialize;

use super::words::{Attribute, Vocabulary};
use crate::evaluate::baseline::FEATURES;
use crate::evaluate::compared::Compared;
use crate::evaluate::engine::{Engine, answer};
use crate::evaluate::error::EvaluateError;
use crate::evaluate::logistic::{Features, Logistic, Problem, balanced_weights};
use crate::evaluate::photos::Photos;
use crate::export::ExportError;
use crate::export::answers::{NamedAnswers, largest, take_output};
use crate::import::progress::Progress;
use crate::network::heads::EMBEDDING;

/// Penalties that are compared.
const PENALTIES: [f64; 5] = [1e-3, 1e-2, 3e-2, 0.1, 1.0];
/// Fewest photographs of a word in the train part for it to be learnt.
pub const LEARNT_MIN: usize = 20;
/// Fewest photographs of a word in the report part for it to have a say in the balanced accuracy.
pub const REPORTED_MIN: usize = 20;

/// Features of the bundle that are compared with the rival's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Representation {
    /// The unit-length vector that search compares.
    Embedding,
    /// What the heads are computed from: as wide as the rival's.
    Pooled,
}

impl Representation {
    /// Both, in the order of tables.
    pub const BOTH: [Self; 2] = [Self::Embedding, Self::Pooled];

    /// For people.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Embedding => "embedding",
            Self::Pooled => "pooled features",
        }
    }
}

/// Photographs with their notes and features, in one order.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Described {
    /// The source's notes.
    pub notes: Vec<String>,
    /// What must not be split.
    pub groups: Vec<usize>,
    /// The raw ImageNet features.
    pub rival: Features,
    /// The bundle's, in the order of [`Representation::BOTH`].
    pub bundle: [Features; 2],
}

impl Described {
    /// Photographs with what two networks say of them: the raw features, and a bundle with its pooled features.
    ///
    /// # Errors
    /// A photograph cannot be read, a network not be run, or an output is missing.
    pub fn of(
        networks: [&Engine; 2],
        photos: &Photos<'_>,
        notes: Vec<String>,
        contract: &PictureContract,
        phase: &str,
        progress: &Progress,
    ) -> Result<Self, EvaluateError> {
        let mut answers = answer(&networks, photos, contract, phase, progress)?.into_iter();
        let [mut rival, mut bundle] = [(); 2].map(|()| answers.next().unwrap_or_default());
        let features =
            |answers: &mut Vec<NamedAnswers>, output| Ok::<_, ExportError>(Features::of(take_output(answers, output)?));
        Ok(Self {
            notes,
            groups: photos.samples.iter().map(|sample| sample.group).collect(),
            rival: features(&mut rival, FEATURES)?,
            bundle: [features(&mut bundle, EMBEDDING)?, features(&mut bundle, FEATURES)?],
        })
    }
}

/// What was read of one attribute.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AttributeFigures {
    /// Which.
    pub attribute: Attribute,
    /// Words that were learnt: those of at least [`LEARNT_MIN`] photographs that it was fitted on.
    pub words: usize,
    /// Those of them that at least [`REPORTED_MIN`] photographs of the report part have.
    pub words_reported: usize,
    /// Photographs of the report part whose word was too rare to be learnt, or that have none: not in the figures.
    pub left_out: usize,
    /// Penalty of the rival, chosen on the select part.
    pub rival_l2: f64,
    /// By what the bundle's features are.
    pub by_representation: Vec<RepresentationFigures>,
}

/// What one kind of the bundle's features is worth against the rival's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RepresentationFigures {
    /// Which.
    pub representation: Representation,
    /// Its penalty, chosen on the select part.
    pub l2: f64,
    /// Balanced accuracy over the reported words, and top-1 over all that were learnt.
    pub measures: Vec<Compared>,
}

/// Fits on `train`, chooses penalties on `select` and measures on `report`; an attribute of fewer than two frequent words is left out.
///
/// # Errors
/// [`EvaluateError::Nothing`] where no attribute has two frequent words, or a part has no photograph with one.
pub fn measure(
    train: &Described,
    select: &Described,
    report: &Described,
    progress: &Progress,
) -> Result<Vec<AttributeFigures>, EvaluateError> {
    progress.begin("fit regressions", Attribute::BOTH.len() * 3 * PENALTIES.len());
    let found: Vec<AttributeFigures> = Attribute::BOTH
        .into_iter()
        .filter_map(|attribute| of_attribute(attribute, [train, select, report], progress))
        .collect();
    progress.end();
    if found.is_empty() {
        Err(EvaluateError::Nothing { what: "attributes in the notes of the pack" })
    } else {
        Ok(found)
    }
}

/// Photographs of one part whose word was learnt.
struct Worded {
    /// Places among the part's photographs.
    places: Vec<usize>,
    labels: Vec<usize>,
}

impl Worded {
    fn of(attribute: Attribute, words: &Vocabulary, part: &Described) -> Self {
        let number = |note: &String| attribute.of(note).and_then(|word| words.number(word));
        let (places, labels) =
            part.notes.iter().enumerate().filter_map(|(place, note)| number(note).map(|label| (place, label))).unzip();
        Self { places, labels }
    }

    fn rows(&self, of: &Features) -> Features {
        let width = of.width;
        Features::of(self.places.iter().map(|&place| &of.values[place * width..(place + 1) * width]))
    }
}

fn of_attribute(
    attribute: Attribute,
    parts @ [train, _, report]: [&Described; 3],
    progress: &Progress,
) -> Option<AttributeFigures> {
    let words = Vocabulary::of(train.notes.iter().filter_map(|note| attribute.of(note)), LEARNT_MIN);
    let worded = parts.map(|part| Worded::of(attribute, &words, part));
    if words.len() < 2 || worded.iter().any(|part| part.labels.is_empty()) {
        return None;
    }
    let read = |get: &dyn Fn(&Described) -> &Features| {
        let [train, select, report] = [0, 1, 2].map(|part| worded[part].rows(get(parts[part])));
        read((&train, &worded[0].labels), (&select, &worded[1].labels), &report, words.len(), progress)
    };
    let (rival_l2, rival) = read(&|part| &part.rival);
    let truth = &worded[2].labels;
    let groups: Vec<usize> = worded[2].places.iter().map(|&place| report.groups[place]).collect();
    let mut counts = vec![0; words.len()];
    truth.iter().for_each(|&label| counts[label] += 1);
    let frequent: Vec<usize> = (0..truth.len()).filter(|&p| counts[truth[p]] >= REPORTED_MIN).collect();
    let frequent_groups: Vec<usize> = frequent.iter().map(|&p| groups[p]).collect();
    let balanced = |said: &[usize], drawn: &[usize]| {
        let [said, truth] = [said, truth].map(|of| drawn.iter().map(|&p| of[frequent[p]]).collect::<Vec<_>>());
        balanced_accuracy(&said, &truth, words.len())
    };
    let by_representation = Representation::BOTH.into_iter().enumerate().map(|(place, representation)| {
        let (l2, bundle) = read(&|part| &part.bundle[place]);
        let measures = vec![
            Compared::figures(
                "balanced accuracy",
                &frequent_groups,
                |drawn| balanced(&rival, drawn),
                |drawn| balanced(&bundle, drawn),
            ),
            Compared::shares("top-1", &groups, |p| rival[p] == truth[p], |p| bundle[p] == truth[p]),
        ];
        RepresentationFigures { representation, l2, measures }
    });
    Some(AttributeFigures {
        attribute,
        words: words.len(),
        words_reported: counts.iter().filter(|count| **count >= REPORTED_MIN).count(),
        left_out: report.notes.len() - truth.len(),
        rival_l2,
        by_representation: by_representation.collect(),
    })
}

/// Fits with every penalty, keeps the one that is best on the select part by balanced accuracy, which is reported first, and says what it
/// reads of each photograph of the report part. Words weigh alike in the fit.
fn read(
    (train, labels): (&Features, &[usize]),
    (select, select_labels): (&Features, &[usize]),
    report: &Features,
    classes: usize,
    progress: &Progress,
) -> (f64, Vec<usize>) {
    let row_weights = balanced_weights(labels, classes);
    let said = |fitted: &Logistic, of: &Features| fitted.logits(of).iter().map(|l| largest(l)).collect::<Vec<usize>>();
    let mut best: Option<(f64, f64, Logistic)> = None;
    for l2 in PENALTIES {
        let fitted = Logistic::fit(&Problem { features: train, labels, row_weights: &row_weights, classes, l2 });
        let worth = balanced_accuracy(&said(&fitted, select), select_labels, classes);
        if best.as_ref().is_none_or(|(other, _, _)| worth > *other) {
            best = Some((worth, l2, fitted));
        }
        progress.step();
    }
    best.map_or((0.0, Vec::new()), |(_, l2, fitted)| (l2, said(&fitted, report)))
}

#[cfg(test)]
mod tests {
    use super::{Attribute, Described, Features, Representation, measure};
    use crate::evaluate::EvaluateError;
    use crate::import::progress::Progress;

    const COLOURS: [&str; 3] = ["Blue", "Red", "White"];

    /// So many photographs whose embedding shows the colour, whose pooled features show nothing, and whose raw features show it half of
    /// the time.
    fn described(count: usize) -> Described {
        let row = |width: usize, hot: usize| (0..width).map(move |i| f32::from(u8::from(i == hot))).collect::<Vec<_>>();
        let rows = |hot: &dyn Fn(usize) -> usize| Features::of((0..count).map(|i| row(4, hot(i))));
        let audience = |i: usize| if i.is_multiple_of(2) { "Men" } else { "Women" };
        Described {
            notes: (0..count).map(|i| format!("{}|{}|a tee", audience(i / 3), COLOURS[i % 3])).collect(),
            groups: (0..count).collect(),
            rival: rows(&|i| if (i / 3).is_multiple_of(2) { i % 3 } else { 3 }),
            bundle: [rows(&|i| i % 3), rows(&|_| 3)],
        }
    }

    #[test]
    fn features_that_show_the_colour_read_it_and_those_that_do_not_guess() {
        let [train, select, mut report] = [120, 60, 90].map(described);
        report.notes.extend(["Men|Taupe|too rare".to_owned(), "no note".to_owned()]);
        report.groups.extend([90, 91]);
        for features in report.bundle.iter_mut().chain([&mut report.rival]) {
            features.values.extend([0.0; 8]);
        }
        let found = measure(&train, &select, &report, &Progress::silent()).unwrap();
        assert_eq!(found.len(), 2);
        let colour = &found[0];
        assert_eq!((colour.attribute, colour.words, colour.words_reported), (Attribute::Colour, 3, 3));
        assert_eq!(colour.left_out, 2);
        let [embedding, pooled] = colour.by_representation.as_slice() else { panic!("{colour:?}") };
        assert_eq!(
            (embedding.representation, pooled.representation),
            (Representation::Embedding, Representation::Pooled)
        );
        for (place, name) in ["balanced accuracy", "top-1"].into_iter().enumerate() {
            let (of_embedding, of_pooled) = (&embedding.measures[place], &pooled.measures[place]);
            assert_eq!(of_embedding.measure, name);
            assert!((of_embedding.bundle.value - 1.0).abs() < 1e-9, "{of_embedding}");
            assert!((of_embedding.rival.value - 2.0 / 3.0).abs() < 0.05, "{of_embedding}");
            assert!(of_embedding.gain.low > 0.1 && of_pooled.gain.high < 0.0, "{of_embedding} {of_pooled}");
            assert_eq!(of_embedding.bundle.n, 90);
        }
    }

    #[test]
    fn words_that_few_photographs_of_the_report_part_have_do_not_count_in_the_mean() {
        let [train, select, mut report] = [120, 60, 90].map(described);
        // 19 blue ones are left.
        let mut left = 19;
        report
            .notes
            .iter_mut()
            .filter(|note| note.contains("Blue"))
            .for_each(|note| if left == 0 { *note = "Men|Taupe|too rare".to_owned() } else { left -= 1 });
        let found = measure(&train, &select, &report, &Progress::silent()).unwrap();
        let colour = &found[0];
        assert_eq!((colour.words, colour.words_reported, colour.left_out), (3, 2, 11));
        let measures = &colour.by_representation[0].measures;
        assert_eq!((measures[0].bundle.n, measures[1].bundle.n), (60, 79));
    }

    #[test]
    fn photographs_without_notes_of_the_form_are_nothing_to_measure() {
        let none = Described { notes: vec!["a note".to_owned()], groups: vec![0], ..Described::default() };
        let error = measure(&none, &none, &none, &Progress::silent()).unwrap_err();
        assert!(matches!(error, EvaluateError::Nothing { .. }), "{error}");
    }
}
