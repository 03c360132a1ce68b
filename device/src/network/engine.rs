//! What every engine is, and which one runs.

use super::gpu::{AdapterChoice, Arithmetic, GpuEngine, GpuError};
use super::plan::Plan;
use super::tract::TractEngine;
use clothingid_shared::bundle::Bundle;
use clothingid_shared::embedding::ArithmeticClass;
use clothingid_shared::picture::Picture;
use serde::{Deserialize, Serialize};
use std::fmt;

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
    /// How every answer of this engine is signed, as `cpu: tract float`: the engine, then the arithmetic class.
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
    /// The fastest that is there
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
    /// This version of the program has no such engine.
    #[error("engine `{0}` is not in this version of the program")]
    Missing(EngineChoice),
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
            Self::Missing(_) => Some("leave `--engine` out, or take `--engine cpu`"),
            Self::Node { .. } | Self::Form { .. } | Self::Load(_) => {
                Some("write the bundle with `clothingid-train export` of this version")
            }
            Self::Gpu(error) => Some(error.hint()),
            Self::Picture { .. } | Self::NotFinite { .. } | Self::Run(_) => None,
        }
    }
}

/// Opens the engine that was asked for. `auto` and `cpu` are tract in float arithmetic; `gpu` is taken only when it is asked for; `threads` is the most that it may use for one picture (tract uses one).
///
/// # Errors
/// [`EngineError::Missing`] when the engine is not there: another one is never taken silently.
pub fn open(choice: EngineChoice, bundle: &Bundle, _threads: usize) -> Result<Box<dyn Engine>, EngineError> {
    let name = match choice {
        EngineChoice::Gpu => return open_gpu(bundle),
        EngineChoice::Auto | EngineChoice::Cpu => "cpu: tract float",
        EngineChoice::Tract => "tract: float",
    };
    Ok(Box::new(TractEngine::new(name, &bundle.network)?))
}

/// The graphics processor: in integers, whose answers are those of every engine in integers, unless the environment asks for floats.
fn open_gpu(bundle: &Bundle) -> Result<Box<dyn Engine>, EngineError> {
    let (plan, state) = (Plan::new(&bundle.network)?, crate::state::folder().ok());
    let (choice, arithmetic) = (AdapterChoice::from_environment(), Arithmetic::from_environment()?);
    Ok(Box::new(GpuEngine::new(&plan, arithmetic, choice, state.as_deref())?))
}
