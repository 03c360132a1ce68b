// The mean over all pixels, in floats.
//
//   y[c] = Σ_p x[p, c] / PIXELS
//
// bindings    0 parameters (two vectors of `float.wgsl`, not read), 1 y, 2 x
// invocation  one quad; lanes over quads

//flags |half
//include float.wgsl

@group(0) @binding(1) var<storage, read_write> y: array<Stored>;
@group(0) @binding(2) var<storage, read> x: array<Stored>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let quad = group.x * LANES + lane;
    if quad >= QUADS { return; }
    var sum = vec4<f32>();
    for (var pixel = 0u; pixel < PIXELS; pixel++) {
        sum += real(x[pixel * QUADS + quad]);
    }
    y[quad] = stored(sum / f32(PIXELS));
}
