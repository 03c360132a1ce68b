//! An epoch of resident photographs, batch by batch.

use std::rc::Rc;
use std::sync::Arc;

use rand::RngExt;
use tch::{Device, Tensor};

use super::Resident;
use super::apply::apply;
use super::change::Change;
use crate::load::LoadError;
use crate::load::batch::LoaderOptions;
use crate::load::mix::Mixed;
use crate::load::partners::Partners;
use crate::load::sampler::generator;
use crate::pack::Pack;

/// A batch where the network runs.
#[derive(Debug)]
pub struct Shown {
    /// `[rows.len() * views, S, S, 3] u8`; the views of one row stand beside each other.
    pub pictures_nhwc: Tensor,
    /// The row of each sample.
    pub rows: Vec<usize>,
    /// Pictures a row.
    pub views: usize,
    /// What each picture was mixed with; empty where nothing is mixed.
    pub mixed: Vec<Mixed>,
}

/// The batches of one epoch.
#[derive(Debug)]
pub struct ResidentBatches {
    pack: Arc<Pack>,
    resident: Rc<Resident>,
    options: LoaderOptions,
    partners: Partners,
    plan: Vec<usize>,
    next: usize,
    batches: usize,
}

impl ResidentBatches {
    /// Of an epoch; `options.threads` is of no matter.
    ///
    /// # Errors
    /// When a setting makes no sense or no photograph fits.
    pub fn new(pack: Arc<Pack>, resident: Rc<Resident>, options: LoaderOptions) -> Result<Self, LoadError> {
        options.check()?;
        let plan = options.sampling.plan(&pack, options.part, options.seed, options.epoch)?;
        let batches = (plan.len() / options.batch).max(1);
        let (partners, next) = (Partners::of(&pack, options.part), options.skip_batches.min(batches));
        Ok(Self { pack, resident, options, partners, plan, next, batches })
    }

    /// How many batches the epoch has, those skipped included.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.batches
    }

    fn make(&self, number: usize) -> Shown {
        let LoaderOptions { batch, seed, epoch, views, ref augment, ref mix, side, .. } = self.options;
        let rows: Vec<usize> = self.plan.iter().skip(number * batch).take(batch).copied().collect();
        let mut changes = Vec::with_capacity(rows.len() * views);
        for (position, &row) in ((number * batch) as u64..).zip(&rows) {
            let mut seen = vec![row];
            for view in 0..views {
                let mut random = generator(seed, epoch, position, view as u64);
                if view > 0 {
                    seen.push(self.partners.another(&self.pack, row, &seen, &mut random));
                }
                let shown = seen.last().copied().unwrap_or(row);
                if let Some(place) = self.resident.place(shown) {
                    changes.push(Change::draw(&self.resident, place, augment, &mut random));
                }
            }
        }
        // One size of thumbnail a batch: each size is a pass of its own.
        let [low, high] = augment.thumbnail_side;
        let mut random = generator(seed, epoch, number as u64, u64::MAX);
        let thumbnail_side = random.random_range(low.min(high)..=high.max(low));
        let mut pictures_nhwc = apply(&self.resident, &changes, side, thumbnail_side);
        let mut mixed = Vec::new();
        if !mix.is_off() {
            // Mixing is arithmetic on bytes: over the processor and back, a few megabytes a batch.
            let mut bytes: Vec<u8> = vec![0; pictures_nhwc.numel()];
            let count = bytes.len();
            pictures_nhwc.to_device(Device::Cpu).copy_data(&mut bytes, count);
            let mut random = generator(seed, epoch, (number * batch) as u64, u64::MAX - 1);
            mixed = mix.mix(&mut bytes, side as usize, views, &mut random);
            pictures_nhwc = Tensor::from_slice(&bytes).view_as(&pictures_nhwc).to_device(pictures_nhwc.device());
        }
        Shown { pictures_nhwc, rows, views, mixed }
    }
}

impl Iterator for ResidentBatches {
    type Item = Shown;

    fn next(&mut self) -> Option<Shown> {
        if self.next >= self.batches {
            return None;
        }
        let batch = self.make(self.next);
        self.next += 1;
        Some(batch)
    }
}
