//! The poster's Figure 6: queries with their ranked answers, right ones framed.

use std::path::Path;

use clothingid_shared::picture::PictureContract;
use image::codecs::jpeg::JpegEncoder;
use image::{Rgb, RgbImage};

use super::StudyError;
use super::photos::Photo;
use super::record::CellRecord;
use crate::evaluate::photos::evenly;
use crate::pack::Pack;

/// Answers shown of each query.
const ANSWERS: usize = 8;
/// Side of a photograph in pixels.
pub const SIDE: u32 = 112;
/// Width of a frame, and half of the gap between photographs.
const FRAME: u32 = 4;
/// Of the JPEG.
pub const QUALITY: u8 = 82;
const WHITE: Rgb<u8> = Rgb([255, 255, 255]);
/// Of a photograph that may not be shown.
const GREY: Rgb<u8> = Rgb([214, 214, 214]);
const RIGHT: Rgb<u8> = Rgb([0, 140, 60]);
const WRONG: Rgb<u8> = Rgb([225, 225, 225]);

/// Which photographs a sheet may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// Those whose licence lets them go with the product; queries of others are left out, and answers of others are grey.
    WhatMayShip,
    /// All.
    Everything,
}

impl Shows {
    /// Whether a photograph is shown of which the licence says this.
    #[must_use]
    pub fn allows(self, may_ship: bool) -> bool {
        self == Self::Everything || may_ship
    }
}

/// Draws up to `rows` queries of a cell with their answers; none if there is no query to show.
///
/// # Errors
/// A photograph cannot be read.
pub fn draw(
    pack: &Pack,
    photos: &[Photo],
    record: &CellRecord,
    rows: usize,
    shows: Shows,
) -> Result<Option<RgbImage>, StudyError> {
    let may_show = |row: usize| photos.get(row).is_some_and(|photo| shows.allows(photo.may_ship));
    let found = &record.retrieval;
    let wanted: Vec<usize> = (0..found.queries.len()).filter(|&place| may_show(found.queries[place])).collect();
    if wanted.is_empty() {
        return Ok(None);
    }
    let picked = evenly(&wanted, rows);
    let step = SIDE + 2 * FRAME;
    let across = u32::try_from(ANSWERS + 1).unwrap_or(1);
    let mut sheet =
        RgbImage::from_pixel(step * across + 2 * FRAME, step * u32::try_from(picked.len()).unwrap_or(1), WHITE);
    for (down, &place) in (0..).zip(&picked) {
        let query = found.queries[place];
        put(&mut sheet, pack, query, (0, down * step), WHITE, true)?;
        for (column, &row) in (1..).zip(found.nearest[place].iter().take(ANSWERS)) {
            let is_right = photos.get(row).map(|photo| photo.item) == photos.get(query).map(|photo| photo.item);
            let at = (column * step + 2 * FRAME, down * step);
            put(&mut sheet, pack, row, at, if is_right { RIGHT } else { WRONG }, may_show(row))?;
        }
    }
    Ok(Some(sheet))
}

/// Writes a sheet as JPEG.
///
/// # Errors
/// The file cannot be written.
pub fn write(path: &Path, sheet: &RgbImage) -> Result<(), StudyError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, QUALITY)
        .encode_image(sheet)
        .map_err(|error| StudyError::Form { path: path.to_owned(), reason: error.to_string() })?;
    Ok(clothingid_shared::files::write_atomic(path, &bytes)?)
}

fn put(
    sheet: &mut RgbImage,
    pack: &Pack,
    row: usize,
    (x, y): (u32, u32),
    frame: Rgb<u8>,
    is_shown: bool,
) -> Result<(), StudyError> {
    let outer = SIDE + 2 * FRAME;
    (0..outer * outer).for_each(|i| sheet.put_pixel(x + i % outer, y + i / outer, frame));
    let rgb = if is_shown {
        let photo = || pack.rows().get(row).map(|row| row.path.clone()).unwrap_or_default();
        let picture = PictureContract::with_side(SIDE).read(&pack.read(row)?);
        picture
            .map_err(|cause| crate::learn::LearnError::from(crate::load::LoadError::Picture { photo: photo(), cause }))?
            .into_rgb()
    } else {
        GREY.0.repeat((SIDE * SIDE) as usize)
    };
    for (i, pixel) in (0..).zip(rgb.chunks_exact(3)) {
        sheet.put_pixel(x + FRAME + i % SIDE, y + FRAME + i / SIDE, Rgb([pixel[0], pixel[1], pixel[2]]));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pack::sample;
    use crate::study::photos::of_pack;
    use crate::study::recipe::StudyRecipe;
    use crate::study::record::{Settings, recipe_identity};

    #[test]
    fn right_answers_are_framed_and_photographs_that_may_not_ship_are_not_shown() {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("pack");
        sample::pack(&sample::manifest(folder.path(), 12), &out).unwrap();
        let pack = Pack::open(&out).unwrap();
        let mut photos = of_pack(&pack);
        let recipe = StudyRecipe::parse(include_str!("../../recipes/poster-mini.toml"), Path::new("mini")).unwrap();
        let settings = Settings {
            study: recipe.name.clone(),
            arm: recipe.arms[0].clone(),
            fold: 0,
            recipe: recipe_identity(&recipe),
            pack: pack.identity().to_owned(),
            device: "cpu".into(),
            threads: 1,
            program: String::new(),
        };
        let mut record = CellRecord::begin(settings);
        let query = photos.iter().position(|photo| photo.is_query).unwrap();
        let right = photos.iter().position(|photo| photo.is_gallery && photo.item == photos[query].item).unwrap();
        let wrong = photos.iter().position(|photo| photo.item != photos[query].item).unwrap();
        record.retrieval.queries = vec![query];
        record.retrieval.nearest = vec![vec![wrong, right]];
        photos.iter_mut().for_each(|photo| photo.may_ship = true);
        photos[wrong].may_ship = false;
        let sheet = draw(&pack, &photos, &record, 5, Shows::WhatMayShip).unwrap().unwrap();
        let step = SIDE + 2 * FRAME;
        let frame_of = |column: u32| *sheet.get_pixel(column * step + 2 * FRAME, 0);
        let middle_of = |column: u32| *sheet.get_pixel(column * step + 2 * FRAME + step / 2, step / 2);
        assert_eq!([frame_of(1), frame_of(2)], [WRONG, RIGHT]);
        assert_eq!(middle_of(1), GREY);
        assert_ne!(middle_of(2), GREY);
        photos[query].may_ship = false;
        assert!(draw(&pack, &photos, &record, 5, Shows::WhatMayShip).unwrap().is_none());
        assert!(draw(&pack, &photos, &record, 5, Shows::Everything).unwrap().is_some());
    }
}
