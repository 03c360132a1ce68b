// The mean over all pixels, in integers.
//
//   y[c] = requantise(Σ_p (x[p, c] - x_zero)) with the multiplier of a mean
//
// bindings    0 parameters (two vectors of `int8.wgsl`), 1 y, 2 x
// invocation  one quad; lanes over quads
// sums        32-bit integers

//include int8.wgsl

@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<u32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let quad = group.x * LANES + lane;
    if quad >= QUADS { return; }
    let zero = vec4<i32>(unpack4xU8(input_border()));
    var sum = vec4<i32>();
    for (var pixel = 0u; pixel < PIXELS; pixel++) {
        sum += vec4<i32>(unpack4xU8(x[pixel * QUADS + quad])) - zero;
    }
    y[quad] = quad_of(rounded(vec4<f32>(sum) * mean_multiplier(), result_zero()));
}
