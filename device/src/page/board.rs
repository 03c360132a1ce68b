//! What is shown now: the latest reading and its frame, for everyone who watches.

use crate::camera::jpeg::{self, JpegError};
use crate::camera::{Frame, FrameNumber};
use crate::pipeline::{Looked, Output};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::watch;

/// The latest reading as JSON text, and the frame that it is of.
#[derive(Debug)]
pub struct Board {
    reading: watch::Sender<Option<Arc<str>>>,
    frame: Mutex<Option<Frame>>,
}

impl Board {
    /// Nothing to show yet.
    #[must_use]
    pub fn new() -> Self {
        Self { reading: watch::Sender::new(None), frame: Mutex::new(None) }
    }

    /// The latest reading, and each later one; a slow watcher misses readings but always gets the newest.
    #[must_use]
    pub fn watch(&self) -> watch::Receiver<Option<Arc<str>>> {
        self.reading.subscribe()
    }

    /// The latest reading.
    #[must_use]
    pub fn reading(&self) -> Option<Arc<str>> {
        self.reading.borrow().clone()
    }

    /// The latest frame with the reading of it, neither older than the other.
    #[must_use]
    pub fn moment(&self) -> Option<(Frame, Arc<str>)> {
        let frame = self.frame.lock().unwrap_or_else(PoisonError::into_inner);
        Some((frame.clone()?, self.reading()?))
    }

    /// The latest frame as a JPEG file, with its number.
    ///
    /// **Errors** the frame is raw and cannot be made into a JPEG.
    pub fn frame_jpeg(&self) -> Result<Option<(FrameNumber, Vec<u8>)>, JpegError> {
        let frame = self.frame.lock().unwrap_or_else(PoisonError::into_inner).clone();
        frame.map(|frame| Ok((frame.number, jpeg::of_frame(frame)?))).transpose()
    }
}

impl Default for Board {
    fn default() -> Self {
        Self::new()
    }
}

impl Output for Arc<Board> {
    fn show(&mut self, looked: &Looked) {
        let Some(Ok(text)) = looked.reading.as_ref().map(serde_json::to_string) else {
            return;
        };
        let mut frame = self.frame.lock().unwrap_or_else(PoisonError::into_inner);
        frame.get_or_insert_default().copy_from(&looked.frame);
        // Still locked, so that nobody sees a frame with the reading of another.
        self.reading.send_replace(Some(text.into()));
    }

    fn camera_lost(&mut self) {
        *self.frame.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.reading.send_replace(None);
    }
}
