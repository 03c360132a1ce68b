//! The range of each layer's result, from photographs of the train part.
//!
//! Two passes: the first finds the extremes, the second counts values into `BINS` bins between them. From the counts, each
//! [`Clipping`] gives a range without running the network again.

use std::fmt;

use tch::{Kind, Tensor};

use super::error::ExportError;
use super::float::FloatRunner;
use super::fused::Clamp;
use super::quantised::{Quantisation, covering};

/// Fewest photographs that ranges may come from.
pub const PHOTOS_MIN: usize = 128;
/// Bins between the extremes of a layer.
const BINS: usize = 4096;
/// Photographs of one batch.
const BATCH: usize = 8;
/// Steps of the search for the range of least squared error.
const STEPS: u16 = 80;

/// How a range is cut so that the steps inside it are finer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Clipping {
    /// Not at all.
    MinMax,
    /// To this percentage of all values, half of the rest cut on either side.
    Percentile(f64),
    /// To the range whose steps and cuts together have the least squared error.
    MeanSquare,
}

impl Clipping {
    /// What the export compares.
    pub const ALL: [Self; 4] = [Self::MinMax, Self::Percentile(99.99), Self::Percentile(99.999), Self::MeanSquare];
}

impl fmt::Display for Clipping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::MinMax => f.write_str("min-max"),
            Self::Percentile(percentage) => write!(f, "percentile {percentage}"),
            Self::MeanSquare => f.write_str("mean square"),
        }
    }
}

/// Values of one layer, counted.
#[derive(Debug, Clone, PartialEq)]
pub struct Histogram {
    low: f32,
    high: f32,
    counts: Vec<u64>,
}

impl Histogram {
    /// Nothing counted yet between two extremes.
    #[must_use]
    pub fn new(low: f32, high: f32) -> Self {
        Self { low, high: high.max(low), counts: vec![0; BINS] }
    }

    /// Counts values; those outside count as the extremes.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "clamped to the bins"
    )]
    pub fn count(&mut self, values: &[f32]) {
        let span = self.high - self.low;
        let bins_per_unit = if span > 0.0 { BINS as f32 / span } else { 0.0 };
        for value in values {
            let bin = ((value - self.low) * bins_per_unit).clamp(0.0, (BINS - 1) as f32) as usize;
            self.counts[bin] += 1;
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "a few thousand bins")]
    fn edge(&self, bin: usize) -> f64 {
        f64::from(self.low) + f64::from(self.high - self.low) * bin as f64 / BINS as f64
    }

    /// The range after clipping.
    #[must_use]
    pub fn range(&self, clipping: Clipping, clamp: Clamp) -> (f32, f32) {
        match clipping {
            Clipping::MinMax => (self.low, self.high),
            Clipping::Percentile(percentage) => self.percentile(percentage),
            Clipping::MeanSquare => self.least_square(clamp),
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "edges began as f32")]
    fn percentile(&self, percentage: f64) -> (f32, f32) {
        let total: u64 = self.counts.iter().sum();
        let tail = total as f64 * (100.0 - percentage) / 200.0;
        let first = |counts: &mut dyn Iterator<Item = (usize, &u64)>| {
            let mut seen = 0.0;
            for (bin, &count) in counts {
                seen += count as f64;
                if seen > tail {
                    return Some(bin);
                }
            }
            None
        };
        let low = first(&mut self.counts.iter().enumerate());
        let high = first(&mut self.counts.iter().enumerate().rev());
        let (low, high) = (low.unwrap_or(0), high.unwrap_or(BINS - 1));
        (self.edge(low) as f32, self.edge(high + 1) as f32)
    }

    fn least_square(&self, clamp: Clamp) -> (f32, f32) {
        let (mut low, mut high) = (self.low.min(0.0), self.high.max(0.0));
        let (whole_low, whole_high) = (low, high);
        // Each end in turn, twice: the error is smooth in both, and the second round moves little.
        for _ in 0..2 {
            high = self.best(|t| (low, whole_high * t), clamp).1;
            low = self.best(|t| (whole_low * t, high), clamp).0;
        }
        (low, high)
    }

    fn best(&self, range: impl Fn(f32) -> (f32, f32), clamp: Clamp) -> (f32, f32) {
        let candidates = (STEPS / 8..=STEPS).map(|step| range(f32::from(step) / f32::from(STEPS)));
        let scored = candidates.map(|(low, high)| (self.square_error(covering(low, high, clamp)), (low, high)));
        scored.min_by(|a, b| a.0.total_cmp(&b.0)).map_or((self.low, self.high), |(_, range)| range)
    }

    /// Squared error of all values: a twelfth of the squared step inside the range, the squared distance outside.
    #[expect(clippy::cast_precision_loss, reason = "counts of values")]
    fn square_error(&self, quantisation: Quantisation) -> f64 {
        let (first, last) = quantisation.range();
        let half = f64::from(quantisation.scale) / 2.0;
        let inside = f64::from(quantisation.scale).powi(2) / 12.0;
        let error = |(bin, &count): (usize, &u64)| {
            let value = f64::midpoint(self.edge(bin), self.edge(bin + 1));
            let beyond = (f64::from(first) - half - value).max(value - f64::from(last) - half).max(0.0);
            // Zero is exact in every quantisation; after a ReLU it is most of the values.
            let is_zero = self.edge(bin) <= 0.0 && self.edge(bin + 1) >= 0.0;
            let step = if is_zero { 0.0 } else { inside };
            count as f64 * (beyond + if beyond > 0.0 { half } else { 0.0 }).powi(2).max(step)
        };
        self.counts.iter().enumerate().map(error).sum()
    }
}

/// What the calibration saw of every layer.
#[derive(Debug, Clone)]
pub struct Observations {
    /// Values of each node's result, behind its clamp.
    pub histograms: Vec<Histogram>,
    /// Mean of each channel before the clamp, over the first [`PHOTOS_MIN`] photographs: bias correction compares with the same ones.
    pub channel_means: Vec<Vec<f64>>,
    /// Largest magnitude of each channel behind the clamp.
    pub channel_extremes: Vec<Vec<f32>>,
}

impl Observations {
    /// Runs the float network over the photographs twice; `done` is called with the number of photographs after each batch.
    ///
    /// # Errors
    /// [`ExportError::TooFewPhotos`], [`ExportError::Torch`].
    pub fn of<P: AsRef<[u8]>>(
        runner: &FloatRunner,
        pictures: &[P],
        mut done: impl FnMut(u64),
    ) -> Result<Self, ExportError> {
        if pictures.len() < PHOTOS_MIN {
            let (step, part) = ("the calibration of activation ranges", "train");
            return Err(ExportError::TooFewPhotos { step, part, expected: PHOTOS_MIN, found: pictures.len() });
        }
        let nodes = &runner.network().graph.nodes;
        let mut extremes = vec![(f32::INFINITY, f32::NEG_INFINITY); nodes.len()];
        let mut channel_means: Vec<Vec<f64>> = nodes.iter().map(|node| vec![0.0; node.shape.channels]).collect();
        let mut channel_extremes: Vec<Vec<f32>> = nodes.iter().map(|node| vec![0.0; node.shape.channels]).collect();
        for (number, batch) in pictures.chunks(BATCH).enumerate() {
            runner.visit(batch, |place, before, after| {
                let values = to_vec(after);
                let extreme = &mut extremes[place];
                *extreme = values.iter().fold(*extreme, |(low, high), &v| (low.min(v), high.max(v)));
                for (extreme, found) in channel_extremes[place].iter_mut().zip(extremes_by_channel(after)) {
                    *extreme = extreme.max(found);
                }
                if number * BATCH < PHOTOS_MIN {
                    for (mean, sum) in channel_means[place].iter_mut().zip(sums_by_channel(before)) {
                        *mean += sum;
                    }
                }
            })?;
            done(batch.len() as u64);
        }
        for (means, node) in channel_means.iter_mut().zip(nodes) {
            #[expect(clippy::cast_precision_loss, reason = "counts of pixels")]
            let count = (PHOTOS_MIN * node.shape.height * node.shape.width) as f64;
            means.iter_mut().for_each(|mean| *mean /= count);
        }
        let mut histograms: Vec<Histogram> = extremes.iter().map(|&(low, high)| Histogram::new(low, high)).collect();
        for batch in pictures.chunks(BATCH) {
            runner.visit(batch, |place, _, after| histograms[place].count(&to_vec(after)))?;
            done(batch.len() as u64);
        }
        Ok(Self { histograms, channel_means, channel_extremes })
    }
}

/// All values of a tensor.
fn to_vec(tensor: &Tensor) -> Vec<f32> {
    let mut values = vec![0f32; tensor.numel()];
    let count = values.len();
    tensor.contiguous().copy_data(&mut values, count);
    values
}

/// Sum over photographs and pixels, for each channel.
fn sums_by_channel(tensor: &Tensor) -> Vec<f64> {
    let axes: &[i64] = if tensor.dim() == 4 { &[0, 2, 3] } else { &[0] };
    let sums = tensor.sum_dim_intlist(axes, false, Kind::Double);
    let mut values = vec![0f64; sums.numel()];
    let count = values.len();
    sums.contiguous().copy_data(&mut values, count);
    values
}

/// Largest magnitude over photographs and pixels, for each channel.
fn extremes_by_channel(tensor: &Tensor) -> Vec<f32> {
    let axes: &[i64] = if tensor.dim() == 4 { &[0, 2, 3] } else { &[0] };
    to_vec(&tensor.abs().amax(axes, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outlier_is_cut_by_all_but_min_max() {
        let mut histogram = Histogram::new(0.0, 100.0);
        let values: Vec<f32> = (0u16..20_000).map(|i| f32::from(i % 1000) / 1000.0).collect();
        histogram.count(&values);
        histogram.count(&[100.0]);
        assert_eq!(histogram.range(Clipping::MinMax, Clamp::None), (0.0, 100.0));
        let (_, high) = histogram.range(Clipping::Percentile(99.9), Clamp::None);
        assert!((0.95..1.1).contains(&high), "{high}");
        let (low, high) = histogram.range(Clipping::MeanSquare, Clamp::Relu);
        assert!(low == 0.0 && high < 100.0, "{low} {high}");
    }

    #[test]
    fn one_value_and_no_value_give_a_range() {
        let mut one = Histogram::new(2.0, 2.0);
        one.count(&[2.0; 10]);
        let none = Histogram::new(f32::INFINITY, f32::NEG_INFINITY);
        for clipping in Clipping::ALL {
            for histogram in [&one, &none] {
                let (low, high) = histogram.range(clipping, Clamp::None);
                let q = covering(low, high, Clamp::None);
                assert!(q.scale > 0.0 && q.scale.is_finite(), "{clipping} {q:?}");
            }
        }
    }
}
