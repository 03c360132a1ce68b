// A convolution of each channel by itself, in integers.
//
//   y[p, c] = requantise(bias[c] + Σ_t x[source(p, t), c] · w[c, t])
//
// The zero point of x is folded into the bias; a tap outside the picture reads it.
//
// bindings    0 parameters, 1 y, 2 x
// parameters  two vectors of `int8.wgsl`; weights [quad][taps, four a vector, a word each]; biases and multipliers [quad]
// invocation  one quad of TILE_PIXELS neighbours of a row: a column of the input is loaded once for all taps that read it
// lanes       over quads, then along the row: neighbours read neighbouring words
// tails       blocks that pass the end of a row do not store what lies behind it
// sums        exact: float32, where no sum of the layer can pass 2²⁴ (`in_floats`, checked when recorded), else 32-bit integers

//flags |in_floats
//include int8.wgsl

@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<u32>;

?in_floats alias Sums = vec4<f32>;
!in_floats alias Sums = vec4<i32>;

fn load(place: u32) -> Sums { return Sums(unpack4xU8(x[place])); }
fn outside() -> Sums { return Sums(unpack4xU8(input_border())); }

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let place = group.x * LANES + lane;
    if place >= INVOCATIONS { return; }
    let quad = place % QUADS;
    let block = place / QUADS;
    let row = block / ROW_BLOCKS;
    let column = block % ROW_BLOCKS * TILE_PIXELS;
    let border = outside();
    let words$v = parameters[WEIGHTS + quad * TAP_VECTORS + $vu];
    var sum$p = Sums();
//put taps
//put rows
    let bias = bitcast<vec4<i32>>(parameters[BIASES + quad]);
    let multiplier = bitcast<vec4<f32>>(parameters[MULTIPLIERS + quad]);
    let bytes$p = rounded(vec4<f32>(vec4<i32>(sum$p) + bias) * multiplier, result_zero());
    if column + $pu < OUTPUT_WIDTH { y[(row * OUTPUT_WIDTH + column + $pu) * QUADS + quad] = quad_of(bytes$p); }
}
