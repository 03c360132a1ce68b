// What all kernels in integers share. An activation is `[pixels][quads of channels]`, one `u32` a quad, lowest byte first.
//
// Rounding is that of `shared/src/quantisation`: one float product, a clamp, ties to even (`round` is that in WGSL).

@group(0) @binding(0) var<storage, read> parameters: array<vec4<u32>>;

// Two vectors stand before everything else in `parameters`.
//   0: the quad of zero points of the input; zero points of the result, of a convolution's own result and of the other summand
//   1: ratios of both summands' steps to the result's; always zero; a mean's multiplier
fn input_border() -> u32 { return parameters[0].x; }
fn result_zero() -> f32 { return bitcast<f32>(parameters[0].y); }
fn own_zero() -> f32 { return bitcast<f32>(parameters[0].z); }
fn other_zero() -> f32 { return bitcast<f32>(parameters[0].w); }
fn own_ratio() -> f32 { return bitcast<f32>(parameters[1].x); }
fn other_ratio() -> f32 { return bitcast<f32>(parameters[1].y); }
fn always_zero() -> u32 { return parameters[1].z; }
fn mean_multiplier() -> f32 { return bitcast<f32>(parameters[1].w); }

// `saturate(round(value) + zero)`, as whole floats.
fn rounded(value: vec4<f32>, zero: f32) -> vec4<f32> {
    return round(clamp(value, vec4<f32>(-zero), vec4<f32>(255.0 - zero))) + zero;
}

fn quad_of(bytes: vec4<f32>) -> u32 {
    return pack4xU8(vec4<u32>(bytes));
}

// A product that no compiler can make part of a fused multiply-add, which would round once where the definition rounds twice:
// nothing in the text says that the number it is changed by is zero.
fn kept_apart(product: vec4<f32>) -> vec4<f32> {
    return bitcast<vec4<f32>>(bitcast<vec4<u32>>(product) ^ vec4<u32>(always_zero()));
}

// The sum of two centred summands in the result's steps.
fn residual_sum(own: vec4<f32>, other: vec4<f32>) -> vec4<f32> {
    let sum = kept_apart(own * own_ratio()) + kept_apart(other * other_ratio());
    return rounded(sum, result_zero());
}
