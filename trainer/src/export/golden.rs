//! The golden photographs: which ones, and what each arithmetic class answers to them.

use std::collections::BTreeMap;

use clothingid_shared::bundle::{GoldenAnswer, GoldenPhoto};
use clothingid_shared::embedding::ArithmeticClass;
use clothingid_shared::files::sha256_hex;
use clothingid_shared::picture::{Picture, PictureContract};
use include_dir::{Dir, File, include_dir};

use super::answers::{Answers, take_all};
use super::error::ExportError;
use super::float::FloatRunner;
use super::quantised::QuantisedNetwork;
use super::simulate::Simulation;
use crate::evaluate::{EvaluateError, Photos, Sample};

/// The demo shop's photographs, which may ship: what stands in where a pack has too few of its own.
static SHOP: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../demo/photos");

/// Photographs in a bundle.
pub const GOLDEN_PHOTOS: usize = 64;
/// Largest file that is taken: 64 of them are half of a bundle.
const BYTES_MAX: usize = 30_000;

/// Takes up to `count` of the photographs that may ship, category by category in turn, so that every category occurs.
#[must_use]
pub fn pick(samples: &[Sample], count: usize) -> Vec<usize> {
    let mut by_category: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
    for (place, sample) in samples.iter().enumerate().filter(|(_, sample)| sample.may_ship) {
        by_category.entry(sample.category26).or_default().push(place);
    }
    let mut turns: Vec<(usize, usize)> =
        by_category.values().flat_map(|places| places.iter().enumerate().map(|(turn, &place)| (turn, place))).collect();
    turns.sort_unstable();
    turns.into_iter().map(|(_, place)| place).take(count).collect()
}

/// The answers of a class to pictures: `float` is float arithmetic on the integer weights.
fn answers_of(
    network: &QuantisedNetwork,
    class: ArithmeticClass,
    pictures: &[Vec<u8>],
) -> Result<Vec<Answers>, ExportError> {
    take_all(match class {
        ArithmeticClass::Int8 => Simulation::new(network.clone())?.run_all(pictures, || {}),
        ArithmeticClass::Float => FloatRunner::new(network.dequantise())?.run_all(pictures, |_| {})?,
    })
}

/// Photographs of the report part that may ship and are small; then, where they are too few, the demo shop's. Golden photographs are
/// there to compare engines, so that it is no matter whose they are.
fn photographs(photos: &Photos<'_>) -> Result<Vec<Vec<u8>>, EvaluateError> {
    let mut taken = Vec::new();
    for place in pick(&photos.samples, photos.samples.len()) {
        let bytes = photos.bytes(place)?;
        if bytes.len() <= BYTES_MAX {
            taken.push(bytes);
        }
        if taken.len() == GOLDEN_PHOTOS {
            return Ok(taken);
        }
    }
    let mut shop: Vec<&File<'_>> = SHOP.files().filter(|file| file.contents().len() <= BYTES_MAX).collect();
    shop.sort_by_key(|file| file.path());
    let missing = GOLDEN_PHOTOS - taken.len();
    taken.extend(shop.into_iter().map(|file| file.contents().to_vec()).take(missing));
    Ok(taken)
}

/// Makes the golden photographs of a network.
///
/// # Errors
/// A photograph cannot be read.
pub fn golden(
    network: &QuantisedNetwork,
    photos: &Photos<'_>,
    contract: &PictureContract,
) -> Result<Vec<GoldenPhoto>, EvaluateError> {
    let taken = photographs(photos)?;
    let pictures = taken
        .iter()
        .map(|photo| contract.read(photo).map(Picture::into_rgb))
        .collect::<Result<Vec<_>, _>>()
        .map_err(|error| EvaluateError::Photo { path: "golden".into(), source: Box::new(error) })?;
    let float = answers_of(network, ArithmeticClass::Float, &pictures)?;
    let int8 = answers_of(network, ArithmeticClass::Int8, &pictures)?;
    let answer = |a: &Answers| GoldenAnswer {
        category14: a.category14.clone(),
        category26: a.category26.clone(),
        embedding: a.embedding.clone(),
    };
    let all = taken.into_iter().zip(&pictures).zip(float.iter().zip(&int8)).enumerate();
    Ok(all
        .map(|(number, ((photo, picture), (float, int8)))| GoldenPhoto {
            name: format!("golden/{number:02}.{}", ending(&photo)),
            photo,
            picture_sha256: sha256_hex(picture),
            answers: BTreeMap::from([(ArithmeticClass::Float, answer(float)), (ArithmeticClass::Int8, answer(int8))]),
        })
        .collect())
}

/// The usual ending of a photograph's name by its first bytes.
fn ending(photo: &[u8]) -> &'static str {
    match photo {
        [0x89, b'P', ..] => "png",
        [b'R', b'I', ..] => "webp",
        _ => "jpg",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shop_alone_fills_a_bundle() {
        assert!(SHOP.files().filter(|file| file.contents().len() <= BYTES_MAX).count() >= GOLDEN_PHOTOS);
    }
}
