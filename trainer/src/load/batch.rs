//! Batches of pictures, made on several threads and handed out in order.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use clothingid_shared::picture::{Picture, PictureContract, PictureMaker};
use crossbeam_channel::{Receiver, Sender, unbounded};
use rand::RngExt;

use super::LoadError;
use super::augment::{Augmentation, Augmenter};
use super::backdrop::Backdrop;
use super::mix::{Mixed, Mixing};
use super::partners::Partners;
use super::read::PhotoReader;
use super::sampler::{Sampling, generator};
use crate::import::Part;
use crate::pack::Pack;

/// Pictures with the rows that they show.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// `[rows.len() * views, side, side, 3]` `uint8`; the views of one row stand beside each other.
    pub pictures_nhwc: Vec<u8>,
    /// The row of each sample. A further view of it may come from another photograph of the same item.
    pub rows: Vec<usize>,
    /// Pictures a row.
    pub views: usize,
    /// Side of the pictures in pixels.
    pub side: u32,
    /// What each picture was mixed with; empty where nothing is mixed.
    pub mixed: Vec<Mixed>,
}

/// What a training loader shows.
#[derive(Debug, Clone, PartialEq)]
pub struct LoaderOptions {
    /// The part that is read.
    pub part: Part,
    /// Side of the pictures in pixels.
    pub side: u32,
    /// Samples a batch.
    pub batch: usize,
    /// Seed of all choices.
    pub seed: u64,
    /// Number of the epoch, which changes all choices.
    pub epoch: u64,
    /// Pictures a sample: the further ones are other real photographs of the same item where there are any.
    pub views: usize,
    /// How photographs are changed.
    pub augment: Augmentation,
    /// How the pictures of a batch are mixed with each other.
    pub mix: Mixing,
    /// Which photographs are shown.
    pub sampling: Sampling,
    /// Threads that make batches.
    pub threads: usize,
    /// Batches at the beginning of the epoch that a resumed run has seen already.
    pub skip_batches: usize,
}

impl LoaderOptions {
    /// Whether the settings make sense; those of the sampling are checked where photographs are drawn.
    ///
    /// # Errors
    /// They do not.
    pub(super) fn check(&self) -> Result<(), LoadError> {
        let counts = [("batch", self.batch), ("views", self.views), ("side", self.side as usize)];
        if let Some((setting, _)) = counts.into_iter().find(|(_, value)| *value == 0) {
            return Err(LoadError::setting(setting, "at least 1", 0.0));
        }
        self.mix.check()
    }
}

type Maker = Box<dyn FnMut(usize) -> Result<Batch, LoadError> + Send>;
type Made = (usize, Result<Batch, LoadError>);

/// An iterator over batches. Dropping it ends its threads.
pub struct Loader {
    jobs: Option<Sender<usize>>,
    made: Receiver<Made>,
    waiting: BTreeMap<usize, Result<Batch, LoadError>>,
    next: usize,
    asked: usize,
    batches: usize,
    threads: Vec<JoinHandle<()>>,
}

impl Loader {
    /// Training batches of one epoch. All are full, except where the epoch is shorter than one batch.
    ///
    /// # Errors
    /// When a setting makes no sense or no photograph fits.
    pub fn new(pack: &Arc<Pack>, options: LoaderOptions) -> Result<Self, LoadError> {
        options.check()?;
        let plan = Arc::new(options.sampling.plan(pack, options.part, options.seed, options.epoch)?);
        let partners = Arc::new(Partners::of(pack, options.part));
        let batches = (plan.len() / options.batch).max(1);
        let (threads, skip) = (options.threads, options.skip_batches);
        Self::start(batches, skip, threads, || {
            let (pack, plan, partners, options) =
                (Arc::clone(pack), Arc::clone(&plan), Arc::clone(&partners), options.clone());
            let mut reader = PhotoReader::default();
            let mut backdrop = Backdrop::new(&pack, options.part);
            let mut augmenter = Augmenter::new(options.augment.clone(), options.side);
            Box::new(move |batch| {
                let begin = batch * options.batch;
                let rows: Vec<usize> = plan.iter().skip(begin).take(options.batch).copied().collect();
                let mut pictures_nhwc = Vec::with_capacity(rows.len() * options.views * square_len(options.side));
                for (position, &row) in (begin as u64..).zip(&rows) {
                    let mut seen = vec![row];
                    for view in 0..options.views {
                        let mut random = generator(options.seed, options.epoch, position, view as u64);
                        if view > 0 {
                            seen.push(partners.another(&pack, row, &seen, &mut random));
                        }
                        let shown = seen.last().copied().unwrap_or(row);
                        let mut photo = reader.read(&pack, shown)?;
                        if random.random_bool(options.augment.backdrop.clamp(0.0, 1.0)) {
                            photo = backdrop.change(&pack, photo, &mut random)?;
                        }
                        let picture = augmenter.make(photo, &mut random);
                        pictures_nhwc.extend_from_slice(picture.map_err(|cause| undecodable(&pack, shown, cause))?);
                    }
                }
                let mixed = if options.mix.is_off() {
                    Vec::new()
                } else {
                    // No view has this number.
                    let mut random = generator(options.seed, options.epoch, begin as u64, u64::MAX);
                    options.mix.mix(&mut pictures_nhwc, options.side as usize, options.views, &mut random)
                };
                Ok(Batch { pictures_nhwc, rows, views: options.views, side: options.side, mixed })
            })
        })
    }

    /// Each of the rows once, in their order, through the picture function that the device uses. The last batch may be short.
    ///
    /// # Errors
    /// When the batch size is zero.
    pub fn evaluation(
        pack: &Arc<Pack>,
        rows: Vec<usize>,
        contract: &PictureContract,
        batch: usize,
        threads: usize,
    ) -> Result<Self, LoadError> {
        if batch == 0 {
            return Err(LoadError::Setting { setting: "batch", expected: "at least 1", found: "0".into() });
        }
        let rows = Arc::new(rows);
        let batches = rows.len().div_ceil(batch);
        Self::start(batches, 0, threads, || {
            let (pack, all) = (Arc::clone(pack), Arc::clone(&rows));
            let side = contract.side;
            let mut maker = PictureMaker::new(contract.clone());
            let mut reader = PhotoReader::default();
            let mut picture = Picture::default();
            Box::new(move |number| {
                let rows: Vec<usize> = all.iter().skip(number * batch).take(batch).copied().collect();
                let mut pictures_nhwc = Vec::with_capacity(rows.len() * square_len(side));
                for &row in &rows {
                    let photo = reader.read(&pack, row)?;
                    maker.make_into(photo, &mut picture).map_err(|cause| undecodable(&pack, row, cause))?;
                    pictures_nhwc.extend_from_slice(picture.rgb());
                }
                Ok(Batch { pictures_nhwc, rows, views: 1, side, mixed: Vec::new() })
            })
        })
    }

    /// How many batches the epoch has, those already handed out or skipped included.
    #[must_use]
    pub fn batches(&self) -> usize {
        self.batches
    }

    fn start(batches: usize, skip: usize, threads: usize, maker: impl Fn() -> Maker) -> Result<Self, LoadError> {
        let threads = threads.max(1);
        let (jobs, asked) = unbounded::<usize>();
        let (done, made) = unbounded::<Made>();
        let skip = skip.min(batches);
        let mut loader =
            Self { jobs: None, made, waiting: BTreeMap::new(), next: skip, asked: skip, batches, threads: Vec::new() };
        for number in 0..threads {
            let (asked, done, mut make) = (asked.clone(), done.clone(), maker());
            let thread = std::thread::Builder::new().name(format!("loader-{number}")).spawn(move || {
                for batch in asked {
                    if done.send((batch, make(batch))).is_err() {
                        return;
                    }
                }
            });
            loader.threads.push(thread.map_err(LoadError::Spawn)?);
        }
        loader.jobs = Some(jobs);
        // Two batches a thread are under way: enough to keep it busy, and the bound of the memory.
        for _ in 0..2 * threads {
            loader.ask();
        }
        Ok(loader)
    }

    fn ask(&mut self) {
        if let Some(jobs) = self.jobs.as_ref().filter(|_| self.asked < self.batches) {
            let _ = jobs.send(self.asked);
            self.asked += 1;
        }
    }
}

impl Iterator for Loader {
    type Item = Result<Batch, LoadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.batches {
            return None;
        }
        loop {
            if let Some(batch) = self.waiting.remove(&self.next) {
                self.next += 1;
                self.ask();
                return Some(batch);
            }
            match self.made.recv() {
                Ok((number, batch)) => {
                    self.waiting.insert(number, batch);
                }
                Err(_) => {
                    self.next = self.batches;
                    return Some(Err(LoadError::Thread));
                }
            }
        }
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.batches.saturating_sub(self.next);
        (left, Some(left))
    }
}

impl ExactSizeIterator for Loader {}

impl Drop for Loader {
    fn drop(&mut self) {
        self.jobs = None;
        // Threads finish the batches that were asked for; there are few.
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn square_len(side: u32) -> usize {
    side as usize * side as usize * 3
}

fn undecodable(pack: &Pack, row: usize, cause: clothingid_shared::picture::PictureError) -> LoadError {
    let photo = pack.rows().get(row).map(|row| row.path.clone()).unwrap_or_default();
    LoadError::Picture { photo, cause }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests write and spoil files on purpose")]
mod tests;
