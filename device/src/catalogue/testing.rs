//! What the tests of this module share: photographs and embeddings that need no network.

use super::csv::ProblemKind;
use super::import::{EmbedError, Embedder, Embedders};
use super::photos::PhotoSource;
use super::store::checksum::sha256;
use super::store::{Correction, Embedded, PhotoWrite, ProductWrite};
use super::{PhotoId, Product, Role};
use clothingid_shared::embedding::{Embedding, EmbeddingIdentity, l2_normalise};
use std::collections::BTreeMap;

/// Values of an embedding here.
pub(super) const VALUES: usize = 16;

pub(super) fn identity(name: &str) -> EmbeddingIdentity {
    EmbeddingIdentity::from_stored(name.to_owned())
}

/// A direction that depends on every byte, and on whose embedding it is.
pub(super) fn direction(whose: &EmbeddingIdentity, photo: &[u8]) -> Vec<f32> {
    let seed = [whose.as_str().as_bytes(), photo].concat();
    let mut values: Vec<f32> = sha256(&seed).iter().take(VALUES).map(|b| f32::from(*b) - 127.5).collect();
    l2_normalise(&mut values);
    values
}

pub(super) fn embedded(whose: &EmbeddingIdentity, photo: &[u8]) -> Embedded {
    let floats = direction(whose, photo);
    Embedded { quantised: Embedding::quantise(&floats).unwrap(), floats }
}

pub(super) fn product(sku: &str, title: &str) -> Product {
    Product { sku: sku.to_owned(), title: title.to_owned(), ..Product::default() }
}

/// A product with new photographs `(name, bytes)`.
pub(super) fn write(whose: &EmbeddingIdentity, product: Product, photos: &[(&str, &str)]) -> ProductWrite {
    let photos = photos.iter().map(|(name, bytes)| PhotoWrite::Add {
        name: (*name).to_owned(),
        bytes: bytes.as_bytes().to_vec(),
        embedded: embedded(whose, bytes.as_bytes()),
    });
    ProductWrite { product, photos: photos.collect(), remove: Vec::<PhotoId>::new() }
}

/// What the staff say of a photograph.
pub(super) fn correction(whose: &EmbeddingIdentity, bytes: &str, says: &[(&str, Role)]) -> Correction {
    let says = says.iter().map(|(sku, role)| ((*sku).to_owned(), *role)).collect();
    Correction { bytes: bytes.as_bytes().to_vec(), embedded: embedded(whose, bytes.as_bytes()), says }
}

/// Photographs in memory.
#[derive(Default)]
pub(super) struct Photos(pub(super) BTreeMap<String, Vec<u8>>);

impl Photos {
    pub(super) fn of(photos: &[(&str, &str)]) -> Self {
        Self(photos.iter().map(|(name, bytes)| ((*name).to_owned(), bytes.as_bytes().to_vec())).collect())
    }
}

impl PhotoSource for Photos {
    fn describe(&self) -> String {
        "the folder `photos`".to_owned()
    }

    fn byte_len(&self, name: &str) -> u64 {
        self.0.get(name).map_or(0, |bytes| bytes.len() as u64)
    }

    fn read(&self, name: &str) -> Result<Vec<u8>, ProblemKind> {
        let missing = || ProblemKind::PhotoMissing { photo: name.to_owned(), source_name: self.describe() };
        self.0.get(name).cloned().ok_or_else(missing)
    }
}

/// Embeds by [`direction`]; bytes that begin with `bad` are no photograph.
pub(super) struct Directions(pub(super) EmbeddingIdentity);

struct OfBytes(EmbeddingIdentity);

impl Embedder for OfBytes {
    fn embed(&mut self, photo: &[u8]) -> Result<Vec<f32>, EmbedError> {
        if photo.starts_with(b"bad") {
            return Err("not a JPEG, PNG or WebP".into());
        }
        Ok(direction(&self.0, photo))
    }
}

impl Embedders for Directions {
    fn identity(&self) -> &EmbeddingIdentity {
        &self.0
    }

    fn open(&self) -> Result<Box<dyn Embedder + '_>, EmbedError> {
        Ok(Box::new(OfBytes(self.0.clone())))
    }
}
