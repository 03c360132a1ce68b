//! A recipe: everything about a training run that can be set, as one TOML file. An unknown key is an error.

use std::path::Path;

use clothingid_shared::files;
use serde::{Deserialize, Serialize};

use super::LearnError;
use super::objective::LossOptions;
use super::step::OptimiserOptions;
use crate::load::{Augmentation, Sampling};
use crate::network::Statistics;
use crate::network::backbones::BackboneName;

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
    /// How weights follow gradients.
    pub optimiser: OptimiserOptions,
    /// What is minimised.
    pub loss: LossOptions,
    /// Which photographs an epoch shows.
    pub sampling: Sampling,
    /// How photographs are changed.
    pub augment: Augmentation,
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
    use super::Recipe;

    #[test]
    fn the_shipped_recipe_reads_and_an_unknown_key_does_not() {
        let text = include_str!("../../recipes/clothingid.toml");
        let recipe: Recipe = toml::from_str(text).unwrap();
        assert_eq!(recipe.name, "clothingid");
        let error = toml::from_str::<Recipe>(&text.replacen("seed", "sede", 1)).unwrap_err();
        assert!(error.to_string().contains("unknown field `sede`"), "{error}");
    }
}
