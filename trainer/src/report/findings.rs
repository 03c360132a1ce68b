//! What was measured of a bundle, against its rival, on the report part: everything that the report says, as it lies beside it.

use std::fmt::Write as _;
use std::path::Path;

use clothingid_shared::files;
use serde::{Deserialize, Serialize};

use super::ReportError;
use super::raw::Raw;
use super::slice::Slice;
use crate::evaluate::Figure;
use crate::evaluate::baseline::Chosen;
use crate::evaluate::confusion::Confusion;
use crate::evaluate::reliability::Reliability;
use crate::evaluate::report::SideBySide;

/// The bundle and the rival on one measure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Duel {
    /// For people.
    pub measure: String,
    /// For machines, as [`super::metric::Metric`] has it.
    pub metric: String,
    /// What answers.
    pub head: String,
    /// On which photographs.
    pub slice: Slice,
    /// Of the rival.
    pub rival: Figure,
    /// Of the bundle in float arithmetic.
    pub float: Figure,
    /// Of the bundle.
    pub int8: Figure,
    /// `int8` minus rival, paired.
    pub gain: Figure,
}

/// What a head's probabilities are worth on the larger photographs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BeforeAndAfter {
    /// Without a temperature.
    pub before: Reliability,
    /// With the bundle's.
    pub after: Reliability,
}

/// Everything that the report says of a bundle.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Findings {
    /// The file.
    pub bundle: String,
    /// Its name for people.
    pub name: String,
    /// Identity of the pack that was reported on.
    pub pack: String,
    /// Photographs of the report part.
    pub n: usize,
    /// Photographs in the gallery.
    pub gallery: usize,
    /// Against the rival.
    pub duels: Vec<Duel>,
    /// The rival's settings, of the 14 and of the 26.
    pub rival_chosen: [Chosen; 2],
    /// All figures.
    pub figures: SideBySide,
    /// Of the 14 and of the 26, int8.
    pub reliability: [BeforeAndAfter; 2],
    /// Of the 14 and of the 26, int8, larger photographs.
    pub confusion: [Confusion; 2],
    /// Every answer, int8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub raw: Option<Raw>,
}

impl Findings {
    /// Writes them as JSON. Every answer stands on a line of its own, so that people can read the rest.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), ReportError> {
        let form = |error: serde_json::Error| form(path, &error);
        let bare = Self { raw: None, ..self.clone() };
        let mut text = serde_json::to_string_pretty(&bare).map_err(form)?;
        if let Some(raw) = &self.raw {
            let lines = |rows: Vec<Result<String, serde_json::Error>>| -> Result<String, ReportError> {
                Ok(rows.into_iter().collect::<Result<Vec<_>, _>>().map_err(form)?.join(",\n"))
            };
            let photos = lines(raw.photos.iter().map(serde_json::to_string).collect())?;
            let queries = lines(raw.queries.iter().map(serde_json::to_string).collect())?;
            text.truncate(text.trim_end().trim_end_matches('}').trim_end().len());
            let categories = match &raw.categories {
                Some(keys) => format!("\"categories\": {},\n", serde_json::to_string(keys).map_err(form)?),
                None => String::new(),
            };
            let _ = write!(
                text,
                ",\n  \"raw\": {{\n{categories}\"photos\": [\n{photos}\n],\n\"queries\": [\n{queries}\n]\n}}\n}}"
            );
        }
        text.push('\n');
        Ok(files::write_atomic(path, text.as_bytes())?)
    }

    /// Reads what [`Findings::write`] wrote.
    ///
    /// # Errors
    /// The file cannot be read or is something else.
    pub fn read(path: &Path) -> Result<Self, ReportError> {
        serde_json::from_str(&files::read_text(path)?).map_err(|error| form(path, &error))
    }

    /// The comparison with the rival for people, as markdown.
    #[must_use]
    pub fn markdown(&self) -> String {
        let mut text = format!(
            "# `{}` against a logistic regression on frozen ImageNet features\n\n{}\n\n\
             | measure | n | rival | float | int8 | int8 - rival |\n| --- | --- | --- | --- | --- | --- |\n",
            self.name,
            self.explained()
        );
        for d in &self.duels {
            let _ = writeln!(
                text,
                "| {} | {} | {} | {} | {} | {} |",
                d.measure, d.int8.n, d.rival, d.float, d.int8, d.gain
            );
        }
        let _ = writeln!(
            text,
            "\n{}\n\n## When it says \"I don't know\"\n\nWhat the bundle's thresholds, none of which was set on these photographs, let \
             through:\n\n| | n | groups | float | int8 |\n| --- | --- | --- | --- | --- |",
            self.rival_settings()
        );
        let (float, int8) = (&self.figures.float, &self.figures.int8);
        for ((name, f), (_, i)) in float.rejection().into_iter().zip(int8.rejection()) {
            let _ = writeln!(text, "| {name} | {} | {} | {f} | {i} |", i.n, i.groups);
        }
        text
    }

    /// What the figures against the rival are, in words.
    #[must_use]
    pub fn explained(&self) -> String {
        format!(
            "{} photographs of the report part, the same for all, in one run. Intervals are 95 %, by a bootstrap that resamples groups; the gain \
             is paired. \"Larger photographs\": larger than thumbnails (> 100 px), without myntra. For retrieval ({} photographs in the \
             gallery) the rival is the cosine of the raw features.",
            self.n, self.gallery
        )
    }

    /// How the rival was set, in words.
    #[must_use]
    pub fn rival_settings(&self) -> String {
        let words = |c: &Chosen| {
            let alike = if c.is_balanced { "categories weighted alike" } else { "photographs weighted alike" };
            format!("l2 {}, {alike}", c.l2)
        };
        let [of14, of26] = &self.rival_chosen;
        format!(
            "The rival's settings, chosen on the select part: 14 categories: {}; 26 categories: {}.",
            words(of14),
            words(of26)
        )
    }
}

fn form(path: &Path, error: &serde_json::Error) -> ReportError {
    ReportError::Form { path: path.to_owned(), expected: "report of a bundle", reason: error.to_string() }
}

#[cfg(test)]
pub(super) mod tests {
    use clothingid_shared::taxonomy::{Taxonomies, Taxonomy};

    use super::super::raw::tests::raw;
    use super::{BeforeAndAfter, Chosen, Confusion, Duel, Figure, Findings, Reliability, SideBySide, Slice};
    use crate::evaluate::categories::HeadFigures;
    use crate::evaluate::matching::{MatchingFigures, SimilarFigures};
    use crate::evaluate::measure::{Measured, changed};

    /// Findings as they would be of [`raw`] answers.
    pub(in super::super) fn findings(right: usize) -> Findings {
        let raw = raw(right);
        let of = |head: &str, slice: Slice| raw.predictions(head, &slice).unwrap();
        let all = of("category14", Slice::All);
        let head = |name: &str| {
            let (all, large) = (of(name, Slice::All), of(name, Slice::Larger));
            HeadFigures {
                balanced_large: large.balanced(),
                categories_large: large.occurring(),
                balanced_large_frequent: large.of_frequent(4).balanced(),
                categories_large_frequent: 2,
                top_1_large: large.top_1(),
                ece_large: large.calibration(),
                top_1: all.top_1(),
                balanced: all.balanced(),
                ece: all.calibration(),
                by_category: [("<b>".to_owned(), large.top_1())].into(),
                by_source: [("mine".to_owned(), all.top_1())].into(),
                by_size: [("larger than 230 px".to_owned(), all.top_1())].into(),
            }
        };
        let share = all.top_1();
        let measured = Measured {
            n: 12,
            category14: head("category14"),
            category26: head("category26"),
            retrieval: None,
            garment_true_accept: share,
            garment_true_accept_large: share,
            garment_false_accept: share,
            garment_auroc: share,
            garment_auroc_same_source: share,
            known_true_accept: share,
            known_false_accept: share,
            known_precision: share,
            matching: Some(MatchingFigures {
                gallery: 5,
                true_accept: share,
                wrong_accept: share,
                false_accept_left_out: share,
                false_accept_strangers: share,
                auroc_strangers: share,
                auroc_left_out: share,
                similar: Some(SimilarFigures {
                    true_accept: share,
                    right_accept: share,
                    false_accept_left_out: share,
                    false_accept_strangers: share,
                }),
            }),
        };
        let reliability = || BeforeAndAfter { before: Reliability::of(&all, 1.0), after: Reliability::of(&all, 1.5) };
        let chosen = Chosen { l2: 0.01, is_balanced: true, select_balanced_large: 0.5 };
        let nothing = Figure { value: 0.0, low: 0.0, high: 0.0, n: 12, groups: 6 };
        Findings {
            bundle: "<a>.bundle".to_owned(),
            name: "a <name>".to_owned(),
            pack: "0123456789abcdef".to_owned(),
            n: 12,
            gallery: 5,
            duels: vec![Duel {
                measure: "balanced accuracy of 14, all".to_owned(),
                metric: "balanced_accuracy".to_owned(),
                head: "category14".to_owned(),
                slice: Slice::All,
                rival: share,
                float: share,
                int8: share,
                gain: nothing,
            }],
            rival_chosen: [chosen, chosen],
            figures: SideBySide {
                float: measured.clone(),
                int8: measured,
                category14_changed: changed(&all, &all),
                category26_changed: changed(&all, &all),
            },
            reliability: [reliability(), reliability()],
            confusion: [Confusion::of(&all), Confusion::of(&of("category26", Slice::All))],
            raw: Some(raw),
        }
    }

    #[test]
    fn what_is_written_is_read_with_every_answer() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let of_others = raw(9).of_categories(&Taxonomies::of(Taxonomy::category26(), Taxonomy::category14()));
        let with = |raw| Findings { raw, ..findings(9) };
        for findings in [findings(9), with(None), with(Some(of_others))] {
            findings.write(&path).unwrap();
            assert_eq!(Findings::read(&path).unwrap(), findings);
        }
        let error = Findings::read(folder.path()).unwrap_err();
        assert!(error.to_string().contains("cannot"), "{error}");
    }

    #[test]
    fn the_markdown_has_a_row_for_each_duel() {
        let text = findings(9).markdown();
        assert!(text.contains("| balanced accuracy of 14, all | 12 | 0.750 ["), "{text}");
        assert!(text.contains("l2 0.01, categories weighted alike"), "{text}");
        assert!(text.contains("| garments that the gallery does not have, `confident` | 12 | 6 | 0.750 ["), "{text}");
    }

    #[test]
    fn a_report_of_before_matches_were_measured_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("report.json");
        let mut old = findings(9);
        (old.figures.float.matching, old.figures.int8.matching) = (None, None);
        old.write(&path).unwrap();
        assert!(!clothingid_shared::files::read_text(&path).unwrap().contains("matching"));
        assert_eq!(Findings::read(&path).unwrap(), old);
    }
}
