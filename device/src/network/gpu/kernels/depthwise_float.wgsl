// A convolution of each channel by itself, in floats.
//
//   y[p, c] = clamp(bias[c] + Σ_t x[source(p, t), c] · w[c, t])
//
// bindings    0 parameters, 1 y, 2 x
// parameters  two vectors of `float.wgsl`; weights [tap][quad], float32 always; biases [quad]
// invocation  one quad of TILE_PIXELS neighbours of a row, as in `depthwise_int8.wgsl`; lanes and tails as there
// sums        float32, in the order of rows and columns

//flags |half
//include float.wgsl

@group(0) @binding(1) var<storage, read_write> y: array<Stored>;
@group(0) @binding(2) var<storage, read> x: array<Stored>;

fn load(place: u32) -> vec4<f32> { return real(x[place]); }

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let place = group.x * LANES + lane;
    if place >= INVOCATIONS { return; }
    let quad = place % QUADS;
    let block = place / QUADS;
    let row = block / ROW_BLOCKS;
    let column = block % ROW_BLOCKS * TILE_PIXELS;
    let border = vec4<f32>();
    let tap$t = parameter(WEIGHTS + $tu * QUADS + quad);
    var sum$p = parameter(BIASES + quad);
//put rows
    if column + $pu < OUTPUT_WIDTH { y[(row * OUTPUT_WIDTH + column + $pu) * QUADS + quad] = stored(own_clamp(sum$p)); }
}
