//! Embeddings by the bundle's network.

use super::{EmbedError, Embedder, Embedders};
use crate::network::{EngineChoice, EngineError, PhotoPath};
use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::EmbeddingIdentity;
use std::sync::{Mutex, PoisonError};

/// One network a thread, all of one bundle and engine.
pub struct NetworkEmbedders<'a> {
    bundle: &'a Bundle,
    choice: EngineChoice,
    identity: EmbeddingIdentity,
    /// The one that was opened to learn the arithmetic class.
    first: Mutex<Option<PhotoPath>>,
}

impl<'a> NetworkEmbedders<'a> {
    /// Opens the network once.
    ///
    /// # Errors
    /// The engine is missing or cannot run the network.
    pub fn new(bundle: &'a Bundle, choice: EngineChoice) -> Result<Self, EngineError> {
        let first = PhotoPath::new(bundle, choice, 1)?;
        let identity = bundle.identity(first.engine().arithmetic());
        Ok(Self { bundle, choice, identity, first: Mutex::new(Some(first)) })
    }
}

impl Embedders for NetworkEmbedders<'_> {
    fn identity(&self) -> &EmbeddingIdentity {
        &self.identity
    }

    fn open(&self) -> Result<Box<dyn Embedder>, EmbedError> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            Some(path) => Ok(Box::new(path)),
            None => Ok(Box::new(PhotoPath::new(self.bundle, self.choice, 1)?)),
        }
    }
}

impl Embedder for PhotoPath {
    fn embed(&mut self, photo: &[u8]) -> Result<Vec<f32>, EmbedError> {
        Ok(self.answer(photo)?.embedding.clone())
    }
}
