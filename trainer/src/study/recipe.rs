//! What a study compares, as one TOML file. An unknown key is an error.

use std::collections::BTreeSet;
use std::path::Path;

use clothingid_shared::files;
use serde::{Deserialize, Serialize};

use super::StudyError;
use super::measure::Measure;
use crate::learn::LearnError;
use crate::learn::recipe::Stage;
use crate::network::Statistics;
use crate::network::backbones::BackboneName;

/// A whole study. Everything in it is fixed before the first cell runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StudyRecipe {
    /// Name of the study, and of its folder.
    pub name: String,
    /// Seed of the folds; fold *k* trains with seed + *k*.
    pub seed: u64,
    /// How many times everything is done, each time with other photographs held out.
    pub folds: usize,
    /// Share of the photographs that are not held out by which epochs and rates are chosen.
    pub select: f64,
    /// Side of the pictures that are reported on, in pixels.
    pub report_side: u32,
    /// Fewest larger photographs of a category that counts in balanced accuracy.
    pub least_photos: usize,
    /// Share of photographs that two starts are expected to answer differently (one right, one wrong), from which the smallest effect that
    /// the study can see is computed before it runs.
    pub discordant: f64,
    /// Learning rates of the fine-tunings that every start may choose from.
    pub rates: Vec<f64>,
    /// Epochs of the short fine-tunings by which the rate is chosen.
    pub trial_epochs: u64,
    /// Samples an epoch of those.
    pub trial_samples: usize,
    /// What is compared.
    pub arms: Vec<Arm>,
    /// The one question that the study was made for.
    pub primary: Contrast,
    /// Further questions, corrected for their number.
    pub contrasts: Vec<Contrast>,
    /// Pre-training by identification.
    pub identify: Stage,
    /// Fine-tuning for both taxonomies.
    pub finetune: Stage,
    /// Fine-tuning for retrieval.
    pub retrieve: Stage,
}

/// One start with all that follows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arm {
    /// Its name, also of its folder.
    pub name: String,
    /// The network below the heads.
    #[serde(default)]
    pub backbone: BackboneName,
    /// Weights before any training.
    pub start: Start,
    /// What comes before the fine-tunings.
    pub course: Course,
    /// Learning rate of the pre-training instead of the stage's own: a random start takes larger steps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pretrain_rate: Option<f64>,
    /// What batch norm divides by, instead of the stages' own: a random start has no running statistics to lean on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistics: Option<Statistics>,
}

impl Arm {
    /// A stage as this arm runs it.
    fn adapt(&self, stage: &Stage) -> Stage {
        let mut stage = stage.clone();
        stage.statistics = self.statistics.unwrap_or(stage.statistics);
        stage
    }
}

/// Weights before any training.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Random numbers.
    Random,
    /// Trained on ImageNet: those that ship, or a file given on the command line.
    Imagenet,
}

/// What comes before the fine-tunings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Course {
    /// Nothing is trained at all: a logistic regression on the frozen features, and those features as the embedding.
    Frozen,
    /// Nothing: the fine-tunings begin at the start.
    Direct,
    /// Nothing, but the fine-tunings are longer by as many steps as pre-training takes.
    Longer,
    /// Pre-training by identification: the poster's "ClothingID".
    Identification,
    /// Pre-training by categories, on as many pictures as by identification.
    Categories,
}

/// A question: is one arm better than another?
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    /// The arm that is thought to be better.
    pub better: String,
    /// The arm that it is held against.
    pub against: String,
    /// By what.
    pub measures: Vec<Measure>,
}

/// The recipes that this program carries, by name.
const CARRIED: [(&str, &str); 3] = [
    ("poster", include_str!("../../recipes/poster.toml")),
    ("poster-cuda", include_str!("../../recipes/poster-cuda.toml")),
    ("poster-mini", include_str!("../../recipes/poster-mini.toml")),
];

impl StudyRecipe {
    /// Reads a file, or takes the recipe of that name which this program carries.
    ///
    /// # Errors
    /// As [`StudyRecipe::read`].
    pub fn find(path: &Path) -> Result<Self, StudyError> {
        match CARRIED.iter().find(|(name, _)| path.as_os_str() == *name) {
            Some((_, text)) if !path.exists() => Self::parse(text, path),
            _ => Self::read(path),
        }
    }

    /// Reads a recipe and checks that it can be run.
    ///
    /// # Errors
    /// The file cannot be read, is no recipe, or asks for something that cannot be.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        Self::parse(&files::read_text(path)?, path)
    }

    /// The recipe in a text; `path` is for messages.
    ///
    /// # Errors
    /// It is no recipe, or asks for something that cannot be.
    pub fn parse(text: &str, path: &Path) -> Result<Self, StudyError> {
        let recipe: Self = toml::from_str(text)
            .map_err(|source| LearnError::Recipe { path: path.to_owned(), source: Box::new(source) })?;
        recipe.check().map_err(|reason| StudyError::Recipe { path: path.to_owned(), reason })?;
        Ok(recipe)
    }

    fn check(&self) -> Result<(), String> {
        let names: BTreeSet<&str> = self.arms.iter().map(|arm| arm.name.as_str()).collect();
        if names.len() != self.arms.len() {
            return Err("two arms have one name".to_owned());
        }
        let is_plain = |name: &str| !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
        if let Some(name) = names.iter().copied().chain([self.name.as_str()]).find(|name| !is_plain(name)) {
            return Err(format!("`{name}` is no name of a folder: letters, digits and `-` only"));
        }
        for contrast in self.contrasts() {
            if let Some(name) = [&contrast.better, &contrast.against].into_iter().find(|name| self.arm(name).is_none())
            {
                return Err(format!("there is no arm `{name}` to compare"));
            }
        }
        for arm in self.arms.iter().filter(|arm| arm.course != Course::Frozen) {
            let graph = arm.backbone.build().graph;
            for side in [&self.identify, &self.finetune, &self.retrieve].map(|stage| stage.side.min(stage.select_side))
            {
                if graph.too_small(usize::try_from(side).unwrap_or(0)).is_some() {
                    return Err(format!("pictures of {side} × {side} are too small for `{}`", arm.backbone));
                }
            }
        }
        if self.rates.is_empty() || self.rates.iter().any(|rate| !rate.is_finite() || *rate <= 0.0) {
            return Err("`rates` needs one rate or more, each above 0".to_owned());
        }
        if self.folds < 2 {
            return Err(format!("{} fold holds nothing out: at least 2", self.folds));
        }
        if !(0.01..0.9).contains(&self.select) || !(0.0..=1.0).contains(&self.discordant) {
            return Err("`select` is a share between 0.01 and 0.9, `discordant` one between 0 and 1".to_owned());
        }
        Ok(())
    }

    /// The arm of a name.
    #[must_use]
    pub fn arm(&self, name: &str) -> Option<&Arm> {
        self.arms.iter().find(|arm| arm.name == name)
    }

    /// All questions, the primary one first.
    pub fn contrasts(&self) -> impl Iterator<Item = &Contrast> {
        std::iter::once(&self.primary).chain(&self.contrasts)
    }

    /// The stage before the fine-tunings, if the arm has one.
    #[must_use]
    pub fn pretraining(&self, arm: &Arm) -> Option<Stage> {
        let mut stage = arm.adapt(&self.identify);
        stage.optimiser.rate = arm.pretrain_rate.unwrap_or(stage.optimiser.rate);
        match arm.course {
            Course::Identification => Some(stage),
            Course::Categories => {
                stage.loss = self.finetune.loss.clone();
                stage.loss.identification = 0.0;
                Some(stage)
            }
            Course::Frozen | Course::Direct | Course::Longer => None,
        }
    }

    /// A fine-tuning of the arm at a rate; longer where the arm says so.
    #[must_use]
    pub fn tuning(&self, arm: &Arm, stage: &Stage, rate: f64) -> Stage {
        let mut stage = arm.adapt(stage);
        stage.optimiser.rate = rate;
        if arm.course == Course::Longer {
            let pictures = |stage: &Stage| (stage.sampling.samples.unwrap_or(0) * stage.views).max(1) as u64;
            stage.epochs += (self.identify.epochs * pictures(&self.identify)).div_ceil(pictures(&stage));
        }
        stage
    }

    /// The short fine-tuning that tries a rate.
    #[must_use]
    pub fn trial(&self, arm: &Arm, rate: f64) -> Stage {
        let mut stage = arm.adapt(&self.finetune);
        stage.optimiser.rate = rate;
        stage.epochs = self.trial_epochs;
        stage.sampling.samples = Some(self.trial_samples);
        stage
    }

    /// Pictures that a cell of the arm learns from, all stages together.
    #[must_use]
    pub fn pictures(&self, arm: &Arm) -> u64 {
        if arm.course == Course::Frozen {
            return 0;
        }
        let of = |stage: &Stage| stage.epochs * (stage.sampling.samples.unwrap_or(0) * stage.views) as u64;
        let trials: u64 =
            if self.rates.len() > 1 { self.rates.iter().map(|&rate| of(&self.trial(arm, rate))).sum() } else { 0 };
        let tunings = [&self.finetune, &self.retrieve].map(|stage| of(&self.tuning(arm, stage, 1.0)));
        self.pretraining(arm).as_ref().map_or(0, of) + trials + tunings.iter().sum::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::StudyRecipe;

    fn read(text: &str) -> Result<StudyRecipe, String> {
        StudyRecipe::parse(text, Path::new("poster.toml")).map_err(|error| {
            let cause = std::error::Error::source(&error).map(ToString::to_string).unwrap_or_default();
            format!("{error}: {cause}")
        })
    }

    const POSTER: &str = include_str!("../../recipes/poster.toml");

    #[test]
    fn the_shipped_studies_read_and_name_what_cannot_be() {
        let poster = read(POSTER).unwrap();
        assert_eq!((poster.folds, poster.rates.len()), (5, 3));
        for (name, text) in super::CARRIED {
            assert_eq!(read(text).unwrap().name, name);
        }
        let cases = [
            ("folds = 5", "folds = 1", "1 fold holds nothing out: at least 2"),
            ("better = \"clothingid\"", "better = \"clothingit\"", "there is no arm `clothingit` to compare"),
            ("name = \"random\"", "name = \"imagenet\"", "two arms have one name"),
            ("name = \"random\"", "name = \"../x\"", "`../x` is no name of a folder"),
            ("folds = 5", "fold = 5", "unknown field `fold`"),
        ];
        for (from, to, expected) in cases {
            assert!(POSTER.contains(from), "{from}");
            let error = read(&POSTER.replacen(from, to, 1)).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn pictures_too_small_for_a_network_are_refused_before_hours_are_spent() {
        let alexnet = POSTER.replace("backbone = \"squeezenet\"", "backbone = \"alexnet\"");
        read(&alexnet).unwrap();
        let error = read(&alexnet.replacen("side = 96", "side = 48", 1)).unwrap_err();
        assert!(error.contains("pictures of 48 × 48 are too small for `alexnet`"), "{error}");
    }

    /// The control takes at least as many steps as pre-training and fine-tuning together, and less than an epoch more.
    #[test]
    fn longer_tunings_are_longer_by_the_steps_of_pretraining() {
        let poster = read(POSTER).unwrap();
        let (longer, direct) = (poster.arm("imagenet-longer").unwrap(), poster.arm("imagenet").unwrap());
        let pretraining = poster.pretraining(poster.arm("clothingid").unwrap()).unwrap();
        let pictures = pretraining.epochs * (pretraining.sampling.samples.unwrap() * pretraining.views) as u64;
        for stage in [&poster.finetune, &poster.retrieve] {
            let an_epoch = (stage.sampling.samples.unwrap() * stage.views) as u64;
            let further =
                (poster.tuning(longer, stage, 1.0).epochs - poster.tuning(direct, stage, 1.0).epochs) * an_epoch;
            assert!((pictures..pictures + an_epoch).contains(&further), "{further} for {pictures}");
        }
    }
}
