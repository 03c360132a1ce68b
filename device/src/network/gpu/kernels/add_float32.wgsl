// The sum of two activations of one shape, in float32.
//
//   y = clamp(a + b)
//
// bindings    0 parameters (two vectors of `float32.wgsl`), 1 y, 2 a, 3 b
// invocation  one quad; lanes over quads

@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> a: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> b: array<vec4<f32>>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let place = group.x * LANES + lane;
    if place >= INVOCATIONS { return; }
    y[place] = sum_clamp(a[place] + b[place]);
}
