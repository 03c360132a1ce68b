//! Cameras: where frames come from.
//!
//! A [`Camera`] gives one [`Frame`] after another into a buffer that the caller owns. There are three kinds, and the pipeline does not know
//! the difference: a device behind [`v4l2`], a film of JPEG pictures ([`film`]), and photographs that are replayed ([`replay`]).
//!
//! In order: [`frame`] is what a camera gives, [`decode`] makes RGB of it and [`jpeg`] a file, [`v4l2`], [`film`] and [`replay`] are the cameras, [`desk`] is
//! where others ask for a camera's controls while the pipeline has it. Not here: threads, pacing between stages and restarts ([`crate::pipeline`]).

pub mod decode;
pub mod desk;
pub mod film;
pub mod frame;
pub mod jpeg;
pub mod replay;
pub mod sample;
pub mod v4l2;

pub use decode::FrameDecoder;
pub use desk::ControlDesk;
pub use film::Film;
pub use frame::{Frame, FrameNumber, PixelFormat};
pub use replay::{Photos, Replay, ReplaySettings};
pub use sample::Sampler;
pub use v4l2::capture::V4l2Settings;
pub use v4l2::{ControlReport, ControlWishes, Kind, V4l2Camera, Which};

use clothingid_shared::files::FileError;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;
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

    /// What was chosen when it was opened, and what could not be done as wished, a sentence each; once.
    fn take_remarks(&mut self) -> Vec<String> {
        Vec::new()
    }

    /// The controls that it has, with their ranges and values now.
    fn controls(&self) -> Vec<ControlReport> {
        Vec::new()
    }

    /// Sets controls while it runs; what could not be done as wished is told, a sentence each.
    fn set_controls(&mut self, wishes: &ControlWishes) -> Vec<String> {
        wishes.keys().map(|control| format!("this camera has no {control} to be set")).collect()
    }

    /// Frames that were lost before they came here, since the last time this was asked.
    fn lost(&mut self) -> u64 {
        0
    }
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
    /// Another program has the device.
    #[error("camera `{}` is in use", node.display())]
    Busy {
        /// The node.
        node: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// The program may not open the device.
    #[error("camera `{}` may not be opened", node.display())]
    Forbidden {
        /// The node.
        node: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A file of another kind.
    #[error("`{}` is no camera", node.display())]
    NotADevice {
        /// The node.
        node: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A device that gives no pictures that we read.
    #[error("`{}` {}", node.display(), kind.describe())]
    NotACamera {
        /// The node.
        node: PathBuf,
        /// What it is.
        kind: Kind,
    },
    /// No device is the camera that is meant.
    #[error("{}", not_there(which))]
    NotThere {
        /// The camera that is meant.
        which: Which,
    },
    /// The camera does not have the format that the configuration asks for.
    #[error("camera `{}` has no {} that this program reads", node.display(), wanted.map_or("format", |format| format.name()))]
    NoMode {
        /// The node.
        node: PathBuf,
        /// The one format that was asked for.
        wanted: Option<PixelFormat>,
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
            Self::Files(_) => {
                Some("check that what `[camera]` in the configuration names exists and may be read".into())
            }
            Self::Gone { .. } => Some("check its cable; it is used again as soon as it is back".into()),
            Self::Busy { node, .. } => Some(format!("find the program that holds it: `fuser {}`", node.display())),
            Self::Forbidden { .. } => Some(
                "put the user into the group `video`: `usermod --append --groups video NAME`, then log in again".into(),
            ),
            Self::NotADevice { .. } | Self::NotThere { .. } => Some(LISTED.into()),
            Self::NotACamera { kind, .. } => kind.hint().or_else(|| Some(LISTED.into())),
            Self::NoMode { .. } => {
                Some("leave `format` out of the configuration's `[camera]` to take what it has".into())
            }
            Self::Corrupt { .. } | Self::Timeout { .. } | Self::Ended { .. } => None,
        }
    }
}

/// How to find the name of a camera.
const LISTED: &str = "`clothingid doctor` lists the cameras there are";

fn not_there(which: &Which) -> String {
    match which {
        Which::First => "there is no camera".into(),
        which => format!("there is no camera that is {which}"),
    }
}

/// Which camera to use; opened again by the pipeline whenever the camera was gone.
#[derive(Debug, Clone)]
pub enum CameraChoice {
    /// A device.
    V4l2(V4l2Settings),
    /// A film of JPEG pictures, as an MJPEG camera gives them: its file, and frames a second.
    Film(PathBuf, f64),
    /// Photographs replayed as a camera.
    Replay(ReplaySettings),
    /// A camera of the caller's own.
    Own(Own),
}

/// Opens a camera of the caller's own: for a source of frames that this program does not know.
#[derive(Clone)]
pub struct Own(Arc<dyn Fn() -> Result<Box<dyn Camera>, CameraError> + Send + Sync>);

impl Own {
    /// `open` is called whenever the camera was gone.
    pub fn new(open: impl Fn() -> Result<Box<dyn Camera>, CameraError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(open))
    }
}

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Own")
    }
}

impl CameraChoice {
    /// Opens the camera.
    ///
    /// **Errors** those of the camera chosen: see [`CameraError`].
    pub fn open(&self) -> Result<Box<dyn Camera>, CameraError> {
        self.open_unless(&|| false)
    }

    /// The same, and gives up soon once it is not wanted any more: several cameras may be waited for, one after another.
    ///
    /// **Errors** as [`Self::open`].
    pub fn open_unless(&self, is_unwanted: &dyn Fn() -> bool) -> Result<Box<dyn Camera>, CameraError> {
        match self {
            Self::V4l2(settings) => Ok(Box::new(V4l2Camera::open(settings, is_unwanted)?)),
            Self::Film(path, frames_per_second) => Ok(Box::new(Film::open(path, *frames_per_second)?)),
            Self::Replay(settings) => Ok(Box::new(Replay::open(settings.clone())?)),
            Self::Own(own) => (own.0)(),
        }
    }

    /// What will be opened, for people.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::V4l2(settings) => settings.describe(),
            Self::Film(path, _) => path.display().to_string(),
            Self::Replay(settings) => settings.describe(),
            Self::Own(_) => "a camera of its own".to_owned(),
        }
    }
}
