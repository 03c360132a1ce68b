//! A shop that needs no network: photographs of any bytes, and embeddings that are made of them.

use clothingid_device::catalogue::csv::ProblemKind;
use clothingid_device::catalogue::import::{EmbedError, Embedder, Embedders};
use clothingid_device::catalogue::photos::PhotoSource;
use clothingid_device::catalogue::store::checksum::sha256;
use clothingid_device::catalogue::store::{Embedded, PhotoWrite, ProductWrite};
use clothingid_device::catalogue::{PhotoId, Product};
use clothingid_shared::embedding::{Embedding, EmbeddingIdentity, l2_normalise};
use std::collections::BTreeMap;

use crate::dice::Dice;

/// An identity by name.
#[must_use]
pub fn identity(name: &str) -> EmbeddingIdentity {
    EmbeddingIdentity::from_stored(name.to_owned())
}

/// A direction of 32 values that depends on every byte, and on whose embedding it is.
#[must_use]
pub fn direction(whose: &EmbeddingIdentity, photo: &[u8]) -> Vec<f32> {
    let seed = [whose.as_str().as_bytes(), photo].concat();
    let mut values: Vec<f32> = sha256(&seed).iter().map(|byte| f32::from(*byte) - 127.5).collect();
    l2_normalise(&mut values);
    values
}

/// The same in both stored forms.
///
/// **Panics** never: a direction has a length.
#[must_use]
pub fn embedded(whose: &EmbeddingIdentity, photo: &[u8]) -> Embedded {
    let floats = direction(whose, photo);
    Embedded { quantised: Embedding::quantise(&floats).expect("a direction"), floats }
}

/// Bytes that stand for a photograph: the same for the same seed.
#[must_use]
pub fn photo(seed: u64, byte_len: usize) -> Vec<u8> {
    let mut dice = Dice::new(seed);
    (0..byte_len.div_ceil(8)).flat_map(|_| dice.number().to_le_bytes()).take(byte_len).collect()
}

/// A product with nothing but a title.
#[must_use]
pub fn product(sku: &str, title: &str) -> Product {
    Product { sku: sku.to_owned(), title: title.to_owned(), ..Product::default() }
}

/// A product with new photographs: names and bytes.
#[must_use]
pub fn write(whose: &EmbeddingIdentity, product: Product, photos: &[(String, Vec<u8>)]) -> ProductWrite {
    let photos = photos.iter().map(|(name, bytes)| PhotoWrite::Add {
        name: name.clone(),
        bytes: bytes.clone(),
        embedded: embedded(whose, bytes),
    });
    ProductWrite { product, photos: photos.collect(), remove: Vec::<PhotoId>::new() }
}

/// Photographs in memory, by name.
#[derive(Debug, Default, Clone)]
pub struct Photos(pub BTreeMap<String, Vec<u8>>);

impl PhotoSource for Photos {
    fn describe(&self) -> String {
        "memory".to_owned()
    }

    fn byte_len(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |bytes| bytes.len() as u64)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, ProblemKind> {
        let missing = || ProblemKind::PhotoMissing { photo: name.to_owned(), source_name: self.describe() };
        self.0.get(name).cloned().ok_or_else(missing)
    }
}

/// Embeds by [`direction`].
#[derive(Debug)]
pub struct Directions(pub EmbeddingIdentity);

impl Embedder for Directions {
    fn embed(&mut self, photo: &[u8]) -> Result<Vec<f32>, EmbedError> {
        Ok(direction(&self.0, photo))
    }
}

impl Embedders for Directions {
    fn identity(&self) -> &EmbeddingIdentity {
        &self.0
    }

    fn open(&self) -> Result<Box<dyn Embedder>, EmbedError> {
        Ok(Box::new(Self(self.0.clone())))
    }
}
