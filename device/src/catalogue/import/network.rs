//! Embeddings by the bundle's network.

use super::{EmbedError, Embedder, Embedders};
use crate::network::golden::{self, GoldenError};
use crate::network::{EngineChoice, EngineError, PhotoPath};
use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::EmbeddingIdentity;
use std::sync::{Mutex, PoisonError};

/// A network that must not embed.
#[derive(Debug, thiserror::Error)]
pub enum NetworkError {
    /// The engine is missing or cannot run the network.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It gives other answers than the bundle promises: its embeddings would be stored for good under the name of the right ones.
    #[error(transparent)]
    Golden(#[from] GoldenError),
}

impl NetworkError {
    /// What the user may do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Engine(error) => error.hint().map(Into::into),
            Self::Golden(error) => Some(error.hint().to_owned()),
        }
    }
}

/// One network a thread, all of one bundle and arithmetic.
pub struct NetworkEmbedders<'a> {
    bundle: &'a Bundle,
    /// The engine of all but the first.
    others: EngineChoice,
    identity: EmbeddingIdentity,
    /// The first one's engine, as it signs.
    engine: String,
    /// The one that was opened to learn the arithmetic class.
    first: Mutex<Option<PhotoPath>>,
}

impl<'a> NetworkEmbedders<'a> {
    /// Opens the network once and has it answer the first golden photographs.
    ///
    /// # Errors
    /// The engine is missing, cannot run the network, or gives other answers than the bundle promises.
    pub fn new(bundle: &'a Bundle, choice: EngineChoice) -> Result<Self, NetworkError> {
        let mut first = PhotoPath::new(bundle, choice, 1)?;
        golden::check(&mut first, bundle, golden::AT_START)?;
        let identity = bundle.identity(first.engine().arithmetic());
        // One graphics processor is not faster for being shared, and what `auto` takes gives the processor's integers.
        let others = if choice == EngineChoice::Auto { EngineChoice::Cpu } else { choice };
        let engine = first.engine().name().to_string();
        Ok(Self { bundle, others, identity, engine, first: Mutex::new(Some(first)) })
    }

    /// The engine that was opened first, as it signs its answers.
    #[must_use]
    pub fn engine(&self) -> &str {
        &self.engine
    }
}

impl Embedders for NetworkEmbedders<'_> {
    fn identity(&self) -> &EmbeddingIdentity {
        &self.identity
    }

    fn open(&self) -> Result<Box<dyn Embedder + '_>, EmbedError> {
        let first = self.first.lock().unwrap_or_else(PoisonError::into_inner).take();
        match first {
            Some(path) => Ok(Box::new(path)),
            None => {
                let mut path = PhotoPath::new(self.bundle, self.others, 1)?;
                if path.engine().name() != self.engine {
                    golden::check(&mut path, self.bundle, golden::AT_START)?;
                }
                Ok(Box::new(path))
            }
        }
    }
}

impl Embedder for PhotoPath {
    fn embed(&mut self, photo: &[u8]) -> Result<Vec<f32>, EmbedError> {
        Ok(self.answer(photo)?.embedding.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::read_bundle;

    #[test]
    fn a_network_that_strays_embeds_nothing() {
        let mut bundle = read_bundle(None).unwrap();
        assert!(NetworkEmbedders::new(&bundle, EngineChoice::Cpu).is_ok());
        for answer in bundle.golden.iter_mut().flat_map(|photo| photo.answers.values_mut()) {
            answer.embedding.iter_mut().for_each(|value| *value = -*value);
        }
        let error = NetworkEmbedders::new(&bundle, EngineChoice::Cpu).err().unwrap();
        assert!(matches!(error, NetworkError::Golden(_)) && error.hint().is_some(), "{error}");
    }
}
