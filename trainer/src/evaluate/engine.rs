//! A network that answers: the bundle's integers, or floats in libtorch.

use clothingid_shared::embedding::ArithmeticClass;
use clothingid_shared::picture::PictureContract;

use super::baseline::FEATURES;
use super::error::EvaluateError;
use super::photos::Photos;
use crate::export::ExportError;
use crate::export::answers::NamedAnswers;
use crate::export::float::FloatRunner;
use crate::export::fused::{FusedNode, Operation};
use crate::export::onnx::read_quantised;
use crate::export::simulate::Simulation;
use crate::export::simulate::batched::Batched;
use crate::import::progress::Progress;

/// Photographs whose pictures are in memory at a time.
const CHUNK: usize = 256;

/// What runs a network.
#[derive(Debug)]
pub enum Engine {
    /// The integer simulation: the class `int8`.
    Integer(Box<Batched>),
    /// libtorch: the class `float`.
    Float(Box<FloatRunner>),
}

impl Engine {
    /// The bundle's network in one arithmetic class; `float` is float arithmetic on the integer weights.
    ///
    /// # Errors
    /// The bytes are not a network of ours.
    pub fn of_bundle(network: &[u8], arithmetic: ArithmeticClass) -> Result<Self, ExportError> {
        let quantised = read_quantised(network)?;
        match arithmetic {
            ArithmeticClass::Int8 => Ok(Self::Integer(Box::new(Batched::new(Simulation::new(quantised)?)?))),
            ArithmeticClass::Float => Ok(Self::Float(Box::new(FloatRunner::new(quantised.dequantise())?))),
        }
    }

    /// The bundle's network in the class `float`, with the pooled features that its heads are computed from as one more output,
    /// [`FEATURES`](super::baseline::FEATURES).
    ///
    /// # Errors
    /// The bytes are not a network of ours, or it has no global pool.
    pub fn with_pooled_features(network: &[u8]) -> Result<Self, ExportError> {
        let mut network = read_quantised(network)?.dequantise();
        let is_pool = |node: &FusedNode| node.operation == Operation::GlobalAveragePool;
        let pool = network.graph.nodes.iter().rposition(is_pool).ok_or_else(|| ExportError::MissingOutput {
            output: FEATURES.to_owned(),
            found: network.graph.outputs.iter().map(|(name, _)| name.clone()).collect(),
        })?;
        network.graph.outputs.push((FEATURES.to_owned(), pool));
        Ok(Self::Float(Box::new(FloatRunner::new(network)?)))
    }

    /// Side of its pictures.
    #[must_use]
    pub fn side(&self) -> usize {
        match self {
            Self::Integer(batched) => batched.network().graph.side,
            Self::Float(runner) => runner.network().graph.side,
        }
    }

    /// Answers to pictures in memory.
    ///
    /// # Errors
    /// libtorch failed.
    pub fn run<P: AsRef<[u8]> + Sync>(
        &self,
        pictures: &[P],
        progress: &Progress,
    ) -> Result<Vec<NamedAnswers>, ExportError> {
        let done = |count: usize| (0..count).for_each(|_| progress.step());
        match self {
            Self::Integer(batched) => batched.run_all(pictures, done),
            Self::Float(runner) => runner.run_all(pictures, done),
        }
    }
}

/// What several networks answer to the same photographs, each photograph read once.
///
/// # Errors
/// A photograph cannot be read, or a network not be run.
pub fn answer(
    engines: &[&Engine],
    photos: &Photos<'_>,
    contract: &PictureContract,
    phase: &str,
    progress: &Progress,
) -> Result<Vec<Vec<NamedAnswers>>, EvaluateError> {
    let mut answers: Vec<Vec<NamedAnswers>> =
        engines.iter().map(|_| Vec::with_capacity(photos.samples.len())).collect();
    progress.begin(phase, photos.samples.len() * engines.len());
    let all: Vec<usize> = (0..photos.samples.len()).collect();
    for chunk in all.chunks(CHUNK) {
        let pictures = photos.pictures(chunk, contract)?;
        for (engine, answers) in engines.iter().zip(&mut answers) {
            answers.extend(engine.run(&pictures, progress)?);
        }
    }
    progress.end();
    Ok(answers)
}
