//! The network by layer: the least time of each, and what the processor could do at best.
//!
//! The bound of a layer is an estimate, the larger of two times: its products at the rate at which the instruction that makes them runs on registers alone,
//! and its bytes (inputs, weights, results) at the rate at which a core reads what lies in its second cache. No engine reaches both at once, and
//! instructions that are neither (rounding, interleaving) count for nothing in it; a small layer whose bytes are in the first cache may pass it.

use super::{least_read, milliseconds};
use crate::cli::network::of_engine;
use crate::cli::{Report, print_line};
use crate::network::PhotoPath;
use crate::network::plan::{Form, Layer, Plan, ValueId};
use clothingid_shared::bundle::Bundle;
use serde::Serialize;
use std::time::{Duration, Instant};

/// How long layers are measured.
const MEASURED_FOR: Duration = Duration::from_secs(2);
/// What fits the second cache of every board and no first one.
const READ_BYTES: usize = 256 << 10;
/// Times that it is read.
const READS: usize = 200;

#[derive(Debug, Serialize)]
struct Line<'a> {
    bench: &'static str,
    layer: &'a str,
    kind: &'a str,
    min_ms: f64,
    multiply_adds: usize,
    bytes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_ms: Option<f64>,
}

/// What the processor can do at best.
#[derive(Debug, Clone, Copy)]
struct Bound {
    products_per_second: f64,
    bytes_per_second: f64,
}

impl Bound {
    /// None of an engine that is not on the processor's integers.
    fn of(path: &PhotoPath) -> Option<Self> {
        let products_per_second = path.engine().products_per_second()?;
        let threads = path.engine().threads() as f64;
        Some(Self { products_per_second, bytes_per_second: threads * bytes_per_second() })
    }

    /// The least time that a layer could take, in seconds.
    fn seconds(self, products: usize, bytes: usize) -> f64 {
        (products as f64 / self.products_per_second).max(bytes as f64 / self.bytes_per_second)
    }
}

/// How fast one core reads its second cache.
fn bytes_per_second() -> f64 {
    READ_BYTES as f64 / least_read(&vec![1; READ_BYTES], READS).as_secs_f64().max(1e-9)
}

/// What a layer reads and writes at least once.
fn bytes(plan: &Plan, layer: &Layer) -> usize {
    let of_value = |id: &ValueId| {
        let value = plan.value(*id);
        value.shape.len() * if value.form == Form::Floats { size_of::<f32>() } else { 1 }
    };
    let weights = layer.operation.convolution().map_or(0, |c| c.weights_oihw.len());
    layer.inputs.iter().chain([&layer.output]).map(of_value).sum::<usize>() + weights
}

/// Prints one line a layer, and the sums.
pub(super) fn run(bundle: &Bundle, path: &mut PhotoPath, json: bool) -> Result<(), Report> {
    let plan = Plan::new(&bundle.network)?;
    let picture = path.picture().clone();
    let mut least = vec![Duration::MAX; plan.layers.len()];
    let begun = Instant::now();
    while begun.elapsed() < MEASURED_FOR {
        for (least, time) in
            least.iter_mut().zip(path.engine_mut().layer_times(&picture).map_err(|error| of_engine(&error))?)
        {
            *least = (*least).min(time);
        }
    }
    let bound = Bound::of(path);
    let (mut measured, mut at_best) = (0.0, 0.0);
    for (layer, time) in plan.layers.iter().zip(&least) {
        let (kind, multiply_adds, bytes) = (layer.operation.name(), plan.multiply_adds(layer), bytes(&plan, layer));
        let bound_s = bound.map(|bound| bound.seconds(multiply_adds, bytes));
        measured += time.as_secs_f64();
        at_best += bound_s.unwrap_or_default();
        let (layer, min_ms) = (layer.name.as_str(), milliseconds(*time));
        print_line(&if json {
            let bound_ms = bound_s.map(|seconds| seconds * 1e3);
            serde_json::to_string(&Line { bench: "layer", layer, kind, min_ms, multiply_adds, bytes, bound_ms })?
        } else {
            let rate = multiply_adds as f64 / time.as_secs_f64() / 1e9;
            let share = bound_s.map(|seconds| share(seconds, time.as_secs_f64())).unwrap_or_default();
            format!("{kind:10} {min_ms:8.3} ms {rate:7.1} G multiply-adds/s {share:>5}  {layer}")
        })?;
    }
    if let Some(Bound { products_per_second, bytes_per_second }) = bound.filter(|_| !json) {
        print_line(&format!(
            "{:10} {:8.3} ms, {} of it at the processor's bound: {:.0} G multiply-adds/s on registers, {:.0} GB/s from the second cache",
            "all",
            measured * 1e3,
            share(at_best, measured),
            products_per_second / 1e9,
            bytes_per_second / 1e9,
        ))?;
    }
    Ok(())
}

fn share(part: f64, whole: f64) -> String {
    format!("{:.0} %", 100.0 * part / whole.max(1e-12))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slower_of_products_and_bytes_bounds() {
        let bound = Bound { products_per_second: 2e9, bytes_per_second: 1e9 };
        assert_eq!([bound.seconds(4_000_000_000, 1_000_000_000), bound.seconds(2, 1_000_000_000)], [2.0, 1.0]);
        assert_eq!(share(0.5, 2.0), "25 %");
    }

    #[test]
    fn bytes_are_inputs_weights_and_results() {
        let plan = Plan::new(&crate::network::read_bundle(None).unwrap().network).unwrap();
        let first = plan.layers.first().unwrap();
        // 160 x 160 x 3 pixels, 3 x 3 x 3 x 32 weights, 80 x 80 x 32 results.
        assert_eq!(bytes(&plan, first), 76_800 + 864 + 204_800);
    }
}
