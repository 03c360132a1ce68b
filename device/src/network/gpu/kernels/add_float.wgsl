// The sum of two activations of one shape, in floats.
//
//   y = clamp(a + b)
//
// bindings    0 parameters (two vectors of `float.wgsl`), 1 y, 2 a, 3 b
// invocation  one quad; lanes over quads

//flags |half
//include float.wgsl

@group(0) @binding(1) var<storage, read_write> y: array<Stored>;
@group(0) @binding(2) var<storage, read> a: array<Stored>;
@group(0) @binding(3) var<storage, read> b: array<Stored>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let place = group.x * LANES + lane;
    if place >= INVOCATIONS { return; }
    y[place] = stored(sum_clamp(real(a[place]) + real(b[place])));
}
