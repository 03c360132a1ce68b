//! What is shown now: the latest reading and its frame, for everyone who watches.

use crate::camera::jpeg::{self, JpegError};
use crate::camera::{Frame, FrameNumber};
use crate::pipeline::{Looked, Output};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// The latest reading as JSON text, and the frame that it is of.
#[derive(Debug)]
pub struct Board {
    reading: watch::Sender<Option<Arc<String>>>,
    shown: Mutex<Shown>,
}

/// The latest frame, and memory that is used again.
#[derive(Debug, Default)]
struct Shown {
    frame: Option<Frame>,
    /// The text before the latest one.
    spare: Option<Arc<String>>,
}

impl Board {
    /// Nothing to show yet.
    #[must_use]
    pub fn new() -> Self {
        Self { reading: watch::Sender::new(None), shown: Mutex::default() }
    }

    /// The latest reading, and each later one; a slow watcher misses readings but always gets the newest.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Option<Arc<String>>> {
        self.reading.subscribe()
    }

    /// The latest reading.
    #[must_use]
    pub fn reading(&self) -> Option<Arc<String>> {
        self.reading.borrow().clone()
    }

    /// The latest frame with the reading of it, neither older than the other.
    #[must_use]
    pub fn moment(&self) -> Option<(Frame, Arc<String>)> {
        let shown = self.shown();
        Some((shown.frame.clone()?, self.reading()?))
    }

    /// The latest frame as a JPEG file, with its number.
    ///
    /// **Errors** the frame is raw and cannot be made into a JPEG.
    pub fn frame_jpeg(&self) -> Result<Option<(FrameNumber, Vec<u8>)>, JpegError> {
        let frame = self.shown().frame.clone();
        frame.map(|frame| Ok((frame.number, jpeg::of_frame(frame)?))).transpose()
    }

    fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

impl Output for Arc<Board> {
    /// Two texts take turns, as long as no watcher still has the one before the latest.
    fn show(&mut self, looked: &Looked) {
        let Some(reading) = &looked.reading else { return };
        let mut shown = self.shown();
        let Shown { frame, spare } = &mut *shown;
        let mut text = spare.take().unwrap_or_default();
        let memory = Arc::make_mut(&mut text);
        let mut json = std::mem::take(memory).into_bytes();
        json.clear();
        let written = serde_json::to_writer(&mut json, reading);
        let Some(written) = written.ok().and_then(|()| String::from_utf8(json).ok()) else { return };
        *memory = written;
        frame.get_or_insert_default().copy_from(&looked.frame);
        // Still locked, so that nobody sees a frame with the reading of another.
        *spare = self.reading.send_replace(Some(text));
    }

    fn camera_lost(&mut self) {
        self.shown().frame = None;
        self.reading.send_replace(None);
    }
}
