// A convolution over all channels, in floats.
//
//   y[p, o] = clamp(bias[o] + Σ_t Σ_i x[source(p, t), i] · w[o, i, t]), and with `residual` clamp(that + other[p, o])
//
// bindings    0 parameters, 1 y, 2 x (with `bytes` a picture, RGB and a byte of padding), 3 the other summand (with `residual`)
// parameters  two vectors of `float.wgsl`; weights [tap][input][output quad], with `half` two inputs a vector; biases [output quad]
// invocation  TILE_PIXELS × TILE_QUADS sums in registers, as in `dense_int8.wgsl`; shares, lanes and tails as there
// sums        float32, in the order of taps and inputs, the bias last; with `halves` the products of four inputs are summed in float16 first

//flags |window  |pixel_lanes  |shared  residual|to_floats|to_stored  |half|half+halves  |bytes
?halves enable f16;
//include float.wgsl
//include window.wgsl

?to_floats @group(0) @binding(1) var<storage, read_write> y: array<vec4<f32>>;
!to_floats @group(0) @binding(1) var<storage, read_write> y: array<Stored>;
?bytes @group(0) @binding(2) var<storage, read> x: array<u32>;
!bytes @group(0) @binding(2) var<storage, read> x: array<Stored>;
?residual @group(0) @binding(3) var<storage, read> other: array<Stored>;

?halves alias Factors = vec4<f16>;
!halves alias Factors = vec4<f32>;
?bytes fn load(place: u32) -> Factors { return Factors(colours(x[place])); }
!bytes fn load(place: u32) -> Factors { return Factors(real(x[place])); }

?shared var<workgroup> parts: array<vec4<f32>, LANES * TILE_PIXELS * TILE_QUADS>;

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
    var sum$p_$q = vec4<f32>();
?window     for (var tap = 0u; tap < TAPS; tap++) {
?window     let source$p = source(pixel$p, tap);
!window     let tap = 0u;
!window     let start$p = pixel$p * INPUT_QUADS;
?shared     for (var k = share; k < INPUT_QUADS; k += SHARES) {
!shared     for (var k = 0u; k < INPUT_QUADS; k++) {
?window         let x$p = select(Factors(), load(source$p.x + k), source$p.y == 1u);
!window         let x$p = load(start$p + k);
        let w = WEIGHTS + (tap * INPUT_QUADS + k) * WEIGHT_VECTORS * OUTPUT_QUADS;
?half         let pair$q_$h = parameters[w + $hu * OUTPUT_QUADS + quad$q];
?half         let w$q_0 = Factors(real(pair$q_0.xy));
?half         let w$q_1 = Factors(real(pair$q_0.zw));
?half         let w$q_2 = Factors(real(pair$q_1.xy));
?half         let w$q_3 = Factors(real(pair$q_1.zw));
?halves         var four$p_$q = Factors();
//for i
!half         let w$q_$i = parameter(w + $iu * OUTPUT_QUADS + quad$q);
?halves         four$p_$q = fma(Factors(x$p[$i]), w$q_$i, four$p_$q);
!halves         sum$p_$q = fma(Factors(x$p[$i]), w$q_$i, sum$p_$q);
//end
?halves         sum$p_$q += vec4<f32>(four$p_$q);
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
    let real$p_$q = own_clamp(sum$p_$q + parameter(BIASES + quad$q));
    let at$p_$q = pixel$p * OUTPUT_QUADS + quad$q;
?residual     y[at$p_$q] = stored(sum_clamp(real$p_$q + real(other[at$p_$q])));
?to_floats     y[at$p_$q] = real$p_$q;
?to_stored     y[at$p_$q] = stored(real$p_$q);
}
