//! What a network says of a photograph, and how far two networks' answers lie apart.

use std::collections::BTreeMap;

use super::error::ExportError;

/// The values of each output by its name.
pub type NamedAnswers = BTreeMap<String, Vec<f32>>;

/// The answers of a network with our three heads.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Answers {
    /// Logits of the 14 categories.
    pub category14: Vec<f32>,
    /// Logits of the 26 categories.
    pub category26: Vec<f32>,
    /// The embedding, of unit length.
    pub embedding: Vec<f32>,
}

impl Answers {
    /// Takes the three outputs.
    ///
    /// # Errors
    /// [`ExportError::MissingOutput`].
    pub fn take(mut named: NamedAnswers) -> Result<Self, ExportError> {
        let mut take = |output: &str| {
            let found = named.remove(output);
            found.ok_or_else(|| ExportError::MissingOutput {
                output: output.to_owned(),
                found: named.keys().cloned().collect(),
            })
        };
        Ok(Self { category14: take("category14")?, category26: take("category26")?, embedding: take("embedding")? })
    }

    /// All values in the order category14, category26, embedding.
    pub fn values(&self) -> impl Iterator<Item = f32> {
        self.category14.iter().chain(&self.category26).chain(&self.embedding).copied()
    }
}

/// Takes the three outputs of every photograph.
///
/// # Errors
/// [`ExportError::MissingOutput`].
pub fn take_all(named: Vec<NamedAnswers>) -> Result<Vec<Answers>, ExportError> {
    named.into_iter().map(Answers::take).collect()
}

/// Takes one output of every photograph out of its answers.
///
/// # Errors
/// [`ExportError::MissingOutput`].
pub fn take_output(named: &mut [NamedAnswers], output: &str) -> Result<Vec<Vec<f32>>, ExportError> {
    let one = |named: &mut NamedAnswers| {
        let missing = |named: &NamedAnswers| ExportError::MissingOutput {
            output: output.to_owned(),
            found: named.keys().cloned().collect(),
        };
        named.remove(output).ok_or_else(|| missing(named))
    };
    named.iter_mut().map(one).collect()
}

/// Probabilities of logits at a temperature. **Panics** never; no logits give no probabilities.
#[must_use]
pub fn softmax(logits: &[f32], temperature: f64) -> Vec<f64> {
    let max = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let powers: Vec<f64> = logits.iter().map(|&l| (f64::from(l - max) / temperature).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.iter().map(|p| p / sum).collect()
}

/// Kullback-Leibler divergence of the probabilities of `found` from those of `reference`, in nats.
#[must_use]
pub fn divergence(reference: &[f32], found: &[f32]) -> f64 {
    let (p, q) = (softmax(reference, 1.0), softmax(found, 1.0));
    p.iter().zip(&q).filter(|(p, _)| **p > 0.0).map(|(p, q)| p * (p / q.max(1e-30)).ln()).sum::<f64>().max(0.0)
}

/// The place of the largest value, the first of equals.
#[must_use]
pub fn largest(values: &[f32]) -> usize {
    let mut best = 0;
    for (place, value) in values.iter().enumerate() {
        if *value > values[best] {
            best = place;
        }
    }
    best
}

/// Cosine of the angle between two vectors.
#[must_use]
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    let dot = |x: &[f32], y: &[f32]| x.iter().zip(y).map(|(&x, &y)| f64::from(x) * f64::from(y)).sum::<f64>();
    let norms = (dot(a, a) * dot(b, b)).sqrt();
    if norms > 0.0 { dot(a, b) / norms } else { 0.0 }
}

/// How near one network's answers come to another's over many photographs.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct Agreement {
    /// Photographs compared.
    pub photos: usize,
    /// Mean divergence of the 14 categories, in nats.
    pub category14_divergence: f64,
    /// Mean divergence of the 26 categories, in nats.
    pub category26_divergence: f64,
    /// Mean cosine of the embeddings.
    pub embedding_cosine: f64,
    /// Smallest cosine of the embeddings.
    pub embedding_cosine_min: f64,
    /// Photographs whose category of 14 is another.
    pub category14_changed: usize,
    /// Photographs whose category of 26 is another.
    pub category26_changed: usize,
}

impl Agreement {
    /// Compares answers to the same photographs in the same order.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts of photographs")]
    pub fn of(reference: &[Answers], found: &[Answers]) -> Self {
        let pairs = || reference.iter().zip(found);
        let photos = pairs().count();
        let mean =
            |f: &dyn Fn(&Answers, &Answers) -> f64| pairs().map(|(a, b)| f(a, b)).sum::<f64>() / photos.max(1) as f64;
        let changed = |f: &dyn Fn(&Answers) -> usize| pairs().filter(|(a, b)| f(a) != f(b)).count();
        Self {
            photos,
            category14_divergence: mean(&|a, b| divergence(&a.category14, &b.category14)),
            category26_divergence: mean(&|a, b| divergence(&a.category26, &b.category26)),
            embedding_cosine: mean(&|a, b| cosine(&a.embedding, &b.embedding)),
            embedding_cosine_min: pairs().map(|(a, b)| cosine(&a.embedding, &b.embedding)).fold(1.0, f64::min),
            category14_changed: changed(&|a| largest(&a.category14)),
            category26_changed: changed(&|a| largest(&a.category26)),
        }
    }

    /// One number to choose by, smaller is better: the divergences and the embedding's distance from 1.
    #[must_use]
    pub fn loss(&self) -> f64 {
        self.category14_divergence + self.category26_divergence + (1.0 - self.embedding_cosine)
    }
}

/// The bounds that a bundle must keep against its float original.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// Largest mean divergence of each head, in nats.
    pub divergence: f64,
    /// Smallest mean cosine of the embeddings.
    pub cosine: f64,
}

impl Default for Gate {
    /// 0.03 nats are what a logit error of standard deviation 0.25 costs, a fifth of what one step of temperature scaling moves.
    fn default() -> Self {
        Self { divergence: 0.03, cosine: 0.99 }
    }
}

impl Gate {
    /// Refuses what lies beyond.
    ///
    /// # Errors
    /// [`ExportError::Gate`] with the first measure that is out of bounds.
    pub fn check(&self, agreement: &Agreement) -> Result<(), ExportError> {
        let divergences = [
            ("the mean divergence of category14", agreement.category14_divergence),
            ("the mean divergence of category26", agreement.category26_divergence),
        ];
        for (measure, found) in divergences {
            if found.is_nan() || found > self.divergence {
                return Err(ExportError::Gate { measure: measure.to_owned(), found, bound: self.divergence });
            }
        }
        let found = agreement.embedding_cosine;
        if found.is_nan() || found < self.cosine {
            return Err(ExportError::Gate {
                measure: "the mean cosine of the embedding".to_owned(),
                found,
                bound: self.cosine,
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(scale: f32) -> Answers {
        Answers { category14: vec![1.0, 0.0], category26: vec![0.0, scale], embedding: vec![1.0, scale - 1.0] }
    }

    #[test]
    fn equal_answers_agree_and_others_do_not() {
        let same = Agreement::of(&[answers(1.0)], &[answers(1.0)]);
        assert_eq!((same.category14_divergence, same.embedding_cosine, same.category26_changed), (0.0, 1.0, 0));
        assert!(Gate::default().check(&same).is_ok());
        let other = Agreement::of(&[answers(1.0)], &[answers(-1.0)]);
        assert_eq!(other.category26_changed, 1);
        assert!(other.category26_divergence > 0.3 && other.embedding_cosine < 0.5);
        assert!(Gate::default().check(&other).unwrap_err().to_string().contains("category26"));
        let nothing = Agreement { embedding_cosine: f64::NAN, ..same };
        assert!(Gate::default().check(&nothing).is_err(), "NaN must not pass");
    }

    #[test]
    fn softmax_of_far_apart_logits_is_finite() {
        let p = softmax(&[1000.0, -1000.0], 1.0);
        assert_eq!(p, [1.0, 0.0]);
        assert!(divergence(&[1000.0, -1000.0], &[-1000.0, 1000.0]).is_finite());
        assert!(softmax(&[], 1.0).is_empty());
    }
}
