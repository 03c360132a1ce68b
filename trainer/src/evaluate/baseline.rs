//! The rival: logistic regression on the frozen ImageNet features of the same backbone, and those raw features as an embedding.
//!
//! Its penalty and the weighting of its rows are chosen on the select part, by the measure that is reported first (balanced accuracy on
//! photographs larger than thumbnails, without myntra), so that the rival is as strong as this method gets.

use clothingid_shared::metrics::balanced_accuracy;
use clothingid_shared::picture::PictureContract;

use super::categories::Predictions;
use super::engine::{Engine, answer};
use super::error::EvaluateError;
use super::logistic::{Features, Logistic, Problem, balanced_weights};
use super::measure::Both;
use super::photos::{Photos, Sample};
use crate::export::ExportError;
use crate::export::answers::largest;
use crate::export::float::FloatRunner;
use crate::export::fold::float_network;
use crate::import::progress::Progress;
use crate::network::backbones::Backbone;
use crate::network::weights::Weights;

/// Penalties that are compared.
const PENALTIES: [f64; 5] = [1e-4, 1e-3, 1e-2, 0.1, 1.0];
/// Name of the features among a network's outputs.
pub(super) const FEATURES: &str = "features";

/// A backbone without heads, batch norm folded, with its pooled features as the only output.
///
/// # Errors
/// The weights do not fit the backbone.
pub fn features_engine(backbone: &Backbone, weights: &Weights, side: usize) -> Result<Engine, ExportError> {
    let mut graph = backbone.graph.clone();
    graph.output(FEATURES, backbone.pooled);
    Ok(Engine::Float(Box::new(FloatRunner::new(float_network(&graph, weights, side)?)?)))
}

/// The frozen features of photographs.
///
/// # Errors
/// A photograph cannot be read, or libtorch failed.
pub fn features(
    engine: &Engine,
    photos: &Photos<'_>,
    contract: &PictureContract,
    phase: &str,
    progress: &Progress,
) -> Result<Features, EvaluateError> {
    let answers = answer(&[engine], photos, contract, phase, progress)?;
    Ok(Features::of(answers.into_iter().flatten().filter_map(|mut named| named.remove(FEATURES))))
}

/// Photographs with their frozen features.
#[derive(Debug, Clone, Copy)]
pub struct Featured<'a> {
    /// The photographs.
    pub samples: &'a [Sample],
    /// Their features, in the same order.
    pub features: &'a Features,
}

/// What was chosen for one head.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Chosen {
    /// The penalty.
    pub l2: f64,
    /// Whether every category counts the same in the fit.
    pub is_balanced: bool,
    /// The measure that it was chosen by, on the select part.
    pub select_balanced_large: f64,
}

/// Fits the rival for both heads, of `classes` categories, and lets it predict.
///
/// # Errors
/// A part holds no labelled photograph.
pub fn fit_and_predict(
    train: Featured<'_>,
    select: Featured<'_>,
    report: Featured<'_>,
    classes: [usize; 2],
    progress: &Progress,
) -> Result<(Both, [Chosen; 2]), EvaluateError> {
    progress.begin("fit the rival", PENALTIES.len() * 4);
    let head14 = fit_head(train, select, report, classes[0], |s| s.category14, progress)?;
    let head26 = fit_head(train, select, report, classes[1], |s| s.category26, progress)?;
    progress.end();
    Ok((Both { category14: head14.0, category26: head26.0 }, [head14.1, head26.1]))
}

fn fit_head(
    train: Featured<'_>,
    select: Featured<'_>,
    report: Featured<'_>,
    classes: usize,
    truth: impl Fn(&Sample) -> Option<usize> + Copy,
    progress: &Progress,
) -> Result<(Predictions, Chosen), EvaluateError> {
    let width = train.features.width.max(1);
    let labelled: Vec<(usize, usize)> =
        train.samples.iter().enumerate().filter_map(|(i, s)| truth(s).map(|t| (i, t))).collect();
    let rows = labelled.iter().map(|&(i, _)| &train.features.values[i * width..(i + 1) * width]);
    let features = Features::of(rows);
    let labels: Vec<usize> = labelled.iter().map(|&(_, label)| label).collect();
    if labels.is_empty() {
        return Err(EvaluateError::Nothing { what: "the logistic regression on frozen features" });
    }
    let mut best: Option<(Chosen, Logistic)> = None;
    for is_balanced in [false, true] {
        let row_weights = if is_balanced { balanced_weights(&labels, classes) } else { vec![1.0; labels.len()] };
        for l2 in PENALTIES {
            let fitted = Logistic::fit(&Problem {
                features: &features,
                labels: &labels,
                row_weights: &row_weights,
                classes,
                l2,
            });
            let logits = fitted.logits(select.features);
            let large = select.samples.iter().zip(&logits).filter(|(s, _)| s.is_large());
            let (predicted, wanted): (Vec<usize>, Vec<usize>) =
                large.filter_map(|(s, l)| truth(s).map(|t| (largest(l), t))).unzip();
            let chosen =
                Chosen { l2, is_balanced, select_balanced_large: balanced_accuracy(&predicted, &wanted, classes) };
            if best.as_ref().is_none_or(|(other, _)| chosen.select_balanced_large > other.select_balanced_large) {
                best = Some((chosen, fitted));
            }
            progress.step();
        }
    }
    let (chosen, fitted) = best.ok_or(EvaluateError::Nothing { what: "the logistic regression on frozen features" })?;
    let logits = fitted.logits(report.features);
    Ok((Predictions::new(report.samples, classes, 1.0, truth, |i| &logits[i]), chosen))
}
