//! Photographs that lie in the memory of the device that trains, as bytes, and are changed there.
//!
//! A GPU trains faster than a few cores decode. Each photograph is decoded once and kept as a square of bytes (26,834 of them at 160²
//! take 2 GB, a quarter more with the backgrounds), and augmentation is arithmetic on a whole batch. What is changed, and by how much,
//! is drawn on the processor, from the same settings as in [`super::augment`]; so a batch hangs on seed, epoch and position alone.
//!
//! - `mod.rs`: the photographs. [`change`]: what is drawn for one picture. [`apply`]: the changes of a batch, as tensor operations.
//! - [`batches`]: an epoch, batch by batch.
//!
//! Not here: JPEG (its blocks are no arithmetic on a batch; the program says that the recipe's share of it is passed over), and noise
//! over what is erased (one colour instead).

pub mod apply;
pub mod batches;
pub mod change;

use clothingid_shared::picture::Picture;
use fast_image_resize::{FilterType, Resizer};
use rayon::prelude::*;
use tch::{Device, Kind, Tensor};

use super::LoadError;
use super::backdrop::background_of;
use super::colour::mean_brightness;
use super::framing::{Crop, edge_colour, resize};
use super::read::PhotoReader;
use crate::import::Part;
use crate::pack::Pack;

/// Photographs that are decoded at a time.
const CHUNK: usize = 512;

/// What is known of a photograph beside its pixels.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts {
    /// Its own width in pixels.
    pub width: u32,
    /// Its own height in pixels.
    pub height: u32,
    /// Mean of its first and last row.
    pub edge: [u8; 3],
    /// Its mean brightness, 0 to 255.
    pub brightness: f64,
    /// Whether it stands before a studio's background.
    pub is_studio: bool,
}

/// The photographs of one part.
#[derive(Debug)]
pub struct Resident {
    /// `[N, S, S, 3] u8`: each photograph stretched to the square, so that none of its pixels is lost to a border.
    pub pictures_nhwc: Tensor,
    /// `[N, S, S, 1] u8`: share of the background, 255 for all of it; zero where there is no studio.
    pub backgrounds_nhwc: Tensor,
    /// Of each photograph.
    pub facts: Vec<Facts>,
    /// Places of the photographs that show no garment: new backgrounds.
    pub scenes: Vec<usize>,
    /// Place of each row of the pack.
    places: Vec<Option<usize>>,
    /// Side of the squares.
    pub side: u32,
}

/// One photograph, decoded.
struct Decoded {
    square: Vec<u8>,
    background: Vec<u8>,
    facts: Facts,
}

impl Resident {
    /// Decodes a part of the pack into squares of `side` pixels; `progress` hears how many are done of how many.
    ///
    /// # Errors
    /// A photograph cannot be read.
    pub fn load(
        pack: &Pack,
        part: Part,
        side: u32,
        device: Device,
        mut progress: impl FnMut(usize, usize),
    ) -> Result<Self, LoadError> {
        let rows = pack.rows_in(part);
        let mut places = vec![None; pack.rows().len()];
        rows.iter().enumerate().for_each(|(place, &row)| places[row] = Some(place));
        let is_scene = |&(_, row): &(usize, &usize)| pack.rows().get(*row).is_some_and(|row| !row.is_garment);
        let scenes = rows.iter().enumerate().filter(is_scene).map(|(place, _)| place).collect();
        if rows.is_empty() {
            return Err(LoadError::Nothing { part });
        }
        // One allocation each: put together from pieces, the photographs would lie in the memory twice.
        let (count, length) = (i64::try_from(rows.len()).unwrap_or(i64::MAX), i64::from(side));
        let zeros = |channels: i64| Tensor::zeros([count, length, length, channels], (Kind::Uint8, device));
        let (pictures_nhwc, backgrounds_nhwc) = (zeros(3), zeros(1));
        let mut facts: Vec<Facts> = Vec::with_capacity(rows.len());
        for chunk in rows.chunks(CHUNK) {
            let tools = || (PhotoReader::default(), Resizer::new());
            let decoded: Vec<Decoded> = chunk
                .par_iter()
                .map_init(tools, |(reader, resizer), &row| decode(pack, row, side, reader, resizer))
                .collect::<Result<_, _>>()?;
            let (at, n) = (i64::try_from(facts.len()).unwrap_or(0), i64::try_from(decoded.len()).unwrap_or(0));
            let put = |target: &Tensor, bytes: Vec<u8>| {
                let mut place = target.narrow(0, at, n);
                place.copy_(&Tensor::from_slice(&bytes).view_as(&place));
            };
            put(&pictures_nhwc, decoded.iter().flat_map(|one| one.square.iter().copied()).collect());
            put(&backgrounds_nhwc, decoded.iter().flat_map(|one| one.background.iter().copied()).collect());
            facts.extend(decoded.iter().map(|one| one.facts));
            progress(facts.len(), rows.len());
        }
        Ok(Self { pictures_nhwc, backgrounds_nhwc, facts, scenes, places, side })
    }

    /// Where the photograph of a row lies.
    #[must_use]
    pub fn place(&self, row: usize) -> Option<usize> {
        self.places.get(row).copied().flatten()
    }
}

fn decode(
    pack: &Pack,
    row: usize,
    side: u32,
    reader: &mut PhotoReader,
    resizer: &mut Resizer,
) -> Result<Decoded, LoadError> {
    let photo = reader.read(pack, row)?;
    let whole =
        |photo: &Picture| Crop { left: 0.0, top: 0.0, width: photo.width().into(), height: photo.height().into() };
    let mut square = Picture::default();
    square.reset(side, side, [0; 3]);
    resize(resizer, photo, whole(photo), &mut square, FilterType::Bilinear);
    let mut facts = Facts {
        width: photo.width(),
        height: photo.height(),
        edge: edge_colour(photo),
        brightness: mean_brightness(photo.rgb()),
        is_studio: false,
    };
    let mut background = vec![0; side as usize * side as usize];
    if let Some(mask) = background_of(photo) {
        facts.is_studio = true;
        // Through the same resizing as the photograph, so that its border is as soft.
        let rgb = mask.iter().flat_map(|&is_background| [if is_background { 255 } else { 0 }; 3]).collect();
        if let Ok(mask) = Picture::new(photo.width(), photo.height(), rgb) {
            let mut small = Picture::default();
            small.reset(side, side, [0; 3]);
            resize(resizer, &mask, whole(&mask), &mut small, FilterType::Bilinear);
            background = small.rgb().iter().step_by(3).copied().collect();
        }
    }
    Ok(Decoded { square: square.rgb().to_vec(), background, facts })
}

#[cfg(test)]
mod tests;
