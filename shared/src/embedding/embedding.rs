//! The int8 form of an embedding: one scale for all values, symmetric, 127 levels each way.

use thiserror::Error;

/// A unit-length embedding in eight bits a value: `value = scale * byte`. The default has no values yet.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Embedding {
    /// Quantised values, −127 to 127.
    pub values: Vec<i8>,
    /// What one step is worth.
    pub scale: f32,
}

/// Numbers that are no embedding.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EmbeddingError {
    /// No values.
    #[error("an embedding has at least one value")]
    Empty,
    /// A value is infinite or not a number, or all are zero.
    #[error("an embedding's length is {length}, expected a positive number")]
    Length {
        /// The Euclidean length found, as printed.
        length: String,
    },
}

impl Embedding {
    /// Normalises to unit length and rounds to the nearest of 255 levels (ties to even), scaled by the largest value.
    ///
    /// # Errors
    /// [`EmbeddingError`] where there is no finite, positive length.
    pub fn quantise(values: &[f32]) -> Result<Self, EmbeddingError> {
        let mut quantised = Self::default();
        quantised.quantise_from(values)?;
        Ok(quantised)
    }

    /// Makes this what [`Embedding::quantise`] gives, in the memory it has; after an error it is what it was.
    ///
    /// # Errors
    /// Those.
    pub fn quantise_from(&mut self, values: &[f32]) -> Result<(), EmbeddingError> {
        if values.is_empty() {
            return Err(EmbeddingError::Empty);
        }
        let length = euclidean(values);
        if !(length.is_finite() && length > 0.0) {
            return Err(EmbeddingError::Length { length: length.to_string() });
        }
        let largest = values.iter().fold(0.0_f32, |largest, value| largest.max(value.abs()));
        self.values.clear();
        #[expect(clippy::cast_possible_truncation, reason = "|value| ≤ largest, so the result lies within ±127")]
        self.values.extend(values.iter().map(|value| (value / largest * 127.0).round_ties_even() as i8));
        #[expect(clippy::cast_possible_truncation, reason = "the one rounding of the scale to float32")]
        let scale = (f64::from(largest) / (127.0 * length)) as f32;
        self.scale = scale;
        Ok(())
    }

    /// The values as float32.
    #[must_use]
    pub fn dequantise(&self) -> Vec<f32> {
        self.values.iter().map(|value| f32::from(*value) * self.scale).collect()
    }
}

/// Divides by the Euclidean length; a zero vector is left as it is.
pub fn l2_normalise(values: &mut [f32]) {
    let length = euclidean(values);
    if length > 0.0 {
        for value in values {
            #[expect(clippy::cast_possible_truncation, reason = "one rounding to float32")]
            let normalised = (f64::from(*value) / length) as f32;
            *value = normalised;
        }
    }
}

fn euclidean(values: &[f32]) -> f64 {
    values.iter().map(|value| f64::from(*value) * f64::from(*value)).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Embedding, EmbeddingError, l2_normalise};

    #[test]
    fn what_is_no_embedding() {
        assert_eq!(Embedding::quantise(&[]), Err(EmbeddingError::Empty));
        for bad in [[0.0, 0.0], [f32::NAN, 1.0], [f32::INFINITY, 1.0]] {
            assert!(matches!(Embedding::quantise(&bad), Err(EmbeddingError::Length { .. })), "{bad:?}");
        }
    }

    #[test]
    fn the_largest_value_takes_the_last_level() {
        let embedding = Embedding::quantise(&[0.5, -2.0, 0.0]).unwrap();
        assert_eq!(embedding.values, [32, -127, 0]);
    }

    proptest! {
        #[test]
        fn half_a_step_is_the_most_that_is_lost(mut values in proptest::collection::vec(-1e3f32..1e3, 1..300)) {
            prop_assume!(values.iter().any(|v| v.abs() > 1e-3));
            let embedding = Embedding::quantise(&values).unwrap();
            l2_normalise(&mut values);
            for (exact, rounded) in values.iter().zip(embedding.dequantise()) {
                // Half a step, and the float32 roundings of scale and product.
                prop_assert!((exact - rounded).abs() <= 0.5 * embedding.scale * 1.0001 + 1e-6);
            }
        }
    }
}
