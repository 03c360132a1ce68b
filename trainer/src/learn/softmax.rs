//! Identification: which of all the garments of the train part is this one? A softmax with one row of weights (*prototype*) a garment,
//! in three forms.
//!
//! **Source**: normalised: Wang et al. 2017, "NormFace", equation 4; with a margin: Deng et al. 2019, "ArcFace", equation 3.

use serde::{Deserialize, Serialize};
use tch::{Kind, Reduction, Tensor};

use crate::network::torch::unit;

/// How a photograph is compared with the garments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Softmax {
    /// By the product of the embedding, as long as it comes, with the prototype: an ordinary linear classifier without biases.
    Plain,
    /// By the cosine.
    #[default]
    Normalised,
    /// By the cosine, and the angle to the right garment counts as larger by the margin.
    Arcface,
}

/// Garments that pictures should be taken for, as rows of the prototypes; −1 for none.
#[derive(Debug)]
pub(super) struct Wanted<'a> {
    /// Of each picture.
    pub(super) first: &'a Tensor,
    /// Where pictures are mixed: what else is in each, and the share of the first, both `[N]`.
    pub(super) second: Option<(&'a Tensor, &'a Tensor)>,
}

impl Softmax {
    /// The sum over the pictures that have a garment, and how many of them it is found for.
    ///
    /// **Shapes**: `embeddings [N, D]` (of length 1 where the form is not plain), `prototypes [G, D]`.
    pub(super) fn loss(
        self,
        embeddings: &Tensor,
        prototypes: &Tensor,
        wanted: &Wanted<'_>,
        scale: f64,
        margin: f64,
    ) -> (Tensor, Tensor) {
        let found = match self {
            Self::Plain => embeddings.matmul(&prototypes.transpose(0, 1)),
            Self::Normalised | Self::Arcface => embeddings.matmul(&unit(prototypes).transpose(0, 1)),
        };
        let cross_entropy = |wanted: &Tensor, reduction: Reduction| {
            let logits = match self {
                Self::Plain | Self::Normalised => &found * scale,
                Self::Arcface => with_margin(&found, wanted, margin) * scale,
            };
            logits.cross_entropy_loss::<Tensor>(wanted, None, reduction, -1, 0.0)
        };
        let loss = match wanted.second {
            None => cross_entropy(wanted.first, Reduction::Sum),
            Some((second, share)) => {
                let first = cross_entropy(wanted.first, Reduction::None) * share;
                let rest: Tensor = 1.0 - share;
                (first + cross_entropy(second, Reduction::None) * rest).sum(Kind::Float)
            }
        };
        let right = tch::no_grad(|| found.argmax(-1, false).eq_tensor(wanted.first).sum(Kind::Float));
        (loss, right)
    }
}

/// Turns each row's own cosine by the margin, in radians. Where the turned angle would pass π and its cosine rise again, a straight line
/// goes on, as in the paper's program.
fn with_margin(cosines: &Tensor, wanted: &Tensor, margin: f64) -> Tensor {
    let place = wanted.clamp_min(0).unsqueeze(1);
    let own = cosines.gather(1, &place, false);
    // The root has no slope at 0.
    let squared: Tensor = 1.0 - own.square();
    let sine = squared.clamp_min(1e-6).sqrt();
    let turned = &own * margin.cos() - sine * margin.sin();
    let beyond = &own - margin * margin.sin();
    let moved = turned.where_self(&own.gt(-margin.cos()), &beyond);
    cosines.scatter(1, &place, &moved)
}

#[cfg(test)]
mod tests {
    use tch::Tensor;

    use super::{Softmax, Wanted, with_margin};
    use crate::network::parameters::to_vec;

    fn loss(softmax: Softmax, wanted: &Wanted<'_>, margin: f64) -> f64 {
        // The first embedding looks along the first prototype, the second between both; the prototypes are not of length 1.
        let embeddings = Tensor::from_slice(&[1.0_f32, 0.0, 0.6, 0.8]).view([2, 2]);
        let prototypes = Tensor::from_slice(&[2.0_f32, 0.0, 0.0, 3.0]).view([2, 2]);
        softmax.loss(&embeddings, &prototypes, wanted, 4.0, margin).0.double_value(&[])
    }

    fn cross_entropy(logits: [f64; 2], wanted: usize) -> f64 {
        logits.iter().map(|logit| logit.exp()).sum::<f64>().ln() - logits[wanted]
    }

    #[test]
    fn each_form_is_what_its_formula_says() {
        let both = Tensor::from_slice(&[0_i64, 1]);
        let wanted = Wanted { first: &both, second: None };
        let normalised = cross_entropy([4.0, 0.0], 0) + cross_entropy([2.4, 3.2], 1);
        let plain = cross_entropy([8.0, 0.0], 0) + cross_entropy([4.8, 9.6], 1);
        let turned = |cosine: f64| 4.0 * (cosine.acos() + 0.5).cos();
        let arcface = cross_entropy([turned(1.0), 0.0], 0) + cross_entropy([2.4, turned(0.8)], 1);
        for (softmax, expected) in
            [(Softmax::Plain, plain), (Softmax::Normalised, normalised), (Softmax::Arcface, arcface)]
        {
            let found = loss(softmax, &wanted, 0.5);
            // The sine of a cosine of 1 is kept at 1e-3, times 4 · sin 0.5.
            assert!((found - expected).abs() < 2.5e-3, "{softmax:?}: {found} {expected}");
        }
        assert!((loss(Softmax::Arcface, &wanted, 0.0) - normalised).abs() < 1e-5, "no margin is none");
    }

    #[test]
    fn a_picture_without_a_garment_counts_nothing_and_a_mixed_one_counts_for_both() {
        let (none, first, second) =
            (Tensor::from_slice(&[-1_i64, 1]), Tensor::from_slice(&[0_i64, 1]), Tensor::from_slice(&[1_i64, -1]));
        let share = Tensor::from_slice(&[0.75_f32, 1.0]);
        for softmax in [Softmax::Plain, Softmax::Normalised, Softmax::Arcface] {
            let alone =
                |wanted: [i64; 2]| loss(softmax, &Wanted { first: &Tensor::from_slice(&wanted), second: None }, 0.3);
            let one = loss(softmax, &Wanted { first: &none, second: None }, 0.3);
            assert!(one > 0.0 && (one + alone([0, -1]) - alone([0, 1])).abs() < 1e-5, "{softmax:?}");
            let mixed = loss(softmax, &Wanted { first: &first, second: Some((&second, &share)) }, 0.3);
            let expected = 0.75 * alone([0, -1]) + 0.25 * alone([1, -1]) + alone([-1, 1]);
            assert!((mixed - expected).abs() < 1e-5, "{softmax:?}: {mixed} {expected}");
        }
    }

    #[test]
    fn the_margin_always_lowers_and_its_slope_is_finite_at_both_ends() {
        let cosines = Tensor::from_slice(&[1.0_f32, 0.9, 0.0, -0.9, -1.0]).view([5, 1]).set_requires_grad(true);
        let moved = with_margin(&cosines, &Tensor::zeros([5], (tch::Kind::Int64, tch::Device::Cpu)), 0.5);
        let found = to_vec(&moved);
        assert!(found.windows(2).all(|pair| pair[0] > pair[1]), "{found:?}");
        assert!(found.iter().zip(to_vec(&cosines)).all(|(moved, cosine)| *moved < cosine), "{found:?}");
        let slope = Tensor::run_backward(&[moved.sum(tch::Kind::Float)], &[&cosines], false, false);
        assert!(to_vec(&slope[0]).iter().all(|slope| slope.is_finite() && *slope > 0.0), "{:?}", to_vec(&slope[0]));
    }
}
