//! What weights were made from, kept in the file beside the arrays, so that nobody reports figures on photographs that trained them.

use clothingid_shared::taxonomy::{Difference, Keys, Taxonomies};
use serde::{Deserialize, Serialize};

/// Key among the file's facts.
pub(super) const KEY: &str = "clothingid";

/// What weights were made from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Provenance {
    /// Before any training of ours: [`Provenance::IMAGENET`], [`Provenance::RANDOM`], or the name of a file that does not say.
    pub start: String,
    /// The stages of training since, in their order.
    pub trained: Vec<Trained>,
    /// The keys of both heads' categories; none where they are clothing's, as they were before there were others.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub categories: Option<Keys>,
}

/// One stage of training.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trained {
    /// `identify` or `finetune`.
    pub stage: String,
    /// Identity of the pack whose train part was shown.
    pub pack: String,
}

impl Provenance {
    /// The ImageNet start that ships.
    pub const IMAGENET: &str = "imagenet";
    /// Random numbers.
    pub const RANDOM: &str = "random";

    /// Not trained by us yet.
    #[must_use]
    pub fn of_start(start: impl Into<String>) -> Self {
        Self { start: start.into(), trained: Vec::new(), categories: None }
    }

    /// With one stage more.
    #[must_use]
    pub fn then(mut self, stage: &str, pack: &str) -> Self {
        let stage = Trained { stage: stage.to_owned(), pack: pack.to_owned() };
        if self.trained.last() != Some(&stage) {
            self.trained.push(stage);
        }
        self
    }

    /// With heads of these categories.
    #[must_use]
    pub fn of_categories(self, taxonomies: &Taxonomies) -> Self {
        Self { categories: (!taxonomies.is_clothing()).then(|| taxonomies.keys()), ..self }
    }

    /// How the heads' categories differ from these, if they do.
    #[must_use]
    pub fn difference(&self, taxonomies: &Taxonomies) -> Option<Difference> {
        match &self.categories {
            Some(keys) => taxonomies.difference(keys),
            None => taxonomies.difference(&Taxonomies::clothing().keys()),
        }
    }

    /// The first stage that saw another pack than this one.
    #[must_use]
    pub fn elsewhere(&self, pack: &str) -> Option<&Trained> {
        self.trained.iter().find(|stage| stage.pack != pack)
    }

    /// In words, for people: `imagenet, then identify, then finetune`.
    #[must_use]
    pub fn words(&self) -> String {
        self.trained.iter().fold(self.start.clone(), |words, stage| words + ", then " + &stage.stage)
    }
}

#[cfg(test)]
mod tests {
    use super::Provenance;

    #[test]
    fn stages_add_up_and_another_pack_is_found() {
        let one = Provenance::of_start(Provenance::IMAGENET).then("identify", "a").then("identify", "a");
        assert_eq!(one.words(), "imagenet, then identify");
        assert_eq!(one.elsewhere("a"), None);
        assert_eq!(one.then("finetune", "b").elsewhere("a").unwrap().stage, "finetune");
    }
}
