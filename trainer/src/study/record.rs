//! The record of a cell: its settings, its choices, its figures on the select part and every raw prediction. One JSON file, written last.

use std::path::{Path, PathBuf};

use clothingid_shared::files;
use serde::{Deserialize, Serialize};

use super::StudyError;
use super::recipe::{Arm, StudyRecipe};
use crate::learn::select::SelectFigures;

/// Form of the record that is written and read here.
const VERSION: u32 = 1;

/// A finished cell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CellRecord {
    /// Form of this file.
    pub version: u32,
    /// What the cell was run with.
    pub settings: Settings,
    /// Time that each step took.
    pub seconds: Vec<(String, f64)>,
    /// Score of each learning rate on the select part: mean balanced accuracy of both heads.
    pub trials: Vec<(f64, f64)>,
    /// The learning rate that was chosen; none where nothing was trained.
    pub rate: Option<f64>,
    /// Figures on the select part of the epoch that was kept, by stage.
    pub select: Vec<(String, SelectFigures)>,
    /// What was said of the photographs held out that have a category.
    pub categories: CategoryAnswers,
    /// What was found for the queries held out.
    pub retrieval: RetrievalAnswers,
}

/// Everything that the numbers of a cell hang on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Name of the study.
    pub study: String,
    /// The arm, whole.
    pub arm: Arm,
    /// The fold, from 0.
    pub fold: usize,
    /// SHA-256 of the recipe without its arms and questions, which may be added to.
    pub recipe: String,
    /// Identity of the pack.
    pub pack: String,
    /// Where the network ran.
    pub device: String,
    /// Threads, on which the sums of a processor's floats hang.
    pub threads: usize,
    /// The program.
    pub program: String,
}

/// Raw predictions of both heads.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryAnswers {
    /// Rows of the pack.
    pub rows: Vec<usize>,
    /// Category of the 14 that was said of each.
    pub category14: Vec<usize>,
    /// Category of the 26 that was said of each.
    pub category26: Vec<usize>,
}

/// Raw results of retrieval.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RetrievalAnswers {
    /// Photographs in the gallery.
    pub gallery: usize,
    /// Photographs of other garments in the larger gallery, beside those.
    pub strangers: usize,
    /// Rows of the queries.
    pub queries: Vec<usize>,
    /// Rank of the first right photograph in the gallery, from 0.
    pub ranks: Vec<Option<usize>>,
    /// Average precision in the gallery.
    pub precision: Vec<f64>,
    /// Rank of the first right photograph among strangers too, from 0.
    pub ranks_among_strangers: Vec<Option<usize>>,
    /// Rows of the best answers in the gallery, best first.
    pub nearest: Vec<Vec<usize>>,
}

/// What of a recipe the numbers of a cell hang on: everything but the list of arms, the questions and the power.
#[must_use]
pub fn recipe_identity(recipe: &StudyRecipe) -> String {
    let mut bare = recipe.clone();
    (bare.arms, bare.contrasts, bare.discordant, bare.least_photos) = (Vec::new(), Vec::new(), 0.0, 0);
    bare.primary.measures.clear();
    files::sha256_hex(serde_json::to_string(&bare).unwrap_or_default().as_bytes())
}

impl CellRecord {
    /// Where the record of a cell lies.
    #[must_use]
    pub fn path(folder: &Path, arm: &str, fold: usize) -> PathBuf {
        folder.join(arm).join(format!("fold-{fold}.json"))
    }

    /// Writes the record. Large lists stand on one line each, so that people can read the rest.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), StudyError> {
        let path = Self::path(folder, &self.settings.arm.name, self.settings.fold);
        let form = |error: serde_json::Error| StudyError::Form { path: path.clone(), reason: error.to_string() };
        let value = serde_json::to_value(self).map_err(form)?;
        let mut text = String::from("{\n");
        let fields = value.as_object().into_iter().flatten();
        let lines: Vec<String> = fields
            .map(|(key, value)| match value.as_object() {
                Some(object) => {
                    let inner: Vec<String> =
                        object.iter().map(|(key, value)| format!("    \"{key}\": {value}")).collect();
                    format!("  \"{key}\": {{\n{}\n  }}", inner.join(",\n"))
                }
                None => format!("  \"{key}\": {value}"),
            })
            .collect();
        text.push_str(&lines.join(",\n"));
        text.push_str("\n}\n");
        if let Some(parent) = path.parent() {
            files::create_folder(parent)?;
        }
        Ok(files::write_atomic(&path, text.as_bytes())?)
    }

    /// Reads the record of a cell, if it is finished, and holds it against what the cell would be run with now.
    ///
    /// # Errors
    /// As [`CellRecord::find`], or it is of another pack.
    pub fn read(folder: &Path, recipe: &StudyRecipe, expected: &Settings) -> Result<Option<Self>, StudyError> {
        let record = Self::find(folder, recipe, &expected.arm, expected.fold)?;
        if let Some(found) = record.as_ref().map(|record| &record.settings).filter(|found| found.pack != expected.pack)
        {
            return Err(StudyError::OtherStudy {
                path: Self::path(folder, &expected.arm.name, expected.fold),
                what: "the pack",
                expected: expected.pack.clone(),
                found: found.pack.clone(),
            });
        }
        Ok(record)
    }

    /// Reads the record of a cell, if it is finished.
    ///
    /// # Errors
    /// The file cannot be read, is torn, or is of another study or recipe.
    pub fn find(folder: &Path, recipe: &StudyRecipe, arm: &Arm, fold: usize) -> Result<Option<Self>, StudyError> {
        let path = Self::path(folder, &arm.name, fold);
        if !path.exists() {
            return Ok(None);
        }
        let text = files::read_text(&path)?;
        let record: Self = serde_json::from_str(&text)
            .map_err(|error| StudyError::Form { path: path.clone(), reason: error.to_string() })?;
        let found = &record.settings;
        let words = |arm: &Arm| serde_json::to_string(arm).unwrap_or_default();
        let same = [
            ("the form", VERSION.to_string(), record.version.to_string()),
            ("the study", recipe.name.clone(), found.study.clone()),
            ("the arm", words(arm), words(&found.arm)),
            ("the fold", fold.to_string(), found.fold.to_string()),
            ("the recipe", recipe_identity(recipe), found.recipe.clone()),
        ];
        for (what, expected, found) in same {
            if expected != found {
                return Err(StudyError::OtherStudy { path, what, expected, found });
            }
        }
        Ok(Some(record))
    }

    /// The records that are there, in the order of the recipe's arms.
    ///
    /// # Errors
    /// As [`CellRecord::find`].
    pub fn all(folder: &Path, recipe: &StudyRecipe) -> Result<Vec<Self>, StudyError> {
        let mut records = Vec::new();
        for arm in &recipe.arms {
            for fold in 0..recipe.folds {
                records.extend(Self::find(folder, recipe, arm, fold)?);
            }
        }
        Ok(records)
    }

    /// A record with nothing in it yet.
    #[must_use]
    pub fn begin(settings: Settings) -> Self {
        Self {
            version: VERSION,
            settings,
            seconds: Vec::new(),
            trials: Vec::new(),
            rate: None,
            select: Vec::new(),
            categories: CategoryAnswers::default(),
            retrieval: RetrievalAnswers::default(),
        }
    }
}
