//! What lies before one who is logged in. It is in memory alone and goes with the session.

use super::article::Draft;
use super::trial::Trial;
use serde::Deserialize;
use std::sync::{Arc, Mutex, PoisonError};

/// What lies before one who is logged in.
#[derive(Debug, Default)]
pub struct Desk {
    frozen: Mutex<Option<Arc<Frozen>>>,
    draft: Mutex<Draft>,
    trial: Mutex<Trial>,
}

/// A frame that was held still, and what was said of it.
#[derive(Debug)]
pub struct Frozen {
    /// The frame as a JPEG file.
    pub jpeg: Vec<u8>,
    /// The reading.
    pub said: Said,
}

/// What was said of a frame, as far as the staff judge it.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
pub struct Said {
    /// `confident`, `similar` or `nothing`.
    pub verdict: String,
    /// The garments that it was taken for, best first.
    pub matches: Vec<SaidMatch>,
}

/// A garment that a frame was taken for.
#[derive(Debug, Clone, PartialEq, Deserialize, serde::Serialize)]
pub struct SaidMatch {
    /// The product.
    pub sku: String,
    /// Its name.
    pub title: String,
    /// The photograph that is most like the frame.
    pub photo: String,
    /// How like.
    pub similarity: f64,
}

impl Said {
    /// Of a reading as the API gives it. What it does not say is nothing.
    #[must_use]
    pub fn of(reading: &str) -> Self {
        serde_json::from_str(reading).unwrap_or_default()
    }

    /// The products that were probably called the garment by mistake, where it is `right` or none of the shop's: those above the right one; where
    /// it is not among them only the first, which is the one that was believed.
    #[must_use]
    pub fn mistaken(&self, right: Option<&str>) -> Vec<&SaidMatch> {
        let place = right.and_then(|sku| self.matches.iter().position(|one| one.sku == sku));
        self.matches.iter().take(place.unwrap_or(1)).collect()
    }
}

impl Desk {
    /// Holds a frame still, in place of the one before.
    pub fn freeze(&self, frozen: Frozen) {
        *self.frozen.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(frozen));
    }

    /// The frame that is held still.
    #[must_use]
    pub fn frozen(&self) -> Option<Arc<Frozen>> {
        self.frozen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The garments that are being tried.
    #[must_use]
    pub fn trial(&self) -> Trial {
        self.trial.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Goes on with the trial.
    pub fn with_trial(&self, work: impl FnOnce(&mut Trial)) {
        work(&mut self.trial.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// The article that is being added.
    #[must_use]
    pub fn draft(&self) -> Draft {
        self.draft.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts another one in its place.
    pub fn set_draft(&self, draft: Draft) {
        *self.draft.lock().unwrap_or_else(PoisonError::into_inner) = draft;
    }

    /// Lets it go.
    pub fn thaw(&self) {
        *self.frozen.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_above_the_right_one_was_a_mistake() {
        let reading = r#"{"path":"x","verdict":"confident","matches":[
            {"sku":"A","title":"a","photo":"a.jpg","similarity":0.9},
            {"sku":"B","title":"b","photo":"b.jpg","similarity":0.8},
            {"sku":"C","title":"c","photo":"c.jpg","similarity":0.7}],"frame":7}"#;
        let said = Said::of(reading);
        assert_eq!(said.verdict, "confident");
        let mistaken = |right| said.mistaken(right).into_iter().map(|one| one.sku.as_str()).collect::<Vec<_>>();
        assert_eq!(mistaken(Some("C")), ["A", "B"]);
        assert!(mistaken(Some("A")).is_empty(), "the answer was right");
        assert_eq!(mistaken(Some("D")), ["A"], "only the one that was believed");
        assert_eq!(mistaken(None), ["A"]);
        assert!(Said::of("no reading").mistaken(None).is_empty());
    }
}
