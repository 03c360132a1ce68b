//! What comes out of the pipeline.

use crate::camera::{Frame, FrameNumber};
use crate::catalogue::Matches;
use crate::reading::{Reading, Verdict};
use serde::Serialize;

/// What may be said of a frame or a photograph: the object that `/api/v1/reading` and the event stream give.
#[derive(Debug, Clone, Default, Serialize)]
pub struct LiveReading {
    /// The frame's name: a photograph's file or the camera.
    pub path: String,
    /// The categories, and whether they may be shown.
    #[serde(flatten)]
    pub reading: Reading,
    /// From the frame's bytes to this reading, in milliseconds.
    pub ms: f64,
    /// The engine that answered.
    pub engine: String,
    /// Garments of the shop that look like it, best first, one a product.
    pub matches: Matches,
    /// Whether the best match is near enough to be called the same garment.
    pub confident: bool,
    /// What is said of the best match.
    pub verdict: Verdict,
    /// The frame's number; `/api/v1/frame.jpg` shows it.
    pub frame: FrameNumber,
}

impl LiveReading {
    /// Makes this reading equal to `other` without giving up its own buffers.
    pub fn copy_from(&mut self, other: &Self) {
        self.path.clone_from(&other.path);
        self.reading.copy_from(&other.reading);
        self.ms = other.ms;
        self.engine.clone_from(&other.engine);
        self.matches.copy_from(&other.matches);
        self.confident = other.confident;
        self.verdict = other.verdict;
        self.frame = other.frame;
    }
}

/// A frame with what may be said of it; goes round between the stages.
#[derive(Debug, Default)]
pub struct Looked {
    /// The frame.
    pub frame: Frame,
    /// What may be said of it; `None` before the first time.
    pub reading: Option<LiveReading>,
}

/// One who shows results: the page, the screen.
pub trait Output: Send {
    /// Shows a result, quickly: what comes in the meantime waits, newest first.
    fn show(&mut self, looked: &Looked);

    /// The camera is gone: what it saw last is to be forgotten.
    fn camera_lost(&mut self) {}
}
