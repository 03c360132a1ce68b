//! Why nothing can be said of a frame or a photograph, and whose fault that is.

use crate::camera::decode::FrameError;
use crate::catalogue::GalleryError;
use crate::network::golden::GoldenError;
use crate::network::{EngineError, PathError};
use crate::reading::ReaderError;
use clothingid_shared::embedding::EmbeddingError;
use clothingid_shared::picture::PictureError;

/// Why nothing can be said of a frame or a photograph.
#[derive(Debug, thiserror::Error)]
pub enum LookError {
    /// The engine is missing, does not load the network, or fails.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The bundle's categories cannot be read.
    #[error(transparent)]
    Reader(#[from] ReaderError),
    /// The engine gives other answers than the bundle promises.
    #[error(transparent)]
    Golden(#[from] GoldenError),
    /// The frame is no picture.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The picture cannot be made into the network's input.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The network's embedding is no direction.
    #[error(transparent)]
    Embedding(#[from] EmbeddingError),
    /// A second look is wished, and cannot be had.
    #[error(
        "`second_look` cannot be had: the engine `{engine}` does not show where in a picture its answer comes from"
    )]
    NoSecondLook {
        /// The engine.
        engine: String,
    },
    /// The catalogue cannot be searched.
    #[error("the catalogue cannot be searched")]
    Gallery(#[source] GalleryError),
}

impl LookError {
    /// Whether the fault lies with what was looked at, so that the next picture may do.
    #[must_use]
    pub fn is_the_pictures(&self) -> bool {
        matches!(self, Self::Frame(_) | Self::Picture(_))
    }

    /// Whether the looker that met it may look on: the picture is at fault, or the catalogue.
    #[must_use]
    pub fn spares_the_looker(&self) -> bool {
        self.is_the_pictures() || matches!(self, Self::Gallery(_))
    }
}

impl From<GalleryError> for LookError {
    fn from(error: GalleryError) -> Self {
        match error {
            // What the network gave is at fault, not the catalogue.
            GalleryError::Query(error) => Self::Embedding(error),
            error => Self::Gallery(error),
        }
    }
}

impl From<PathError> for LookError {
    fn from(error: PathError) -> Self {
        match error {
            PathError::Picture(error) => Self::Picture(error),
            PathError::Engine(error) => Self::Engine(error),
        }
    }
}
