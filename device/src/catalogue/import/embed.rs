//! What makes an embedding of a photograph, and how many of them work at a time.

use crate::catalogue::store::Embedded;
use clothingid_shared::embedding::{Embedding, EmbeddingIdentity, l2_normalise};

/// Why a photograph has no embedding.
pub type EmbedError = Box<dyn std::error::Error + Send + Sync>;

/// Makes embeddings, one photograph after the other.
pub trait Embedder: Send {
    /// The values of a photograph's embedding.
    ///
    /// # Errors
    /// The bytes are no usable photograph.
    fn embed(&mut self, photo: &[u8]) -> Result<Vec<f32>, EmbedError>;
}

/// Opens embedders: one a thread, all alike.
pub trait Embedders: Sync {
    /// Whose embeddings they make.
    fn identity(&self) -> &EmbeddingIdentity;

    /// Opens one more.
    ///
    /// # Errors
    /// The network cannot be run.
    fn open(&self) -> Result<Box<dyn Embedder + '_>, EmbedError>;
}

/// Embeds a photograph into both stored forms.
///
/// # Errors
/// The bytes are no usable photograph.
pub(crate) fn embed(embedder: &mut dyn Embedder, photo: &[u8]) -> Result<Embedded, EmbedError> {
    let mut floats = embedder.embed(photo)?;
    let quantised = Embedding::quantise(&floats)?;
    l2_normalise(&mut floats);
    Ok(Embedded { quantised, floats })
}

/// An error and its sources in one line.
pub(super) fn in_one_line(error: &EmbedError) -> String {
    let mut line = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_line = cause.to_string();
        if !line.ends_with(&cause_line) {
            line = format!("{line}: {cause_line}");
        }
        source = cause.source();
    }
    line
}
