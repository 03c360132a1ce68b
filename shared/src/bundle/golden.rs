//! Golden photographs: the network's own memory of what it answered when it was exported.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::BundleProblem;
use crate::embedding::ArithmeticClass;

/// A photograph with what must come out of it.
#[derive(Debug, Clone, PartialEq)]
pub struct GoldenPhoto {
    /// Name in the archive (`golden/00.jpg`).
    pub name: String,
    /// The file's bytes, as the camera or shop wrote them.
    pub photo: Vec<u8>,
    /// SHA-256 of the network's input made from it.
    pub picture_sha256: String,
    /// The answers by arithmetic class.
    pub answers: BTreeMap<ArithmeticClass, GoldenAnswer>,
}

/// What the network said.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GoldenAnswer {
    /// Logits of the coarser categories.
    pub category14: Vec<f32>,
    /// Logits of the finer ones.
    pub category26: Vec<f32>,
    /// Unit-length embedding.
    pub embedding: Vec<f32>,
}

/// One row of `golden/golden.json`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) picture_sha256: String,
}

pub(super) const TABLE: &str = "golden/golden.json";

/// Name of the answers of one class: little-endian float32, photograph after photograph, both heads' logits and the
/// embedding each.
pub(super) fn answers_name(class: ArithmeticClass) -> String {
    format!("golden/answers-{class}.f32")
}

/// The answers of all photographs as bytes.
pub(super) fn answers_to_bytes<'a>(answers: impl Iterator<Item = &'a GoldenAnswer>) -> Vec<u8> {
    let values = |answer: &'a GoldenAnswer| answer.category14.iter().chain(&answer.category26).chain(&answer.embedding);
    answers.flat_map(values).flat_map(|value| value.to_le_bytes()).collect()
}

/// The answers of `photos` photographs from bytes: each as many values as the two heads have categories and the embedding values.
pub(super) fn answers_from_bytes(
    name: &str,
    bytes: &[u8],
    photos: usize,
    [of14, of26, embedding_values]: [usize; 3],
) -> Result<Vec<GoldenAnswer>, BundleProblem> {
    let row = of14 + of26 + embedding_values;
    let expected = photos.saturating_mul(row).saturating_mul(4);
    if bytes.len() != expected {
        let detail = format!("{} bytes, expected {expected} for {photos} photographs", bytes.len());
        return Err(BundleProblem::Content { name: name.to_owned(), detail });
    }
    let values: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|four| f32::from_le_bytes(*four)).collect();
    Ok(values
        .chunks_exact(row)
        .map(|row| {
            let (category14, rest) = row.split_at_checked(of14).unwrap_or((row, &[]));
            let (category26, embedding) = rest.split_at_checked(of26).unwrap_or((rest, &[]));
            GoldenAnswer {
                category14: category14.to_vec(),
                category26: category26.to_vec(),
                embedding: embedding.to_vec(),
            }
        })
        .collect())
}
