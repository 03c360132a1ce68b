// One part of a concatenation along the channels, in floats; a dispatch for each part, in their order.
//
//   y[p, FIRST + c] = x[p, c], c < CHANNELS
//
// bindings    0 parameters (two vectors of `float.wgsl`, not read), 1 y, 2 x
// invocation  one quad of y that the part touches; lanes over those quads, then over pixels
// tails       channels of earlier parts in the quad are kept; those behind the part become 0, until their own part comes

//flags |half
//include float.wgsl

@group(0) @binding(1) var<storage, read_write> y: array<Stored>;
@group(0) @binding(2) var<storage, read> x: array<Stored>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let place = group.x * LANES + lane;
    if place >= INVOCATIONS { return; }
    let pixel = place / TOUCHED;
    let quad = FIRST / 4u + place % TOUCHED;
    var values = real(y[pixel * OUTPUT_QUADS + quad]);
//for i
    {
        let channel = quad * 4u + $iu;
        if channel >= FIRST + CHANNELS {
            values[$i] = 0.0;
        } else if channel >= FIRST {
            let part = channel - FIRST;
            values[$i] = real(x[pixel * INPUT_QUADS + part / 4u])[part % 4u];
        }
    }
//end
    y[pixel * OUTPUT_QUADS + quad] = stored(values);
}
