//! Cameras: where frames come from.
//!
//! A [`Camera`] gives one [`Frame`] after another into a buffer that the caller owns. Today there is one kind, the
//! [`replay`] of photographs; the trait carries what a V4L2 device needs as well (pixel format, bytes a row, capture time
//! from the kernel, a device that goes away and comes back), so that the pipeline does not know the difference.
//!
//! In order: [`frame`] is what a camera gives, [`decode`] makes RGB of it, [`replay`] is a camera made of photographs.
//! Not here: threads, pacing between stages and restarts ([`crate::pipeline`]).

pub mod decode;
pub mod frame;
pub mod replay;

pub use decode::FrameDecoder;
pub use frame::{Frame, FrameNumber, PixelFormat};
pub use replay::{Photos, Replay, ReplaySettings};

use clothingid_shared::files::FileError;
use std::path::PathBuf;
use std::time::Duration;

/// A source of frames.
pub trait Camera: Send {
    /// What this camera is, for people: a device's name or a folder.
    fn describe(&self) -> &str;

    /// Waits for the next frame and puts it into `frame`, whose buffers are used again.
    ///
    /// Blocks for one second at most, so that a caller can stop. After an error the content of `frame` means nothing.
    ///
    /// **Errors** [`CameraError::Corrupt`] and [`CameraError::Timeout`] concern one frame: call again.
    /// [`CameraError::Gone`] asks for the camera to be opened again; [`CameraError::Ended`] is the end of the frames.
    fn next(&mut self, frame: &mut Frame) -> Result<(), CameraError>;
}

/// What a camera cannot do, and whether it is worth asking again.
#[derive(Debug, thiserror::Error)]
pub enum CameraError {
    /// The device or folder is not there, or no longer.
    #[error("camera `{camera}` is gone")]
    Gone {
        /// The camera, as [`Camera::describe`] says it.
        camera: String,
        /// What the system said.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// One frame cannot be read; the next one may.
    #[error("frame `{frame}` cannot be read")]
    Corrupt {
        /// The frame's name.
        frame: String,
        /// What is wrong with it.
        #[source]
        cause: Box<dyn std::error::Error + Send + Sync>,
    },
    /// No frame came in time; the next one may.
    #[error("no frame from camera `{camera}` for {} ms", waited.as_millis())]
    Timeout {
        /// The camera, as [`Camera::describe`] says it.
        camera: String,
        /// How long was waited.
        waited: Duration,
    },
    /// The camera has given its last frame.
    #[error("camera `{camera}` has no more frames")]
    Ended {
        /// The camera, as [`Camera::describe`] says it.
        camera: String,
    },
    /// There is no photograph to replay.
    #[error("no photograph in `{}`", folder.display())]
    Empty {
        /// The folder that was looked through.
        folder: PathBuf,
    },
    /// Not one photograph of a whole round could be read.
    #[error("none of the {photos} photographs in `{camera}` can be read")]
    NothingReadable {
        /// The camera, as [`Camera::describe`] says it.
        camera: String,
        /// How many were tried.
        photos: usize,
    },
    /// The photographs cannot be listed.
    #[error("photographs for the camera cannot be listed")]
    Files(#[from] FileError),
}

impl CameraError {
    /// Whether only this frame is lost: the same camera may be asked again at once.
    #[must_use]
    pub fn is_one_frame(&self) -> bool {
        matches!(self, Self::Corrupt { .. } | Self::Timeout { .. })
    }

    /// What a person can do about it.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Empty { folder } => Some(format!(
                "put photographs (.jpg, .jpeg, .png, .webp) into `{}` or name another folder under `camera.folder`",
                folder.display()
            )),
            Self::NothingReadable { .. } => {
                Some("look at one of them: `clothingid classify FILE` says what is wrong with it".into())
            }
            Self::Gone { .. } | Self::Files(_) => {
                Some("check that the folder under `camera.folder` exists and may be read".into())
            }
            Self::Corrupt { .. } | Self::Timeout { .. } | Self::Ended { .. } => None,
        }
    }
}

/// Which camera to use; opened again by the pipeline whenever the camera was gone.
#[derive(Debug, Clone)]
pub enum CameraChoice {
    /// Photographs replayed as a camera.
    Replay(ReplaySettings),
}

impl CameraChoice {
    /// Opens the camera.
    ///
    /// **Errors** those of the camera chosen: see [`CameraError`].
    pub fn open(&self) -> Result<Box<dyn Camera>, CameraError> {
        match self {
            Self::Replay(settings) => Ok(Box::new(Replay::open(settings.clone())?)),
        }
    }

    /// What will be opened, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Replay(settings) => settings.describe(),
        }
    }
}
