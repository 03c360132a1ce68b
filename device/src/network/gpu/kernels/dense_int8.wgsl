// A convolution over all channels, in integers.
//
//   y[p, o] = requantise(bias[o] + Σ_t Σ_i x[source(p, t), i] · w[o, i, t]), and a residual sum where one is fused
//
// The zero point of x is folded into the bias; a tap outside the picture reads it.
//
// bindings    0 parameters, 1 y, 2 x, 3 the other summand (with `residual`)
// parameters  two vectors of `int8.wgsl`; weights [tap][input quad][output quad], a vector each; biases and multipliers [output quad]
//             a vector of weights is for `packed` one word an output (4 inputs), else one word an input (4 outputs)
// invocation  TILE_PIXELS × TILE_QUADS sums in registers: each byte that is loaded is used as often as the tile is long
// shares      with `shared`, several invocations of a workgroup make one tile, each from every SHARES-th input quad: layers of few pixels
//             would leave a large adapter idle
// lanes       with `pixel_lanes` over pixels, so that all lanes read one weight; else over outputs, so that they read one pixel
// tails       the last block computes its last pixel and quad more than once, and stores the same there
// sums        exact: 32-bit integers, or with `in_floats` float32, where no sum of the layer can pass 2²⁴ (checked when recorded)

//flags |window  |pixel_lanes  |shared  residual|to_floats|to_bytes  |packed|in_floats
//include int8.wgsl
//include window.wgsl

?to_floats @group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
!to_floats @group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<u32>;
?residual @group(0) @binding(3) var<storage, read> other: array<u32>;

?in_floats alias Sums = vec4<f32>;
!in_floats alias Sums = vec4<i32>;

?shared var<workgroup> parts: array<Sums, LANES * TILE_PIXELS * TILE_QUADS>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
?shared     let share = lane / OUTPUT_LANES;
    let place = group.x * OUTPUT_LANES + lane % OUTPUT_LANES;
?pixel_lanes     let pixel_block = place;
?pixel_lanes     let quad_block = group.y;
!pixel_lanes     let pixel_block = place / QUAD_BLOCKS;
!pixel_lanes     let quad_block = place % QUAD_BLOCKS;
!shared     if pixel_block >= PIXEL_BLOCKS { return; }
    let pixel$p = min(pixel_block * TILE_PIXELS + $pu, PIXELS - 1u);
    let quad$q = min(quad_block * TILE_QUADS + $qu, OUTPUT_QUADS - 1u);
    var sum$p_$q = Sums();
?window     let border = input_border();
?window     for (var tap = 0u; tap < TAPS; tap++) {
?window     let source$p = source(pixel$p, tap);
!window     let tap = 0u;
!window     let start$p = pixel$p * INPUT_QUADS;
?shared     for (var k = share; k < INPUT_QUADS; k += SHARES) {
!shared     for (var k = 0u; k < INPUT_QUADS; k++) {
?window         let bytes$p = select(border, x[source$p.x + k], source$p.y == 1u);
!window         let bytes$p = x[start$p + k];
        let w$q = parameters[WEIGHTS + (tap * INPUT_QUADS + k) * OUTPUT_QUADS + quad$q];
        // Bytes less 128 are signed; the bias has 128 times the weights more.
?packed         let x$p = bytes$p ^ 0x80808080u;
?packed         sum$p_$q += vec4<i32>(dot4I8Packed(x$p, w$q.x), dot4I8Packed(x$p, w$q.y), dot4I8Packed(x$p, w$q.z), dot4I8Packed(x$p, w$q.w));
!packed         let x$p = Sums(unpack4xU8(bytes$p));
//for i
!packed         let w$q_$i = Sums(unpack4xI8(w$q[$i]));
!packed         sum$p_$q += x$p[$i] * w$q_$i;
//end
    }
?window     }
?shared     if share > 0u {
?shared         parts[($pu * TILE_QUADS + $qu) * LANES + lane] = sum$p_$q;
?shared     }
?shared     workgroupBarrier();
?shared     if share > 0u || pixel_block >= PIXEL_BLOCKS { return; }
?shared     for (var from_lane = lane + OUTPUT_LANES; from_lane < LANES; from_lane += OUTPUT_LANES) {
?shared         sum$p_$q += parts[($pu * TILE_QUADS + $qu) * LANES + from_lane];
?shared     }
    let bias$q = bitcast<vec4<i32>>(parameters[BIASES + quad$q]);
    let multiplier$q = bitcast<vec4<f32>>(parameters[MULTIPLIERS + quad$q]);
    let real$p_$q = vec4<f32>(vec4<i32>(sum$p_$q) + bias$q) * multiplier$q;
    let at$p_$q = pixel$p * OUTPUT_QUADS + quad$q;
?to_floats     y[at$p_$q] = real$p_$q;
?residual     let own$p_$q = rounded(real$p_$q, own_zero()) - own_zero();
?residual     let other$p_$q = vec4<f32>(unpack4xU8(other[at$p_$q])) - other_zero();
?residual     y[at$p_$q] = quad_of(residual_sum(own$p_$q, other$p_$q));
?to_bytes     y[at$p_$q] = quad_of(rounded(real$p_$q, result_zero()));
}
