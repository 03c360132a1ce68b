//! Shows what the network sees in training: a sheet of pictures as the loader makes them.
//!
//! `cargo run --profile ci -p clothingid-trainer --example augmented -- PACK RECIPE identify|finetune SHEET.png`

use std::path::PathBuf;
use std::sync::Arc;

use clothingid_trainer::import::Part;
use clothingid_trainer::learn::recipe::Recipe;
use clothingid_trainer::load::{Loader, LoaderOptions};
use clothingid_trainer::pack::Pack;

const ACROSS: usize = 12;
const DOWN: usize = 8;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [pack, recipe, stage, sheet] = arguments.as_slice() else {
        return Err("usage: augmented PACK RECIPE identify|finetune SHEET.png".into());
    };
    let pack = Arc::new(Pack::open(&PathBuf::from(pack))?);
    let recipe = Recipe::read(&PathBuf::from(recipe))?;
    let stage = if stage == "identify" { recipe.identify } else { recipe.finetune };
    let options = LoaderOptions {
        part: Part::Train,
        side: stage.side,
        batch: ACROSS * DOWN,
        seed: recipe.seed,
        epoch: 0,
        views: 1,
        augment: stage.augment,
        mix: stage.mix,
        sampling: stage.sampling,
        threads: 1,
        skip_batches: 0,
    };
    let batch = Loader::new(&pack, options)?.next().ok_or("no photograph")??;
    let side = stage.side as usize;
    let mut pixels = vec![0_u8; ACROSS * DOWN * side * side * 3];
    for (place, picture) in batch.pictures_nhwc.chunks_exact(side * side * 3).enumerate() {
        for (y, row) in picture.chunks_exact(side * 3).enumerate() {
            let at = (((place / ACROSS) * side + y) * ACROSS + place % ACROSS) * side * 3;
            pixels[at..at + row.len()].copy_from_slice(row);
        }
    }
    let (width, height) = (u32::try_from(ACROSS * side)?, u32::try_from(DOWN * side)?);
    image::RgbImage::from_raw(width, height, pixels).ok_or("sizes differ")?.save(sheet)?;
    Ok(())
}
