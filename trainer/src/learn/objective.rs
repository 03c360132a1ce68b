//! What is minimised: the sum of three losses on one pass of the backbone.
//!
//! - *category 14* and *category 26*: cross-entropy with smoothed labels; a photograph without a label counts in the other losses only,
//!   and one that shows no garment is asked for equal probabilities (outlier exposure: Hendrycks et al. 2019, "Deep Anomaly Detection
//!   with Outlier Exposure"), so that "no garment" can be told from the heads later.
//! - *identification*: which of all the garments of the train part is this one? A softmax over the cosines with one prototype a garment
//!   (Wang et al. 2017, "NormFace").
//!
//! Each loss is a mean over the batch's photographs that take part in it. The batch may be cut into pieces for several threads; the
//! pieces' losses add up to the batch's.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use crate::network::parameters::Views;
use crate::network::torch::unit;
use crate::pack::Pack;

/// Name of the prototypes among the trained arrays: one row an item.
pub const PROTOTYPES: &str = "identify.prototypes";

/// Weights and shapes of the losses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossOptions {
    /// Weight of the loss of the 14 categories.
    pub category14: f64,
    /// Weight of the loss of the 26 categories.
    pub category26: f64,
    /// Weight of the identification loss.
    pub identification: f64,
    /// Factor of the cosines before the softmax.
    pub scale: f64,
    /// Probability that is spread over all categories.
    pub smoothing: f32,
    /// Weight of a photograph without a garment against one with a category.
    pub outliers: f32,
}

/// The classes of both heads, in the order of the graph's results.
pub const CLASSES: [usize; 2] = [14, 26];

/// What the pictures of a batch should give.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// For each head, a row of probabilities a picture; all zero where the picture does not take part.
    pub categories: [Vec<f32>; 2],
    /// For each head, how many pictures take part.
    pub labelled: [usize; 2],
    /// Row among the prototypes, or −1.
    pub prototypes: Vec<i64>,
    /// How many pictures have one.
    pub identified: usize,
}

/// A loss with its parts for the record.
#[derive(Debug)]
pub struct Loss {
    /// What gradients are taken of.
    pub total: Tensor,
    /// The parts before weighting, by name.
    pub parts: Vec<(&'static str, f64)>,
}

/// The losses of one stage.
#[derive(Debug, Clone)]
pub struct Objective {
    /// Weights and shapes.
    pub options: LossOptions,
    /// Row among the prototypes for each item of the pack, −1 for none.
    pub prototype_of_item: Vec<i64>,
}

impl Objective {
    /// Nothing to learn: for networks that only answer.
    #[must_use]
    pub fn none() -> Self {
        let options = LossOptions {
            category14: 0.0,
            category26: 0.0,
            identification: 0.0,
            scale: 1.0,
            smoothing: 0.0,
            outliers: 0.0,
        };
        Self { options, prototype_of_item: Vec::new() }
    }

    /// What `views` pictures of each of the pack's `rows` should give.
    #[must_use]
    pub fn targets(&self, pack: &Pack, rows: &[usize], views: usize) -> Targets {
        let mut targets =
            Targets { categories: [Vec::new(), Vec::new()], labelled: [0, 0], prototypes: Vec::new(), identified: 0 };
        for row in rows.iter().filter_map(|&row| pack.rows().get(row)) {
            for _ in 0..views {
                for (head, label) in [row.cat14, row.cat26].into_iter().enumerate() {
                    targets.labelled[head] += usize::from(label.is_some());
                    targets.categories[head].extend(self.distribution(CLASSES[head], label, row.is_garment));
                }
                let prototype = self.prototype_of_item.get(row.item).copied().filter(|_| row.is_garment).unwrap_or(-1);
                targets.identified += usize::from(prototype >= 0);
                targets.prototypes.push(prototype);
            }
        }
        targets
    }

    #[expect(clippy::cast_precision_loss, reason = "there are 14 or 26 classes")]
    fn distribution(&self, classes: usize, label: Option<usize>, is_garment: bool) -> Vec<f32> {
        let even = 1.0 / classes as f32;
        match label {
            Some(label) => {
                let mut row = vec![self.options.smoothing * even; classes];
                if let Some(value) = row.get_mut(label) {
                    *value += 1.0 - self.options.smoothing;
                }
                row
            }
            None if !is_garment => vec![even * self.options.outliers; classes],
            None => vec![0.0; classes],
        }
    }

    /// The share of the pictures `range` in the batch's loss, from the graph's results for them.
    ///
    /// **Shapes**: `results` are `[n, 14]`, `[n, 26]`, `[n, 256]` for a range of length `n`.
    #[must_use]
    pub fn loss(
        &self,
        targets: &Targets,
        range: std::ops::Range<usize>,
        results: &[Tensor],
        views: &Views<'_>,
    ) -> Loss {
        let device = results.first().map_or(Device::Cpu, Tensor::device);
        let mut total = Tensor::zeros([], (Kind::Float, device));
        let mut parts = Vec::new();
        let heads = [("category14", self.options.category14), ("category26", self.options.category26)];
        for (head, ((name, weight), logits)) in heads.into_iter().zip(results).enumerate() {
            if weight == 0.0 {
                continue;
            }
            let classes = CLASSES[head];
            let wanted = targets.categories[head].get(range.start * classes..range.end * classes).unwrap_or_default();
            let wanted = Tensor::from_slice(wanted).view([-1, int(classes)]).to_device(device);
            let loss = -(wanted * logits.log_softmax(-1, Kind::Float)).sum(Kind::Float) / count(targets.labelled[head]);
            parts.push((name, loss.double_value(&[])));
            total += loss * weight;
        }
        if let (true, Some(embedding), Some(prototypes)) =
            (self.options.identification > 0.0, results.get(2), views.get(PROTOTYPES))
        {
            let wanted = Tensor::from_slice(targets.prototypes.get(range).unwrap_or_default()).to_device(device);
            let logits = embedding.matmul(&unit(prototypes).transpose(0, 1)) * self.options.scale;
            let loss = logits.cross_entropy_loss::<Tensor>(&wanted, None, tch::Reduction::Sum, -1, 0.0)
                / count(targets.identified);
            let right = tch::no_grad(|| {
                logits.argmax(-1, false).eq_tensor(&wanted).sum(Kind::Float) / count(targets.identified)
            });
            parts.push(("identification", loss.double_value(&[])));
            parts.push(("identified", right.double_value(&[])));
            total += loss * self.options.identification;
        }
        Loss { total, parts }
    }
}

fn int(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// A divisor: never zero.
#[expect(clippy::cast_precision_loss, reason = "a batch is small")]
fn count(n: usize) -> f64 {
    n.max(1) as f64
}
