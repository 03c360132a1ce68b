//! The record of a run: one JSON object a line, in `record.jsonl`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use clothingid_shared::files;
use serde::{Deserialize, Serialize};

use super::LearnError;
use super::select::SelectFigures;

/// One line of the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Entry {
    /// Means over the steps since the entry before.
    Steps {
        /// Steps done.
        step: u64,
        /// Epoch under way, from 0.
        epoch: u64,
        /// What is minimised.
        loss: f64,
        /// Its parts before weighting, by name.
        parts: Vec<(String, f64)>,
        /// Learning rate of the last step.
        rate: f64,
        /// Length of the gradient before clipping.
        gradient: f64,
        /// Pictures a second.
        photos_per_second: f64,
    },
    /// An epoch's end.
    Epoch {
        /// Steps done.
        step: u64,
        /// Epochs done.
        epoch: u64,
        /// Figures of the averaged weights.
        select: SelectFigures,
    },
}

impl Entry {
    fn step(&self) -> u64 {
        match self {
            Self::Steps { step, .. } | Self::Epoch { step, .. } => *step,
        }
    }
}

/// The entries of a run so far.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Record {
    path: PathBuf,
    /// In order of steps.
    pub entries: Vec<Entry>,
}

impl Record {
    /// An empty record that will be written in `folder`.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self { path: folder.join("record.jsonl"), entries: Vec::new() }
    }

    /// The record in `folder`.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn read(folder: &Path) -> Result<Self, LearnError> {
        Self::resume(folder, u64::MAX)
    }

    /// The figures of each epoch with its number, in order.
    pub fn epochs(&self) -> impl DoubleEndedIterator<Item = (u64, &SelectFigures)> {
        self.entries.iter().filter_map(|entry| match entry {
            Entry::Epoch { epoch, select, .. } => Some((*epoch, select)),
            Entry::Steps { .. } => None,
        })
    }

    /// The record in `folder` up to `step`: what a run did after its last checkpoint is done again.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn resume(folder: &Path, step: u64) -> Result<Self, LearnError> {
        let mut record = Self::new(folder);
        let text = files::read_text(&record.path)?;
        record.entries = text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .filter(|e: &Entry| e.step() <= step)
            .collect();
        Ok(record)
    }

    /// Writes all entries.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self) -> Result<(), LearnError> {
        let lines: Vec<String> = self.entries.iter().filter_map(|entry| serde_json::to_string(entry).ok()).collect();
        let mut text = lines.join("\n");
        text.push('\n');
        Ok(files::write_atomic(&self.path, text.as_bytes())?)
    }
}

/// Sums since the last line of the record.
#[derive(Debug, Default)]
pub(super) struct Window {
    steps: u64,
    pictures: usize,
    loss: f64,
    gradient: f64,
    parts: Vec<(&'static str, f64)>,
}

impl Window {
    pub(super) fn add(&mut self, loss: f64, gradient: f64, parts: Vec<(&'static str, f64)>, pictures: usize) {
        self.steps += 1;
        self.pictures += pictures;
        self.loss += loss;
        self.gradient += gradient;
        if self.parts.is_empty() {
            self.parts = parts;
        } else {
            self.parts.iter_mut().zip(parts).for_each(|((_, sum), (_, value))| *sum += value);
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "counts are small")]
    pub(super) fn entry(self, step: u64, epoch: u64, rate: f64, time: Duration) -> Entry {
        let n = self.steps.max(1) as f64;
        Entry::Steps {
            step,
            epoch,
            loss: self.loss / n,
            parts: self.parts.iter().map(|(name, sum)| ((*name).to_owned(), sum / n)).collect(),
            rate,
            gradient: self.gradient / n,
            photos_per_second: self.pictures as f64 / time.as_secs_f64().max(1e-9),
        }
    }
}
