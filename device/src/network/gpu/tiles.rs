//! How much of a layer one invocation makes: the only thing about kernels that depends on the adapter.

use super::arithmetic::Arithmetic;
use serde::{Deserialize, Serialize};

/// Tile shapes of all kernels that have one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::network) struct Tiles {
    /// Of dense and pointwise convolutions.
    pub(super) dense: Tile,
    /// Neighbours of a row that one invocation of a depthwise convolution makes.
    pub(super) depthwise_pixels: usize,
    /// How integers are multiplied and added.
    pub(super) products: Products,
    /// Whether float16 is multiplied, and four products summed, in float16, where the adapter has it and the sums fit: more roundings, and less
    /// work where float16 is faster.
    pub(super) half_products: bool,
}

/// What one invocation of a dense convolution makes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Tile {
    /// What neighbouring invocations are.
    pub(super) lanes_over: LanesOver,
    /// Output pixels.
    pub(super) pixels: usize,
    /// Quads of output channels.
    pub(super) quads: usize,
    /// Invocations that a layer should have: where tiles give fewer, several share the sums of one.
    pub(super) invocations: usize,
}

/// What the invocations of a workgroup are dealt along.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum LanesOver {
    /// Pixels: all read one weight.
    Pixels,
    /// Output channels: all read one pixel.
    Channels,
}

/// How products of bytes are summed; all are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Products {
    /// Four at once, with `dot4I8Packed`: one instruction where the adapter has it.
    Packed,
    /// One by one in 32-bit integers.
    Integers,
    /// One by one in float32, which holds every integer up to 2²⁴; layers that could pass that take integers.
    Floats,
}

/// Where the search begins, and what a software adapter takes: narrow enough for every adapter's registers. On Mesa's llvmpipe it was
/// within noise of the fastest of 16 shapes (23 ms a frame in integers, 51 to 71 in float32), and longer tiles take three times as long to
/// compile.
pub(super) const DEFAULT: Tiles = Tiles {
    dense: Tile { lanes_over: LanesOver::Pixels, pixels: 4, quads: 2, invocations: 0 },
    depthwise_pixels: 4,
    products: Products::Floats,
    half_products: false,
};

/// What is measured at first start, one thing after the other: each list has the best so far with one thing changed.
pub(super) const SEARCH: [fn(Tiles, Arithmetic) -> Vec<Tiles>; 4] = [shapes, sharing, products, depthwise];

fn shapes(best: Tiles, _arithmetic: Arithmetic) -> Vec<Tiles> {
    use LanesOver::{Channels, Pixels};
    [(Pixels, 8, 2), (Pixels, 2, 2), (Channels, 4, 1), (Channels, 4, 2), (Channels, 2, 1)]
        .map(|(lanes_over, pixels, quads)| Tiles { dense: Tile { lanes_over, pixels, quads, ..best.dense }, ..best })
        .to_vec()
}

fn sharing(best: Tiles, _arithmetic: Arithmetic) -> Vec<Tiles> {
    let of = |invocations| Tiles { dense: Tile { invocations, ..best.dense }, ..best };
    [1 << 10, 1 << 12, 1 << 14, 1 << 16].map(of).to_vec()
}

fn products(best: Tiles, arithmetic: Arithmetic) -> Vec<Tiles> {
    match arithmetic {
        Arithmetic::Int8 => [Products::Packed, Products::Integers].map(|products| Tiles { products, ..best }).to_vec(),
        Arithmetic::Float16 => vec![Tiles { half_products: true, ..best }],
        Arithmetic::Float32 => Vec::new(),
    }
}

fn depthwise(best: Tiles, _arithmetic: Arithmetic) -> Vec<Tiles> {
    [1, 2, 8].map(|depthwise_pixels| Tiles { depthwise_pixels, ..best }).to_vec()
}

impl Tiles {
    /// In one line, for people.
    pub(super) fn line(&self) -> String {
        let over = match self.dense.lanes_over {
            LanesOver::Pixels => "pixels",
            LanesOver::Channels => "channels",
        };
        let products = match self.products {
            Products::Packed => "packed",
            Products::Integers => "integer",
            Products::Floats => "float",
        };
        let halves = if self.half_products { ", float16 by float16" } else { "" };
        format!(
            "{} pixels x {} quads, lanes over {over}, at least {} invocations, depthwise {} pixels, {products} products{halves}",
            self.dense.pixels, self.dense.quads, self.dense.invocations, self.depthwise_pixels
        )
    }
}
