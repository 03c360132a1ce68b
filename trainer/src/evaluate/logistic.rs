//! Multinomial logistic regression, fitted to its optimum: the rejection score, and the baseline on frozen features.
//!
//! Features are standardised, the loss is the weighted mean negative log-likelihood plus `l2 / 2 · |W|²`, and L-BFGS finds the one
//! minimum. **Source**: Nocedal and Wright 2006, "Numerical Optimization", algorithms 7.4 and 7.5.

use std::collections::VecDeque;

use tch::{Kind, Tensor};

/// Pairs that L-BFGS remembers.
const MEMORY: usize = 12;
/// Most steps.
const STEPS_MAX: usize = 300;
/// The gradient's largest entry at which the minimum is found.
const GRADIENT_MIN: f64 = 1e-5;

/// Rows of features.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Features {
    /// Row after row.
    pub values: Vec<f32>,
    /// Values of a row.
    pub width: usize,
}

impl Features {
    /// Gathers rows of one width.
    pub fn of<R: AsRef<[f32]>>(rows: impl IntoIterator<Item = R>) -> Self {
        let (mut values, mut width) = (Vec::new(), 0);
        for row in rows {
            width = row.as_ref().len();
            values.extend_from_slice(row.as_ref());
        }
        Self { values, width }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.values.len().checked_div(self.width).unwrap_or(0)
    }

    /// Mean and deviation of each column; a constant column has deviation 1.
    #[expect(clippy::cast_precision_loss, reason = "a count of rows")]
    fn moments(&self) -> (Vec<f64>, Vec<f64>) {
        let n = self.rows().max(1) as f64;
        let mut mean = vec![0f64; self.width];
        let mut square = vec![0f64; self.width];
        for row in self.values.chunks_exact(self.width.max(1)) {
            for ((m, s), &v) in mean.iter_mut().zip(&mut square).zip(row) {
                *m += f64::from(v) / n;
                *s += f64::from(v).powi(2) / n;
            }
        }
        let deviation = |(s, m): (&f64, &f64)| (s - m * m).max(0.0).sqrt();
        let deviations = square.iter().zip(&mean).map(deviation).map(|d| if d > 1e-9 { d } else { 1.0 }).collect();
        (mean, deviations)
    }
}

/// A fitted regression on the features as they come.
#[derive(Debug, Clone, PartialEq)]
pub struct Logistic {
    /// `[classes][features]`.
    pub weights: Vec<Vec<f64>>,
    /// One for each class.
    pub bias: Vec<f64>,
}

/// What is fitted.
#[derive(Debug, Clone, Copy)]
pub struct Problem<'a> {
    /// Rows.
    pub features: &'a Features,
    /// Class of each row.
    pub labels: &'a [usize],
    /// Weight of each row.
    pub row_weights: &'a [f64],
    /// Number of classes.
    pub classes: usize,
    /// Strength of the penalty.
    pub l2: f64,
}

/// Weights that let each class that occurs count the same; their mean is 1.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "counts of rows")]
pub fn balanced_weights(labels: &[usize], classes: usize) -> Vec<f64> {
    let mut counts = vec![0usize; classes];
    labels.iter().for_each(|&label| counts[label] += 1);
    let occurring = counts.iter().filter(|count| **count > 0).count().max(1);
    labels.iter().map(|&label| labels.len() as f64 / (occurring * counts[label]) as f64).collect()
}

#[expect(clippy::cast_possible_wrap, reason = "counts of rows and features")]
fn int(value: usize) -> i64 {
    value as i64
}

impl Logistic {
    /// Fits a problem. **Panics** where lengths do not agree.
    #[must_use]
    pub fn fit(problem: &Problem<'_>) -> Self {
        let Problem { features, labels, row_weights, classes, l2 } = *problem;
        let (rows, width) = (features.rows(), features.width);
        assert!(rows == labels.len() && rows == row_weights.len(), "a label and a weight for each row");
        let _guard = tch::no_grad_guard();
        let (mean, deviation) = features.moments();
        let x = Tensor::from_slice(&features.values).reshape([int(rows), int(width)]);
        let x =
            (x - Tensor::from_slice(&mean).to_kind(Kind::Float)) / Tensor::from_slice(&deviation).to_kind(Kind::Float);
        let indices: Vec<i64> = labels.iter().map(|&label| int(label)).collect();
        let truth = Tensor::from_slice(&indices);
        let total: f64 = row_weights.iter().sum();
        let shares: Vec<f32> = row_weights.iter().map(|w| narrow(w / total)).collect();
        let shares = Tensor::from_slice(&shares).unsqueeze(1);
        let one_hot = truth.one_hot(int(classes)).to_kind(Kind::Float) * &shares;
        let evaluate = |parameters: &[f64]| {
            let (w, b) = parameters.split_at(classes * width);
            let w_tensor = Tensor::from_slice(w).to_kind(Kind::Float).reshape([int(classes), int(width)]);
            let b_tensor = Tensor::from_slice(b).to_kind(Kind::Float);
            let log_p = x.linear(&w_tensor, Some(&b_tensor)).log_softmax(1, Kind::Float);
            let loss = -(&log_p * &one_hot).sum(Kind::Double).double_value(&[]);
            let error = log_p.exp() * &shares - &one_hot;
            let mut gradient = to_vec(&error.tr().matmul(&x));
            gradient.iter_mut().zip(w).for_each(|(g, w)| *g += l2 * w);
            gradient.extend(to_vec(&error.sum_dim_intlist([0i64].as_slice(), false, Kind::Float)));
            (loss + l2 / 2.0 * dot(w, w), gradient)
        };
        let found = minimise(vec![0.0; classes * width + classes], evaluate);
        let (w, b) = found.split_at(classes * width);
        let rows_of_weights = w
            .chunks_exact(width.max(1))
            .map(|row| row.iter().zip(&deviation).map(|(w, d)| w / d).collect::<Vec<f64>>());
        let weights: Vec<Vec<f64>> = rows_of_weights.collect();
        let bias = b.iter().zip(&weights).map(|(b, row)| b - dot(row, &mean)).collect();
        Self { weights, bias }
    }

    /// Logits of each row.
    #[must_use]
    pub fn logits(&self, features: &Features) -> Vec<Vec<f32>> {
        let one = |row: &[f32]| {
            let logit =
                |(w, b): (&Vec<f64>, &f64)| narrow(b + w.iter().zip(row).map(|(w, &x)| w * f64::from(x)).sum::<f64>());
            self.weights.iter().zip(&self.bias).map(logit).collect()
        };
        use rayon::prelude::*;
        features.values.par_chunks_exact(features.width.max(1)).map(one).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "logits and shares need no more than f32")]
fn narrow(value: f64) -> f32 {
    value as f32
}

fn to_vec(tensor: &Tensor) -> Vec<f64> {
    let tensor = tensor.to_kind(Kind::Double).contiguous();
    let mut values = vec![0f64; tensor.numel()];
    let count = values.len();
    tensor.copy_data(&mut values, count);
    values
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

/// L-BFGS with backtracking; the loss is convex, so that is enough.
fn minimise(mut x: Vec<f64>, evaluate: impl Fn(&[f64]) -> (f64, Vec<f64>)) -> Vec<f64> {
    let (mut loss, mut gradient) = evaluate(&x);
    let mut pairs: VecDeque<(Vec<f64>, Vec<f64>, f64)> = VecDeque::new();
    for _ in 0..STEPS_MAX {
        if gradient.iter().all(|g| g.abs() < GRADIENT_MIN) {
            break;
        }
        let mut direction: Vec<f64> = gradient.iter().map(|g| -g).collect();
        let mut alphas = Vec::new();
        for (s, y, rho) in pairs.iter().rev() {
            let alpha = rho * dot(s, &direction);
            direction.iter_mut().zip(y).for_each(|(d, y)| *d -= alpha * y);
            alphas.push(alpha);
        }
        let scale = pairs
            .back()
            .map_or(1.0 / dot(&gradient, &gradient).sqrt().max(1e-12), |(_, y, rho)| 1.0 / (rho * dot(y, y)));
        direction.iter_mut().for_each(|d| *d *= scale);
        for ((s, y, rho), alpha) in pairs.iter().zip(alphas.iter().rev()) {
            let beta = rho * dot(y, &direction);
            direction.iter_mut().zip(s).for_each(|(d, s)| *d += (alpha - beta) * s);
        }
        let slope = dot(&direction, &gradient);
        let mut step = 1.0;
        let next = loop {
            let moved: Vec<f64> = x.iter().zip(&direction).map(|(x, d)| x + step * d).collect();
            let (new_loss, new_gradient) = evaluate(&moved);
            if new_loss <= loss + 1e-4 * step * slope {
                break Some((moved, new_loss, new_gradient));
            }
            step /= 2.0;
            if step < 1e-8 {
                break None;
            }
        };
        let Some((moved, new_loss, new_gradient)) = next else { break };
        let s: Vec<f64> = moved.iter().zip(&x).map(|(a, b)| a - b).collect();
        let y: Vec<f64> = new_gradient.iter().zip(&gradient).map(|(a, b)| a - b).collect();
        let curvature = dot(&s, &y);
        if curvature > 1e-12 {
            pairs.push_back((s, y, 1.0 / curvature));
            if pairs.len() > MEMORY {
                pairs.pop_front();
            }
        }
        let is_flat = (loss - new_loss).abs() < 1e-9 * loss.abs().max(1e-9);
        (x, loss, gradient) = (moved, new_loss, new_gradient);
        if is_flat {
            break;
        }
    }
    x
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::export::answers::largest;

    fn points() -> (Features, Vec<usize>) {
        // Three clusters on a circle; nothing random.
        let centres = [(0.0, 2.0), (-2.0, -1.0), (2.0, -1.0)];
        let mut rows = Vec::new();
        let mut labels = Vec::new();
        for i in 0..90u16 {
            let label = usize::from(i % 3);
            let turn = f32::from(i) * 0.7;
            let (x, y) = centres[label];
            rows.push([x + 0.5 * turn.cos(), y + 0.5 * turn.sin(), 7.0]);
            labels.push(label);
        }
        (Features::of(rows), labels)
    }

    #[test]
    fn separable_classes_are_separated() {
        let (features, labels) = points();
        let weights = balanced_weights(&labels, 3);
        let fitted = Logistic::fit(&Problem {
            features: &features,
            labels: &labels,
            row_weights: &weights,
            classes: 3,
            l2: 1e-3,
        });
        let predicted: Vec<usize> = fitted.logits(&features).iter().map(|logits| largest(logits)).collect();
        assert_eq!(predicted, labels);
    }

    #[test]
    fn a_strong_penalty_leaves_the_base_rates() {
        let (features, mut labels) = points();
        labels.iter_mut().skip(60).for_each(|label| *label = 0);
        let weights = vec![1.0; labels.len()];
        let fitted = Logistic::fit(&Problem {
            features: &features,
            labels: &labels,
            row_weights: &weights,
            classes: 3,
            l2: 1e6,
        });
        let p = crate::export::answers::softmax(&fitted.logits(&features)[0], 1.0);
        let share = labels.iter().filter(|l| **l == 0).count() as f64 / labels.len() as f64;
        assert!((p[0] - share).abs() < 1e-3, "{p:?} {share}");
    }

    #[test]
    fn wrong_labels_are_not_separated() {
        let (features, labels) = points();
        let wrong: Vec<usize> = labels.iter().enumerate().map(|(i, l)| (l + i / 3) % 3).collect();
        let weights = vec![1.0; wrong.len()];
        let fitted = Logistic::fit(&Problem {
            features: &features,
            labels: &wrong,
            row_weights: &weights,
            classes: 3,
            l2: 1e-3,
        });
        let right =
            fitted.logits(&features).iter().zip(&wrong).filter(|(logits, label)| largest(logits) == **label).count();
        assert!(right < 60, "{right} of 90");
    }
}
