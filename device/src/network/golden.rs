//! Golden answers: what runs must answer as the network did when it was exported.
//!
//! Through the real path (decode, picture, engine), so that a wrong decoder, a wrong resize, a broken driver and a
//! damaged network are all noticed. The tolerance stands in the bundle, one for each arithmetic class.

use super::{Answer, PathError, PhotoPath};
use clothingid_shared::bundle::{Bundle, GoldenAnswer, GoldenPhoto, GoldenTolerance};
use clothingid_shared::embedding::{ArithmeticClass, cosine};
use clothingid_shared::files::sha256_hex;

/// Golden photographs that are answered before anything is said of others, at every start.
pub const AT_START: usize = 4;

/// An answer that is not the one that the bundle promises.
#[derive(Debug, thiserror::Error)]
pub enum GoldenError {
    /// The bundle has no golden answers for this engine's class, so nothing can be trusted.
    #[error("the bundle has no golden answers for the arithmetic class `{0}`")]
    None(ArithmeticClass),
    /// The golden photograph got no answer at all.
    #[error("golden photo `{photo}` gets no answer")]
    NoAnswer {
        /// Its name in the bundle.
        photo: String,
        /// Why.
        source: PathError,
    },
    /// The bytes that the network sees are not those of the export.
    #[error("golden photo `{photo}` makes another picture: its SHA-256 begins {found}, expected {expected}")]
    Picture {
        /// Its name in the bundle.
        photo: String,
        /// First digits of the hash on record.
        expected: String,
        /// First digits of the hash found.
        found: String,
    },
    /// A logit is off.
    #[error("golden photo `{photo}` gives {head} logit {index} = {found}, expected {expected} ± {tolerance}")]
    Logit {
        /// Its name in the bundle.
        photo: String,
        /// `category14` or `category26`.
        head: &'static str,
        /// Place of the logit.
        index: usize,
        /// The answer on record.
        expected: f32,
        /// The answer found.
        found: f32,
        /// How far they may be apart.
        tolerance: f32,
    },
    /// The embedding points elsewhere.
    #[error(
        "golden photo `{photo}` gives an embedding of cosine {found} to the expected one, expected at least {tolerance}"
    )]
    Embedding {
        /// Its name in the bundle.
        photo: String,
        /// Cosine of found and expected.
        found: f32,
        /// The least that is allowed.
        tolerance: f32,
    },
}

impl GoldenError {
    /// What the user may do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::None(_) => "write the bundle with `clothingid-train export` of this version",
            _ => {
                "`clothingid bundle verify` names every photo that differs; `--engine tract` tells a wrong engine from a wrong bundle"
            }
        }
    }
}

/// How near the answers came to the golden ones.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Agreement {
    /// Golden photographs that were answered.
    pub photos: usize,
    /// Largest difference of a logit.
    pub logit: f32,
    /// Smallest cosine of an embedding.
    pub cosine: f32,
}

/// Answers at most `count` golden photographs, spread over all of them, and compares.
///
/// # Errors
/// The first photograph that differs, and how.
pub fn check(path: &mut PhotoPath, bundle: &Bundle, count: usize) -> Result<Agreement, GoldenError> {
    let mut all = Agreement { photos: 0, logit: 0.0, cosine: 1.0 };
    let step = bundle.golden.len().div_ceil(count.max(1)).max(1);
    for photo in bundle.golden.iter().step_by(step) {
        let one = check_photo(path, bundle, photo)?;
        all.photos += 1;
        all.logit = all.logit.max(one.logit);
        all.cosine = all.cosine.min(one.cosine);
    }
    if all.photos == 0 {
        return Err(GoldenError::None(path.engine().arithmetic()));
    }
    Ok(all)
}

/// Answers one golden photograph and compares.
///
/// # Errors
/// How it differs.
pub fn check_photo(path: &mut PhotoPath, bundle: &Bundle, photo: &GoldenPhoto) -> Result<Agreement, GoldenError> {
    let class = path.engine().arithmetic();
    let none = || GoldenError::None(class);
    let tolerance = *bundle.manifest.golden_tolerance.get(&class).ok_or_else(none)?;
    let expected = photo.answers.get(&class).ok_or_else(none)?;
    let found = match path.answer(&photo.photo) {
        Ok(answer) => answer.clone(),
        Err(source) => return Err(GoldenError::NoAnswer { photo: photo.name.clone(), source }),
    };
    let picture = sha256_hex(path.picture().rgb());
    if picture != photo.picture_sha256 {
        let short = |hash: &str| hash.get(..12).unwrap_or(hash).to_string();
        let (expected, found) = (short(&photo.picture_sha256), short(&picture));
        return Err(GoldenError::Picture { photo: photo.name.clone(), expected, found });
    }
    compare(&photo.name, expected, &found, tolerance)
}

fn compare(
    photo: &str,
    expected: &GoldenAnswer,
    found: &Answer,
    tolerance: GoldenTolerance,
) -> Result<Agreement, GoldenError> {
    let mut largest = 0.0_f32;
    let heads = [
        ("category14", &expected.category14, &found.category14),
        ("category26", &expected.category26, &found.category26),
    ];
    for (head, expected, found) in heads {
        for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
            let difference = (expected - found).abs();
            if difference.is_nan() || difference > tolerance.logit {
                let (expected, found, tolerance) = (*expected, *found, tolerance.logit);
                return Err(GoldenError::Logit { photo: photo.to_string(), head, index, expected, found, tolerance });
            }
            largest = largest.max(difference);
        }
    }
    let cosine = cosine(&expected.embedding, &found.embedding);
    if cosine.is_nan() || cosine < tolerance.cosine {
        return Err(GoldenError::Embedding { photo: photo.to_string(), found: cosine, tolerance: tolerance.cosine });
    }
    Ok(Agreement { photos: 1, logit: largest, cosine })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{EngineChoice, read_bundle};
    use tract_onnx::pb::tensor_proto::DataType;
    use tract_onnx::prelude::Framework;

    fn path(bundle: &Bundle) -> PhotoPath {
        PhotoPath::new(bundle, EngineChoice::Cpu, 1).unwrap()
    }

    #[test]
    fn the_shipped_bundle_answers_all_its_golden_photos() {
        let bundle = read_bundle(None).unwrap();
        let agreement = check(&mut path(&bundle), &bundle, usize::MAX).unwrap();
        assert_eq!(agreement.photos, bundle.golden.len());
        assert!(agreement.photos >= 4, "{agreement:?}");
    }

    #[test]
    fn a_few_are_spread_over_all() {
        let bundle = read_bundle(None).unwrap();
        let agreement = check(&mut path(&bundle), &bundle, 4).unwrap();
        assert!((1..=4).contains(&agreement.photos), "{agreement:?}");
    }

    #[test]
    fn one_spoiled_weight_is_noticed() {
        let mut bundle = read_bundle(None).unwrap();
        let model = tract_onnx::onnx().proto_model_for_read(&mut bundle.network.as_slice()).unwrap();
        let first_layer = model
            .graph
            .unwrap()
            .initializer
            .into_iter()
            .find(|tensor| tensor.data_type == DataType::Int8 as i32 && matches!(tensor.dims[..], [_, 3, 3, 3]));
        let weights = first_layer.unwrap().raw_data;
        let at = bundle.network.windows(weights.len()).position(|bytes| bytes == weights).unwrap();
        // The weight of largest size of all channels, turned round.
        let largest = (0..weights.len()).max_by_key(|i| weights[*i].cast_signed().unsigned_abs()).unwrap();
        bundle.network[at + largest] = weights[largest].wrapping_neg();
        let error = check(&mut path(&bundle), &bundle, usize::MAX).unwrap_err();
        assert!(matches!(error, GoldenError::Logit { .. } | GoldenError::Embedding { .. }), "{error}");
    }

    #[test]
    fn another_photograph_another_answer_and_no_answers_are_noticed() {
        let mut bundle = read_bundle(None).unwrap();
        let mut path = path(&bundle);
        let class = path.engine().arithmetic();

        let (first, second) = (bundle.golden[0].photo.clone(), bundle.golden[1].photo.clone());
        bundle.golden[0].photo = second;
        let error = check(&mut path, &bundle, usize::MAX).unwrap_err();
        assert!(matches!(&error, GoldenError::Picture { photo, .. } if *photo == bundle.golden[0].name), "{error}");

        bundle.golden[0].photo = b"no photograph".to_vec();
        assert!(matches!(check(&mut path, &bundle, 1).unwrap_err(), GoldenError::NoAnswer { .. }));

        bundle.golden[0].photo = first;
        bundle.golden[0].answers.get_mut(&class).unwrap().category14[3] = f32::NAN;
        let error = check(&mut path, &bundle, 1).unwrap_err();
        assert!(matches!(error, GoldenError::Logit { head: "category14", index: 3, .. }), "{error}");

        bundle.golden.clear();
        assert!(matches!(check(&mut path, &bundle, 4).unwrap_err(), GoldenError::None(_)));
    }
}
