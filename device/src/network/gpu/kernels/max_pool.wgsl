// The largest value of each window, in integers (`int8`) or floats; input and result have one quantisation.
//
//   y[p, c] = max x[q, c] over the pixels q of p's window that lie inside the input
//
// bindings    0 parameters (two vectors, not read), 1 y, 2 x
// invocation  one quad; lanes over quads, then over pixels

//flags |int8|half
?int8 //include int8.wgsl
!int8 //include float.wgsl

?int8 alias Element = u32;
?int8 alias Values = vec4<u32>;
?int8 fn load(place: u32) -> Values { return unpack4xU8(x[place]); }
?int8 fn whole(values: Values) -> Element { return pack4xU8(values); }
?int8 const LEAST = 0u;
!int8 alias Element = Stored;
!int8 alias Values = vec4<f32>;
!int8 fn load(place: u32) -> Values { return real(x[place]); }
!int8 fn whole(values: Values) -> Element { return stored(values); }
!int8 const LEAST = -3.4028234e38;

@group(0) @binding(1) var<storage, read_write> y: array<Element>;
@group(0) @binding(2) var<storage, read> x: array<Element>;

// First place of a window along one axis, and the one behind its last.
fn window(place: u32, length: u32) -> vec2<u32> {
    let start = place * STRIDE;
    return vec2<u32>(max(start, BORDER) - BORDER, min(max(start + KERNEL, BORDER) - BORDER, length));
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let place = group.x * LANES + lane;
    if place >= INVOCATIONS { return; }
    let pixel = place / QUADS;
    let quad = place % QUADS;
    let rows = window(pixel / OUTPUT_WIDTH, INPUT_HEIGHT);
    let columns = window(pixel % OUTPUT_WIDTH, INPUT_WIDTH);
    var largest = Values(LEAST);
    for (var row = rows.x; row < rows.y; row++) {
        for (var column = columns.x; column < columns.y; column++) {
            largest = max(largest, load((row * INPUT_WIDTH + column) * QUADS + quad));
        }
    }
    y[place] = whole(largest);
}
