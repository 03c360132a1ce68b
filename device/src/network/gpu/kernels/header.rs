//! The two vectors that begin the parameters of every kernel; `int8.wgsl` and `float.wgsl` read them.

use super::{Task, bits, four_times};
use crate::network::plan::Residual;
use crate::network::plan::layers::Clamp;
use clothingid_shared::quantisation::mean_multiplier;

/// Vectors of four words before everything else.
pub(super) const HEADER: usize = 2;

/// Of kernels in integers.
pub(super) fn int8(task: &Task<'_>, residual: Option<Residual>) -> Vec<u32> {
    let (from, to) = (task.from.form.quantisation(), task.to.form.quantisation());
    // A convolution's own result is the first summand; of a sum by itself, the first input is.
    let own = residual.map_or(from, |residual| residual.own);
    let other = task.other.map_or(from, |other| other.form.quantisation());
    vec![
        four_times(from.zero_point),
        bits(f32::from(to.zero_point)),
        bits(f32::from(own.zero_point)),
        bits(f32::from(other.zero_point)),
        bits(own.scale / to.scale),
        bits(other.scale / to.scale),
        0,
        bits(mean_multiplier(from, to, task.from.shape.pixels())),
    ]
}

/// Of kernels in floats.
pub(super) fn float(task: &Task<'_>, own: Clamp, sum: Clamp) -> Vec<u32> {
    let from = task.from.form.quantisation();
    let ((least, largest), (sum_least, sum_largest)) = (bounds(own), bounds(sum));
    [f32::from(from.zero_point), from.scale, least, largest, sum_least, sum_largest, 0.0, 0.0].map(bits).to_vec()
}

fn bounds(clamp: Clamp) -> (f32, f32) {
    match clamp {
        Clamp::None => (f32::MIN, f32::MAX),
        Clamp::Relu => (0.0, f32::MAX),
        Clamp::Relu6 => (0.0, 6.0),
    }
}
