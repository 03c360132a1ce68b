// What all kernels in float32 share. An activation is `[pixels][quads of channels]`, one `vec4<f32>` a quad.

@group(0) @binding(0) var<storage, read> parameters: array<vec4<f32>>;

// Two vectors stand before everything else in `parameters`.
//   0: zero point and step of a picture's bytes; least and largest value of the layer's own result
//   1: least and largest value of the sum with another summand
fn own_clamp(value: vec4<f32>) -> vec4<f32> {
    return clamp(value, vec4<f32>(parameters[0].z), vec4<f32>(parameters[0].w));
}

fn sum_clamp(value: vec4<f32>) -> vec4<f32> {
    return clamp(value, vec4<f32>(parameters[1].x), vec4<f32>(parameters[1].y));
}

// The colours of a pixel as real numbers: the one place where a picture is normalised.
fn colours(bytes: u32) -> vec4<f32> {
    return (vec4<f32>(unpack4xU8(bytes)) - parameters[0].x) * parameters[0].y;
}
