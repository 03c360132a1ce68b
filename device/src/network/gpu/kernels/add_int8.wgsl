// The sum of two activations of one shape, in integers.
//
//   y = saturate(round((a - a_zero) · a_ratio + (b - b_zero) · b_ratio) + y_zero), products and sum rounded to float32 each
//
// bindings    0 parameters (two vectors of `int8.wgsl`), 1 y, 2 a, 3 b
// invocation  one quad; lanes over quads

//include int8.wgsl

@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<storage, read> a: array<u32>;
@group(0) @binding(3) var<storage, read> b: array<u32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let place = group.x * LANES + lane;
    if place >= INVOCATIONS { return; }
    let own = vec4<f32>(unpack4xU8(a[place])) - own_zero();
    let other = vec4<f32>(unpack4xU8(b[place])) - other_zero();
    y[place] = quad_of(residual_sum(own, other));
}
