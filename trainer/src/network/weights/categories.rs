//! Heads answer by position: weights whose heads were trained for other categories would name everything wrongly, or not fit at all.

use clothingid_shared::taxonomy::Taxonomies;

use super::{Provenance, Weights, WeightsError};
use crate::network::heads::{CATEGORY14, CATEGORY26};

impl Weights {
    /// Whether the heads, where there are any, are of these categories. Weights that do not say of which are of clothing, as all were that
    /// were written before there were others.
    ///
    /// # Errors
    /// [`WeightsError::OtherCategories`].
    pub fn check_categories(&self, taxonomies: &Taxonomies) -> Result<(), WeightsError> {
        let has_heads = [CATEGORY14, CATEGORY26].iter().any(|head| self.contains(&format!("heads.{head}.weight")));
        let unsaid = Provenance::default();
        let difference = self.provenance.as_ref().unwrap_or(&unsaid).difference(taxonomies);
        match difference.filter(|_| has_heads) {
            Some(difference) => Err(WeightsError::OtherCategories { difference }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clothingid_shared::taxonomy::Taxonomies;

    use super::{Provenance, Weights};
    use crate::network::weights::Array;

    #[test]
    fn heads_of_other_categories_are_refused_and_backbones_without_heads_are_not() {
        let clothing = Taxonomies::clothing();
        let mut fewer = clothing.clone();
        fewer.category26.categories.pop();
        let weights = |provenance: Option<Provenance>| {
            let mut weights = Weights::new();
            weights.insert("heads.category14.weight", Array::zeros(&[14, 1]));
            weights.provenance = provenance;
            weights
        };
        let start = || Provenance::of_start(Provenance::IMAGENET);
        for of_clothing in [None, Some(start()), Some(start().of_categories(&clothing))] {
            assert!(weights(of_clothing.clone()).check_categories(&clothing).is_ok());
            let error = weights(of_clothing).check_categories(&fewer).unwrap_err().to_string();
            assert_eq!(
                error,
                "its heads are of other categories: `category26` is a list of 26 (`tshirt`, `shirt`, `tunic_kurta`, …), expected a list of 25 (`tshirt`, `shirt`, `tunic_kurta`, …)"
            );
        }
        let own = weights(Some(start().of_categories(&fewer)));
        assert!(own.check_categories(&fewer).is_ok() && own.check_categories(&clothing).is_err());
        assert!(Weights::new().check_categories(&fewer).is_ok());
        // What weights of clothing say is what they always said.
        let text = serde_json::to_string(&start().of_categories(&clothing)).unwrap();
        assert_eq!(text, r#"{"start":"imagenet","trained":[]}"#);
    }
}
