//! The whole path of a photograph: bytes → decode → picture → engine → answer.
//!
//! Everything that answers about a photograph goes this way: `classify`, `search`, the catalogue's import, the live
//! pipeline and the golden answers. Buffers are kept between photographs.

use super::engine::{Answer, Engine, EngineChoice, EngineError, Opened, Why, open};
use clothingid_shared::bundle::Bundle;
use clothingid_shared::picture::{Picture, PictureError, PictureMaker, decode_into};

/// A photograph that got no answer.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// The bytes are no photograph that we read.
    #[error(transparent)]
    Picture(#[from] PictureError),
    /// The engine failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
}

/// An engine with the picture function of its bundle before it.
pub struct PhotoPath {
    engine: Box<dyn Engine>,
    why: Option<Why>,
    maker: PictureMaker,
    decoded: Picture,
    input: Picture,
    answer: Answer,
}

impl PhotoPath {
    /// Opens the bundle's network on the engine that was asked for.
    ///
    /// # Errors
    /// The engine is missing or cannot run the network, or network and picture contract disagree about the side.
    pub fn new(bundle: &Bundle, choice: EngineChoice, threads: usize) -> Result<Self, EngineError> {
        Self::with_engine(open(choice, bundle, threads)?, bundle)
    }

    /// Puts the bundle's picture function before an engine that is open.
    pub(super) fn with_engine(opened: Opened, bundle: &Bundle) -> Result<Self, EngineError> {
        let Opened { engine, why } = opened;
        let contract = bundle.manifest.picture.clone();
        if contract.side != engine.side() {
            return Err(EngineError::Form {
                what: "side".to_string(),
                expected: format!("{} as in `bundle.json`", contract.side),
                found: engine.side().to_string(),
            });
        }
        let mut path = Self {
            engine,
            why,
            maker: PictureMaker::new(contract),
            decoded: Picture::default(),
            input: Picture::default(),
            answer: Answer::default(),
        };
        path.try_once(bundle)?;
        Ok(path)
    }

    /// One run on a blank picture: engine and memory are warm, and the outputs have the sizes that readers rely on.
    fn try_once(&mut self, bundle: &Bundle) -> Result<(), EngineError> {
        let side = self.engine.side();
        let blank = Picture::filled(side, side, bundle.manifest.picture.background);
        self.engine.run(&blank, &mut self.answer)?;
        let found = [&self.answer.category14, &self.answer.category26, &self.answer.embedding].map(Vec::len);
        let expected = [
            bundle.manifest.category14.taxonomy.len(),
            bundle.manifest.category26.taxonomy.len(),
            bundle.manifest.network.embedding_values,
        ];
        if found != expected {
            let (what, expected, found) = ("outputs".to_string(), format!("{expected:?}"), format!("{found:?}"));
            return Err(EngineError::Form { what, expected, found });
        }
        self.input = blank;
        Ok(())
    }

    /// The answer to a JPEG, PNG or WebP file.
    ///
    /// # Errors
    /// [`PathError`]; the next photograph is not affected.
    pub fn answer(&mut self, photo: &[u8]) -> Result<&Answer, PathError> {
        decode_into(photo, &mut self.decoded)?;
        let made = self.maker.make_into(&self.decoded, &mut self.input);
        self.decoded.let_go_if_large();
        made?;
        self.engine.run(&self.input, &mut self.answer)?;
        Ok(&self.answer)
    }

    /// The answer to a picture that is already decoded, of any size.
    ///
    /// # Errors
    /// As [`PhotoPath::answer`].
    pub fn answer_picture(&mut self, picture: &Picture) -> Result<&Answer, PathError> {
        self.maker.make_into(picture, &mut self.input)?;
        self.engine.run(&self.input, &mut self.answer)?;
        Ok(&self.answer)
    }

    /// The picture that the network saw last.
    #[must_use]
    pub fn picture(&self) -> &Picture {
        &self.input
    }

    /// As [`PhotoPath::answer`], with the picture that the network saw.
    ///
    /// # Errors
    /// As there.
    pub fn seen(&mut self, photo: &[u8]) -> Result<(&Picture, &Answer), PathError> {
        self.answer(photo)?;
        Ok((&self.input, &self.answer))
    }

    /// The engine that answers.
    #[must_use]
    pub fn engine(&self) -> &dyn Engine {
        self.engine.as_ref()
    }

    /// Why it is this engine, where `auto` chose it.
    #[must_use]
    pub fn why(&self) -> Option<&Why> {
        self.why.as_ref()
    }

    /// The engine alone, for measuring it.
    pub fn engine_mut(&mut self) -> &mut dyn Engine {
        self.engine.as_mut()
    }
}
