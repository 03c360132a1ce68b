//! Which equalisation, which clipping, and whether biases are corrected: measured on the select part against the float network, and
//! not assumed.

use serde::Serialize;

use super::answers::{Agreement, Answers, take_all};
use super::calibrate::{Clipping, Observations, PHOTOS_MIN};
use super::equalise::equalise;
use super::error::ExportError;
use super::float::FloatRunner;
use super::quantise::{Granularity, correct_biases, quantise};
use super::quantised::{FloatNetwork, QuantisedNetwork};
use super::simulate::Simulation;
use super::simulate::batched::Batched;
use crate::import::progress::Progress;

/// Strengths of the equalisation that are compared.
const STRENGTHS: [f32; 3] = [0.0, 0.5, 0.8];
/// The nearest ways without correction of biases that are tried with it.
const CORRECTED: usize = 2;

/// One way to quantise, and what it cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Candidate {
    /// Strength of the equalisation of channels.
    pub equalised: f32,
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
        format!(
            "int8 weights a channel, uint8 activations, channels equalised by {}, {} clipping, {biases}",
            self.equalised, self.clipping
        )
    }
}

/// Photographs and what the float network answers to them.
#[derive(Debug, Clone, Copy)]
pub struct Reference<'a> {
    /// Pictures of the select part.
    pub pictures: &'a [Vec<u8>],
    /// The float network's answers.
    pub answers: &'a [Answers],
}

/// One way that was tried.
struct Tried {
    candidate: Candidate,
    clipping: Clipping,
    /// Place of its equalisation among [`STRENGTHS`].
    strength: usize,
    network: QuantisedNetwork,
}

/// Tries the ways and returns the nearest to float, with all of them, nearest first. `calibration` are pictures of the train part.
///
/// # Errors
/// The network cannot be quantised.
pub fn choose(
    network: &FloatNetwork,
    calibration: &[Vec<u8>],
    reference: Reference<'_>,
    progress: &Progress,
) -> Result<(QuantisedNetwork, Vec<Candidate>), ExportError> {
    let steps = |count: usize| (0..count).for_each(|_| progress.step());
    let mut observed: Vec<(FloatNetwork, Observations)> = Vec::new();
    for strength in STRENGTHS {
        progress.begin("ranges of activations", 2 * calibration.len());
        let equalised = match observed.first() {
            Some((plain, observations)) => equalise(plain, observations, strength),
            None => network.clone(),
        };
        let observations = Observations::of(&FloatRunner::new(equalised.clone())?, calibration, |count| {
            (0..count).for_each(|_| progress.step())
        })?;
        observed.push((equalised, observations));
    }
    let agreement = |batched: &Batched| -> Result<Agreement, ExportError> {
        let answers = take_all(batched.run_all(reference.pictures, steps)?)?;
        Ok(Agreement::of(reference.answers, &answers))
    };
    let mut tried: Vec<Tried> = Vec::new();
    progress.begin("compare ways to quantise", STRENGTHS.len() * Clipping::ALL.len() * reference.pictures.len());
    for (strength, (network, observations)) in observed.iter().enumerate() {
        for clipping in Clipping::ALL {
            let batched =
                Batched::new(Simulation::new(quantise(network, observations, clipping, Granularity::Channel)?)?)?;
            let (equalised, agreement) = (STRENGTHS[strength], agreement(&batched)?);
            let candidate = Candidate { equalised, clipping: clipping.to_string(), biases_corrected: false, agreement };
            tried.push(Tried { candidate, clipping, strength, network: batched.network().clone() });
        }
    }
    let nearest_first = |tried: &mut Vec<Tried>| {
        tried.sort_by(|a, b| a.candidate.agreement.loss().total_cmp(&b.candidate.agreement.loss()))
    };
    nearest_first(&mut tried);
    let again: Vec<(Clipping, usize)> = tried.iter().take(CORRECTED).map(|way| (way.clipping, way.strength)).collect();
    progress.begin("correct biases", again.len() * (network.graph.nodes.len() + reference.pictures.len()));
    for (clipping, strength) in again {
        let (network, observations) = &observed[strength];
        let mut batched =
            Batched::new(Simulation::new(quantise(network, observations, clipping, Granularity::Channel)?)?)?;
        correct_biases(&mut batched, observations, &calibration[..PHOTOS_MIN.min(calibration.len())], || {
            progress.step()
        })?;
        let agreement = agreement(&batched)?;
        let candidate = Candidate {
            equalised: STRENGTHS[strength],
            clipping: clipping.to_string(),
            biases_corrected: true,
            agreement,
        };
        tried.push(Tried { candidate, clipping, strength, network: batched.network().clone() });
    }
    progress.end();
    nearest_first(&mut tried);
    let candidates = tried.iter().map(|way| way.candidate.clone()).collect();
    let best =
        tried.into_iter().next().ok_or(ExportError::Onnx { reason: "no way to quantise was tried".to_owned() })?;
    Ok((best.network, candidates))
}
