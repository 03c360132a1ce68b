//! What is minimised: the sum of up to four losses on one pass of the backbone.
//!
//! - *category 14* and *category 26*, the coarser and the finer categories: cross-entropy with smoothed labels; a photograph without a label counts in the other losses only,
//!   and one that shows no garment is asked for equal probabilities (outlier exposure: Hendrycks et al. 2019, "Deep Anomaly Detection
//!   with Outlier Exposure"), so that "no garment" can be told from the heads later.
//! - *identification*: which of all the garments of the train part is this one? ([`super::softmax`])
//! - *metric*: garments near themselves and far from others, pair by pair ([`super::pairs`]); added where the whole batch is at hand.
//!
//! Each loss is a mean over the batch's photographs that take part in it. The batch may be cut into pieces for several threads; the
//! pieces' losses add up to the batch's.

use serde::{Deserialize, Serialize};
use tch::{Device, Kind, Tensor};

use super::pairs::PairOptions;
use super::recipe::is_default;
use super::softmax::{Softmax, Wanted};
use crate::load::{LoadError, Mixed};
use crate::network::heads::EMBEDDING;
use crate::network::parameters::Views;
use crate::network::{Graph, NodeId};
use crate::pack::Pack;

/// Name of the prototypes among the trained arrays: one row an item.
pub const PROTOTYPES: &str = "identify.prototypes";

/// Weights and shapes of the losses.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossOptions {
    /// Weight of the loss of the coarser categories (14 of clothing).
    pub category14: f64,
    /// Weight of the loss of the finer ones (26 of clothing).
    pub category26: f64,
    /// Weight of the identification loss.
    pub identification: f64,
    /// How identification compares a photograph with the garments.
    #[serde(default, skip_serializing_if = "is_default")]
    pub softmax: Softmax,
    /// Margin of `softmax = "arcface"` in radians.
    #[serde(default, skip_serializing_if = "is_default")]
    pub margin: f64,
    /// Factor of the cosines before the softmax.
    pub scale: f64,
    /// Probability that is spread over all categories.
    pub smoothing: f32,
    /// Weight of a photograph without a garment against one with a category.
    pub outliers: f32,
    /// The loss of pairs.
    #[serde(default, skip_serializing_if = "is_default")]
    pub metric: PairOptions,
}

impl LossOptions {
    /// Whether the embedding is learnt.
    #[must_use]
    pub fn is_embedding(&self) -> bool {
        self.identification > 0.0 || self.metric.weight > 0.0
    }

    /// Whether the settings make sense.
    ///
    /// # Errors
    /// They do not.
    pub fn check(&self) -> Result<(), LoadError> {
        let is_weight = |weight: f64| weight.is_finite() && weight >= 0.0;
        for (setting, weight) in [
            ("loss.category14", self.category14),
            ("loss.category26", self.category26),
            ("loss.identification", self.identification),
            ("loss.metric.weight", self.metric.weight),
        ] {
            if !is_weight(weight) {
                return Err(LoadError::setting(setting, "a finite number that is not negative", weight));
            }
        }
        if self.category14 + self.category26 == 0.0 && !self.is_embedding() {
            return Err(LoadError::setting("loss", "one loss of a weight above 0", 0.0));
        }
        match self.softmax {
            Softmax::Arcface if !(self.margin > 0.0 && self.margin < 1.5) => Err(LoadError::setting(
                "loss.margin",
                "an angle between 0 and 1.5 for `softmax = \"arcface\"`",
                self.margin,
            )),
            Softmax::Plain | Softmax::Normalised if self.margin != 0.0 => {
                Err(LoadError::setting("loss.margin", "none without `softmax = \"arcface\"`", self.margin))
            }
            _ => self.metric.check(),
        }
    }
}

/// What the pictures of a batch should give.
#[derive(Debug, Clone, PartialEq)]
pub struct Targets {
    /// How many categories each head has.
    pub classes: [usize; 2],
    /// For each head, a row of probabilities a picture; all zero where the picture does not take part.
    pub categories: [Vec<f32>; 2],
    /// For each head, how many pictures take part.
    pub labelled: [usize; 2],
    /// Row among the prototypes, or −1.
    pub prototypes: Vec<i64>,
    /// How many pictures have one.
    pub identified: usize,
    /// Where pictures are mixed: what else is in each (a row among the prototypes, or −1), and the share of the first.
    pub second: Option<(Vec<i64>, Vec<f32>)>,
}

impl Targets {
    /// What the pictures should give once they are mixed. The counts stay: each picture is a partner once.
    #[must_use]
    pub fn mix(self, mixed: &[Mixed]) -> Self {
        if mixed.is_empty() {
            return self;
        }
        let mut head = 0;
        let categories = self.categories.map(|rows| {
            let classes = self.classes[head];
            head += 1;
            let row = |place: usize| rows.get(place * classes..(place + 1) * classes).unwrap_or_default();
            let blend = |(place, mixed): (usize, &Mixed)| {
                let share = mixed.share;
                let both = row(place).iter().zip(row(mixed.partner));
                both.map(|(own, other)| own * share + other * (1.0 - share)).collect::<Vec<_>>()
            };
            mixed.iter().enumerate().flat_map(blend).collect()
        });
        let second = mixed.iter().map(|mixed| self.prototypes.get(mixed.partner).copied().unwrap_or(-1)).collect();
        let shares = mixed.iter().map(|mixed| mixed.share).collect();
        Self { categories, second: Some((second, shares)), ..self }
    }
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
            softmax: Softmax::Normalised,
            margin: 0.0,
            scale: 1.0,
            smoothing: 0.0,
            outliers: 0.0,
            metric: PairOptions::default(),
        };
        Self { options, prototype_of_item: Vec::new() }
    }

    /// The nodes whose results [`Self::loss`] needs: the graph's results, and the embedding before its length is taken away.
    #[must_use]
    pub fn wanted(&self, graph: &Graph) -> Vec<NodeId> {
        let mut wanted = graph.output_nodes();
        if self.options.softmax == Softmax::Plain {
            let unit = graph.find_output(EMBEDDING).map(|unit| graph.node(unit));
            wanted.extend(unit.and_then(|unit| unit.inputs.first()));
        }
        wanted
    }

    /// What `views` pictures of each of the pack's `rows` should give.
    #[must_use]
    pub fn targets(&self, pack: &Pack, rows: &[usize], views: usize) -> Targets {
        let classes = pack.taxonomies().classes();
        let mut targets = Targets {
            classes,
            categories: [Vec::new(), Vec::new()],
            labelled: [0, 0],
            prototypes: Vec::new(),
            identified: 0,
            second: None,
        };
        for row in rows.iter().filter_map(|&row| pack.rows().get(row)) {
            for _ in 0..views {
                for (head, label) in [row.cat14, row.cat26].into_iter().enumerate() {
                    targets.labelled[head] += usize::from(label.is_some());
                    targets.categories[head].extend(self.distribution(classes[head], label, row.is_garment));
                }
                let prototype = self.prototype_of_item.get(row.item).copied().filter(|_| row.is_garment).unwrap_or(-1);
                targets.identified += usize::from(prototype >= 0);
                targets.prototypes.push(prototype);
            }
        }
        targets
    }

    #[expect(clippy::cast_precision_loss, reason = "there are at most 4096 classes")]
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

    /// The share of the pictures `range` in the batch's loss, from the results of [`Self::wanted`] for them; without that of pairs.
    ///
    /// **Shapes**: `results` are `[n, classes[0]]`, `[n, classes[1]]`, `[n, 256]` and for a plain softmax `[n, 256]` for a range of length `n`.
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
            let classes = targets.classes[head];
            let wanted = targets.categories[head].get(range.start * classes..range.end * classes).unwrap_or_default();
            let wanted = Tensor::from_slice(wanted).view([-1, int(classes)]).to_device(device);
            let loss = -(wanted * logits.log_softmax(-1, Kind::Float)).sum(Kind::Float) / count(targets.labelled[head]);
            parts.push((name, loss.double_value(&[])));
            total += loss * weight;
        }
        let embedding = results.get(if self.options.softmax == Softmax::Plain { 3 } else { 2 });
        if let (true, Some(embedding), Some(prototypes)) =
            (self.options.identification > 0.0, embedding, views.get(PROTOTYPES))
        {
            let place = |all: &[i64]| Tensor::from_slice(all.get(range.clone()).unwrap_or_default()).to_device(device);
            let first = place(&targets.prototypes);
            let second = targets.second.as_ref().map(|(second, shares)| {
                let shares = shares.get(range.clone()).unwrap_or_default();
                (place(second), Tensor::from_slice(shares).to_device(device))
            });
            let wanted = Wanted { first: &first, second: second.as_ref().map(|(second, shares)| (second, shares)) };
            let LossOptions { softmax, scale, margin, .. } = self.options;
            let (loss, right) = softmax.loss(embedding, prototypes, &wanted, scale, margin);
            let loss = loss / count(targets.identified);
            parts.push(("identification", loss.double_value(&[])));
            parts.push(("identified", (right / count(targets.identified)).double_value(&[])));
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
