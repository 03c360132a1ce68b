// The division of a vector by its Euclidean norm, in float32 in every arithmetic; zero stays zero.
//
//   y = x / ‖x‖
//
// bindings    0 parameters (two vectors, not read), 1 y, 2 x
// workgroup   one, whose lanes share the sum of squares and add up their parts in a tree
// tails       the padding of x is zero

//include float.wgsl

@group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> x: array<vec4<f32>>;

var<workgroup> parts: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32) {
    var sum = 0.0;
    for (var quad = lane; quad < QUADS; quad += LANES) {
        sum += dot(x[quad], x[quad]);
    }
    parts[lane] = sum;
    for (var width = LANES / 2u; width > 0u; width /= 2u) {
        workgroupBarrier();
        if lane < width { parts[lane] += parts[lane + width]; }
    }
    workgroupBarrier();
    let norm = sqrt(parts[0]);
    let divisor = select(1.0, norm, norm > 0.0);
    for (var quad = lane; quad < QUADS; quad += LANES) {
        y[quad] = x[quad] / divisor;
    }
}
