//! A disk for tests: it remembers what reached it and when, loses power at any point, and fills up.
//!
//! 1. [`layer`] lies under SQLite, passes everything on and tells of it; it knows how much room there is.
//! 2. [`record`] writes down what happens in one folder: writes, lengths, names, syncs, and what the test was told.
//! 3. [`image`] says what a disk may hold after a power cut at one place of the record.
//! 4. [`life`] is the life of a catalogue that is recorded; [`cuts`] cuts it at many places and judges what is left.

pub(crate) mod cuts;
pub(crate) mod image;
pub(crate) mod layer;
pub(crate) mod life;
pub(crate) mod record;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// There is one layer in the process: who records, or fills the disk, holds this.
pub(crate) fn turn() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    layer::install();
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}
