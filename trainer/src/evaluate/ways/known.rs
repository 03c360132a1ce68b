//! What the network says of the photographs of some parts.

use std::collections::BTreeMap;

use clothingid_shared::calibration::probabilities;
use clothingid_shared::embedding::l2_normalise;
use clothingid_shared::picture::PictureContract;

use super::looks::Look;
use crate::evaluate::engine::{Engine, answer};
use crate::evaluate::error::EvaluateError;
use crate::evaluate::photos::{Photos, Sample};
use crate::export::answers::{Answers, take_all};
use crate::import::progress::Progress;
use crate::import::{Part, ViewSplit};
use crate::pack::Pack;

/// The larger photographs of garments of some parts, with what a network says of them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Known {
    /// The photographs.
    pub samples: Vec<Sample>,
    /// Embedding of each, of unit length.
    pub embeddings: Vec<Vec<f32>>,
    /// Probabilities of the finer categories of each.
    pub categories: Vec<Vec<f64>>,
    /// Embeddings of the queries in their other looks.
    pub looks: BTreeMap<(usize, Look), Vec<f32>>,
}

impl Known {
    /// Photographs that ask: those of garments with several that are not the one of the gallery.
    #[must_use]
    pub fn queries(&self) -> Vec<usize> {
        queries(&self.samples)
    }

    /// What is known of the photographs of two collections.
    #[must_use]
    pub fn joined(mut self, other: Self) -> Self {
        let begin = self.samples.len();
        self.samples.extend(other.samples);
        self.embeddings.extend(other.embeddings);
        self.categories.extend(other.categories);
        self.looks.extend(other.looks.into_iter().map(|((query, look), values)| ((begin + query, look), values)));
        self
    }
}

fn queries(samples: &[Sample]) -> Vec<usize> {
    let has_other = |query: usize| {
        let item = samples[query].item;
        samples.iter().any(|s| s.item == item && s.view_split == ViewSplit::Gallery)
    };
    (0..samples.len()).filter(|&i| samples[i].view_split == ViewSplit::Query && has_other(i)).collect()
}

/// Asks the network of a part's larger photographs of garments, and of its queries in every look. `temperature` is that of the finer head.
///
/// # Errors
/// A photograph cannot be read, or the network not be run.
pub fn know(
    pack: &Pack,
    part: Part,
    engine: &Engine,
    (contract, temperature): (&PictureContract, f64),
    progress: &Progress,
) -> Result<Known, EvaluateError> {
    let mut photos = Photos::of_pack(pack, &pack.rows_in(part))?;
    photos.samples.retain(|sample| sample.is_garment && sample.is_large());
    let answers = answer(&[engine], &photos, contract, &format!("photographs of the {part} part"), progress)?;
    let answers: Vec<Answers> = take_all(answers.into_iter().flatten().collect())?;
    let mut known = Known {
        embeddings: answers.iter().map(|answer| unit(&answer.embedding)).collect(),
        categories: answers.iter().map(|answer| probabilities(&answer.category26, temperature)).collect(),
        ..Known::default()
    };
    let asked: Vec<(usize, Look)> =
        queries(&photos.samples).into_iter().flat_map(|query| Look::OTHERS.map(|look| (query, look))).collect();
    let mut pictures = Vec::with_capacity(asked.len());
    for &(query, look) in &asked {
        let picture = look.picture(&photos.bytes(query)?, contract).map_err(|source| EvaluateError::Photo {
            path: photos.samples[query].path.clone().into(),
            source: Box::new(source),
        })?;
        pictures.push(picture.into_rgb());
    }
    progress.begin(&format!("other looks at queries of the {part} part"), pictures.len());
    let answers = take_all(engine.run(&pictures, progress)?)?;
    progress.end();
    known.looks = asked.into_iter().zip(answers.iter().map(|answer| unit(&answer.embedding))).collect();
    known.samples = photos.samples;
    Ok(known)
}

/// At unit length; what has no direction stays as it is and is like nothing.
pub(super) fn unit(values: &[f32]) -> Vec<f32> {
    let mut unit = values.to_vec();
    l2_normalise(&mut unit);
    unit
}
