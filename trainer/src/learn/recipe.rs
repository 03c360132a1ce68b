//! A recipe: everything about a training run that can be set, as one TOML file. An unknown key is an error.

use std::path::Path;

use clothingid_shared::files;
use serde::{Deserialize, Serialize};

use super::LearnError;
use super::choose::Choice;
use super::objective::LossOptions;
use super::step::OptimiserOptions;
use crate::load::{Augmentation, LoadError, Mixing, Sampling};
use crate::network::backbones::BackboneName;
use crate::network::{Precision, Statistics};

/// A whole run: identification, then fine-tuning.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// Name of the experiment.
    pub name: String,
    /// Seed of all choices.
    pub seed: u64,
    /// The network below the heads.
    #[serde(default)]
    pub backbone: BackboneName,
    /// First stage.
    pub identify: Stage,
    /// Second stage.
    pub finetune: Stage,
}

/// One stage.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// Side of the training pictures in pixels.
    pub side: u32,
    /// Side of the pictures on which an epoch is judged.
    pub select_side: u32,
    /// Side of the pictures from which the prototypes start; smaller is faster.
    pub prototype_side: u32,
    /// Times that the sampler's plan is drawn.
    pub epochs: u64,
    /// Samples a batch.
    pub batch: usize,
    /// Pictures a sample.
    pub views: usize,
    /// What batch norm divides by.
    pub statistics: Statistics,
    /// Prefixes of the names of layers that stay as they are.
    pub freeze: Vec<String>,
    /// Whether the category heads begin at zero, whatever the weights hold: from random ones the first steps go into unlearning them, and
    /// the backbone with them.
    #[serde(default, skip_serializing_if = "is_default")]
    pub zero_heads: bool,
    /// How weights follow gradients.
    pub optimiser: OptimiserOptions,
    /// What is minimised.
    pub loss: LossOptions,
    /// Which photographs an epoch shows.
    pub sampling: Sampling,
    /// How photographs are changed.
    pub augment: Augmentation,
    /// How pictures of a batch are mixed with each other.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mix: Mixing,
    /// By which figure an epoch's weights are kept.
    #[serde(default, skip_serializing_if = "is_default")]
    pub choose: Choice,
    /// Epochs without a better one after which the stage ends; none: it goes on to its last epoch.
    #[serde(default, skip_serializing_if = "is_default")]
    pub patience: Option<u64>,
    /// In what numbers activations are computed while learning; weights stay as they are.
    #[serde(default, skip_serializing_if = "is_default")]
    pub precision: Precision,
    /// Seconds between two checkpoints within an epoch.
    #[serde(default = "usual_checkpoint_seconds", skip_serializing_if = "is_usual_checkpoint_seconds")]
    pub checkpoint_seconds: u64,
}

/// Whether a key has the value of a recipe that says nothing of it. Such keys stay out of the JSON by which runs are told apart, so that
/// a new key leaves the checkpoints and records of older recipes valid.
pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What [`Stage::checkpoint_seconds`] is where a recipe says nothing.
fn usual_checkpoint_seconds() -> u64 {
    180
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_usual_checkpoint_seconds(seconds: &u64) -> bool {
    *seconds == usual_checkpoint_seconds()
}

impl Stage {
    /// Whether the settings go together; those of the sampling are checked where photographs are drawn.
    ///
    /// # Errors
    /// They do not.
    pub fn check(&self) -> Result<(), LoadError> {
        self.loss.check()?;
        self.mix.check()?;
        if self.loss.metric.weight > 0.0 && !self.mix.is_off() {
            return Err(LoadError::setting(
                "mix",
                "off where pairs are learnt from: a mixed picture shows two garments",
                1.0,
            ));
        }
        let optimiser = &self.optimiser;
        if !(optimiser.rate.is_finite() && optimiser.rate > 0.0) {
            return Err(LoadError::setting("optimiser.rate", "a finite number above 0", optimiser.rate));
        }
        for (setting, share) in [("optimiser.momentum", optimiser.momentum), ("optimiser.average", optimiser.average)] {
            if !(0.0..1.0).contains(&share) {
                return Err(LoadError::setting(setting, "a share from 0 to below 1", share));
            }
        }
        Ok(())
    }
}

impl Recipe {
    /// Reads a recipe.
    ///
    /// # Errors
    /// The file cannot be read, or is no recipe; the cause has the line.
    pub fn read(path: &Path) -> Result<Self, LearnError> {
        let text = files::read_text(path)?;
        toml::from_str(&text).map_err(|source| LearnError::Recipe { path: path.to_owned(), source: Box::new(source) })
    }
}

#[cfg(test)]
mod tests {
    use clothingid_shared::files;

    use super::{Recipe, Stage};
    use crate::learn::softmax::Softmax;

    #[test]
    fn the_shipped_recipe_reads_and_an_unknown_key_does_not() {
        let text = include_str!("../../recipes/clothingid.toml");
        let recipe: Recipe = toml::from_str(text).unwrap();
        assert_eq!(recipe.name, "clothingid");
        let error = toml::from_str::<Recipe>(&text.replacen("seed", "sede", 1)).unwrap_err();
        assert!(error.to_string().contains("unknown field `sede`"), "{error}");
    }

    /// Runs, and the records of studies, are told apart by this JSON: a key that is new must not be in it where a recipe does not say it.
    #[test]
    fn the_json_of_recipes_that_were_written_before_stays_as_it_was() {
        let read = |text: &str| toml::from_str::<Recipe>(text).unwrap();
        let hash = |stage: &Stage| files::sha256_hex(serde_json::to_string(stage).unwrap().as_bytes());
        let identify = read(include_str!("../../recipes/clothingid.toml")).identify;
        assert_eq!(hash(&identify), "5869a8d65164a90c3ef456eac465c319e5d92a947da6d31e130e067d69cedede");
        let finetune = read(include_str!("../../recipes/softmax.toml")).finetune;
        assert_eq!(hash(&finetune), "c24fd6becda7b511d8961b1fec4cf359f0e3147e740fd66a13718d83e3d94609");
        for other in [Stage { patience: Some(3), ..finetune.clone() }, Stage { zero_heads: true, ..finetune.clone() }] {
            assert_ne!(hash(&other), hash(&finetune));
        }
    }

    #[test]
    fn every_recipe_of_the_folder_reads_makes_sense_and_survives_toml() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
        let mut read = 0;
        for entry in folder.read_dir().unwrap() {
            let path = entry.unwrap().path();
            let text = files::read_text(&path).unwrap();
            // Studies have a form of their own.
            if path.extension().is_none_or(|extension| extension != "toml") || text.contains("[[arms]]") {
                continue;
            }
            let recipe = Recipe::read(&path).unwrap_or_else(|error| panic!("{}: {error:?}", path.display()));
            for stage in [&recipe.identify, &recipe.finetune] {
                stage.check().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            }
            assert_eq!(toml::from_str::<Recipe>(&toml::to_string(&recipe).unwrap()).unwrap(), recipe);
            read += 1;
        }
        assert!(read >= 6, "{read}");
    }

    #[test]
    fn a_misspelt_key_names_the_nearest_one_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let text = include_str!("../../recipes/clothingid.toml");
        for (key, misspelt, nearest, line) in [
            ("seed = 1", "sede = 1", "there is no key `sede`; the nearest is `seed`", "line 9"),
            ("smoothing = 0.0", "smothing = 0.0", "there is no key `smothing`; the nearest is `smoothing`", "line 42"),
            (
                "include = \"garments\"",
                "include = \"garment\"",
                "there is no value `garment`; the nearest is `garments`",
                "line 46",
            ),
        ] {
            assert!(text.contains(key));
            let path = folder.path().join("recipe.toml");
            files::write_atomic(&path, text.replacen(key, misspelt, 1).as_bytes()).unwrap();
            let error = Recipe::read(&path).unwrap_err();
            let cause = std::error::Error::source(&error).unwrap().to_string();
            assert!(error.to_string().ends_with(nearest) && cause.contains(line), "{error}\n{cause}");
        }
    }

    #[test]
    fn settings_that_do_not_go_together_are_refused_by_name() {
        type Change = fn(&mut Stage);
        let recipe: Recipe = toml::from_str(include_str!("../../recipes/clothingid.toml")).unwrap();
        let cases: [(&str, Change); 7] = [
            ("loss.margin", |stage| stage.loss.margin = 0.3),
            ("loss.margin", |stage| stage.loss.softmax = Softmax::Arcface),
            ("loss.category14", |stage| stage.loss.category14 = f64::NAN),
            ("loss.metric.beta", |stage| stage.loss.metric.beta = 0.0),
            ("mix", |stage| (stage.loss.metric.weight, stage.mix.mixup) = (1.0, 0.5)),
            ("optimiser.rate", |stage| stage.optimiser.rate = 0.0),
            ("optimiser.momentum", |stage| stage.optimiser.momentum = 1.0),
        ];
        for (name, change) in cases {
            let mut stage = recipe.finetune.clone();
            stage.check().unwrap();
            change(&mut stage);
            let error = stage.check().unwrap_err().to_string();
            assert!(error.starts_with(&format!("`{name}` is ")), "{error}");
        }
    }
}
