// One part of a concatenation along the channels, in integers; a dispatch for each part, in their order.
//
//   y[p, FIRST + c] = table[x[p, c]], c < CHANNELS
//
// bindings    0 parameters, 1 y, 2 x
// parameters  two vectors of `int8.wgsl`; the table from the part's steps to the result's, 256 bytes, four a word
// invocation  one quad of y that the part touches; lanes over those quads, then over pixels
// tails       channels of earlier parts in the quad are kept; those behind the part become 0, until their own part comes

//include int8.wgsl

@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<storage, read> x: array<u32>;

fn looked_up(byte: u32) -> u32 {
    let words = parameters[TABLE + byte / 16u];
    return extractBits(words[byte / 4u % 4u], byte % 4u * 8u, 8u);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let place = group.x * LANES + lane;
    if place >= INVOCATIONS { return; }
    let pixel = place / TOUCHED;
    let quad = FIRST / 4u + place % TOUCHED;
    var bytes = y[pixel * OUTPUT_QUADS + quad];
//for i
    {
        let channel = quad * 4u + $iu;
        if channel >= FIRST + CHANNELS {
            bytes = insertBits(bytes, 0u, $iu * 8u, 8u);
        } else if channel >= FIRST {
            let part = channel - FIRST;
            let byte = extractBits(x[pixel * INPUT_QUADS + part / 4u], part % 4u * 8u, 8u);
            bytes = insertBits(bytes, looked_up(byte), $iu * 8u, 8u);
        }
    }
//end
    y[pixel * OUTPUT_QUADS + quad] = bytes;
}
