//! Which clipping, and whether biases are corrected: measured on the select part against the float network, and not assumed.

use serde::Serialize;

use super::answers::{Agreement, Answers, take_all};
use super::calibrate::{Clipping, Observations};
use super::error::ExportError;
use super::quantise::{Granularity, correct_biases, quantise};
use super::quantised::{FloatNetwork, QuantisedNetwork};
use super::simulate::Simulation;
use super::simulate::batched::Batched;
use crate::import::progress::Progress;

/// One way to quantise, and what it cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// How activations are clipped.
    pub clipping: String,
    /// Whether biases are corrected.
    pub biases_corrected: bool,
    /// Against the float network, on the select part.
    pub agreement: Agreement,
}

impl Candidate {
    /// The way in words, for the bundle's manifest.
    #[must_use]
    pub fn words(&self) -> String {
        let biases = if self.biases_corrected { "biases corrected" } else { "biases as they are" };
        format!("int8 weights a channel, uint8 activations, {} clipping, {biases}", self.clipping)
    }
}

/// Tries every way and returns the nearest to float, with all of them, nearest first.
///
/// `correct_on` are photographs of the train part, `pictures` of the select part with the float network's answers to them.
///
/// # Errors
/// The network cannot be quantised.
pub fn choose<P: AsRef<[u8]> + Sync>(
    network: &FloatNetwork,
    observations: &Observations,
    correct_on: &[P],
    (pictures, reference): (&[P], &[Answers]),
    progress: &Progress,
) -> Result<(QuantisedNetwork, Vec<Candidate>), ExportError> {
    let mut tried: Vec<(Candidate, QuantisedNetwork)> = Vec::new();
    let layers = network.graph.nodes.len();
    progress.begin("quantise", Clipping::ALL.len() * (layers + 2 * pictures.len()));
    for clipping in Clipping::ALL {
        let simulation = Simulation::new(quantise(network, observations, clipping, Granularity::Channel)?)?;
        let mut batched = Batched::new(simulation)?;
        for biases_corrected in [false, true] {
            if biases_corrected {
                correct_biases(&mut batched, observations, correct_on, || progress.step())?;
            }
            let answers = take_all(batched.run_all(pictures, |count| (0..count).for_each(|_| progress.step()))?)?;
            let agreement = Agreement::of(reference, &answers);
            let candidate = Candidate { clipping: clipping.to_string(), biases_corrected, agreement };
            tried.push((candidate, batched.network().clone()));
        }
    }
    progress.end();
    tried.sort_by(|a, b| a.0.agreement.loss().total_cmp(&b.0.agreement.loss()));
    let candidates = tried.iter().map(|(candidate, _)| candidate.clone()).collect();
    let best = tried.into_iter().next().ok_or(ExportError::Onnx { reason: "no way to quantise was tried".to_owned() })?;
    Ok((best.1, candidates))
}
