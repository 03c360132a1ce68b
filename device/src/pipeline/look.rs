//! What is done with one frame or photograph: decode, picture, network, reading, search.

mod error;

use super::gate::{Decision, Gate};
use super::result::{LiveReading, Looked};
use super::second_look::SecondLook;
use super::supervise::in_words;
use crate::camera::{Frame, FrameDecoder, FrameNumber, Sampler};
use crate::catalogue::store::Embedded;
use crate::catalogue::{Filter, Gallery, Match, Matches, Search};
use crate::health::{CatalogueState, Health, Stage};
use crate::network::golden;
use crate::network::{Answer, EngineChoice, PhotoPath};
use crate::reading::{Reader, Steady, Verdict};
use clothingid_shared::bundle::{Bundle, Matching};
use clothingid_shared::embedding::{Embedding, cosine, l2_normalise};
use clothingid_shared::picture::{Picture, PictureMaker};
pub use error::LookError;
use std::sync::Arc;
use std::time::Instant;

/// Share of the newest frame in the averaged embedding of a scene: about the last three frames count.
const NEWEST: f32 = 0.4;

/// Cosine of two looks at one scene that stands still, at least: noise of a sensor changes it little.
const SAME_SCENE: f32 = 0.85;

/// What a looker is made of.
#[derive(Clone)]
pub struct LookerSettings {
    /// Network, labels, thresholds.
    pub bundle: Arc<Bundle>,
    /// Which engine runs it.
    pub engine: EngineChoice,
    /// Threads of the network.
    pub threads: usize,
    /// Where matches come from.
    pub gallery: Arc<dyn Gallery + Send + Sync>,
    /// Matches of one reading, at most.
    pub matches: usize,
    /// Whether each frame is looked at twice, the second time where the garment is.
    pub second_look: bool,
}

/// Looks at pictures with one engine; keeps all buffers.
pub struct Looker {
    path: PhotoPath,
    maker: PictureMaker,
    reader: Reader,
    gallery: Arc<dyn Gallery + Send + Sync>,
    matches: usize,
    garment_threshold: f64,
    matching: Matching,
    engine_name: String,
    decoder: FrameDecoder,
    input: Picture,
    answer: Answer,
    sampler: Sampler,
    second: Option<SecondLook>,
    gate: Gate,
    steady: Steady,
    averaged: Vec<f32>,
    /// What was said of the frame that the network looked at last.
    said: LiveReading,
}

impl Looker {
    /// Opens the engine and has it answer the first golden photographs.
    ///
    /// **Errors** the engine is missing, does not load the network, or gives other answers than the bundle promises.
    pub fn open(settings: &LookerSettings) -> Result<Self, LookError> {
        Self::of(PhotoPath::new(&settings.bundle, settings.engine, settings.threads)?, settings)
    }

    /// As [`Looker::open`], with an engine that is open already.
    ///
    /// **Errors** the engine gives other answers than the bundle promises.
    pub fn of(mut path: PhotoPath, settings: &LookerSettings) -> Result<Self, LookError> {
        let bundle = &settings.bundle;
        golden::check(&mut path, bundle, golden::AT_START)?;
        let second = settings.second_look.then(|| SecondLook::new(bundle, path.engine())).transpose()?;
        Ok(Self {
            second,
            maker: PictureMaker::new(bundle.manifest.picture.clone()),
            reader: Reader::new(bundle)?,
            gallery: Arc::clone(&settings.gallery),
            matches: settings.matches,
            garment_threshold: bundle.manifest.rejection.garment.threshold,
            matching: bundle.manifest.matching.clone(),
            engine_name: path.engine().name().to_owned(),
            decoder: FrameDecoder::new(),
            input: Picture::default(),
            answer: Answer::default(),
            sampler: Sampler::new(bundle.manifest.picture.clone()),
            gate: Gate::new(),
            said: LiveReading::default(),
            steady: Steady::new(bundle)?,
            averaged: Vec::new(),
            path,
        })
    }

    /// The engine that answers, as in each answer.
    #[must_use]
    pub fn engine_name(&self) -> &str {
        &self.engine_name
    }

    /// Looks at `looked.frame`, a frame of a stream, and puts the reading beside it; it is steadied over the frames of a scene. Of a frame that shows nothing
    /// new, the reading before is said again.
    ///
    /// **Errors** [`LookError`]; see [`LookError::is_the_pictures`].
    pub fn look_into(&mut self, looked: &mut Looked, health: &Health) -> Result<(), LookError> {
        let metrics = &health.metrics;
        let Looked { frame, reading } = looked;
        let reading = reading.get_or_insert_default();
        let started = Instant::now();
        self.picture(frame, health)?;
        let decision = self.gate.decide(self.input.rgb(), started);
        if decision == Decision::Rest {
            metrics.count(&metrics.frames_rested);
            reading.copy_from(&self.said);
        } else {
            self.answer_into(reading, frame, decision, health)?;
            let is_garment = reading.reading.garment >= self.garment_threshold;
            self.gate.saw(is_garment, started);
            // A garment that lies there unmoved all night is no customer.
            if is_garment && decision != Decision::LookAgain {
                health.activity.note();
            }
            self.said.copy_from(reading);
        }
        reading.path.clone_from(&frame.name);
        reading.frame = frame.number;
        reading.ms = started.elapsed().as_secs_f64() * 1000.0;
        Ok(())
    }

    /// Whether a frame that comes now is to be passed over: nothing has happened for a while.
    pub fn passes_over(&mut self) -> bool {
        self.gate.passes_over(Instant::now())
    }

    /// Whether nothing has happened for a while.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.gate.is_idle(Instant::now())
    }

    /// Makes the network's input of a frame: sampled where its format allows it, else decoded and resized.
    fn picture(&mut self, frame: &Frame, health: &Health) -> Result<(), LookError> {
        let metrics = &health.metrics;
        let started = Instant::now();
        if self.sampler.takes(frame) {
            self.sampler.sample(frame, &mut self.input)?;
            metrics.took(Stage::Picture, started.elapsed());
            return Ok(());
        }
        let picture = self.decoder.decode(frame)?;
        let decoded = Instant::now();
        metrics.took(Stage::Decode, decoded - started);
        let input = self.maker.make_into(picture, &mut self.input);
        self.decoder.let_go_if_large();
        input?;
        metrics.took(Stage::Picture, decoded.elapsed());
        Ok(())
    }

    /// Answers for the picture in `self.input`, which is of `frame`.
    fn answer_into(
        &mut self,
        said: &mut LiveReading,
        frame: &Frame,
        decision: Decision,
        health: &Health,
    ) -> Result<(), LookError> {
        let metrics = &health.metrics;
        let started = Instant::now();
        self.path.engine_mut().run(&self.input, &mut self.answer)?;
        if let Some(second) = &mut self.second {
            let decoded = if self.sampler.takes(frame) { None } else { self.decoder.last() };
            second.look(frame, decoded, self.path.engine_mut(), &mut self.answer)?;
        }
        metrics.took(Stage::Network, started.elapsed());
        // Of a scene that stands still the network says the same again, unless another garment of the same colours has come.
        let is_exchanged =
            decision == Decision::LookAgain && cosine(&self.averaged, &self.answer.embedding) < SAME_SCENE;
        if is_exchanged {
            self.gate.restart();
        }
        if decision == Decision::NewScene || is_exchanged {
            metrics.count(&metrics.scenes);
            self.steady.reset();
            self.averaged.clear();
        }
        self.steady.push_into(&self.input, &self.answer, &mut said.reading);
        average(&mut self.averaged, &self.answer.embedding);
        let searching = Instant::now();
        // A picture of no garment resembles some garment too; only a garment is worth a search.
        said.matches.clear();
        if said.reading.garment >= self.garment_threshold {
            let searched = self.search(&Search::of(&self.averaged, self.matches), &mut said.matches);
            without_the_catalogue(searched, health)?;
        }
        metrics.took(Stage::Search, searching.elapsed());
        said.verdict = self.verdict(&said.matches);
        said.confident = said.verdict.is_confident();
        said.engine.clone_from(&self.engine_name);
        Ok(())
    }

    /// Looks at one photograph on its own, and finds `top` matches for it that the filter takes.
    ///
    /// **Errors** [`LookError`]; see [`LookError::is_the_pictures`].
    pub fn look_once(
        &mut self,
        name: &str,
        photo: &[u8],
        top: usize,
        filter: &Filter,
    ) -> Result<LiveReading, LookError> {
        let started = Instant::now();
        let (picture, answer) = self.path.seen(photo)?;
        let reading = self.reader.read(picture, answer);
        self.averaged.clone_from(&answer.embedding);
        let mut matches = Matches::default();
        if top > 0 {
            self.search(&Search::of(&self.averaged, top).among(filter), &mut matches)?;
        }
        let verdict = self.verdict(&matches);
        Ok(LiveReading {
            path: name.to_owned(),
            confident: verdict.is_confident(),
            verdict,
            reading,
            ms: started.elapsed().as_secs_f64() * 1000.0,
            engine: self.engine_name.clone(),
            matches,
            frame: FrameNumber::default(),
        })
    }

    /// The embedding of one photograph in both forms that a catalogue keeps.
    ///
    /// **Errors** [`LookError`]; see [`LookError::is_the_pictures`].
    pub fn embed_once(&mut self, photo: &[u8]) -> Result<Embedded, LookError> {
        let mut floats = self.path.answer(photo)?.embedding.clone();
        let quantised = Embedding::quantise(&floats)?;
        l2_normalise(&mut floats);
        Ok(Embedded { quantised, floats })
    }

    fn search(&self, search: &Search<'_>, matches: &mut Matches) -> Result<(), LookError> {
        Ok(self.gallery.search_into(search, matches)?)
    }

    fn verdict(&self, matches: &[Match]) -> Verdict {
        Verdict::of(matches.first().map(|best| best.similarity), &self.matching)
    }
}

/// What a garment is can be said without the catalogue: a search that fails gives no matches, is said once, and the page shows it.
fn without_the_catalogue(searched: Result<(), LookError>, health: &Health) -> Result<(), LookError> {
    match searched {
        Err(error @ LookError::Gallery(_)) => {
            if health.set_catalogue(CatalogueState::Failed) {
                health.events.say(format!("{}; readings go on without matches", in_words(&error)));
            }
            Ok(())
        }
        Ok(()) => {
            if health.set_catalogue(CatalogueState::Ok) {
                health.events.say("the catalogue can be searched again");
            }
            Ok(())
        }
        other => other,
    }
}

/// Moves the averaged embedding of a scene towards the newest one.
fn average(averaged: &mut Vec<f32>, newest: &[f32]) {
    if averaged.len() != newest.len() {
        averaged.clear();
        averaged.extend_from_slice(newest);
        return;
    }
    for (mean, new) in averaged.iter_mut().zip(newest) {
        *mean += NEWEST * (new - *mean);
    }
    l2_normalise(averaged);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::GalleryError;
    use clothingid_shared::embedding::EmbeddingError;

    #[test]
    fn a_catalogue_that_fails_costs_the_matches_and_nothing_else() {
        let health = Health::silent();
        let failed = || Err(LookError::Gallery(GalleryError::ValueCount { expected: 4, found: 3 }));
        for _ in 0..3 {
            without_the_catalogue(failed(), &health).unwrap();
        }
        assert_eq!(health.status().catalogue, CatalogueState::Failed);
        assert_eq!(health.events.newest(9).len(), 1, "said once");
        assert!(without_the_catalogue(Ok(()), &health).is_ok());
        assert_eq!(health.status().catalogue, CatalogueState::Ok);
        let network = Err(EmbeddingError::Empty.into());
        assert!(without_the_catalogue(network, &health).is_err(), "what is not the catalogue's stays an error");
        assert!(failed().unwrap_err().spares_the_looker());
    }

    /// A catalogue whose file has become unreadable; counts how often it was asked.
    #[derive(Default)]
    struct Unreadable(std::sync::atomic::AtomicUsize);

    impl Gallery for Unreadable {
        fn search_into(&self, _search: &Search<'_>, _matches: &mut Matches) -> Result<(), GalleryError> {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            Err(GalleryError::ValueCount { expected: 4, found: 3 })
        }
    }

    #[test]
    fn a_garment_is_named_while_the_catalogue_cannot_be_read() {
        let bundle = Arc::new(crate::network::read_bundle(None).unwrap());
        let gallery = Arc::new(Unreadable::default());
        let settings = LookerSettings {
            bundle: Arc::clone(&bundle),
            engine: EngineChoice::Cpu,
            threads: 1,
            gallery: Arc::<Unreadable>::clone(&gallery),
            matches: 5,
            second_look: false,
        };
        let mut looker = Looker::open(&settings).unwrap();
        let health = Health::silent();
        for photo in &bundle.golden {
            let frame = Frame { bytes: photo.photo.clone(), ..Frame::empty() };
            let mut looked = Looked { frame, reading: None };
            looker.look_into(&mut looked, &health).unwrap();
            assert!(looked.reading.unwrap().matches.is_empty());
        }
        assert!(gallery.0.load(std::sync::atomic::Ordering::Relaxed) > 1, "a garment is searched for");
        assert_eq!(health.status().catalogue, CatalogueState::Failed);
        assert_eq!(health.events.newest(9).len(), 1, "said once");
        let upload = looker.look_once("a.jpg", &bundle.golden[0].photo, 5, &Filter::default());
        assert!(upload.unwrap_err().spares_the_looker(), "who asks for a search alone is told");
    }

    #[test]
    fn a_still_frame_is_answered_as_before_and_the_network_rests() {
        let bundle = Arc::new(crate::network::read_bundle(None).unwrap());
        let settings = LookerSettings {
            bundle: Arc::clone(&bundle),
            engine: EngineChoice::Cpu,
            threads: 1,
            gallery: Arc::new(Unreadable::default()),
            matches: 5,
            second_look: false,
        };
        let (mut looker, health) = (Looker::open(&settings).unwrap(), Health::silent());
        let frame = Frame { bytes: bundle.golden[0].photo.clone(), name: "a".into(), ..Frame::empty() };
        let mut looked = Looked { frame, reading: None };
        for number in 1..=40 {
            looked.frame.number = FrameNumber(number);
            looker.look_into(&mut looked, &health).unwrap();
        }
        let rested = health.metrics.frames_rested.load(std::sync::atomic::Ordering::Relaxed);
        assert!((20..=28).contains(&rested), "{rested} of 40");
        let said = looked.reading.unwrap();
        assert_eq!((said.frame, said.path.as_str()), (FrameNumber(40), "a"));
        assert_eq!(said.engine, looker.engine_name());
        assert!(!said.reading.category26.label.is_empty());
    }

    #[test]
    fn the_average_starts_at_the_first_and_goes_to_the_newest() {
        let mut averaged = Vec::new();
        average(&mut averaged, &[1.0, 0.0]);
        assert_eq!(averaged, [1.0, 0.0]);
        for _ in 0..40 {
            average(&mut averaged, &[0.0, 1.0]);
        }
        assert!(averaged[0].abs() < 1e-6 && (averaged[1] - 1.0).abs() < 1e-6, "{averaged:?}");
    }
}
