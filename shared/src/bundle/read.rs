//! A bundle from bytes, every file hashed before anything is believed.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use super::golden::{Entry, TABLE, answers_from_bytes, answers_name};
use super::manifest::NAME;
use super::{Bundle, BundleError, BundleProblem, GoldenPhoto, Head, Manifest};
use crate::embedding::ArithmeticClass;
use crate::files::{self, sha256_hex};

/// A network for a board has some megabytes, its golden photographs as many.
const MOST_BYTES: u64 = 512 << 20;

impl Bundle {
    /// Reads and checks a bundle file.
    ///
    /// # Errors
    /// [`BundleError`] with the path and what is wrong.
    pub fn read(path: &Path) -> Result<Self, BundleError> {
        let bytes = files::read_at_most(path, MOST_BYTES)?;
        Self::from_bytes(&bytes).map_err(|problem| BundleError::Refused { path: path.to_owned(), problem })
    }

    /// Reads and checks a bundle in memory.
    ///
    /// # Errors
    /// [`BundleProblem`]: a file that is missing, altered or not listed refuses the whole.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, BundleProblem> {
        let mut files = unpack(bytes)?;
        let manifest = Manifest::from_json(&take(&mut files, NAME)?)?;
        verify(&manifest, &files)?;
        let network = take(&mut files, "network.onnx")?;
        let model_card = text("MODEL_CARD.md", take(&mut files, "MODEL_CARD.md")?)?;
        let golden = golden(&manifest, &mut files)?;
        let mut licences = BTreeMap::new();
        for (name, bytes) in files {
            match name.strip_prefix("LICENSES/") {
                Some(short) => licences.insert(short.to_owned(), text(&name, bytes)?),
                None => return Err(BundleProblem::Unexpected { name }),
            };
        }
        Ok(Self { manifest, network, golden, model_card, licences })
    }
}

/// All plain files of the archive. Memory stays in proportion to the input: an entry cannot be longer than the archive.
fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Vec<u8>>, BundleProblem> {
    let damaged = |error: std::io::Error| BundleProblem::Archive { detail: error.to_string() };
    let mut files = BTreeMap::new();
    for entry in tar::Archive::new(bytes).entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        if entry.header().entry_type() != tar::EntryType::Regular {
            return Err(BundleProblem::Unexpected { name });
        }
        let expected = entry.size();
        let mut content = Vec::new();
        entry.read_to_end(&mut content).map_err(damaged)?;
        if content.len() as u64 != expected {
            return Err(BundleProblem::Archive { detail: format!("`{name}` ends early") });
        }
        if files.insert(name.clone(), content).is_some() {
            return Err(BundleProblem::Unexpected { name });
        }
    }
    if files.is_empty() {
        return Err(BundleProblem::Archive { detail: "it holds no file".to_owned() });
    }
    Ok(files)
}

fn verify(manifest: &Manifest, files: &BTreeMap<String, Vec<u8>>) -> Result<(), BundleProblem> {
    for (name, facts) in &manifest.files {
        let bytes = files.get(name).ok_or_else(|| BundleProblem::Missing { name: name.clone() })?;
        let found = sha256_hex(bytes);
        if found != facts.sha256 {
            let short = |hash: &str| hash.chars().take(12).collect();
            return Err(BundleProblem::Altered {
                name: name.clone(),
                expected: short(&facts.sha256),
                found: short(&found),
            });
        }
    }
    match files.keys().find(|name| !manifest.files.contains_key(*name)) {
        Some(name) => Err(BundleProblem::Unexpected { name: name.clone() }),
        None => Ok(()),
    }
}

fn golden(manifest: &Manifest, files: &mut BTreeMap<String, Vec<u8>>) -> Result<Vec<GoldenPhoto>, BundleProblem> {
    let table = take(files, TABLE)?;
    let entries: Vec<Entry> = serde_json::from_slice(&table)
        .map_err(|error| BundleProblem::Content { name: TABLE.to_owned(), detail: error.to_string() })?;
    let mut photos = Vec::with_capacity(entries.len());
    for entry in entries {
        let photo = take(files, &entry.name)?;
        photos.push(GoldenPhoto {
            name: entry.name,
            photo,
            picture_sha256: entry.picture_sha256,
            answers: BTreeMap::new(),
        });
    }
    let of = |head: &Head| head.taxonomy.len();
    let lens = [of(&manifest.category14), of(&manifest.category26), manifest.network.embedding_values];
    for class in [ArithmeticClass::Float, ArithmeticClass::Int8] {
        let name = answers_name(class);
        let bytes = take(files, &name)?;
        let answers = answers_from_bytes(&name, &bytes, photos.len(), lens)?;
        for (photo, answer) in photos.iter_mut().zip(answers) {
            photo.answers.insert(class, answer);
        }
    }
    Ok(photos)
}

fn take(files: &mut BTreeMap<String, Vec<u8>>, name: &str) -> Result<Vec<u8>, BundleProblem> {
    files.remove(name).ok_or_else(|| BundleProblem::Missing { name: name.to_owned() })
}

fn text(name: &str, bytes: Vec<u8>) -> Result<String, BundleProblem> {
    String::from_utf8(bytes)
        .map_err(|error| BundleProblem::Content { name: name.to_owned(), detail: error.to_string() })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use crate::bundle::manifest::tests::point;
    use crate::bundle::{
        Bundle, BundleProblem, FORMAT, GoldenAnswer, GoldenPhoto, GoldenTolerance, Head, LicenceClass, Manifest,
        Matching, Network, Rejection, Source,
    };
    use crate::calibration::RejectionScore;
    use crate::embedding::ArithmeticClass;
    use crate::files::sha256_hex;
    use crate::picture::PictureContract;
    use crate::taxonomy::Taxonomy;

    fn bundle() -> Bundle {
        let answer =
            |x: f32| GoldenAnswer { category14: vec![x; 14], category26: vec![-x; 26], embedding: vec![0.5; 4] };
        let answers = BTreeMap::from([(ArithmeticClass::Float, answer(1.5)), (ArithmeticClass::Int8, answer(1.25))]);
        let photo = |name: &str| GoldenPhoto {
            name: format!("golden/{name}.jpg"),
            photo: name.as_bytes().to_vec(),
            picture_sha256: sha256_hex(name.as_bytes()),
            answers: answers.clone(),
        };
        let tolerance = GoldenTolerance { logit: 0.01, cosine: 0.999 };
        Bundle {
            manifest: Manifest {
                format: FORMAT,
                written_by: "test 0".to_owned(),
                name: "test".to_owned(),
                pack: String::new(),
                created: "2026-01-01".to_owned(),
                picture: PictureContract::default(),
                network: Network { backbone: "none".to_owned(), embedding_values: 4, quantisation: "none".to_owned() },
                category14: Head { taxonomy: Taxonomy::category14(), temperature: 1.5 },
                category26: Head { taxonomy: Taxonomy::category26(), temperature: 0.5 },
                rejection: Rejection {
                    score: RejectionScore { weights: vec![0.25; 8], bias: 0.1 },
                    garment: point(0.5),
                    known: point(0.4),
                },
                matching: Matching { confident: point(0.7), similar: Some(point(0.3)) },
                golden_tolerance: BTreeMap::from([
                    (ArithmeticClass::Float, tolerance),
                    (ArithmeticClass::Int8, tolerance),
                ]),
                licence_class: LicenceClass::Commercial,
                sources: vec![Source {
                    name: "test".to_owned(),
                    licence: "CC0-1.0".to_owned(),
                    attribution: String::new(),
                    class: LicenceClass::Commercial,
                    photos: 1,
                    items: 1,
                }],
                files: BTreeMap::new(),
            },
            network: b"a network".to_vec(),
            golden: vec![photo("00"), photo("01")],
            model_card: "# Test\n".to_owned(),
            licences: BTreeMap::from([("CC0-1.0.txt".to_owned(), "text".to_owned())]),
        }
    }

    fn round_trip(bundle: &Bundle) -> Bundle {
        let mut read = Bundle::from_bytes(&bundle.to_bytes().unwrap()).unwrap();
        read.manifest.files.clear();
        read
    }

    #[test]
    fn what_was_written_is_read_and_writes_the_same_bytes() {
        let bundle = bundle();
        assert_eq!(round_trip(&bundle), bundle);
        assert_eq!(bundle.to_bytes().unwrap(), round_trip(&bundle).to_bytes().unwrap());
    }

    /// A bundle of other objects: a head of two and one of three.
    #[test]
    fn heads_have_as_many_categories_as_their_lists_say() {
        let mut other = bundle();
        other.manifest.category14.taxonomy.categories.truncate(2);
        other.manifest.category26.taxonomy.categories.truncate(3);
        let torn = Bundle::from_bytes(&other.to_bytes().unwrap()).unwrap_err().to_string();
        assert!(
            torn.contains("expected 72 for 2 photographs"),
            "the golden answers are still those of 14 and 26: {torn}"
        );
        for answer in other.golden.iter_mut().flat_map(|photo| photo.answers.values_mut()) {
            answer.category14.truncate(2);
            answer.category26.truncate(3);
        }
        assert_eq!(round_trip(&other), other);
        let categories = &mut other.manifest.category26.taxonomy.categories;
        categories[2].key = categories[0].key.clone();
        let said = other.to_bytes().unwrap_err().to_string();
        assert!(said.contains("category26: categories 1 and 3 have the same key `tshirt`"), "{said}");
    }

    #[test]
    fn an_altered_network_is_named() {
        let mut bytes = bundle().to_bytes().unwrap();
        let at = bytes.windows(9).position(|w| w == b"a network").unwrap();
        bytes[at] = b'A';
        match Bundle::from_bytes(&bytes) {
            Err(BundleProblem::Altered { name, .. }) => assert_eq!(name, "network.onnx"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_newer_format_says_who_wrote_it() {
        let mut newer = bundle().to_bytes().unwrap();
        let key = b"\"format\": 1,";
        let at = newer.windows(key.len()).position(|w| w == key).unwrap();
        newer[at + key.len() - 2] = b'9';
        assert_eq!(Bundle::from_bytes(&newer), Err(BundleProblem::Newer { found: 9, written_by: "test 0".to_owned() }));
    }

    #[test]
    fn parts_that_do_not_fit_are_refused_before_writing() {
        let mut bad = bundle();
        bad.golden[1].answers.remove(&ArithmeticClass::Int8);
        assert!(matches!(bad.to_bytes(), Err(BundleProblem::Content { .. })));
        let mut bad = bundle();
        bad.manifest.rejection.score.weights.pop();
        assert!(bad.to_bytes().unwrap_err().to_string().contains("7 weights, expected 8"));
        let mut bad = bundle();
        bad.manifest.category14.temperature = 0.0;
        assert!(bad.to_bytes().is_err());
    }

    #[test]
    fn nothing_and_other_files_are_refused() {
        for bytes in [&b""[..], b"hello", &[0; 1024]] {
            assert!(matches!(Bundle::from_bytes(bytes), Err(BundleProblem::Archive { .. })), "{}", bytes.len());
        }
    }

    proptest! {
        #[test]
        fn no_truncation_is_accepted(share in 0.0f64..1.0) {
            let bytes = bundle().to_bytes().unwrap();
            // A tar ends in two empty blocks; cutting into those alone loses nothing.
            let length = ((bytes.len() - 1024) as f64 * share) as usize;
            prop_assert!(Bundle::from_bytes(&bytes[..length]).is_err());
        }

        #[test]
        fn no_flipped_byte_changes_what_is_read(at in 0usize..1_000_000, mask in 1u8..) {
            let bundle = bundle();
            let mut bytes = bundle.to_bytes().unwrap();
            let at = at % bytes.len();
            bytes[at] ^= mask;
            // `bundle.json` itself is covered by the signature, not by a hash of its own; everything else must not differ.
            if let Ok(read) = Bundle::from_bytes(&bytes) {
                prop_assert_eq!(&read.network, &bundle.network);
                prop_assert_eq!(&read.golden, &bundle.golden);
                prop_assert_eq!(&read.licences, &bundle.licences);
            }
        }
    }
}
