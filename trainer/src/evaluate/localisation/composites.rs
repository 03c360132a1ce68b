//! Garments cut out of studio photographs and pasted onto photographs of other things.

use clothingid_shared::picture::{Picture, Region};
use fast_image_resize::{FilterType, Resizer};
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_pcg::Pcg32;
use rayon::prelude::*;

use crate::import::Part;
use crate::load::LoadError;
use crate::load::backdrop::background_of;
use crate::load::framing::{Crop, resize};
use crate::load::read::PhotoReader;
use crate::load::sampler::generator;
use crate::pack::Pack;

/// Sides of a composite in pixels.
const SIDE: u32 = 320;
/// Longer side of the garment against the composite, smallest and largest.
const SIZE: [f64; 2] = [0.3, 0.7];

/// One composite.
#[derive(Debug, Clone)]
pub struct Composite {
    /// The pixels.
    pub picture: Picture,
    /// Where the garment is.
    pub garment: Region,
    /// Row of the garment's photograph.
    pub row: usize,
}

/// A garment without its background: pixels and how much of each is garment.
struct CutOut {
    rgb: Picture,
    mask: Picture,
}

/// Up to `count` composites of a part of the pack, the same for the same seed; garments have a category of the 26 and are larger than a
/// thumbnail.
///
/// # Errors
/// A photograph cannot be read.
pub fn compose(pack: &Pack, part: Part, count: usize, seed: u64) -> Result<Vec<Composite>, LoadError> {
    let rows = pack.rows_in(part);
    let row = |row: &usize| pack.rows().get(*row);
    let scenes: Vec<usize> = rows.iter().copied().filter(|i| row(i).is_some_and(|row| !row.is_garment)).collect();
    if scenes.is_empty() {
        return Ok(Vec::new());
    }
    let is_wanted =
        |i: &usize| row(i).is_some_and(|row| row.is_garment && row.cat26.is_some() && row.long_side() > 150);
    let mut garments: Vec<usize> = rows.iter().copied().filter(is_wanted).collect();
    garments.shuffle(&mut generator(seed, 0, 0, 0));
    let mut composites = Vec::with_capacity(count);
    // Not every photograph is a studio's: look until there are enough.
    for (chunk, first) in garments.chunks(256).zip((0..).step_by(256)) {
        let one = |(place, &garment): (usize, &usize)| {
            paste(pack, garment, &scenes, &mut generator(seed, 1, first + place as u64, 0))
        };
        let made: Vec<Option<Composite>> = chunk.par_iter().enumerate().map(one).collect::<Result<_, _>>()?;
        composites.extend(made.into_iter().flatten());
        if composites.len() >= count {
            break;
        }
    }
    composites.truncate(count);
    Ok(composites)
}

/// One garment on a scene; none if it does not stand before a studio's background.
fn paste(pack: &Pack, garment: usize, scenes: &[usize], random: &mut Pcg32) -> Result<Option<Composite>, LoadError> {
    let (mut reader, mut resizer) = (PhotoReader::default(), Resizer::new());
    let Some(cut) = cut_out(reader.read(pack, garment)?) else { return Ok(None) };
    let Some(&scene) = scenes.choose(random) else { return Ok(None) };
    let scene = reader.read(pack, scene)?;
    let mut picture = Picture::filled(SIDE, SIDE, [0; 3]);
    let (across, down) = (f64::from(scene.width()), f64::from(scene.height()));
    let short = across.min(down);
    let crop = Crop { left: (across - short) / 2.0, top: (down - short) / 2.0, width: short, height: short };
    resize(&mut resizer, scene, crop, &mut picture, FilterType::Bilinear);

    let (width, height) = (f64::from(cut.rgb.width()), f64::from(cut.rgb.height()));
    let scale = random.random_range(SIZE[0]..SIZE[1]) * f64::from(SIDE) / width.max(height);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most the side")]
    let length = |length: f64| ((length * scale).round() as u32).clamp(2, SIDE);
    let (across, down) = (length(width), length(height));
    let (left, top) = (random.random_range(0..=SIDE - across), random.random_range(0..=SIDE - down));
    let [garment_rgb, mask] = [&cut.rgb, &cut.mask].map(|from| {
        let mut small = Picture::filled(across, down, [0; 3]);
        let whole = Crop { left: 0.0, top: 0.0, width, height };
        resize(&mut resizer, from, whole, &mut small, FilterType::Bilinear);
        small
    });
    for y in 0..down {
        for x in 0..across {
            let from = (y * across + x) as usize * 3;
            let to = ((top + y) * SIDE + left + x) as usize * 3;
            for channel in 0..3 {
                let share = u32::from(mask.rgb()[from + channel]);
                let (front, back) =
                    (u32::from(garment_rgb.rgb()[from + channel]), u32::from(picture.rgb()[to + channel]));
                picture.rgb_mut()[to + channel] =
                    u8::try_from((front * share + back * (255 - share) + 127) / 255).unwrap_or(u8::MAX);
            }
        }
    }
    let share = |pixels: u32| f64::from(pixels) / f64::from(SIDE);
    let region = Region { left: share(left), top: share(top), right: share(left + across), bottom: share(top + down) };
    Ok(Some(Composite { picture, garment: region, row: garment }))
}

/// The garment with the smallest rectangle around it.
fn cut_out(photo: &Picture) -> Option<CutOut> {
    let is_background = background_of(photo)?;
    let width = photo.width() as usize;
    let garment = || is_background.iter().enumerate().filter(|(_, behind)| !**behind).map(|(place, _)| place);
    let (left, right) = garment().map(|p| p % width).fold((width, 0), |(l, r), x| (l.min(x), r.max(x + 1)));
    let (top, bottom) = (garment().next()? / width, garment().next_back()? / width + 1);
    let mut rgb = Vec::with_capacity((right - left) * (bottom - top) * 3);
    let mut mask = Vec::with_capacity(rgb.capacity());
    for y in top..bottom {
        rgb.extend_from_slice(&photo.rgb()[(y * width + left) * 3..(y * width + right) * 3]);
        mask.extend((left..right).flat_map(|x| [if is_background[y * width + x] { 0 } else { 255 }; 3]));
    }
    let size = |length: usize| u32::try_from(length).unwrap_or(0);
    let picture = |bytes: Vec<u8>| Picture::new(size(right - left), size(bottom - top), bytes).ok();
    Some(CutOut { rgb: picture(rgb)?, mask: picture(mask)? })
}

#[cfg(test)]
mod tests {
    use clothingid_shared::picture::Picture;

    use super::cut_out;

    #[test]
    fn the_rectangle_is_around_the_garment_alone() {
        let mut photo = Picture::filled(40, 60, [250, 250, 250]);
        for y in 10..50_usize {
            for x in 12..28_usize {
                photo.rgb_mut()[(y * 40 + x) * 3..][..3].copy_from_slice(&[30, 60, 90]);
            }
        }
        let cut = cut_out(&photo).unwrap();
        assert_eq!((cut.rgb.width(), cut.rgb.height()), (16, 40));
        assert!(cut.rgb.rgb().chunks_exact(3).all(|pixel| pixel == [30, 60, 90]));
        assert!(cut.mask.rgb().iter().all(|&share| share == 255));
        assert!(cut_out(&Picture::filled(40, 60, [20, 20, 20])).is_none(), "no studio");
    }
}
