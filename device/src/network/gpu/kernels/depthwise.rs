//! Depthwise layers: `depthwise_int8.wgsl`, `depthwise_float.wgsl`.

use super::dense::{biases, is_exact_in_floats, padded, real_biases};
use super::header::{self, HEADER};
use super::template::Template;
use super::unrolled::{self, Window};
use super::{Kernel, LANES, QUAD, Task, bits, quads};
use crate::network::plan::layers::Clamp;
use crate::network::plan::{Convolution, Geometry};

/// The kernel of a convolution of each channel by itself.
pub(in crate::network::gpu) fn depthwise(task: &Task<'_>, c: &Convolution) -> Kernel {
    let (from, to, taps) = (task.from.shape, task.to.shape, c.geometry.taps());
    let quads = quads(to);
    let pixels = task.tiles.depthwise_pixels.clamp(1, to.width);
    let row_blocks = to.width.div_ceil(pixels);
    let invocations = quads * row_blocks * to.height;
    let tap_vectors = taps.div_ceil(QUAD);
    let biases = HEADER + quads * if task.is_int8() { tap_vectors } else { taps };
    let constants = [
        ("QUADS", quads),
        ("OUTPUT_WIDTH", to.width),
        ("TILE_PIXELS", pixels),
        ("ROW_BLOCKS", row_blocks),
        ("INVOCATIONS", invocations),
        ("TAP_VECTORS", tap_vectors),
        ("LANES", LANES),
        ("WEIGHTS", HEADER),
        ("BIASES", biases),
        ("MULTIPLIERS", biases + quads),
    ];
    let Geometry { kernel, stride, before, .. } = c.geometry;
    let window = Window { kernel, stride, before, height: from.height, width: from.width };
    let (word_taps, rows) = (unrolled::taps(taps), unrolled::rows(window, pixels));
    let template = Template {
        constants: &constants,
        ranges: &[('p', pixels), ('t', taps), ('v', tap_vectors)],
        texts: &[("taps", &word_taps), ("rows", &rows)],
        ..Template::default()
    };
    let (file, wgsl, parameters) = if task.is_int8() {
        let template = template.flag("in_floats", is_exact_in_floats(c));
        let wgsl = template.fill(include_str!("depthwise_int8.wgsl"));
        ("depthwise_int8.wgsl", wgsl, int8_parameters(task, c, quads))
    } else {
        let template = template.flag("half", task.is_half());
        let wgsl = template.fill(include_str!("depthwise_float.wgsl"));
        ("depthwise_float.wgsl", wgsl, float_parameters(task, c, quads))
    };
    Kernel { file, wgsl, needs_f16: false, parameters, workgroups: [invocations.div_ceil(LANES), 1], lanes: LANES }
}

fn int8_parameters(task: &Task<'_>, c: &Convolution, quads: usize) -> Vec<u32> {
    let taps = c.geometry.taps();
    let mut words = header::int8(task, c.residual);
    for quad in 0..quads {
        for tap in 0..taps.next_multiple_of(QUAD) {
            words.push(u32::from_le_bytes(std::array::from_fn(|lane| {
                c.weight(quad * QUAD + lane, 0, tap).cast_unsigned()
            })));
        }
    }
    words.extend(biases(c, -i32::from(task.from.form.zero_point()), quads * QUAD));
    words.extend(padded(c.multipliers.iter().map(|m| bits(*m)), quads * QUAD));
    words
}

fn float_parameters(task: &Task<'_>, c: &Convolution, quads: usize) -> Vec<u32> {
    let taps = c.geometry.taps();
    let mut words = header::float(task, c.clamp, Clamp::None);
    for tap in 0..taps {
        let channels = c.scales.iter().enumerate();
        let real = channels.map(|(channel, scale)| bits(f32::from(c.weight(channel, 0, tap)) * scale));
        words.extend(padded(real, quads * QUAD));
    }
    words.extend(padded(real_biases(task, c), quads * QUAD));
    words
}
