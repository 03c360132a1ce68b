// What all kernels in floats share. An activation is `[pixels][quads of channels]`: a quad is a `vec4<f32>`, with `half` four float16 in two
// words. Heads are float32 in any case. Sums are float32, but for those of four products with `halves`.

@group(0) @binding(0) var<storage, read> parameters: array<vec4<u32>>;

?half alias Stored = vec2<u32>;
!half alias Stored = vec4<f32>;
?half fn real(stored: Stored) -> vec4<f32> { return vec4<f32>(unpack2x16float(stored.x), unpack2x16float(stored.y)); }
!half fn real(stored: Stored) -> vec4<f32> { return stored; }
?half fn stored(real: vec4<f32>) -> Stored { return vec2<u32>(pack2x16float(real.xy), pack2x16float(real.zw)); }
!half fn stored(real: vec4<f32>) -> Stored { return real; }

fn parameter(place: u32) -> vec4<f32> { return bitcast<vec4<f32>>(parameters[place]); }

// Two vectors stand before everything else in `parameters`.
//   0: zero point and step of a picture's bytes; least and largest value of the layer's own result
//   1: least and largest value of the sum with another summand
fn own_clamp(value: vec4<f32>) -> vec4<f32> {
    let bounds = parameter(0u);
    return clamp(value, vec4<f32>(bounds.z), vec4<f32>(bounds.w));
}

fn sum_clamp(value: vec4<f32>) -> vec4<f32> {
    let bounds = parameter(1u);
    return clamp(value, vec4<f32>(bounds.x), vec4<f32>(bounds.y));
}

// The colours of a pixel as real numbers: the one place where a picture is normalised.
fn colours(bytes: u32) -> vec4<f32> {
    let steps = parameter(0u);
    return (vec4<f32>(unpack4xU8(bytes)) - steps.x) * steps.y;
}
