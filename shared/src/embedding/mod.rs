//! A garment's vector: its int8 form, its similarity, and the identity that says which vectors may be compared.

mod embedding;
mod identity;
mod similarity;

pub use embedding::{Embedding, EmbeddingError, l2_normalise};
pub use identity::{ArithmeticClass, EmbeddingIdentity};
pub use similarity::{Cosine, cosine, similarity};
