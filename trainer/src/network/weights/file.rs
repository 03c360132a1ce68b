//! Weights as a safetensors file: `F32` arrays, or `I8` arrays with their scales (see `compact.rs`).

use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

use clothingid_shared::files;
use safetensors::{Dtype, SafeTensors, View, serialize};

use super::WeightsError;
use super::compact::{SCALE_SUFFIX, expand, recover};
use super::provenance::{KEY, Provenance};
use super::table::{Array, Weights};

/// PyTorch's batch norm counts its batches in an integer, which published files have and nothing of ours reads.
const UNREAD: &str = ".num_batches_tracked";

/// One tensor on its way into a file.
struct Stored {
    dtype: Dtype,
    shape: Vec<usize>,
    bytes: Vec<u8>,
}

impl View for Stored {
    fn dtype(&self) -> Dtype {
        self.dtype
    }
    fn shape(&self) -> &[usize] {
        &self.shape
    }
    fn data(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(&self.bytes)
    }
    fn data_len(&self) -> usize {
        self.bytes.len()
    }
}

fn float(shape: &[usize], values: &[f32]) -> Stored {
    Stored { dtype: Dtype::F32, shape: shape.to_vec(), bytes: values.iter().flat_map(|v| v.to_le_bytes()).collect() }
}

impl Weights {
    /// Reads a safetensors file; `I8` arrays are multiplied out.
    ///
    /// # Errors
    /// The file cannot be read, is no safetensors file, or holds other element types.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        Self::from_bytes(&files::read(path)?, path)
    }

    /// Parses the bytes of a safetensors file; `path` only names it in errors.
    ///
    /// # Errors
    /// As [`Weights::read`].
    pub fn from_bytes(bytes: &[u8], path: &Path) -> Result<Self, WeightsError> {
        let not_safetensors = |source| WeightsError::NotSafetensors { path: path.to_owned(), source };
        let file = SafeTensors::deserialize(bytes).map_err(not_safetensors)?;
        let mut floats: HashMap<String, Array> = HashMap::new();
        let mut integers = Vec::new();
        for (name, view) in file.iter().filter(|(name, _)| !name.ends_with(UNREAD)) {
            match view.dtype() {
                Dtype::F32 => {
                    let values = view.data().as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
                    floats.insert(name.to_owned(), Array { shape: view.shape().to_vec(), values });
                }
                Dtype::I8 => {
                    let q: Vec<i8> = view.data().iter().map(|b| b.cast_signed()).collect();
                    integers.push((name.to_owned(), view.shape().to_vec(), q));
                }
                other => return Err(WeightsError::ElementType { name: name.to_owned(), found: format!("{other:?}") }),
            }
        }
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(not_safetensors)?;
        let facts = header.metadata().as_ref().and_then(|facts| facts.get(KEY));
        // Facts of another program's making are no provenance of ours.
        let provenance = facts.and_then(|text| serde_json::from_str::<Provenance>(text).ok());
        let mut weights = Self::new();
        weights.provenance = provenance;
        for (name, shape, q) in integers {
            let scale_name = format!("{name}{SCALE_SUFFIX}");
            let rows = shape.first().copied().unwrap_or(0);
            let scales = floats
                .remove(&scale_name)
                .ok_or(WeightsError::Missing { name: scale_name.clone(), available: floats.len() })?;
            if scales.shape != [rows] {
                return Err(WeightsError::Shape { name: scale_name, expected: vec![rows], found: scales.shape });
            }
            weights.insert(name, expand(shape, &q, &scales.values));
        }
        weights.extend(floats.into_iter().collect());
        Ok(weights)
    }

    /// The table as a safetensors file of `F32` arrays; equal tables give equal bytes.
    ///
    /// # Errors
    /// None for a table whose arrays fit their shapes.
    pub fn to_bytes(&self) -> Result<Vec<u8>, WeightsError> {
        self.serialise(self.iter().map(|(name, array)| (name.to_owned(), float(&array.shape, &array.values))).collect())
    }

    /// The table as a safetensors file in which each array that is exactly `q · scale` a channel is kept as `I8` and scales.
    ///
    /// # Errors
    /// As [`Weights::to_bytes`].
    pub fn to_compact_bytes(&self) -> Result<Vec<u8>, WeightsError> {
        let mut stored = Vec::new();
        for (name, array) in self.iter() {
            if let Some((q, scales)) = recover(array) {
                let bytes = q.iter().map(|q| q.cast_unsigned()).collect();
                stored.push((name.to_owned(), Stored { dtype: Dtype::I8, shape: array.shape.clone(), bytes }));
                stored.push((format!("{name}{SCALE_SUFFIX}"), float(&[scales.len()], &scales)));
            } else {
                stored.push((name.to_owned(), float(&array.shape, &array.values)));
            }
        }
        self.serialise(stored)
    }

    fn serialise(&self, stored: Vec<(String, Stored)>) -> Result<Vec<u8>, WeightsError> {
        for (name, array) in self.iter() {
            let expected = array.shape.iter().product();
            if array.values.len() != expected {
                let shape = array.shape.clone();
                return Err(WeightsError::Length { name: name.to_owned(), shape, expected, found: array.values.len() });
            }
        }
        let facts = self.provenance.as_ref().and_then(|facts| serde_json::to_string(facts).ok());
        let facts = facts.map(|text| HashMap::from([(KEY.to_owned(), text)]));
        serialize(stored, facts).map_err(|source| WeightsError::NotSafetensors { path: "memory".into(), source })
    }

    /// Writes the table as `F32` arrays: whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), WeightsError> {
        Ok(files::write_atomic(path, &self.to_bytes()?)?)
    }

    /// Writes the table in the compact form: whole or not at all.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write_compact(&self, path: &Path) -> Result<(), WeightsError> {
        Ok(files::write_atomic(path, &self.to_compact_bytes()?)?)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Array, Provenance, Weights, WeightsError};

    fn example() -> Weights {
        [
            (
                "a.weight".to_owned(),
                Array { shape: vec![2, 2], values: vec![127.0 * 0.1_f32, -0.1, 0.0, 127.0 * 0.3_f32] },
            ),
            ("a.bias".to_owned(), Array { shape: vec![2], values: vec![1.5, f32::MIN_POSITIVE] }),
            ("none".to_owned(), Array { shape: vec![0], values: Vec::new() }),
        ]
        .into_iter()
        .collect()
    }

    #[test]
    fn both_forms_read_back_equal() {
        let weights = example();
        let plain = weights.to_bytes().unwrap();
        assert_eq!(Weights::from_bytes(&plain, Path::new("x")).unwrap(), weights);
        let compact = weights.to_compact_bytes().unwrap();
        assert_eq!(Weights::from_bytes(&compact, Path::new("x")).unwrap(), weights);
    }

    #[test]
    fn what_they_were_made_from_is_kept() {
        let weights = example().made_from(Provenance::of_start("imagenet").then("identify", "a"));
        for bytes in [weights.to_bytes().unwrap(), weights.to_compact_bytes().unwrap()] {
            assert_eq!(Weights::from_bytes(&bytes, Path::new("x")).unwrap(), weights);
        }
    }

    #[test]
    fn counts_of_batches_in_published_files_are_left_out() {
        let count = |name: &str| {
            let array = super::Stored { dtype: super::Dtype::I64, shape: Vec::new(), bytes: vec![0; 8] };
            super::serialize([(name.to_owned(), array)], None).unwrap()
        };
        let read = |name: &str| Weights::from_bytes(&count(name), Path::new("x"));
        assert!(read("bn1.num_batches_tracked").unwrap().is_empty());
        assert!(matches!(read("bn1.count"), Err(WeightsError::ElementType { .. })));
    }

    #[test]
    fn torn_files_are_refused() {
        let bytes = example().to_bytes().unwrap();
        for length in [0, 1, 8, 9, bytes.len() / 2, bytes.len() - 1] {
            let result = Weights::from_bytes(&bytes[..length], Path::new("x"));
            assert!(matches!(result, Err(WeightsError::NotSafetensors { .. })), "{length} bytes");
        }
    }

    #[test]
    fn an_array_that_does_not_fit_its_shape_is_refused() {
        let mut weights = Weights::new();
        weights.insert("w", Array { shape: vec![3], values: vec![1.0] });
        assert!(matches!(weights.to_bytes(), Err(WeightsError::Length { expected: 3, found: 1, .. })));
    }
}
