//! Where the batches of an epoch come from: decoded on the processor as they are needed, or lying in the GPU's memory already.

use std::rc::Rc;
use std::sync::Arc;

use tch::Device;

use super::LearnError;
use super::identify;
use crate::import::Part;
use crate::load::resident::Resident;
use crate::load::resident::batches::ResidentBatches;
pub use crate::load::resident::batches::Shown;
use crate::load::{Loader, LoaderOptions};
use crate::pack::Pack;

/// Side of the photographs that lie in a GPU's memory, at least: a little more than pictures are trained on, so that a crop has pixels.
const RESIDENT_SIDE: u32 = 160;

/// The photographs of the train part in the memory of a GPU; none on a processor, which decodes as fast as it learns.
///
/// # Errors
/// A photograph cannot be read.
pub fn resident(
    pack: &Pack,
    side: u32,
    device: Device,
    progress: impl FnMut(usize, usize),
) -> Result<Option<Rc<Resident>>, LearnError> {
    if !device.is_cuda() {
        return Ok(None);
    }
    Ok(Some(Rc::new(Resident::load(pack, Part::Train, side.max(RESIDENT_SIDE), device, progress)?)))
}

/// The batches of one epoch.
pub enum Source {
    /// From threads that decode.
    Decoded(Loader, Device),
    /// From the memory of the device.
    Resident(Box<ResidentBatches>),
}

impl Source {
    /// Of an epoch.
    ///
    /// # Errors
    /// A setting makes no sense, or no photograph fits.
    pub fn new(
        pack: &Arc<Pack>,
        resident: Option<&Rc<Resident>>,
        device: Device,
        options: LoaderOptions,
    ) -> Result<Self, LearnError> {
        Ok(match resident {
            Some(resident) => {
                Self::Resident(Box::new(ResidentBatches::new(Arc::clone(pack), Rc::clone(resident), options)?))
            }
            None => Self::Decoded(Loader::new(pack, options)?, device),
        })
    }

    /// How many batches the epoch has, those skipped included.
    #[must_use]
    pub fn batches(&self) -> usize {
        match self {
            Self::Decoded(loader, _) => loader.batches(),
            Self::Resident(batches) => batches.batches(),
        }
    }
}

impl Iterator for Source {
    type Item = Result<Shown, LearnError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Self::Decoded(loader, device) => {
                let shown = |batch: crate::load::Batch| Shown {
                    pictures_nhwc: identify::pictures(&batch, *device),
                    rows: batch.rows,
                    views: batch.views,
                    mixed: batch.mixed,
                };
                loader.next().map(|batch| batch.map(shown).map_err(LearnError::from))
            }
            Self::Resident(batches) => batches.next().map(Ok),
        }
    }
}
