//! Does a customer's photograph find the shop's photograph of the garment? Two *proxies*, and named so wherever a figure is quoted: no
//! source has photographs by customers paired with a shop's.
//!
//! - *Worn*: garments that people sewed and photographed on themselves. Each such photograph asks for another one of the same garment, among
//!   them and all gallery photographs of the part. Queries are as customers take them; answers are not a shop's.
//! - *Pasted*: garments cut out of studio photographs and pasted onto photographs of other things ask for the photographs that they were cut
//!   from. Answers are a shop's; queries show the very same pixels, smaller and elsewhere, so that no fold or light differs.

use clothingid_shared::picture::{Picture, PictureContract};
use serde::Serialize;

use super::baseline::FEATURES;
use super::compared::{Compared, mean};
use super::engine::{Engine, answer};
use super::error::EvaluateError;
use super::localisation::composites::Composite;
use super::photos::{Photos, Sample};
use super::retrieval::Retrieval;
use crate::export::ExportError;
use crate::export::answers::{NamedAnswers, take_output};
use crate::import::progress::Progress;
use crate::import::{Part, ViewSplit};
use crate::network::heads::EMBEDDING;
use crate::pack::Pack;

/// What the key of a source begins with whose garments are worn by the people who photographed them.
const WORN: &str = "freesewing";
/// Answers among which the right one is looked for.
const RANKS: [usize; 3] = [1, 5, 20];

/// What stands in for customers and a shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Proxy {
    /// Worn garments ask for other photographs of themselves.
    Worn,
    /// Pasted garments ask for the photographs that they were cut from.
    Pasted,
}

impl Proxy {
    /// What is asked and answered, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Worn => {
                "worn garments against their other views among all gallery photographs: the queries are as customers take them, the answers \
                 are no shop's"
            }
            Self::Pasted => {
                "garments pasted onto other photographs against the shop's photographs that they were cut from: the answers are a shop's, the \
                 queries show the same pixels smaller and elsewhere"
            }
        }
    }
}

/// What was found by one proxy.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProxyFigures {
    /// Which.
    pub proxy: Proxy,
    /// Photographs that ask.
    pub queries: usize,
    /// Garments among them.
    pub garments: usize,
    /// Photographs that are searched.
    pub gallery: usize,
    /// R@1, R@5, R@20 and mAP of both.
    pub measures: Vec<Compared>,
}

/// The bundle's network beside the one with the raw features.
#[derive(Debug, Clone, Copy)]
pub struct Networks<'a> {
    /// The raw features, as [`super::baseline::features_engine`] gives them.
    pub rival: &'a Engine,
    /// The bundle.
    pub bundle: &'a Engine,
    /// How a photograph becomes the picture of both.
    pub contract: &'a PictureContract,
}

/// The vectors by which photographs are compared: by the raw features, and by the bundle.
#[derive(Debug, Clone, Default, PartialEq)]
struct Vectors {
    rival: Vec<Vec<f32>>,
    bundle: Vec<Vec<f32>>,
}

impl Vectors {
    fn take(mut rival: Vec<NamedAnswers>, mut bundle: Vec<NamedAnswers>) -> Result<Self, ExportError> {
        Ok(Self { rival: take_output(&mut rival, FEATURES)?, bundle: take_output(&mut bundle, EMBEDDING)? })
    }

    fn of_photos(networks: Networks<'_>, photos: &Photos<'_>, progress: &Progress) -> Result<Self, EvaluateError> {
        let both = [networks.rival, networks.bundle];
        let mut answers = answer(&both, photos, networks.contract, "photographs of the gallery", progress)?.into_iter();
        let mut next = || answers.next().unwrap_or_default();
        Ok(Self::take(next(), next())?)
    }

    fn of_composites(
        networks: Networks<'_>,
        composites: &[Composite],
        progress: &Progress,
    ) -> Result<Self, EvaluateError> {
        let make = |composite: &Composite| networks.contract.make(&composite.picture).map(Picture::into_rgb);
        let pictures: Vec<Vec<u8>> = composites
            .iter()
            .map(make)
            .collect::<Result<_, _>>()
            .map_err(|source| EvaluateError::Photo { path: "a composite".into(), source: Box::new(source) })?;
        progress.begin("pasted garments", pictures.len() * 2);
        let (rival, bundle) = (networks.rival.run(&pictures, progress)?, networks.bundle.run(&pictures, progress)?);
        progress.end();
        Ok(Self::take(rival, bundle)?)
    }

    fn followed_by(mut self, other: Self) -> Self {
        self.rival.extend(other.rival);
        self.bundle.extend(other.bundle);
        self
    }
}

fn is_worn(sample: &Sample) -> bool {
    sample.is_garment && sample.source.starts_with(WORN)
}

/// The worn garments of the report part; none where no worn garment has a second photograph.
///
/// # Errors
/// A photograph cannot be read, or a network not be run.
pub fn worn(networks: Networks<'_>, pack: &Pack, progress: &Progress) -> Result<Option<ProxyFigures>, EvaluateError> {
    let mut photos = Photos::of_pack(pack, &pack.rows_in(Part::Report))?;
    photos.samples.retain(|s| is_worn(s) || s.is_garment && s.view_split == ViewSplit::Gallery);
    let queries = worn_queries(&photos.samples);
    if queries.is_empty() {
        return Ok(None);
    }
    let vectors = Vectors::of_photos(networks, &photos, progress)?;
    let gallery: Vec<usize> = (0..photos.samples.len()).collect();
    Ok(figures(Proxy::Worn, &photos.samples, &vectors, queries, &gallery))
}

/// Worn garments of which there is another photograph.
fn worn_queries(samples: &[Sample]) -> Vec<usize> {
    let has_other = |query: usize| (0..samples.len()).any(|g| g != query && samples[g].item == samples[query].item);
    (0..samples.len()).filter(|&q| is_worn(&samples[q]) && has_other(q)).collect()
}

/// Pasted garments, as [`super::localisation::composites::compose`] makes them; none without any.
///
/// # Errors
/// A photograph cannot be read, or a network not be run.
pub fn pasted(
    networks: Networks<'_>,
    pack: &Pack,
    composites: &[Composite],
    progress: &Progress,
) -> Result<Option<ProxyFigures>, EvaluateError> {
    let rows: Vec<usize> = composites.iter().map(|composite| composite.row).collect();
    let photos = Photos::of_pack(pack, &rows)?;
    let vectors = Vectors::of_photos(networks, &photos, progress)?;
    let vectors = vectors.followed_by(Vectors::of_composites(networks, composites, progress)?);
    // What is known of a composite is what is known of the photograph that it was cut from.
    let samples = [photos.samples.as_slice(), &photos.samples].concat();
    let gallery: Vec<usize> = (0..rows.len()).collect();
    Ok(figures(Proxy::Pasted, &samples, &vectors, (rows.len()..samples.len()).collect(), &gallery))
}

/// Searches with both kinds of vectors; none without queries.
fn figures(
    proxy: Proxy,
    samples: &[Sample],
    vectors: &Vectors,
    queries: Vec<usize>,
    gallery: &[usize],
) -> Option<ProxyFigures> {
    if queries.is_empty() {
        return None;
    }
    let found = [&vectors.rival, &vectors.bundle].map(|vectors| {
        let vectors: Vec<&[f32]> = vectors.iter().map(Vec::as_slice).collect();
        Retrieval::search(samples, &vectors, queries.clone(), gallery)
    });
    let mut items: Vec<usize> = queries.iter().map(|&query| samples[query].item).collect();
    items.sort_unstable();
    items.dedup();
    let [rival, bundle] = &found;
    let is_found = |of: &Retrieval, k: usize, place: usize| of.ranks[place].is_some_and(|rank| rank < k);
    let recall = |k: usize| {
        Compared::shares(&format!("R@{k}"), &rival.groups, |p| is_found(rival, k, p), |p| is_found(bundle, k, p))
    };
    let mut measures: Vec<Compared> = RANKS.into_iter().map(recall).collect();
    let precision = found
        .each_ref()
        .map(|of| -> Vec<f64> { (0..of.queries.len()).map(|place| of.average_precision(place)).collect() });
    let map = |of: usize| {
        let precision = &precision[of];
        move |drawn: &[usize]| mean(drawn, |place| precision[place])
    };
    measures.push(Compared::figures("mAP", &rival.groups, map(0), map(1)));
    Some(ProxyFigures { proxy, queries: queries.len(), garments: items.len(), gallery: gallery.len(), measures })
}

#[cfg(test)]
mod tests {
    use super::{Proxy, Sample, Vectors, figures, worn_queries};
    use crate::evaluate::Photos;
    use crate::pack::{Pack, sample};

    /// The photographs of a small pack, those of every second garment worn.
    fn samples() -> Vec<Sample> {
        let folder = tempfile::tempdir().unwrap();
        let out = folder.path().join("pack");
        sample::pack(&sample::manifest(folder.path(), 40), &out).unwrap();
        let pack = Pack::open(&out).unwrap();
        let mut samples = Photos::of_pack(&pack, &(0..pack.rows().len()).collect::<Vec<_>>()).unwrap().samples;
        for sample in samples.iter_mut().filter(|sample| sample.item % 2 == 0) {
            sample.source = "freesewing_showcase".to_owned();
        }
        samples
    }

    /// A vector for each photograph by which all photographs of a garment are alike, and one by which all are.
    fn vectors(samples: &[Sample]) -> Vectors {
        let items = samples.iter().map(|s| s.item).max().unwrap() + 1;
        let own = |s: &Sample| (0..items).map(|item| f32::from(u8::from(item == s.item))).collect();
        Vectors { rival: vec![vec![1.0, 1.0]; samples.len()], bundle: samples.iter().map(own).collect() }
    }

    #[test]
    fn a_worn_garment_asks_for_its_other_photographs_and_never_finds_itself() {
        let samples = samples();
        let queries = worn_queries(&samples);
        assert!(queries.len() > 6);
        for &query in &queries {
            let others = samples.iter().filter(|s| s.item == samples[query].item).count();
            assert!(others > 1 && samples[query].is_garment && samples[query].source.starts_with("freesewing"));
        }
        let gallery: Vec<usize> = (0..samples.len()).collect();
        let found = figures(Proxy::Worn, &samples, &vectors(&samples), queries.clone(), &gallery).unwrap();
        assert!(found.garments < found.queries && found.queries == queries.len(), "{found:?}");
        let names: Vec<&str> = found.measures.iter().map(|m| m.measure.as_str()).collect();
        assert_eq!(names, ["R@1", "R@5", "R@20", "mAP"]);
        assert_eq!((found.measures[0].rival.value, found.measures[0].bundle.value), (0.0, 1.0));
        assert_eq!((found.measures[3].bundle.value, found.measures[0].gain.value), (1.0, 1.0));
        assert!(found.measures[3].rival.value < 0.5);
    }

    #[test]
    fn a_pasted_garment_finds_the_photograph_that_it_was_cut_from() {
        let once = samples();
        let samples = [once.as_slice(), &once].concat();
        let gallery: Vec<usize> = (0..once.len()).collect();
        let of = |vectors: &Vectors| {
            figures(Proxy::Pasted, &samples, vectors, (once.len()..samples.len()).collect(), &gallery).unwrap()
        };
        let found = of(&vectors(&once).followed_by(vectors(&once)));
        assert_eq!((found.gallery, found.queries), (once.len(), once.len()));
        assert_eq!(found.measures[0].bundle.value, 1.0);
        // Queries that belong to other garments find none of theirs.
        let mut spoiled = vectors(&once);
        spoiled.bundle.rotate_left(5);
        assert!(of(&vectors(&once).followed_by(spoiled)).measures[0].bundle.value < 0.5);
        assert_eq!(figures(Proxy::Pasted, &samples, &vectors(&samples), Vec::new(), &gallery), None);
    }
}
