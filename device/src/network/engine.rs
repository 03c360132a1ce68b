//! What every engine is, and which one runs.

use super::auto;
use super::cpu::CpuEngine;
use super::gpu::{AdapterChoice, Arithmetic, GpuEngine, GpuError};
use super::plan::{Elements, Plan};
use super::tract::TractEngine;
use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::ArithmeticClass;
use clothingid_shared::picture::Picture;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// What the network says of one picture.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Answer {
    /// `[14]` logits in the order of the 14 categories.
    pub category14: Vec<f32>,
    /// `[26]` logits in the order of the 26 categories.
    pub category26: Vec<f32>,
    /// `[256]` values of length one.
    pub embedding: Vec<f32>,
}

/// Something that runs the bundle's network.
pub trait Engine: Send {
    /// How every answer of this engine is signed, as `cpu: int8 avx2`: the engine, the arithmetic class, what runs it.
    fn name(&self) -> &str;

    /// Which of the bundle's two answer sets holds for this engine.
    fn arithmetic(&self) -> ArithmeticClass;

    /// The side of the picture that the network sees, in pixels.
    fn side(&self) -> u32;

    /// How many threads work on one picture.
    fn threads(&self) -> usize;

    /// How often what the engine runs on was lost and built again.
    fn rebuilt(&self) -> u64 {
        0
    }

    /// Runs one picture. The buffers of `answer` are reused.
    ///
    /// **Shapes** picture `[side, side, 3]` RGB bytes; answer see [`Answer`].
    ///
    /// # Errors
    /// [`EngineError::Picture`] when the picture has another size; [`EngineError::Run`] when the engine fails.
    fn run(&mut self, picture: &Picture, answer: &mut Answer) -> Result<(), EngineError>;

    /// Runs one picture and shows the result of each layer of the plan, in running order.
    ///
    /// # Errors
    /// [`EngineError::NoNodes`] of an engine that does not run the plan, and those of [`Engine::run`].
    fn run_by_node(&mut self, _picture: &Picture, _see: &mut dyn FnMut(&str, &Elements)) -> Result<(), EngineError> {
        Err(EngineError::NoNodes(self.name().to_string()))
    }

    /// The result of one layer of the plan in the last run, where it is bytes and the engine still has them.
    fn bytes_of(&self, _layer: usize) -> Option<&[u8]> {
        None
    }

    /// Runs one picture and tells how long each layer of the plan took, in running order.
    ///
    /// # Errors
    /// As [`Engine::run_by_node`]; [`EngineError::NoClock`].
    fn layer_times(&mut self, _picture: &Picture) -> Result<Vec<Duration>, EngineError> {
        Err(EngineError::NoNodes(self.name().to_string()))
    }

    /// The most multiply-adds a second of the hardware below, on all of the engine's threads; none where that is not known.
    fn products_per_second(&self) -> Option<f64> {
        None
    }

    /// How far the real numbers of a layer may be from those of the plan's definition, relative to the layer's largest.
    fn float_bound(&self) -> f32 {
        FLOAT_BOUND
    }
}

/// [`Engine::float_bound`] of engines in integers.
pub(super) const FLOAT_BOUND: f32 = 1e-5;

/// Refuses a picture of another size than the network's.
pub(super) fn check_side(picture: &Picture, side: u32) -> Result<(), EngineError> {
    let (width, height) = (picture.width(), picture.height());
    if (width, height) == (side, side) { Ok(()) } else { Err(EngineError::Picture { width, height, side }) }
}

impl Answer {
    /// Refuses NaN and infinity, which would pass every threshold test in one direction.
    pub(super) fn check(&self) -> Result<(), EngineError> {
        let outputs =
            [("category14", &self.category14), ("category26", &self.category26), ("embedding", &self.embedding)];
        match outputs.iter().find(|(_, values)| values.iter().any(|value| !value.is_finite())) {
            Some((output, _)) => Err(EngineError::NotFinite { output }),
            None => Ok(()),
        }
    }
}

/// What the user asks for with `--engine`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineChoice {
    /// The faster of `gpu` and `cpu`, measured once on this machine
    #[default]
    Auto,
    /// The graphics processor
    Gpu,
    /// The processor
    Cpu,
    /// tract in float arithmetic: the independent check of the others
    Tract,
}

impl fmt::Display for EngineChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auto => "auto",
            Self::Gpu => "gpu",
            Self::Cpu => "cpu",
            Self::Tract => "tract",
        })
    }
}

/// An engine that cannot be had, or cannot run.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The network uses something that the engine has not got.
    #[error("the network's node `{node}` ({operator}) cannot be run: {problem}")]
    Node {
        /// The node's name in the ONNX file.
        node: String,
        /// Its ONNX operator.
        operator: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The network has another form than the one that we read.
    #[error("the network's {what} is `{found}`, expected `{expected}`")]
    Form {
        /// Which part.
        what: String,
        /// What there should be.
        expected: String,
        /// What is there.
        found: String,
    },
    /// The engine's library refused the network.
    #[error("the network cannot be loaded")]
    Load(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The picture is not the one that the network sees.
    #[error("the picture is {width}x{height} pixels, the network sees {side}x{side}")]
    Picture {
        /// Its width.
        width: u32,
        /// Its height.
        height: u32,
        /// The network's side.
        side: u32,
    },
    /// Layers are asked of an engine that has its own.
    #[error("the engine `{0}` does not run the plan, so that its layers cannot be compared")]
    NoNodes(String),
    /// Times by layer are asked of an adapter that cannot take them.
    #[error("`{0}` has no clock for its layers")]
    NoClock(String),
    /// An answer that is no number.
    #[error("the network's `{output}` is not a number")]
    NotFinite {
        /// The output.
        output: &'static str,
    },
    /// The graphics processor cannot be had, or stopped.
    #[error(transparent)]
    Gpu(Box<GpuError>),
    /// The engine failed on a picture.
    #[error("the network stopped")]
    Run(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<GpuError> for EngineError {
    fn from(error: GpuError) -> Self {
        Self::Gpu(Box::new(error))
    }
}

impl EngineError {
    /// What the user may do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Node { .. } | Self::Form { .. } | Self::Load(_) => {
                Some("write the bundle with `clothingid-train export` of this version")
            }
            Self::NoNodes(_) | Self::NoClock(_) => Some("take `--engine cpu`"),
            Self::Gpu(error) => Some(error.hint()),
            Self::Picture { .. } | Self::NotFinite { .. } | Self::Run(_) => None,
        }
    }
}

/// An open engine, and why it is this one.
pub struct Opened {
    /// The engine.
    pub engine: Box<dyn Engine>,
    /// Why `auto` took it; none where it was asked for by name.
    pub why: Option<Why>,
}

/// The reason of a choice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// For people.
    pub reason: String,
    /// Whether nobody was told yet.
    pub is_news: bool,
}

impl Opened {
    /// An engine that was chosen.
    pub(super) fn with(engine: impl Engine + 'static, reason: String, is_news: bool) -> Self {
        Self { engine: Box::new(engine), why: Some(Why { reason, is_news }) }
    }
}

/// Opens the engine that was asked for; `threads` is the most that it may use for one picture (tract uses one).
///
/// # Errors
/// The engine is not there (another one is never taken silently), or cannot run the network, and why.
pub fn open(choice: EngineChoice, bundle: &Bundle, threads: usize) -> Result<Opened, EngineError> {
    let engine: Box<dyn Engine> = match choice {
        EngineChoice::Auto => return auto::open(bundle, threads, crate::state::folder().ok().as_deref()),
        EngineChoice::Gpu => open_gpu(bundle)?,
        EngineChoice::Cpu => Box::new(CpuEngine::new(&Plan::new(&bundle.network)?, threads)?),
        EngineChoice::Tract => Box::new(TractEngine::new(&bundle.network)?),
    };
    Ok(Opened { engine, why: None })
}

/// The graphics processor: in integers, whose answers are those of every engine in integers, unless the environment asks for floats.
fn open_gpu(bundle: &Bundle) -> Result<Box<dyn Engine>, EngineError> {
    let (plan, state) = (Plan::new(&bundle.network)?, crate::state::folder().ok());
    let (choice, arithmetic) = (AdapterChoice::from_environment(), Arithmetic::from_environment()?);
    Ok(Box::new(GpuEngine::new(&plan, arithmetic, choice, state.as_deref())?))
}
