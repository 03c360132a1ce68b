//! Name → array.

use std::collections::BTreeMap;

use super::{Provenance, WeightsError};

/// A dense `f32` array, last axis fastest.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Array {
    /// Length along each axis; empty for a scalar.
    pub shape: Vec<usize>,
    /// Values in row-major order.
    pub values: Vec<f32>,
}

impl Array {
    /// An array whose number of values follows from its shape.
    ///
    /// # Errors
    /// [`WeightsError::Length`], without a name, when it does not.
    pub fn new(shape: Vec<usize>, values: Vec<f32>) -> Result<Self, WeightsError> {
        let expected = shape.iter().product();
        if values.len() == expected {
            Ok(Self { shape, values })
        } else {
            Err(WeightsError::Length { name: String::new(), shape, expected, found: values.len() })
        }
    }

    /// An array of zeros.
    #[must_use]
    pub fn zeros(shape: &[usize]) -> Self {
        Self { shape: shape.to_vec(), values: vec![0.0; shape.iter().product()] }
    }
}

/// The parameters and state of a network by name (`features.0.0.weight`), in order of names.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Weights {
    arrays: BTreeMap<String, Array>,
    /// What they were made from, where that is known.
    pub provenance: Option<Provenance>,
}

impl Weights {
    /// A table without arrays.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The same arrays, with what they were made from.
    #[must_use]
    pub fn made_from(mut self, provenance: Provenance) -> Self {
        self.provenance = Some(provenance);
        self
    }

    /// Puts an array under a name, over what was there.
    pub fn insert(&mut self, name: impl Into<String>, array: Array) {
        self.arrays.insert(name.into(), array);
    }

    /// Takes an array out.
    pub fn remove(&mut self, name: &str) -> Option<Array> {
        self.arrays.remove(name)
    }

    /// Whether there is such an array.
    #[must_use]
    pub fn contains(&self, name: &str) -> bool {
        self.arrays.contains_key(name)
    }

    /// The array of that name.
    ///
    /// # Errors
    /// [`WeightsError::Missing`].
    pub fn get(&self, name: &str) -> Result<&Array, WeightsError> {
        self.arrays
            .get(name)
            .ok_or_else(|| WeightsError::Missing { name: name.to_owned(), available: self.arrays.len() })
    }

    /// The array of that name, which must have that shape.
    ///
    /// # Errors
    /// [`WeightsError::Missing`], [`WeightsError::Shape`].
    pub fn get_shaped(&self, name: &str, shape: &[usize]) -> Result<&Array, WeightsError> {
        let array = self.get(name)?;
        if array.shape == shape {
            Ok(array)
        } else {
            Err(WeightsError::Shape { name: name.to_owned(), expected: shape.to_vec(), found: array.shape.clone() })
        }
    }

    /// All arrays in order of names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Array)> {
        self.arrays.iter().map(|(name, array)| (name.as_str(), array))
    }

    /// Number of arrays.
    #[must_use]
    pub fn len(&self) -> usize {
        self.arrays.len()
    }

    /// Whether there is no array.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.arrays.is_empty()
    }

    /// Puts all arrays of `other` over this table.
    pub fn extend(&mut self, other: Self) {
        self.arrays.extend(other.arrays);
    }
}

impl FromIterator<(String, Array)> for Weights {
    fn from_iter<I: IntoIterator<Item = (String, Array)>>(arrays: I) -> Self {
        Self { arrays: arrays.into_iter().collect(), provenance: None }
    }
}
