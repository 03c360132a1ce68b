//! Dense, pointwise and linear layers: `dense_int8.wgsl`, `dense_float.wgsl`.

use super::header::{self, HEADER};
use super::template::Template;
use super::{Kernel, LANES, QUAD, Task, bits, quads};
use crate::network::gpu::tiles::{LanesOver, Products, Tile};
use crate::network::plan::layers::Clamp;
use crate::network::plan::{Convolution, Form};
use half::f16;

/// Invocations of a workgroup whose lanes run over pixels: small networks end in layers of a few dozen.
const PIXEL_LANES: usize = 32;

/// Invocations that share a sum at most.
const MOST_SHARES: usize = 16;

/// Input quads that each of them adds up at least.
const LEAST_SHARE: usize = 4;

/// Vectors of workgroup memory that every WebGPU adapter has.
const WORKGROUP_VECTORS: usize = 16384 / 16;

/// The largest integer up to which float32 holds all of them.
const EXACT_IN_FLOATS: i64 = 1 << 24;

/// The kernel of a convolution over all channels.
pub(in crate::network::gpu) fn dense(task: &Task<'_>, c: &Convolution) -> Kernel {
    let (from, to) = (task.from.shape, task.to.shape);
    let pixels = to.pixels();
    let (input_quads, output_quads, taps) = (quads(from), quads(to), c.geometry.taps());
    let is_window = !c.geometry.is_pointwise();
    // A linear layer has one pixel: its lanes run over outputs, one quad each, so that as many as possible work.
    let wanted = task.tiles.dense;
    let one = Tile { lanes_over: LanesOver::Channels, pixels: 1, quads: 1, ..wanted };
    let wanted = if pixels == 1 { one } else { wanted };
    let tile = Tile { pixels: wanted.pixels.clamp(1, pixels), quads: wanted.quads.clamp(1, output_quads), ..wanted };
    let (pixel_blocks, quad_blocks) = (pixels.div_ceil(tile.pixels), output_quads.div_ceil(tile.quads));
    // Where pixels would fill less than half of a workgroup, outputs fill it.
    let is_over_pixels = tile.lanes_over == LanesOver::Pixels && 2 * pixel_blocks >= PIXEL_LANES;
    let lanes = if is_over_pixels { PIXEL_LANES } else { LANES };
    let shares = if lanes * tile.pixels * tile.quads <= WORKGROUP_VECTORS {
        shares(pixel_blocks * quad_blocks, input_quads, tile.invocations)
    } else {
        1
    };
    let output_lanes = lanes / shares;
    let workgroups = if is_over_pixels {
        [pixel_blocks.div_ceil(output_lanes), quad_blocks]
    } else {
        [(pixel_blocks * quad_blocks).div_ceil(output_lanes), 1]
    };
    // Vectors of the weights of an input quad and an output quad.
    let weight_vectors = QUAD * task.arithmetic.byte_len() / size_of::<f32>();
    let biases = HEADER + taps * input_quads * output_quads * weight_vectors;
    let constants = [
        ("PIXELS", pixels),
        ("INPUT_QUADS", input_quads),
        ("OUTPUT_QUADS", output_quads),
        ("INPUT_HEIGHT", from.height),
        ("INPUT_WIDTH", from.width),
        ("OUTPUT_WIDTH", to.width),
        ("TAPS", taps),
        ("KERNEL", c.geometry.kernel),
        ("STRIDE", c.geometry.stride),
        ("BEFORE", c.geometry.before),
        ("TILE_PIXELS", tile.pixels),
        ("TILE_QUADS", tile.quads),
        ("PIXEL_BLOCKS", pixel_blocks),
        ("QUAD_BLOCKS", quad_blocks),
        ("LANES", lanes),
        ("OUTPUT_LANES", output_lanes),
        ("SHARES", shares),
        ("WEIGHTS", HEADER),
        ("WEIGHT_VECTORS", weight_vectors),
        ("BIASES", biases),
        ("MULTIPLIERS", biases + output_quads),
    ];
    let ranges = [('p', tile.pixels), ('q', tile.quads), ('i', QUAD), ('h', QUAD / 2)];
    let template = Template { constants: &constants, ranges: &ranges, ..Template::default() }
        .flag("window", is_window)
        .flag("pixel_lanes", is_over_pixels)
        .flag("shared", shares > 1)
        .flag("residual", c.residual.is_some());
    let is_real = task.to.form == Form::Floats;
    let template = template.flag("to_floats", is_real);
    let is_in_halves = task.is_half() && task.tiles.half_products && fits_float16(task, c);
    let (file, wgsl, parameters) = if task.is_int8() {
        let products = products(task, c);
        let template = template
            .flag("packed", products == Products::Packed)
            .flag("in_floats", products == Products::Floats)
            .flag("to_bytes", !is_real && c.residual.is_none());
        let wgsl = template.fill(include_str!("dense_int8.wgsl"));
        ("dense_int8.wgsl", wgsl, int8_parameters(task, c, products))
    } else {
        let template = template
            .flag("half", task.is_half())
            .flag("halves", is_in_halves)
            .flag("bytes", task.reads_picture)
            .flag("to_stored", !is_real && c.residual.is_none());
        let wgsl = template.fill(include_str!("dense_float.wgsl"));
        ("dense_float.wgsl", wgsl, float_parameters(task, c))
    };
    Kernel { file, wgsl, needs_f16: is_in_halves, parameters, workgroups, lanes }
}

/// How many invocations share a sum, so that there are as many as wanted.
fn shares(blocks: usize, input_quads: usize, wanted: usize) -> usize {
    let mut shares = 1;
    while shares < MOST_SHARES && blocks * shares < wanted && input_quads >= 2 * shares * LEAST_SHARE {
        shares *= 2;
    }
    shares
}

/// The products that were asked for, where they are exact.
fn products(task: &Task<'_>, c: &Convolution) -> Products {
    match task.tiles.products {
        Products::Floats if !is_exact_in_floats(c) => Products::Integers,
        products => products,
    }
}

/// Whether no sum of bytes times weights can pass what float32 holds exactly.
pub(super) fn is_exact_in_floats(c: &Convolution) -> bool {
    let largest = |row: &[i8]| 255 * row.iter().map(|w| i64::from(w.unsigned_abs())).sum::<i64>();
    c.rows().all(|row| largest(row) <= EXACT_IN_FLOATS)
}

/// Whether no sum of four products can pass what float16 holds: with inputs four times as large as calibration saw, for floats are not
/// saturated.
fn fits_float16(task: &Task<'_>, c: &Convolution) -> bool {
    let from = task.from.form.quantisation();
    let largest = [0, 255].map(|byte| from.dequantise(byte).abs()).into_iter().fold(0.0, f32::max) * 4.0;
    (0..c.bias.len()).all(|output| {
        let scale = c.scales.get(output).copied().unwrap_or(0.0);
        (0..c.geometry.taps()).all(|tap| {
            (0..task.from.shape.channels).step_by(QUAD).all(|input| {
                let weight = |input: usize| f32::from(c.weight(output, input, tap).unsigned_abs()) * scale;
                (input..input + QUAD).map(weight).sum::<f32>() * largest < f16::MAX.to_f32()
            })
        })
    })
}

fn int8_parameters(task: &Task<'_>, c: &Convolution, products: Products) -> Vec<u32> {
    let (input_quads, output_quads) = (quads(task.from.shape), quads(task.to.shape));
    let mut words = header::int8(task, c.residual);
    for tap in 0..c.geometry.taps() {
        for input_quad in 0..input_quads {
            for output_quad in 0..output_quads {
                let at = |output: usize, input: usize| {
                    c.weight(output_quad * QUAD + output, input_quad * QUAD + input, tap).cast_unsigned()
                };
                for word in 0..QUAD {
                    words.push(u32::from_le_bytes(std::array::from_fn(|byte| match products {
                        Products::Packed => at(word, byte),
                        Products::Integers | Products::Floats => at(byte, word),
                    })));
                }
            }
        }
    }
    let zero_point = i32::from(task.from.form.zero_point());
    // What each byte is less than the number that the kernel multiplies.
    let shift = if products == Products::Packed { 128 - zero_point } else { -zero_point };
    words.extend(biases(c, shift, output_quads * QUAD));
    words.extend(padded(c.multipliers.iter().map(|m| bits(*m)), output_quads * QUAD));
    words
}

/// Biases with `shift` times the sum of an output's weights.
pub(super) fn biases(c: &Convolution, shift: i32, padded_len: usize) -> impl Iterator<Item = u32> {
    padded(c.shifted_bias(shift).map(i32::cast_unsigned), padded_len)
}

/// With zeros up to a length.
pub(super) fn padded(words: impl Iterator<Item = u32>, len: usize) -> impl Iterator<Item = u32> {
    words.chain(std::iter::repeat(0)).take(len)
}

fn float_parameters(task: &Task<'_>, c: &Convolution) -> Vec<u32> {
    let (input_quads, output_quads) = (quads(task.from.shape), quads(task.to.shape));
    let mut words = header::float(task, c.clamp, c.residual.map_or(Clamp::None, |residual| residual.clamp));
    let real = |output: usize, input: usize, tap: usize| {
        let scale = c.scales.get(output).copied().unwrap_or(0.0);
        f32::from(c.weight(output, input, tap)) * scale
    };
    for tap in 0..c.geometry.taps() {
        if task.is_half() {
            for pair in 0..input_quads * QUAD / 2 {
                for quad in 0..output_quads {
                    let of_input = |input: usize| {
                        let half = |output: usize| f16::from_f32(real(quad * QUAD + output, input, tap));
                        [two_halves(half(0), half(1)), two_halves(half(2), half(3))]
                    };
                    words.extend([of_input(2 * pair), of_input(2 * pair + 1)].as_flattened());
                }
            }
        } else {
            for input in 0..input_quads * QUAD {
                words.extend((0..output_quads * QUAD).map(|output| bits(real(output, input, tap))));
            }
        }
    }
    words.extend(padded(real_biases(task, c), output_quads * QUAD));
    words
}

/// As `unpack2x16float` takes them apart.
fn two_halves(first: f16, second: f16) -> u32 {
    u32::from(first.to_bits()) | u32::from(second.to_bits()) << 16
}

/// Biases as real numbers.
#[expect(clippy::cast_precision_loss, reason = "the class `float` rounds to float32 everywhere")]
pub(super) fn real_biases(task: &Task<'_>, c: &Convolution) -> impl Iterator<Item = u32> {
    let step = task.from.form.scale();
    c.bias.iter().zip(&c.scales).map(move |(bias, scale)| bits(*bias as f32 * (step * scale)))
}
